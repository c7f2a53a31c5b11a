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
  std::vector<std::int32_t> calls;   // answers of the network: moves and the exit, fewer where moves were leapt
  std::vector<std::uint8_t> stuck;   // 1: it had not left after kMostMoves moves
  /// If asked for: the moves with the exit; empty for a walk of more than kLongestPath.
  std::vector<std::vector<std::int32_t>> path;
};

/// A walk of a learned flow may go round in circles; after this many moves it is given up, and counted as stuck.
inline constexpr std::int32_t kMostMoves = 100000;
/// Of walks that are longer no path is kept: they would fill the memory.
inline constexpr std::int32_t kLongestPath = 10000;

/// Sends `count` particles (over all ranks) along the moves of a model, from draws of `source` until they leave. One
/// pass of the network serves a block of particles; one that has left makes room for the next, so that blocks stay
/// full. Particle i draws only from Random(seed, Stream::walk, i): the same walks on any number of ranks.
/// @param leap 0: one move a call of the network, the model's law exactly. Else, approximately, several: as many as
/// `leap` times the number of coordinates that the moves are spread over, all from the probabilities of one call, each
/// coordinate at most once (docs/walk.md). Needs one layer pair.
/// @param keep_paths whether the result has each walk's moves; for walks that do not leap.
/// @note Collective. @throws Interrupted. @throws Error for a leap between more layers.
MoveWalks walk_moves(MPI_Comm comm, const MoveModel& model, const Draws& source, std::int64_t count, std::uint64_t seed,
                     double leap = 0, bool keep_paths = false);

/// Where the walk of a model ends that starts with the probabilities `source` (N), on a space that can be enumerated:
/// probability mass is pushed through the circuit, all vertices at once, until less than 1e-10 is under way (that rest
/// is `lost`). O(N L D S) a sweep; each rank keeps the moves of its own states. @note Collective. @throws Error for a
/// space that is too large.
ExitLaw exit_law_of_moves(MPI_Comm comm, const MoveModel& model, const Mass& source);
/// The largest N for which that is tried.
inline constexpr std::int64_t kMostLawStates = std::int64_t{1} << 20;

/// A mean with its standard error, and what it is thought to be off on average.
struct Estimate {
  double mean = 0;
  double error = 0;
  double bias = 0;
};

/// Mean log-probability [nat] that walks of a model, from draws of `source`, end in the given rows (count x D), on any
/// space: the probability of each row by sequential Monte Carlo over paths (Del Moral, Doucet and Jasra, 2006). Paths
/// start as walks of the model that end there do, coordinate by coordinate, and mend and spoil as often as these do at
/// the same distance from their end; those of a row are resampled as they come nearer to it, by their weights and what
/// the model says of the coordinates that are still wrong. The estimate of a row's probability is unbiased, its
/// logarithm a little too small. Two estimates with half of the paths each tell the error, which is that of the
/// estimates over the given rows, and the bias (none with fewer than 4 paths). @note Collective. @throws Interrupted.
Estimate path_log_likelihood(MPI_Comm comm, const MoveModel& model, const WalkSupervision& conditional,
                             const Draws& source, std::span<const std::uint16_t> rows, int paths, std::uint64_t seed);

}  // namespace kirchhoff
