#pragma once

#include "kirchhoff/circuit/netlist.hpp"
#include "kirchhoff/solve/network/nodal.hpp"
#include "parallel/memory_limit.hpp"
#include "pipeline/job.hpp"

namespace kirchhoff {

/// What the stages of a job take at their peak [byte], beyond what is held when they begin. The solve's is counted by
/// its method: src/solve/solve_memory.hpp. Local.

/// Terminals and edges.
MemoryNeed circuit_memory(const Job& job);
/// A network of so many parameters, its optimiser and the checkpoint.
MemoryNeed training_memory(const Job& job, std::int64_t parameters, int ranks);
/// Walks of all flows, and what they are drawn from.
MemoryNeed sampling_memory(const Job& job, int ranks);
/// The exit law, which one rank computes.
MemoryNeed exit_law_memory(const Job& job, bool computes);

/// A pair of which only the resistance is asked for: with its rows, resistance and error.
inline constexpr double kBytesOfResistance = 100;
/// The solve of a network, whose rows are reduced on every rank and factorised on all together. The factor is that of a
/// network which could nearly be drawn on paper: what is joined more densely takes more.
MemoryNeed network_memory(const Netlist& netlist, const NodalOptions& options, int ranks);

/// The circuit, when there is room for it and, unless it is solved already, for its solve: whatever does not fit is
/// refused before a file is written. @note Collective. @throws AgreedError.
Circuit circuit_that_fits(MPI_Comm comm, const Job& job);

}  // namespace kirchhoff
