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

void Netlist::add_ground() {
  ground = static_cast<std::int64_t>(nodes.size());
  nodes.emplace_back("ground");
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

}  // namespace kirchhoff
