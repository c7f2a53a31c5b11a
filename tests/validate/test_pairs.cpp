#include <gtest/gtest.h>
#include <mpi.h>

#include <cmath>
#include <map>
#include <utility>
#include <vector>

#include "kirchhoff/validate/pairs.hpp"
#include "table_rows.hpp"

namespace kirchhoff {
namespace {

/// Share of each pair of values, by the definition.
std::map<std::pair<int, int>, double> shares(const oracles::Table& table, std::size_t a, std::size_t b) {
  std::map<std::pair<int, int>, double> found;
  for (std::size_t i = 0; i < table.count(); ++i) {
    found[{table.at(i, a), table.at(i, b)}] += 1.0 / static_cast<double>(table.count());
  }
  return found;
}

double distance(std::map<std::pair<int, int>, double> p, std::map<std::pair<int, int>, double> q) {
  double sum = 0;
  for (const auto& [key, share] : p) sum += std::abs(share - q[key]);
  for (const auto& [key, share] : q) sum += p.contains(key) ? 0 : share;
  return sum / 2;
}

TEST(Pairs, HaveTheDistancesOfTheirShares) {
  const auto one = oracles::chain_table({2, 3, 12, 4, 2}, 150, 0.7, 1);
  const auto other = oracles::chain_table({2, 3, 12, 4, 2}, 90, 0.2, 2);
  const ColumnCounts a(one.rows());
  const ColumnCounts b(other.rows());

  const auto marginal = marginal_distances(a, b);
  const auto pairs = compare_pairs(MPI_COMM_WORLD, a, b);

  ASSERT_EQ(marginal.size(), 5u);
  ASSERT_EQ(pairs.distance.size(), 10u);
  std::size_t k = 0;
  for (std::size_t x = 0; x < 5; ++x) {
    EXPECT_NEAR(marginal[x], distance(shares(one, x, x), shares(other, x, x)), 1e-14);
    for (std::size_t y = x + 1; y < 5; ++y, ++k) {
      EXPECT_EQ(pair_index(x, y, 5), k);
      EXPECT_NEAR(pairs.distance[k], distance(shares(one, x, y), shares(other, x, y)), 1e-14);
    }
  }
}

TEST(Pairs, OfOneTableAreAtDistanceZero) {
  const auto table = oracles::chain_table({2, 5, 9}, 70, 0.5, 3);
  const ColumnCounts counts(table.rows());

  const auto pairs = compare_pairs(MPI_COMM_WORLD, counts, counts);

  for (std::size_t k = 0; k < 3; ++k) {
    EXPECT_EQ(pairs.distance[k], 0);
    EXPECT_EQ(pairs.association[k], pairs.association_b[k]);
  }
}

// A table of 2 x 2 whose chi-square is 16.2 at n = 100, worked by hand: phi^2 = 0.162 - 1/99, over 1 - 1/99.
TEST(CramersV, IsBergsmasFigure) {
  const std::vector<std::int64_t> counts{40, 20, 10, 30};
  const double chi2 = 100.0 * std::pow(40.0 * 30 - 20 * 10, 2) / (60.0 * 40 * 50 * 50);

  EXPECT_NEAR(cramers_v(counts, 2, 2), std::sqrt((chi2 / 100 - 1.0 / 99) / (1 - 1.0 / 99)), 1e-14);
}

TEST(CramersV, IsOneForEqualColumnsAndZeroForIndependentOnes) {
  EXPECT_NEAR(cramers_v(std::vector<std::int64_t>{50, 0, 0, 0, 30, 0, 0, 0, 20}, 3, 3), 1, 1e-12);
  EXPECT_EQ(cramers_v(std::vector<std::int64_t>{12, 18, 28, 42}, 2, 2), 0);
  EXPECT_EQ(cramers_v(std::vector<std::int64_t>{12, 0, 28, 0}, 2, 2), 0);  // one value only
}

// Values that never occur neither add nor take away.
TEST(CramersV, DoesNotSeeValuesThatNeverOccur) {
  EXPECT_NEAR(cramers_v(std::vector<std::int64_t>{40, 0, 20, 0, 0, 0, 10, 0, 30}, 3, 3),
              cramers_v(std::vector<std::int64_t>{40, 20, 10, 30}, 2, 2), 1e-14);
}

TEST(CramersV, HasNoBiasForIndependentColumnsOfFewRows) {
  double mean = 0;
  for (unsigned seed = 0; seed < 200; ++seed) {
    const auto table = oracles::chain_table({6, 6}, 60, 0, seed);
    std::vector<std::int64_t> counts;
    ColumnCounts(table.rows()).of_pair(0, 1, counts);
    const double v = cramers_v(counts, 6, 6);
    mean += v * v / 200;
  }
  EXPECT_LT(mean, 0.02);  // without the correction the mean square is (6-1)/(60-1) = 0.085
}

}  // namespace
}  // namespace kirchhoff
