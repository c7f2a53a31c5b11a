#pragma once

#include <mpi.h>

#include <span>
#include <vector>

#include "kirchhoff/circuit/circuit.hpp"
#include "kirchhoff/currents/currents.hpp"

namespace kirchhoff {

/// What drives a walk: at a vertex, which moves carry how much current, and how much leaves for good. The currents
/// follow from potentials by Ohm's law, wherever those come from, or are given edge by edge. `circuit`, `potential` and
/// `currents` must outlive it.
struct Flow {
  const Circuit* circuit = nullptr;
  std::span<const double> potential;       // (L+1) x N [V]; empty when currents are given
  std::vector<double> exit;                // (N) weight with which a particle at (L, x) stops [A]
  const EdgeCurrents* currents = nullptr;  // or none
};

/// Calls visit(layer, state, current leaving toward it [A]) for every vertex joined to (l, x); not for dense. Local.
template <class Visit>
void each_current(const Flow& flow, int l, std::int64_t x, Visit&& visit) {
  if (flow.currents) return flow.currents->leaving(l, x, visit);
  const auto n = flow.circuit->states();
  const double f = flow.potential[static_cast<std::size_t>(l * n + x)];
  flow.circuit->neighbours(l, x, [&](int m, std::int64_t y, double g) {
    visit(m, y, g * (f - flow.potential[static_cast<std::size_t>(m * n + y)]));
  });
}

/// The flow of a solved circuit: a particle at (L, x) stops with weight q(x). Local.
Flow exact_flow(const Circuit& circuit, std::span<const double> potential);

/// The flow of a learned field, which knows nothing of q: a particle at (L, x) stops with the current that arrives
/// there and does not leave, if that is positive. Local.
Flow learned_flow(const Circuit& circuit, std::span<const double> potential);
Flow learned_flow(const Circuit& circuit, const EdgeCurrents& currents);

/// Where the walk of a flow stops, computed by pushing probability mass through the circuit from high potential to low.
/// Currents that are given edge by edge may run in circles: then the layers are passed again until all mass has come
/// out.
struct ExitLaw {
  std::vector<double> mass;  // (N) probability to stop in each state
  double lost = 0;           // probability to arrive at a vertex that no current leaves, or never to leave a circle
};

/// Exact up to rounding: O(edges), on dense circuits O(n log n). docs/theory.md, section 7.
/// @note Collective; the work is done on rank 0 and does not depend on the number of ranks.
ExitLaw exit_law(MPI_Comm comm, const Flow& flow);

}  // namespace kirchhoff
