#pragma once

#include <mpi.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "solve/network/nodal_plan.hpp"
#include "solve/network/resistance_proof.hpp"

namespace kirchhoff {

/// Effective resistances and what is known of them.
struct Resistances {
  std::vector<double> ohm;    // (pairs)
  std::vector<double> error;  // (pairs) [ohm]
  std::int64_t solves = 0;    // right-hand sides
  std::int64_t projections = 0;
  double confidence = 1;  // with what probability each error is no larger than stated
  // The worst of all solutions.
  int iterations = 0;
  double residual = 0;   // ||b - A x||_2 / ||b||_2
  double imbalance = 0;  // max |b - A x| [A]
  double energy = 0;     // of x^T A x against b^T x, relative
  std::string method;
  double seconds_assemble = 0;
  double seconds_setup = 0;
};

/// The largest relative error of a resistance that is taken as right.
inline constexpr double kRightResistance = 1e-11;

/// Effective resistances between rows of the reduced network. Each rank has the whole system to itself, makes one
/// set-up, and solves its share of the right-hand sides in blocks: one for each pair; or, where that takes fewer passes
/// of the solver, one for each node that stands in a pair, refined in double-double so that R = (v(i) - v(j)) of the
/// solution of i, and the same of j, keeps its digits.
/// When: resistances are asked for and nothing else. Cost: a factorisation and two blocks of vectors on each rank.
/// @param all rows of the network. @param pairs distinct, of different rows of one part.
/// @return nothing where the plan gives up. An error may be larger than kRightResistance: then that is all that could
/// be shown.
/// @note Collective. @throws AgreedError, Interrupted.
std::optional<Resistances> bounded_resistances(MPI_Comm comm, const Reduction& reduction, const ReducedRows& all,
                                               const NodalPlan& plan, const std::vector<RowPair>& pairs);

/// The same by random projections: for currents y = sum over edges of sqrt(g) xi, xi standard normal, the potentials
/// A^-1 y of the two nodes differ by a normal number of variance R; the mean of k squares has a relative error whose
/// law is that of chi^2(k) / k - 1, whatever the network. (D. A. Spielman and N. Srivastava, SIAM J. Comput. 40 (2011)
/// 1913, who take signs in place of normal numbers.) When: pairs are far more than `projections(error)`, as all edges
/// are.
/// @param error relative, that each resistance has at most with a probability of 95 percent.
std::optional<Resistances> approximate_resistances(MPI_Comm comm, const Reduction& reduction, const ReducedRows& all,
                                                   const NodalPlan& plan, const std::vector<RowPair>& pairs,
                                                   double error);

/// The least k for which |chi^2(k) / k - 1| <= error with a probability of 95 percent.
std::int64_t projections(double error);

}  // namespace kirchhoff
