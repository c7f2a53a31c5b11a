#pragma once

#include <mpi.h>

#include "kirchhoff/solve/solve.hpp"
#include "parallel/memory_limit.hpp"
#include "solve/method.hpp"

namespace kirchhoff {

/// What a solve takes by this plan at its peak, beyond the circuit itself. Local.
MemoryNeed solve_memory(const Circuit& circuit, const Plan& plan, int ranks);

/// Sees that the method that `solve` would begin with has room, before anything is written. @note Collective.
/// @throws AgreedError as require_memory.
void require_solve_memory(MPI_Comm comm, const Circuit& circuit, const SolveOptions& options);

}  // namespace kirchhoff
