#pragma once

#include <petscsys.h>

#include <string>

#include "kirchhoff/solve/solve.hpp"
#include "solve/linear/krylov.hpp"
#include "solve/network/reduction.hpp"

namespace kirchhoff {

/// How the linear systems of a network are solved in double precision.
struct NodalPlan {
  LinearDefaults defaults;
  bool direct = false;
  int patience = PETSC_DEFAULT;  // iterations of a pass, after which something else is tried
  bool gives_up = false;         // at the first pass that does not converge within its patience
  std::string reason;
};

/// The largest level of a breadth-first search through the reduced network's rows: how wide a cut is. A sheet of n
/// nodes has about sqrt(n), a network without locality a large share of n. The search starts at the far end of another
/// one.
std::int64_t width(const ReducedRows& all);

/// Conjugate gradients with the diagonal as preconditioner, given up after so many iterations as cost little beside any
/// other solver: what has no locality has no slow modes either, and is solved within them.
NodalPlan cheap_plan(std::int64_t rows, std::int64_t widest);
/// Whether the widest level is so large a share of the rows that there is no locality: factors and coarse levels fill
/// in.
bool without_locality(std::int64_t rows, std::int64_t widest);

NodalPlan direct_plan(MPI_Comm comm, const std::string& reason);

inline constexpr std::int64_t kWidest = 5000;  // a factor's largest dense block: 0.2 GB, 4e10 operations

/// Which solver, and why; the measurements are in docs/networks.md. Local, the same on every rank.
NodalPlan choose(MPI_Comm comm, SolveMethod method, std::int64_t rows, std::int64_t widest,
                 std::size_t right_hand_sides);

}  // namespace kirchhoff
