// A classifier between generated rows and real ones.
#include "kirchhoff/validate/discriminator.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "kirchhoff/parallel/parallel.hpp"
#include "validate/boosted_trees.hpp"

namespace kirchhoff {
namespace {

/// Of each value, the share of the (sorted) others that lie below it, ties by half.
std::vector<double> shares_below(std::span<const double> values, const std::vector<double>& others) {
  std::vector<double> shares;
  for (const double v : values) {
    const auto [low, high] = std::equal_range(others.begin(), others.end(), v);
    const auto below = static_cast<double>(low - others.begin());
    shares.push_back((below + 0.5 * static_cast<double>(high - low)) / static_cast<double>(others.size()));
  }
  return shares;
}

double mean(const std::vector<double>& values) {
  double sum = 0;
  for (const double v : values) sum += v;
  return sum / static_cast<double>(values.size());
}

/// Variance of the mean.
double variance_of_mean(const std::vector<double>& values) {
  const double m = mean(values);
  double squares = 0;
  for (const double v : values) squares += (v - m) * (v - m);
  const auto n = static_cast<double>(values.size());
  return squares / (n * (n - 1));
}

std::vector<double> sorted(std::span<const double> values) {
  std::vector<double> copy(values.begin(), values.end());
  std::sort(copy.begin(), copy.end());
  return copy;
}

/// Taught on the rows of one parity, tried on those of the other.
Discriminator tried_on_half(const TableRows& generated, const TableRows& real, std::size_t rows, std::size_t parity) {
  std::vector<std::uint16_t> values;
  std::vector<std::uint8_t> labels;
  for (std::size_t i = parity; i < rows; i += 2) {
    for (const auto* kind : {&generated, &real}) {
      const auto row = kind->row(i);
      values.insert(values.end(), row.begin(), row.end());
      labels.push_back(kind == &generated ? 1 : 0);
    }
  }
  const detail::BoostedTrees trees({values, generated.categories}, labels);
  std::array<std::vector<double>, 2> scores;
  for (std::size_t i = 1 - parity; i < rows; i += 2) {
    scores[0].push_back(trees.score(generated.row(i)));
    scores[1].push_back(trees.score(real.row(i)));
  }
  return area_under_curve(scores[0], scores[1]);
}

}  // namespace

Discriminator area_under_curve(std::span<const double> generated, std::span<const double> real) {
  const auto above = shares_below(generated, sorted(real));
  const auto below = shares_below(real, sorted(generated));
  return {mean(above), std::sqrt(variance_of_mean(above) + variance_of_mean(below)),
          static_cast<std::int64_t>(std::min(generated.size(), real.size()))};
}

Discriminator discriminate(MPI_Comm comm, const TableRows& generated, const TableRows& real, std::size_t most) {
  const auto rows = std::min({generated.count(), real.count(), most});
  if (rows < 4) return {0.5, 0.5, static_cast<std::int64_t>(rows)};
  std::array<double, 4> found{};  // of either half: the area, its error
  for (std::size_t parity = 0; parity < 2; ++parity) {
    if (static_cast<int>(parity) % size_of(comm) != rank_of(comm)) continue;
    const auto half = tried_on_half(generated, real, rows, parity);
    found[2 * parity] = half.auc;
    found[2 * parity + 1] = half.auc_error;
  }
  all_sum(comm, std::span<double>(found));
  // A classifier that gives all rows one score has no spread, but no certainty either: not below what chance does where
  // both kinds are one (Mann and Whitney 1947), on two halves.
  const auto half = std::floor(static_cast<double>(rows) / 2);
  const double chance = std::sqrt((2 * half + 1) / (12 * half * half) / 2);
  return {(found[0] + found[2]) / 2, std::max(std::hypot(found[1], found[3]) / 2, chance),
          static_cast<std::int64_t>(rows)};
}

}  // namespace kirchhoff
