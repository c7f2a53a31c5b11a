#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "learn/optimiser.hpp"
#include "oracles.hpp"

namespace kirchhoff {
namespace {

constexpr std::size_t kCount = 77;  // not a whole number of cache lines

std::vector<double> numbers_of(int rank) {
  return oracles::uniform_numbers(kCount, -1, 1, 100 + static_cast<std::uint64_t>(rank));
}

template <class T>
void put(std::span<T> to, const std::vector<double>& from) {
  std::transform(from.begin(), from.end(), to.begin(), [](double x) { return static_cast<T>(x); });
}

template <class T>
std::vector<double> doubles(std::span<T> values) {
  return {values.begin(), values.end()};
}

/// Two steps from the same start, with rank-dependent gradients. Nodes: all ranks together, or each alone, or 0 |
/// others.
template <class T>
std::vector<double> after_two_steps(MPI_Comm comm, int node) {
  Optimiser<T> optimiser(comm, kCount, 2, node);
  put(optimiser.parameters(), numbers_of(-1));
  put(optimiser.average(), numbers_of(-1));
  optimiser.publish();
  for (std::int64_t step = 0; step < 2; ++step) {
    put(optimiser.gradient(), numbers_of(rank_of(comm)));
    optimiser.reduce();
    optimiser.update({step, 0.1, 1, 0.01, 0.9, 0});
  }
  return doubles(optimiser.parameters());
}

template <class T>
class OptimiserTest : public testing::Test {};
using Precisions = testing::Types<float, double>;
TYPED_TEST_SUITE(OptimiserTest, Precisions);

TYPED_TEST(OptimiserTest, SumsGradientsAndFiguresOverAllRanksHoweverNodesAreMade) {
  const int ranks = size_of(MPI_COMM_WORLD);
  const int rank = rank_of(MPI_COMM_WORLD);
  oracles::VectorXd expected = oracles::VectorXd::Zero(kCount);
  for (int r = 0; r < ranks; ++r) expected += oracles::to_eigen(numbers_of(r));
  for (const int node : {0, rank, std::min(rank, 1)}) {
    Optimiser<TypeParam> optimiser(MPI_COMM_WORLD, kCount, 2, node);
    put(optimiser.gradient(), numbers_of(rank));
    optimiser.figures()[0] = rank;
    optimiser.figures()[1] = 2;

    optimiser.reduce();

    const double rounding = sizeof(TypeParam) == 4 ? 1e-6 : 1e-15;
    const auto sum = doubles(optimiser.gradient_sum());
    EXPECT_LT((oracles::to_eigen(sum) - expected).cwiseAbs().maxCoeff(), 3 * rounding);
    EXPECT_EQ(optimiser.figure_sums()[0], ranks * (ranks - 1) / 2);
    EXPECT_EQ(optimiser.figure_sums()[1], 2 * ranks);
  }
}

TYPED_TEST(OptimiserTest, StepsAlikeHoweverNodesAreMade) {
  const int rank = rank_of(MPI_COMM_WORLD);
  const auto together = after_two_steps<TypeParam>(MPI_COMM_WORLD, 0);

  for (const int node : {rank, std::min(rank, 1)}) {
    const auto apart = after_two_steps<TypeParam>(MPI_COMM_WORLD, node);

    EXPECT_LT(oracles::relative_difference(apart, together), sizeof(TypeParam) == 4 ? 1e-4 : 1e-12);  // order of sums
  }
}

TYPED_TEST(OptimiserTest, ClearsGradientAndFiguresAfterAStep) {
  Optimiser<TypeParam> optimiser(MPI_COMM_WORLD, kCount, 1);
  put(optimiser.gradient(), numbers_of(0));
  optimiser.figures()[0] = 1;

  optimiser.reduce();
  optimiser.update({});

  for (const auto g : optimiser.gradient()) EXPECT_EQ(g, 0);
  EXPECT_EQ(optimiser.figures()[0], 0);
}

TYPED_TEST(OptimiserTest, ShortensLongGradientsOnly) {
  // Adam's first step hides a gradient's length; its first moment shows it.
  for (const double largest : {0.5, 1e9}) {
    Optimiser<TypeParam> optimiser(MPI_COMM_WORLD, kCount, 1);
    if (rank_of(MPI_COMM_WORLD) == 0) put(optimiser.gradient(), numbers_of(0));
    optimiser.reduce();
    typename Optimiser<TypeParam>::Step step;
    step.scale = 2;
    step.largest_norm = largest;
    optimiser.update(step);

    const double length = 2 * oracles::to_eigen(numbers_of(0)).norm();
    const double moment = oracles::to_eigen(doubles(optimiser.first_moment())).norm();
    EXPECT_NEAR(moment, 0.1 * std::min(length, largest), 1e-5 * length);  // single precision
  }
}

}  // namespace
}  // namespace kirchhoff
