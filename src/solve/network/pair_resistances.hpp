#pragma once

#include <mpi.h>

#include <cstdint>

#include "kirchhoff/solve/network/nodal.hpp"
#include "solve/network/reduction.hpp"

namespace kirchhoff {

/// Adds the resistances of the options' pairs to a solution, with their errors and the figures of the report: each
/// distinct pair of unknowns once, by the first plan that does not give up. An error may be larger than
/// kRightResistance times the resistance: then that is all that could be shown.
/// @param all rows of the network. @param widest of them: see `width`.
/// @note Collective. @throws AgreedError, Interrupted.
void add_resistances(MPI_Comm comm, const Reduction& reduction, const ReducedRows& all, const NodalOptions& options,
                     std::int64_t widest, NodalSolution& solution);

}  // namespace kirchhoff
