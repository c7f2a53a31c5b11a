#include <gtest/gtest.h>
#include <mpi.h>

#include <cmath>
#include <random>
#include <vector>

#include "kirchhoff/validate/discriminator.hpp"
#include "table_rows.hpp"

namespace kirchhoff {
namespace {

TEST(AreaUnderCurve, IsTheShareOfPairsInTheRightOrder) {
  const std::vector<double> generated{3, 1, 2, 2};
  const std::vector<double> real{0, 2, 1};
  double pairs = 0;
  for (const double g : generated) {
    for (const double r : real) pairs += g > r ? 1 : g == r ? 0.5 : 0;
  }

  EXPECT_NEAR(area_under_curve(generated, real).auc, pairs / 12, 1e-14);
}

// The error is what repetitions spread by.
TEST(AreaUnderCurve, KnowsItsError) {
  std::mt19937 random(1);
  std::normal_distribution<double> normal;
  double sum = 0;
  double squares = 0;
  double error = 0;
  constexpr int kRepeats = 2000;
  for (int k = 0; k < kRepeats; ++k) {
    std::vector<double> a(60);
    std::vector<double> b(40);
    for (double& v : a) v = normal(random) + 0.5;
    for (double& v : b) v = normal(random);
    const auto found = area_under_curve(a, b);
    sum += found.auc / kRepeats;
    squares += found.auc * found.auc / kRepeats;
    error += found.auc_error / kRepeats;
  }
  const double spread = std::sqrt(squares - sum * sum);

  EXPECT_NEAR(sum, 0.5 * std::erfc(-0.5 / std::sqrt(2) / std::sqrt(2)), 0.005);  // P(N(0.5, 2) > 0)
  EXPECT_NEAR(error / spread, 1, 0.06);
}

TEST(Discriminator, CannotTellRowsOfOneLaw) {
  const auto one = oracles::chain_table({2, 5, 3, 8, 2, 4}, 800, 0.6, 1);
  const auto other = oracles::chain_table({2, 5, 3, 8, 2, 4}, 700, 0.6, 2);

  const auto found = discriminate(MPI_COMM_WORLD, one.rows(), other.rows());

  EXPECT_EQ(found.rows, 700);
  EXPECT_NEAR(found.auc, 0.5, 4 * found.auc_error);
  EXPECT_LT(found.auc_error, 0.02);
}

TEST(Discriminator, SeesAMarginalThatIsOff) {
  auto one = oracles::chain_table({2, 5, 3}, 600, 0, 1);
  const auto other = oracles::chain_table({2, 5, 3}, 600, 0, 2);
  for (std::size_t i = 0; i < 600; ++i) {
    if (i % 4 < 2) one.values[3 * i] = 1;  // three quarters instead of half
  }

  // The best classifier asks for this value alone: (3/4 + 1/2) / 2.
  EXPECT_NEAR(discriminate(MPI_COMM_WORLD, one.rows(), other.rows()).auc, 0.625, 0.04);
}

TEST(Discriminator, SeesDependenceThatNoMarginalShows) {
  const auto dependent = oracles::chain_table({4, 4, 4, 4, 4, 4}, 1000, 0.7, 1);
  const auto independent = oracles::chain_table({4, 4, 4, 4, 4, 4}, 1000, 0, 2);

  EXPECT_GT(discriminate(MPI_COMM_WORLD, independent.rows(), dependent.rows()).auc, 0.85);
}

TEST(Discriminator, SaysNothingOfTooFewRows) {
  const auto table = oracles::chain_table({4, 4}, 3, 0.7, 1);
  const auto found = discriminate(MPI_COMM_WORLD, table.rows(), table.rows());

  EXPECT_EQ(found.auc, 0.5);
  EXPECT_EQ(found.auc_error, 0.5);
}

// The rows are all alike, so every score is the same; ten rows prove nothing.
TEST(Discriminator, IsNotCertainWhereItHasSeenNothing) {
  const oracles::Table table{{2, 2}, std::vector<std::uint16_t>(20, 1)};
  const auto found = discriminate(MPI_COMM_WORLD, table.rows(), table.rows());

  EXPECT_EQ(found.auc, 0.5);
  // The spread of the rank statistic of five rows against five is 11 / 60 / 5 = 0.0367 in square; of two such, half.
  EXPECT_NEAR(found.auc_error, std::sqrt(11.0 / 300 / 2), 1e-12);
}

}  // namespace
}  // namespace kirchhoff
