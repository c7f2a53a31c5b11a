#include <fmt/format.h>

#include "kirchhoff/circuit/circuit.hpp"
#include "kirchhoff/circuit/netlist.hpp"

namespace kirchhoff {

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
