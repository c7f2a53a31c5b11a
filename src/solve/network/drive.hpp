#pragma once

#include <cstdint>
#include <utility>

#include "kirchhoff/circuit/netlist.hpp"

namespace kirchhoff {

/// What drives a network: its own sources, or 1 A into one node and out of another (its sources off: current sources
/// open, voltage sources ties of 0 V).
struct Drive {
  std::int64_t in = -1;   // node; -1: the network's own sources
  std::int64_t out = -1;  // node; -1 beside `in`: out where the part is pinned

  bool own() const { return in < 0; }
};

/// Calls visit(node, ampere) for every current that a drive injects from outside.
template <class Visit>
void each_injection(const Netlist& netlist, const Drive& drive, Visit&& visit) {
  if (!drive.own()) {
    visit(drive.in, 1.0);
    if (drive.out >= 0) visit(drive.out, -1.0);
    return;
  }
  const auto& sources = netlist.currents;
  for (std::size_t k = 0; k < sources.size(); ++k) {
    if (sources.tail[k] >= 0) visit(sources.tail[k], -sources.value[k]);
    if (sources.head[k] >= 0) visit(sources.head[k], sources.value[k]);
  }
}

}  // namespace kirchhoff
