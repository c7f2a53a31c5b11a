#pragma once

#include <cstdint>
#include <vector>

#include "solve/network/drive.hpp"
#include "solve/network/reduction.hpp"

namespace kirchhoff {

/// Finds what carries no current whatever the resistances. A resistor carries some only on a path without repeated
/// nodes from one node that current enters or leaves to another, or on such a loop with a voltage source: in the same
/// biconnected block. Arithmetic would leave rounding errors elsewhere, which are wrong numbers where currents are
/// zero. (R. Tarjan, SIAM J. Comput. 1 (1972) 146, on the network with one more node that is joined to all terminals.)
class DeadEnds {
 public:
  /// Both must outlive it. Local, like all members.
  DeadEnds(const Netlist& netlist, const Reduction& reduction);

  /// @return (m) of each resistor whether it may carry current.
  std::vector<char> carrying(const Drive& drive) const;

 private:
  std::vector<char> terminals(const Drive& drive) const;

  const Netlist& netlist_;
  const Reduction& reduction_;
  std::vector<std::int64_t> first_;  // (n + 1) neighbours of each node, in other_
  std::vector<std::int64_t> other_;
};

}  // namespace kirchhoff
