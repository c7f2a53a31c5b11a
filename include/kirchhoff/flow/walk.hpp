#pragma once

#include <mpi.h>

#include <cstdint>
#include <vector>

#include "kirchhoff/flow/flow.hpp"

namespace kirchhoff {

struct WalkOptions {
  std::int64_t count = 0;  // particles, over all ranks
  std::uint64_t seed = 0;
  bool count_visits = false;
};

/// Walks of a contiguous piece of the particles: those of this rank.
struct Walks {
  std::int64_t first = 0;            // index of the first particle of this rank
  std::vector<std::int64_t> start;   // state on layer 0
  std::vector<std::int64_t> end;     // state in which the particle stopped, or got stuck
  std::vector<std::int32_t> moves;   // moves along edges; the final exit is not one
  std::vector<std::uint8_t> stuck;   // 1: at a vertex of a learned field that no current leaves, or in a circle
  std::vector<std::int64_t> visits;  // (L+1) x N, summed over all ranks, when asked for
};

/// Sends particles through the circuit: start in x ~ p, then always along positive outgoing current,
/// forward or backward, with probability proportional to it; at layer L also out, with the flow's exit
/// weight. docs/theory.md, section 4.
///
/// Particle i draws only from Random(seed, Stream::walk, i): the same walks on any number of ranks. A move costs
/// O(neighbours); on dense circuits O(log N) after one sort a layer.
/// @note Collective. @throws Interrupted.
Walks walk(MPI_Comm comm, const Flow& flow, const WalkOptions& options);

}  // namespace kirchhoff
