// Marginals and pairs of columns of two tables.
#include "kirchhoff/validate/pairs.hpp"

#include <algorithm>
#include <cmath>

#include "kirchhoff/parallel/parallel.hpp"

namespace kirchhoff {
namespace {

double distance_of_counts(std::span<const std::int64_t> a, std::size_t rows_a, std::span<const std::int64_t> b,
                          std::size_t rows_b) {
  double sum = 0;
  for (std::size_t k = 0; k < a.size(); ++k) {
    sum += std::abs(static_cast<double>(a[k]) / static_cast<double>(rows_a) -
                    static_cast<double>(b[k]) / static_cast<double>(rows_b));
  }
  return sum / 2;
}

double occurring(const std::vector<double>& totals) {
  return static_cast<double>(std::count_if(totals.begin(), totals.end(), [](double t) { return t > 0; }));
}

}  // namespace

std::vector<double> marginal_distances(const ColumnCounts& a, const ColumnCounts& b) {
  std::vector<double> distances;
  for (std::size_t d = 0; d < a.columns(); ++d) {
    distances.push_back(distance_of_counts(a.of(d), a.rows(), b.of(d), b.rows()));
  }
  return distances;
}

double cramers_v(std::span<const std::int64_t> counts, std::size_t rows, std::size_t columns) {
  std::vector<double> down(rows, 0.0);
  std::vector<double> across(columns, 0.0);
  double n = 0;
  for (std::size_t k = 0; k < counts.size(); ++k) {
    const auto count = static_cast<double>(counts[k]);
    down[k / columns] += count;
    across[k % columns] += count;
    n += count;
  }
  const double r = occurring(down);
  const double c = occurring(across);
  if (r < 2 || c < 2 || n < 2) return 0;
  double squares = 0;  // of counts over the products of their totals: chi-square / n + 1
  for (std::size_t k = 0; k < counts.size(); ++k) {
    const auto count = static_cast<double>(counts[k]);
    if (count > 0) squares += count * count / (down[k / columns] * across[k % columns]);
  }
  const double phi2 = std::max(0.0, squares - 1 - (r - 1) * (c - 1) / (n - 1));
  const double most = std::min(r - (r - 1) * (r - 1) / (n - 1), c - (c - 1) * (c - 1) / (n - 1)) - 1;
  return most > 0 ? std::min(1.0, std::sqrt(phi2 / most)) : 0;
}

std::size_t pair_index(std::size_t a, std::size_t b, std::size_t columns) {
  return a * (2 * columns - a - 1) / 2 + (b - a - 1);
}

PairComparison compare_pairs(MPI_Comm comm, const ColumnCounts& a, const ColumnCounts& b) {
  const auto d = a.columns();
  const auto pairs = d * (d - 1) / 2;
  PairComparison found{std::vector(pairs, 0.0), std::vector(pairs, 0.0), std::vector(pairs, 0.0)};
  const auto mine = partition(static_cast<std::int64_t>(pairs), size_of(comm), rank_of(comm));
  std::vector<std::int64_t> counts_a;
  std::vector<std::int64_t> counts_b;
  std::size_t k = 0;
  for (std::size_t x = 0; x < d; ++x) {
    for (std::size_t y = x + 1; y < d; ++y, ++k) {
      if (static_cast<std::int64_t>(k) < mine.begin || static_cast<std::int64_t>(k) >= mine.end) continue;
      a.of_pair(x, y, counts_a);
      b.of_pair(x, y, counts_b);
      found.distance[k] = distance_of_counts(counts_a, a.rows(), counts_b, b.rows());
      const auto rows = static_cast<std::size_t>(a.categories(x));
      const auto columns = static_cast<std::size_t>(a.categories(y));
      found.association[k] = cramers_v(counts_a, rows, columns);
      found.association_b[k] = cramers_v(counts_b, rows, columns);
    }
  }
  for (auto* values : {&found.distance, &found.association, &found.association_b}) {
    all_sum(comm, std::span<double>(*values));
  }
  return found;
}

}  // namespace kirchhoff
