#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "solve/network/reduction.hpp"

namespace kirchhoff {

/// Two rows of the reduced network between which a resistance is asked for; Reduction::kPinned for a pinned node.
using RowPair = std::pair<std::int64_t, std::int64_t>;

/// What approximate potentials say of an effective resistance.
struct JudgedResistance {
  double ohm = 0;
  double error = 0;       // bound of |ohm - R| [ohm]
  double residual = 0;    // ||b - A x||_2 [A]
  double imbalance = 0;   // max |b - A x| [A]
  double dissipated = 0;  // x^T A x [W], at 1 A the resistance again
};

/// Bounds effective resistances from potentials alone, without the solver. Potentials x at 1 A from one row to the
/// other that miss the currents r = b - A x give
///
///     R = 2 b^T x - x^T A x + r^T A^-1 r        (Dirichlet's principle; the last term is not negative)
///
/// so that the error of the first two terms is of second order: a solution that is right to 8 digits gives a
/// resistance right to 16. No digits cancel: x^T A x is a sum of positive numbers, each of which a difference of two
/// potentials gives to rounding. The last term is no more than what the missing currents would dissipate on any ways to
/// the pinned nodes (Thomson's principle), which here are the ways of least resistance. All local.
class ResistanceProof {
 public:
  static constexpr std::size_t kLanes = 4;  // resistances that are judged together

  /// @param all rows of the network; both must outlive it.
  ResistanceProof(const Reduction& reduction, const ReducedRows& all);

  /// @param x (kLanes at most, rows) potentials of each pair [V], pair after pair.
  /// @param residual null, or as x: what is missing [A]. @param result (as many as pairs).
  void judge(std::span<const RowPair> pairs, const double* x, double* residual, std::span<JudgedResistance> result);

  /// Bound of r^T A^-1 r [W]. @param missing (rows) r [A], used up. @param unsure (rows) bound of what rounding has
  /// done to it; used up.
  double dissipation(std::vector<double>& missing, std::vector<double>& unsure) const;

 private:
  void balance(std::span<const RowPair> pairs, std::span<JudgedResistance> result);

  const ReducedRows& rows_;
  std::vector<std::int32_t> order_;   // rows from the pinned nodes outwards
  std::vector<std::int32_t> parent_;  // (rows) next on the way to the pinned nodes, or -1
  std::vector<double> ohm_;           // (rows) of that step
  std::vector<double> x_;             // (rows, lanes)
  std::vector<double> missing_;       // (rows, lanes) currents, then on their way to the pinned nodes
  std::vector<double> unsure_;        // (rows, lanes) what rounding may hide of them
};

}  // namespace kirchhoff
