#pragma once

#include <mpi.h>

#include <cstdint>
#include <span>
#include <vector>

#include "kirchhoff/draws.hpp"
#include "kirchhoff/flow.hpp"
#include "kirchhoff/move_model.hpp"
#include "kirchhoff/walk_supervision.hpp"

namespace kirchhoff {

/// Walks of this rank's contiguous piece of the particles, by coordinates.
struct MoveWalks {
  std::int64_t first = 0;            // index of the first particle of this rank
  std::vector<std::uint16_t> start;  // (rows x D)
  std::vector<std::uint16_t> end;    // (rows x D)
  std::vector<std::int32_t> moves;   // the final exit not counted
  std::vector<std::uint8_t> stuck;   // 1: it had not left after kMostMoves moves
};

/// A walk of a learned flow may go round in circles; after this many moves it is given up, and counted as stuck.
inline constexpr std::int32_t kMostMoves = 100000;

/// Sends `count` particles (over all ranks) along the moves of a model, from draws of `source` until they leave. One
/// pass of the network serves a block of particles; one that has left makes room for the next, so that blocks stay
/// full. Particle i draws only from Random(seed, Stream::walk, i): the same walks on any number of ranks.
/// @note Collective. @throws Interrupted.
MoveWalks walk_moves(MPI_Comm comm, const MoveModel& model, const Draws& source, std::int64_t count,
                     std::uint64_t seed);

/// Where the walk of a model ends that starts with the probabilities `source` (N), on a space that can be enumerated:
/// probability mass is pushed through the circuit, all vertices at once, until less than 1e-10 is under way (that rest
/// is `lost`). O(N L D S) a sweep; each rank keeps the moves of its own states. @note Collective. @throws Error for a
/// space that is too large.
ExitLaw exit_law_of_moves(MPI_Comm comm, const MoveModel& model, const Mass& source);
/// The largest N for which that is tried.
inline constexpr std::int64_t kMostLawStates = std::int64_t{1} << 20;

/// An estimate with its standard error.
struct Estimate {
  double mean = 0;
  double error = 0;
};

/// Mean log-probability [nat] that walks of a model, from draws of `source`, end in the given rows (count x D), on any
/// space: the probability of each row by importance sampling over paths, which are drawn from the walk of the
/// conditional circuit (with a small share of moves at random, so that no path of the model is left out). The estimate
/// of a row's probability is unbiased, its logarithm a little too small; the error is that of the mean of the estimates
/// over the given rows. @note Collective.
Estimate path_log_likelihood(MPI_Comm comm, const MoveModel& model, const WalkSupervision& conditional,
                             const Draws& source, std::span<const std::uint16_t> rows, int paths, std::uint64_t seed);

}  // namespace kirchhoff
