#pragma once

#include <mpi.h>

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "kirchhoff/flow/flow.hpp"
#include "kirchhoff/learn/network/move_model.hpp"
#include "kirchhoff/learn/task/walk_supervision.hpp"
#include "kirchhoff/states/draws.hpp"

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
/// @param leap 0: one move per call of the network, the model's law exactly. Else, approximately, several: as
/// many as `leap` times the number of coordinates that the moves are spread over, all from the probabilities of one
/// call, each coordinate at most once (docs/walk.md). Needs one layer pair.
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

/// Fewer paths a row than this say nothing of the error of an estimate.
inline constexpr int kFewestPathsForError = 8;
/// Independent estimates that so many paths are divided into.
constexpr int path_repeats(int paths) { return paths >= kFewestPathsForError ? 2 : 1; }

/// The mean over rows of the logarithms of estimated probabilities.
struct PathLikelihood {
  std::optional<double> mean;          // [nat]; none when there is a row without a path
  std::optional<double> mean_of_rest;  // over the rows that have one
  std::optional<double> error;         // standard error of mean_of_rest, by the paths; none from too few of them
  std::optional<double> bias;          // what mean_of_rest is thought to be off on average; the same
  std::int64_t rows_without_path = 0;  // that no path led to: of probability 0, as far as the paths can tell
  std::int64_t rows_half_found = 0;    // that half of the paths found, and the other half did not
};

/// From the logarithms of `repeats` independent estimates a row (1 or 2), each from half of the paths (`repeats` = 2).
/// With l_1 and l_2 of variance v each, (l_1 - l_2)^2 / 2 estimates v; the logarithm of their mean has variance v / 2
/// and is v / 4 too small on average, to second order. Of a row that one half
/// did not find, the estimates x and 0 have the relative variance 2 about their mean x / 2: v = 2. Local.
PathLikelihood likelihood_of(std::span<const double> logs, int repeats, bool with_error);

/// Mean log-probability [nat] that walks of a model, from draws of `source`, end in the given rows (count x D), on any
/// space: the probability of each row by sequential Monte Carlo over paths (Del Moral, Doucet and Jasra, 2006). Paths
/// start as walks of the model that end there do, coordinate by coordinate, and mend and spoil as often as these do at
/// the same distance from their end; those of a row are resampled as they come nearer to it, by their weights and what
/// the model says of the coordinates that are still wrong. The estimate of a row's probability is unbiased, its
/// logarithm a little too small. Two estimates with half of the paths each tell the error, which is that of the
/// estimates over the given rows, and the bias (from kFewestPathsForError paths on). @note Collective. @throws
/// Interrupted.
PathLikelihood path_log_likelihood(MPI_Comm comm, const MoveModel& model, const WalkSupervision& conditional,
                                   const Draws& source, std::span<const std::uint16_t> rows, int paths,
                                   std::uint64_t seed);

/// The logarithms of those estimates (count x path_repeats(paths)), row by row; -inf: no path. @note Collective.
/// @throws Interrupted.
std::vector<double> path_log_probabilities(MPI_Comm comm, const MoveModel& model, const WalkSupervision& conditional,
                                           const Draws& source, std::span<const std::uint16_t> rows, int paths,
                                           std::uint64_t seed);

}  // namespace kirchhoff
