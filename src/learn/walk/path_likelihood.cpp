#include <algorithm>
#include <cmath>
#include <limits>

#include "kirchhoff/learn/walk/neural_walk.hpp"
#include "learn/walk/path_sampler.hpp"

namespace kirchhoff {

PathLikelihood likelihood_of(std::span<const double> logs, int repeats, bool with_error) {
  constexpr double kHalfFound = 2;
  PathLikelihood result;
  double sum = 0;
  double variance = 0;  // sum of v
  const auto step = static_cast<std::size_t>(repeats);
  for (std::size_t row = 0; row + step <= logs.size(); row += step) {
    const double first = logs[row];
    const double second = logs[row + step - 1];
    const double top = std::max(first, second);
    if (top == -std::numeric_limits<double>::infinity()) {
      ++result.rows_without_path;
      continue;
    }
    const bool half_found = std::isinf(std::min(first, second));
    result.rows_half_found += half_found ? 1 : 0;
    sum += top + std::log(0.5 * (std::exp(first - top) + std::exp(second - top)));
    variance += half_found ? kHalfFound : (first - second) * (first - second) / 2;
  }
  const auto rows = static_cast<std::int64_t>(logs.size() / step) - result.rows_without_path;
  if (rows == 0) return result;
  const auto n = static_cast<double>(rows);
  result.mean_of_rest = sum / n;
  if (result.rows_without_path == 0) result.mean = result.mean_of_rest;
  if (with_error && repeats == 2) {
    result.error = std::sqrt(variance / 2) / n;
    result.bias = -variance / n / 4;
  }
  return result;
}

std::vector<double> path_log_probabilities(MPI_Comm comm, const MoveModel& model, const WalkSupervision& conditional,
                                           const Draws& source, std::span<const std::uint16_t> rows, int paths,
                                           std::uint64_t seed) {
  const GivenRows all{{rows.begin(), rows.end()}, {}};
  return detail::find_paths(comm, model, conditional, source, all, paths, seed, [](std::int64_t, const auto&) {});
}

PathLikelihood path_log_likelihood(MPI_Comm comm, const MoveModel& model, const WalkSupervision& conditional,
                                   const Draws& source, std::span<const std::uint16_t> rows, int paths,
                                   std::uint64_t seed) {
  const auto found = path_log_probabilities(comm, model, conditional, source, rows, paths, seed);
  return likelihood_of(found, path_repeats(paths), paths >= kFewestPathsForError);
}

}  // namespace kirchhoff
