#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "kirchhoff/learn/task/supervision.hpp"
#include "oracles.hpp"

namespace kirchhoff {
namespace {

/// 12 states on 3 layers, the last of them flat.
class ExactSupervisionTest : public testing::Test {
 protected:
  ExactSupervisionTest() {
    auto numbers = oracles::uniform_numbers(24, -3, 5, 71);
    for (std::size_t x = 12; x < 24; ++x) numbers[x] *= 0.125;
    std::copy(numbers.begin(), numbers.end(), potential_.begin());
  }
  ExactSupervision supervision(double balance, std::uint64_t seed = 1) const {
    return {12, 2, potential_, seed, balance};
  }
  struct Batch {
    std::vector<std::int64_t> states;
    std::vector<double> targets;
  };
  Batch batch(const ExactSupervision& from, std::int64_t step, std::int64_t size, Range rows) const {
    Batch result;
    result.states.resize(static_cast<std::size_t>(rows.size()));
    result.targets.resize(3 * result.states.size());
    from.batch(model_, step, size, rows, result.states, result.targets);
    return result;
  }

  std::vector<double> potential_ = std::vector<double>(36, 0.75);
  Model model_{StateSpace(12, 1), 2, {{4}, Activation::silu, Precision::double_}};
};

TEST_F(ExactSupervisionTest, StandardisesEachLayer) {
  supervision(0).standardise(model_);

  for (int l = 0; l < 2; ++l) {
    const Eigen::VectorXd layer = oracles::to_eigen(potential_).segment(12 * l, 12);
    const auto k = static_cast<std::size_t>(l);
    const double scale = std::sqrt((layer.array() - layer.mean()).square().mean());
    EXPECT_NEAR(model_.mean()[k], layer.mean(), 1e-14);  // rounding
    EXPECT_NEAR(model_.scale()[k], scale, 1e-14);
  }
  EXPECT_EQ(model_.mean()[2], 0.75);
  // A flat layer is not divided by zero, and what the network gets wrong there stays small in volt.
  EXPECT_DOUBLE_EQ(model_.scale()[2], 1e-6 * std::max(model_.scale()[0], model_.scale()[1]));
}

TEST_F(ExactSupervisionTest, BalancesTheLayersBetweenRelativeAndAbsolute) {
  model_.scale() = {2, 0.5, 1};

  EXPECT_EQ(supervision(0).weights(model_), (std::vector<double>{1, 1, 1}));
  EXPECT_EQ(supervision(0.5).weights(model_), (std::vector<double>{1, 0.25, 0.5}));
  EXPECT_EQ(supervision(1).weights(model_), (std::vector<double>{1, 0.0625, 0.25}));
}

TEST_F(ExactSupervisionTest, TargetsAreTheStandardisedPotentials) {
  const auto exact = supervision(0);
  exact.standardise(model_);

  const auto drawn = batch(exact, 4, 50, {0, 50});

  for (std::size_t i = 0; i < 50; ++i) {
    for (std::size_t l = 0; l < 3; ++l) {
      const double back = model_.mean()[l] + model_.scale()[l] * drawn.targets[3 * i + l];
      const auto v = 12 * l + static_cast<std::size_t>(drawn.states[i]);
      EXPECT_NEAR(back, potential_[v], 1e-14) << i << " " << l;  // rounding
    }
  }
}

TEST_F(ExactSupervisionTest, DrawsTheSameRowsHoweverTheyAreSplit) {
  const auto exact = supervision(0);
  const auto whole = batch(exact, 9, 31, {0, 31});

  const auto first = batch(exact, 9, 31, {0, 13});
  const auto second = batch(exact, 9, 31, {13, 31});

  auto joined = first.states;
  joined.insert(joined.end(), second.states.begin(), second.states.end());
  auto targets = first.targets;
  targets.insert(targets.end(), second.targets.begin(), second.targets.end());
  EXPECT_EQ(joined, whole.states);
  EXPECT_EQ(targets, whole.targets);
}

TEST_F(ExactSupervisionTest, DrawsOtherRowsAtEveryStepAndSeed) {
  const auto one = batch(supervision(0), 1, 8, {0, 8});

  EXPECT_EQ(batch(supervision(0), 1, 8, {0, 8}).states, one.states);
  EXPECT_NE(batch(supervision(0), 2, 8, {0, 8}).states, one.states);
  EXPECT_NE(batch(supervision(0, 2), 1, 8, {0, 8}).states, one.states);
}

TEST_F(ExactSupervisionTest, CoversAllStatesInEveryBatch) {
  for (std::int64_t step = 0; step < 20; ++step) {
    const auto drawn = batch(supervision(0), step, 36, {0, 36});  // three rows a state

    for (std::size_t i = 0; i < 36; ++i) EXPECT_EQ(drawn.states[i], static_cast<std::int64_t>(i / 3)) << step;
  }
}

TEST_F(ExactSupervisionTest, DrawsEveryStateAsOftenOverTime) {
  std::vector<double> share(12);
  for (std::int64_t step = 0; step < 20000; ++step) {
    for (const auto x : batch(supervision(0), step, 5, {0, 5}).states) share[static_cast<std::size_t>(x)] += 1e-5;
  }

  for (std::size_t x = 0; x < 12; ++x) EXPECT_NEAR(share[x], 1.0 / 12, 0.005) << x;  // 5.7 deviations of 8.7e-4
}

}  // namespace
}  // namespace kirchhoff
