#include "kirchhoff/flow/flow.hpp"

#include <algorithm>

#include "kirchhoff/currents/currents.hpp"

namespace kirchhoff {

Flow exact_flow(const Circuit& circuit, std::span<const double> potential) {
  return {&circuit, potential, circuit.target(), nullptr};
}

Flow learned_flow(const Circuit& circuit, std::span<const double> potential) {
  const NetCurrent leaving(circuit, potential);
  Flow flow{&circuit, potential, std::vector<double>(static_cast<std::size_t>(circuit.states())), nullptr};
  leaving.layer(circuit.layers(), {0, circuit.states()}, flow.exit);
  for (double& exit : flow.exit) exit = std::max(0.0, -exit);
  return flow;
}

Flow learned_flow(const Circuit& circuit, const EdgeCurrents& currents) {
  Flow flow{&circuit, {}, {}, &currents};
  for (std::int64_t x = 0; x < circuit.states(); ++x) {
    flow.exit.push_back(std::max(0.0, -currents.net(circuit.layers(), x)));
  }
  return flow;
}

}  // namespace kirchhoff
