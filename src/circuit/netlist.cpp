#include "kirchhoff/circuit/netlist.hpp"

#include <fmt/format.h>

#include "kirchhoff/base/text.hpp"

namespace kirchhoff {

void Branches::add(std::int64_t from, std::int64_t to, double amount, std::int64_t origin_line) {
  tail.push_back(from);
  head.push_back(to);
  value.push_back(amount);
  line.push_back(origin_line);
}

std::string Netlist::where(const Branches& branches, std::size_t k) const {
  const char kind = &branches == &resistors ? 'r' : &branches == &voltages ? 'v' : 'i';
  const auto name = branches.names.empty() ? fmt::format("{} {}",
                                                         kind == 'r'   ? "edge"
                                                         : kind == 'v' ? "tie"
                                                                       : "source",
                                                         k + 1)
                                           : in_quotes(branches.names[k]);
  const auto& own = k < branches.file.size() ? files[static_cast<std::size_t>(branches.file[k])] : origin;
  if (branches.line.empty() || branches.line[k] == 0) return fmt::format("{}: {}", own, name);
  return fmt::format("{}:{}: {}", own, branches.line[k], name);
}

Netlist netlist_of(const Circuit& circuit) {
  Netlist netlist;
  netlist.title = fmt::format("layered circuit: {} layers of {} states, node l_x is state x on layer l",
                              circuit.layers() + 1, circuit.states());
  const auto n = circuit.states();
  for (int l = 0; l <= circuit.layers(); ++l) {
    for (std::int64_t x = 0; x < n; ++x) netlist.nodes.push_back(fmt::format("{}_{}", l, x));
  }
  for (int l = 0; l < circuit.layers(); ++l) {
    for (std::int64_t x = 0; x < n; ++x) {
      circuit.coupling(l).forward(
          x, [&](std::int64_t y, double g) { netlist.resistors.add(l * n + x, (l + 1) * n + y, g); });
    }
  }
  for (int l = 0; l <= circuit.layers(); ++l) {
    for (std::int64_t x = 0; x < n; ++x) {
      const double b = circuit.injected(l, x);
      if (b != 0) netlist.currents.add(-1, l * n + x, b);
    }
  }
  return netlist;
}

}  // namespace kirchhoff
