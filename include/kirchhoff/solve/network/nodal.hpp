#pragma once

#include <mpi.h>

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "kirchhoff/circuit/netlist.hpp"
#include "kirchhoff/solve/solve.hpp"

namespace kirchhoff {

struct NodalSolution;

/// One pair's answer, as it is handed out before the others are solved.
struct PairAnswer {
  std::size_t pair = 0;               // index in NodalOptions::pairs
  double resistance = 0;              // [ohm]
  std::span<const double> potential;  // (this rank's part of the n nodes) [V], as NodalSolution::pair_potential
  std::span<const double> current;    // (this rank's part of the m resistors) [A]
  const NodalSolution& so_far;        // its report: the worst figures up to this pair
};

struct NodalOptions {
  SolveOptions solve;
  NodePairs pairs;  // 1 A from the second into the first, each for itself and without the netlist's own sources
  /// Takes each connected pair as soon as it is shown to be right; pair_potential and pair_current then stay empty, so
  /// that memory does not grow with the pairs. A pair may come again where a later one made another method begin.
  /// @note Collective.
  std::function<void(const PairAnswer&)> each_pair = {};
  /// Of pairs, resistances alone: with a bound of each one's error, and no potentials or currents.
  bool only_resistances = false;
  /// The relative error, above 0, that resistances alone may have with a probability of 95 percent each, by random
  /// projections; 0: as right as can be shown.
  double approximate = 0;
};

/// What a network does: docs/networks.md. Arrays are in the netlist's order. Potentials are relative to ground; in a
/// part that is not joined to ground their mean is zero.
struct NodalSolution {
  std::vector<double> potential;  // (n) [V]
  std::vector<double> current;    // (m) of resistors, from tail to head [A]; NaN where only a loop of 0 ohm decides it
  std::vector<double> delivered;  // (v) of voltage sources, out of their tail [A]; NaN likewise
  std::int64_t undetermined = 0;  // how many of them are NaN

  // For each pair (i, j): V(i) - V(j) at 1 A [ohm], -1 where no current can flow from one to the other; potentials
  // (V(j) = 0, unless the pair is joined to ground) and currents at 1 A, all zero where none can flow.
  std::vector<double> pair_resistance;  // (k)
  std::vector<double> pair_error;       // (k) bound of its error [ohm]; of resistances alone
  std::vector<double> pair_potential;   // (k, this rank's part of the n nodes)
  std::vector<double> pair_current;     // (k, this rank's part of the m resistors)

  /// Of the potentials as they were solved for, in double-double: the worst of all right-hand sides. That of the report
  /// is recomputed from the potentials as stored, which are rounded.
  double refined_residual = 0;

  // Of resistances alone.
  std::int64_t solves = 0;       // right-hand sides that it took
  double resistance_error = 0;   // the worst of all, relative
  double confidence = 1;         // with what probability each error is no larger than stated
  std::int64_t projections = 0;  // random ones; 0: none

  SolveReport report;
};

/// Solves Kirchhoff's laws on a network. Nodes tied by voltage sources or 0 ohm become one unknown, those tied to
/// ground none. Potentials and currents are refined in double-double arithmetic until they are right to rounding,
/// whatever the resistances, or the network is refused. PETSc's options win over the defaults.
/// @param netlist the same on every rank.
/// @note Collective. @throws Error naming the line of contradictory voltage sources, or a node of a part that is not
/// joined to ground and whose currents do not balance; when the solution is not right. @throws Interrupted.
NodalSolution solve_network(MPI_Comm comm, const Netlist& netlist, const NodalOptions& options);

}  // namespace kirchhoff
