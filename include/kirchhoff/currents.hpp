#pragma once

#include <mpi.h>

#include <cstdint>
#include <span>
#include <vector>

#include "kirchhoff/circuit.hpp"
#include "kirchhoff/parallel.hpp"

namespace kirchhoff {

/// The net current that leaves a vertex through its edges [A], sum_w g(v,w) (phi(v) - phi(w)), by Ohm's law from any
/// field of potentials (L+1) x N [V]. On dense circuits O(1) a vertex by layer sums, which are taken in one fixed
/// order: the result does not depend on the number of ranks. Local.
class NetCurrent {
 public:
  NetCurrent(const Circuit& circuit, std::span<const double> potential);
  double operator()(int l, std::int64_t x) const;
  /// The same for the given states of layer l, in long loops; `out` has one number a state.
  void layer(int l, Range states, std::span<double> out) const;

 private:
  void add_side(const Coupling& coupling, int l, int other, Range states, std::span<double> out) const;

  const Circuit& circuit_;
  std::span<const double> potential_;
  std::vector<double> layer_mean_;  // (L+1), dense only
};

/// Whether potentials solve their circuit: docs/theory.md, section 6. Computed from the couplings, not from the matrix
/// or operator that the solver used.
struct SolutionCheck {
  double relative_residual = 0;      // ||b - A phi||_2 / ||b||_2
  double residual_floor = 0;         // 4 eps ||A||_inf ||phi||_2 / ||b||_2
  double residual_norm1 = 0;         // ||b - A phi||_1 [A]
  double kcl_max_imbalance = 0;      // max |b - A phi| [A]
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
