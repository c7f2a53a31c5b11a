#include "kirchhoff/flow.hpp"

#include <algorithm>

#include "kirchhoff/currents.hpp"

namespace kirchhoff {

Flow exact_flow(const Circuit& circuit, std::span<const double> potential) {
  return {&circuit, potential, circuit.target()};
}

Flow learned_flow(const Circuit& circuit, std::span<const double> potential) {
  const NetCurrent leaving(circuit, potential);
  Flow flow{&circuit, potential, std::vector<double>(static_cast<std::size_t>(circuit.states()))};
  for (std::int64_t x = 0; x < circuit.states(); ++x) {
    flow.exit[static_cast<std::size_t>(x)] = std::max(0.0, -leaving(circuit.layers(), x));
  }
  return flow;
}

}  // namespace kirchhoff
