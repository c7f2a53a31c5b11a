#pragma once

#include <mpi.h>

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "kirchhoff/circuit/circuit.hpp"
#include "kirchhoff/parallel/parallel.hpp"

namespace kirchhoff {

/// The net current that leaves a vertex through its edges [A], sum_w g(v,w) (phi(v) - phi(w)), by Ohm's law from any
/// field of potentials (L+1) x N [V]. Where every state is joined to every state O(1) a vertex by layer sums, which are
/// taken in one fixed order: the result does not depend on the number of ranks. Local.
class NetCurrent {
 public:
  NetCurrent(const Circuit& circuit, std::span<const double> potential);
  double operator()(int l, std::int64_t x) const;
  /// The same for the given states of layer l, in long loops; `out` has one number per state.
  void layer(int l, Range states, std::span<double> out) const;

 private:
  void add_side(const Coupling& coupling, int l, int other, Range states, std::span<double> out) const;

  const Circuit& circuit_;
  std::span<const double> potential_;
  // Where all states are joined:
  std::vector<double> layer_mean_;               // (L+1)
  std::vector<std::vector<double>> group_mean_;  // (L+1) x groups
  std::vector<std::vector<SetSum>> sums_;        // (L)
};

/// How many moves a state of a sparse circuit has to the next layer at most: what EdgeCurrents has values for.
int moves_ahead(const Circuit& circuit);

/// Calls visit(move, y, conductance) for every y on the next layer that (l, x) is joined to. A lattice's or hamming
/// coupling's moves are its slots (EdgeWeights), so that the same move changes all states alike; a table's are the
/// places in a state's list of edges. Not for dense.
template <class Visit>
void each_move_ahead(const Circuit& circuit, int l, std::int64_t x, Visit&& visit) {
  const auto& coupling = circuit.coupling(l);
  if (coupling.slots() > 0) {
    coupling.slots_of(x, [&](std::int64_t slot, std::int64_t, std::int64_t y, double g) { visit(slot, y, g); });
  } else {
    std::int64_t k = 0;
    coupling.forward(x, [&](std::int64_t y, double g) { visit(k++, y, g); });
  }
}

/// A current of its own on every edge of a sparse circuit: a field that need not obey any law. `circuit` must outlive
/// it. Local.
class EdgeCurrents {
 public:
  /// @param values (L x moves_ahead x N) [A], from layer l to l + 1 positive; those of no edge count for nothing.
  EdgeCurrents(const Circuit& circuit, std::shared_ptr<const SharedArray> values);

  /// Calls visit(layer, state, current leaving toward it [A]) for every vertex joined to (l, x), in the order of
  /// Circuit::neighbours.
  template <class Visit>
  void leaving(int l, std::int64_t x, Visit&& visit) const {
    if (l < circuit_.layers()) of_pair(l).forward(x, [&](std::int64_t y, double i) { visit(l + 1, y, i); });
    if (l > 0) of_pair(l - 1).backward(x, [&](std::int64_t y, double i) { visit(l - 1, y, -i); });
  }
  /// The net current that leaves a vertex [A].
  double net(int l, std::int64_t x) const {
    double sum = 0;
    leaving(l, x, [&](int, std::int64_t, double i) { sum += i; });
    return sum;
  }
  std::span<const double> values() const { return values_->data(); }

 private:
  const Coupling& of_pair(int l) const { return pairs_[static_cast<std::size_t>(l)]; }

  const Circuit& circuit_;
  std::shared_ptr<const SharedArray> values_;
  std::vector<Coupling> pairs_;  // the circuit's couplings with currents [A] in the place of conductances
};

/// Whether potentials solve their circuit: docs/theory.md, section 6. Computed from the couplings, not from the matrix
/// or operator that the solver used.
struct SolutionCheck {
  double relative_residual = 0;      // ||b - A phi||_2 / ||b||_2
  double residual_floor = 0;         // 4 eps ||A||_inf ||phi||_2 / ||b||_2
  double residual_norm1 = 0;         // ||b - A phi||_1 [A]
  double kcl_max_imbalance = 0;      // max |b - A phi| [A]
  double largest_potential = 0;      // max |phi| [V]
  double dissipated_power = 0;       // sum over edges of I^2 R [W], edge by edge (closed sums on dense)
  double effective_resistance = 0;   // phi.b, for unit current [ohm]
  double energy_relative_error = 0;  // |dissipated power - phi.b| / |phi.b|
};

/// The relative residual that is accepted: the tolerance, or the rounding floor if that is larger, but never above
/// 1e-6, where rounding of the potentials leaves currents of which nothing can be promised.
double allowed_residual(double tolerance, double floor);

/// @note Collective.
SolutionCheck check_solution(MPI_Comm comm, const Circuit& circuit, std::span<const double> potential);

/// Sum of g^power (u(tail) - u(head))^2 over the edges of layer pair l whose tail is one of `states` on
/// layer l. Local. Power 1 gives dissipated power [W] of a field u [V], power 2 the squared norm of its
/// currents [A^2]. Closed sums on dense.
double edge_sum(const Circuit& circuit, std::span<const double> field, int l, int power, Range states);

/// How the current between layers splits, per layer pair [A]: positive currents forward over same-state edges, forward
/// over changing edges, and backward over either.
struct LayerCurrents {
  std::vector<double> forward_same;
  std::vector<double> forward_change;
  std::vector<double> backward;
};

/// @note Collective.
LayerCurrents layer_currents(MPI_Comm comm, const Circuit& circuit, std::span<const double> potential);

}  // namespace kirchhoff
