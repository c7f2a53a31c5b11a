#pragma once

#include <span>

#include "kirchhoff/circuit/circuit.hpp"
#include "kirchhoff/parallel/parallel.hpp"

namespace kirchhoff {

/// b - A u for potentials u on a grid, right to double precision whatever cancels: a residual that small corrections
/// can be solved for. Differences of numbers on a grid are exact, products with conductances are kept in two doubles,
/// and so are their sums. Computed from the couplings as they are defined, 1/r + k/R where a reflecting lattice has it.
class ExactResidual {
 public:
  /// @param u (L+1) x N, as `to_grid` leaves it for `grid_bits`.
  ExactResidual(const Circuit& circuit, std::span<const double> u) : circuit_(circuit), u_(u) {}

  /// Bits that numbers on the grid may have, so that their sums over a line, or a layer, of states are exact too.
  static int grid_bits(const Circuit& circuit);
  /// The multiple of `unit` that is nearest to the value; both may be anything that does not overflow.
  static double to_grid(double value, double unit);

  /// Of the given states of layer l; `out` has one number per state. Local.
  void layer(int l, Range states, std::span<double> out);

 private:
  void subtract_side(const Coupling& coupling, int l, int other, Range states);
  /// Takes g (f - u) from the sum of a state, `drop` being f - u.
  void subtract(std::size_t i, double g, double drop);
  void subtract_lattice(const Coupling& coupling, const double* here, const double* there, Range states);
  void subtract_weighted_lattice(const Coupling& coupling, bool ahead, const double* here, const double* there,
                                 Range states);
  void subtract_kind(const Coupling& coupling, const EdgeKind& kind, const double* here, const double* there,
                     Range states);
  std::vector<double> sums_over(const SetIndex& sets, const double* there) const;

  const Circuit& circuit_;
  std::span<const double> u_;
  std::vector<double> high_;  // (states)
  std::vector<double> low_;
};

}  // namespace kirchhoff
