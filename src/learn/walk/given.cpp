#include "kirchhoff/learn/walk/given.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kirchhoff/parallel/stop.hpp"
#include "learn/walk/path_sampler.hpp"

namespace kirchhoff {
namespace {

/// A point in [0, 1) for each draw of a row: evenly apart, so that draws are as different as the weights let them be,
/// and each of them uniform.
double point_of(std::uint64_t seed, std::int64_t row, int draw, int draws) {
  Random random(seed, Stream::pair, static_cast<std::uint64_t>(row));
  const double point = random.uniform() + static_cast<double>(draw) / draws;
  return point < 1 ? point : point - 1;
}

/// Index of the weight that a share of their sum falls on; never one of weight zero.
std::size_t pick_weight(std::span<const double> weights, double share) {
  double sum = 0;
  for (const double w : weights) sum += w;
  double left = share * sum;
  std::size_t last = 0;
  for (std::size_t k = 0; k < weights.size(); ++k) {
    if (!(weights[k] > 0)) continue;
    last = k;
    left -= weights[k];
    if (left < 0) break;
  }
  return last;
}

/// Draws of all ranks' rows from those of each.
std::vector<std::uint16_t> together(MPI_Comm comm, std::vector<double>& rows) {
  all_sum(comm, std::span<double>(rows));
  return {rows.begin(), rows.end()};
}

/// Goes through the completions of a row: their states' numbers.
class Completions {
 public:
  Completions(const StateSpace& space, std::span<const std::uint16_t> row, std::span<const std::uint8_t> allowed) {
    std::size_t offset = 0;
    states_ = {0};
    for (int j = 0; j < space.dimensions(); ++j) {
      const int s = space.categories(j);
      const auto before = std::move(states_);
      states_.clear();
      const auto code = row[static_cast<std::size_t>(j)];
      for (const auto x : before) {
        for (int v = 0; v < s; ++v) {
          const bool hole = is_hole(code, s);
          if (hole ? !allowed.empty() && allowed[offset + static_cast<std::size_t>(v)] == 0 : v != code) continue;
          states_.push_back(x + v * space.stride(j));
        }
      }
      offset += static_cast<std::size_t>(s);
    }
  }
  const std::vector<std::int64_t>& states() const { return states_; }

 private:
  std::vector<std::int64_t> states_;
};

}  // namespace

GivenDraws draw_given(MPI_Comm comm, const MoveModel& model, const WalkSupervision& conditional, const Draws& source,
                      const GivenRows& given, int draws, int paths, std::uint64_t seed) {
  const auto d = static_cast<std::size_t>(model.moves().dimensions());
  const int repeats = path_repeats(paths);
  const auto count = static_cast<std::int64_t>(given.rows.size() / d);
  // Which half a draw is taken from is known when both of them are: until then each has a draw ready.
  const auto of_half = static_cast<std::size_t>(draws) * d;
  std::vector<double> ready(static_cast<std::size_t>(count * repeats) * of_half, 0.0);
  GivenDraws result;
  result.repeats = repeats;
  result.logs = detail::find_paths(
      comm, model, conditional, source, given, paths, seed, [&](std::int64_t number, const detail::PathsFound& found) {
        for (int k = 0; k < draws; ++k) {
          const auto from = pick_weight(found.weights, point_of(seed, number, k, draws));
          std::copy_n(found.ends.begin() + static_cast<std::ptrdiff_t>(from * d), d,
                      ready.begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(number) * of_half +
                                                                  static_cast<std::size_t>(k) * d));
        }
      });
  const auto all = together(comm, ready);
  for (std::int64_t row = 0; row < count; ++row) {
    const auto logs =
        std::span(result.logs).subspan(static_cast<std::size_t>(row * repeats), static_cast<std::size_t>(repeats));
    const double top = *std::max_element(logs.begin(), logs.end());
    std::vector<double> shares;
    for (const double log : logs) shares.push_back(std::isfinite(top) ? std::exp(log - top) : 1);
    for (int k = 0; k < draws; ++k) {
      const auto half = pick_weight(shares, point_of(seed, count * repeats + row, k, draws));
      const auto number = static_cast<std::size_t>(row * repeats) + half;
      const auto at = all.begin() + static_cast<std::ptrdiff_t>(number * of_half + static_cast<std::size_t>(k) * d);
      result.rows.insert(result.rows.end(), at, at + static_cast<std::ptrdiff_t>(d));
    }
  }
  return result;
}

GivenDraws draw_given(MPI_Comm comm, const StateSpace& space, const Mass& law, const GivenRows& given, int draws,
                      std::uint64_t seed) {
  const auto d = static_cast<std::size_t>(space.dimensions());
  const auto count = static_cast<std::int64_t>(given.rows.size() / d);
  const auto mine = partition(count, size_of(comm), rank_of(comm));
  GivenDraws result;
  result.exact = true;
  result.logs.assign(static_cast<std::size_t>(count), 0.0);
  std::vector<double> rows(given.rows.size() * static_cast<std::size_t>(draws), 0.0);
  std::vector<double> weights;
  std::vector<std::uint16_t> state(d);
  for (auto row = mine.begin; row < mine.end && !stop_requested(); ++row) {
    const auto at = static_cast<std::size_t>(row);
    const Completions completions(space, std::span(given.rows).subspan(at * d, d), given.allowed);
    weights.clear();
    double sum = 0;
    for (const auto x : completions.states()) {
      weights.push_back(law[static_cast<std::size_t>(x)]);
      sum += weights.back();
    }
    result.logs[at] = sum > 0 ? std::log(sum) : -std::numeric_limits<double>::infinity();
    for (int k = 0; k < draws && sum > 0; ++k) {
      space.coordinates(completions.states()[pick_weight(weights, point_of(seed, row, k, draws))], state);
      const auto to = (at * static_cast<std::size_t>(draws) + static_cast<std::size_t>(k)) * d;
      std::copy(state.begin(), state.end(), rows.begin() + static_cast<std::ptrdiff_t>(to));
    }
  }
  heed_stop(comm);
  all_sum(comm, std::span<double>(result.logs));
  result.rows = together(comm, rows);
  return result;
}

}  // namespace kirchhoff
