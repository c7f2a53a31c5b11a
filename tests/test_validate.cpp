#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "kirchhoff/solve.hpp"
#include "kirchhoff/validate.hpp"
#include "oracles.hpp"

namespace kirchhoff {
namespace {

constexpr double kValidateRounding = 1e-12;  // of sums of some hundred terms of either sign

const std::vector<double> kP = {0.5, 0.25, 0.25, 0};
const std::vector<double> kQ = {0.25, 0.25, 0, 0.5};

/// The definition, edge by edge.
CurrentComparison by_brute_force(const Circuit& circuit, const std::vector<double>& exact,
                                 const std::vector<double>& learned) {
  const auto n = circuit.states();
  const Eigen::MatrixXd e = oracles::currents(circuit, exact);
  const Eigen::MatrixXd a = oracles::currents(circuit, learned);
  CurrentComparison result;
  double error2 = 0;
  double exact2 = 0;
  double agreeing = 0;
  double all = 0;
  for (int l = 0; l < circuit.layers(); ++l) {
    const Eigen::MatrixXd el = e.block(l * n, (l + 1) * n, n, n);
    const Eigen::MatrixXd al = a.block(l * n, (l + 1) * n, n, n);
    result.relative_l2_by_layer.push_back((al - el).norm() / el.norm());
    error2 += (al - el).squaredNorm();
    exact2 += el.squaredNorm();
    all += el.cwiseAbs().sum();
    agreeing += (el.array() * al.array() > 0).select(el.array().abs(), 0.0).sum();
    if (l > 0) result.kcl_relative_imbalance += a.middleRows(l * n, n).rowwise().sum().cwiseAbs().sum();
  }
  result.relative_l2 = std::sqrt(error2 / exact2);
  result.sign_agreement = agreeing / all;
  return result;
}

TEST(CompareCurrents, HasTheFiguresOfBruteForce) {
  for (const auto& [name, circuit] : oracles::examples()) {
    const auto exact = oracles::to_vector(oracles::potentials(circuit));
    const double span = oracles::to_eigen(exact).cwiseAbs().maxCoeff();
    for (const double noise : {0.01, 0.3, 2.0}) {  // from nearly right to nonsense
      auto learned = oracles::learned_like_field(circuit, 91);
      for (std::size_t v = 0; v < learned.size(); ++v) learned[v] = exact[v] + noise * span * learned[v];
      const auto expected = by_brute_force(circuit, exact, learned);

      const auto found = compare_currents(MPI_COMM_WORLD, circuit, exact, learned);

      EXPECT_NEAR(found.relative_l2, expected.relative_l2, kValidateRounding * expected.relative_l2) << name;
      EXPECT_LT(oracles::relative_difference(found.relative_l2_by_layer, expected.relative_l2_by_layer),
                kValidateRounding)
          << name;
      EXPECT_NEAR(found.sign_agreement, expected.sign_agreement, kValidateRounding) << name << " " << noise;
      EXPECT_NEAR(found.kcl_relative_imbalance, expected.kcl_relative_imbalance,
                  kValidateRounding * expected.kcl_relative_imbalance)
          << name;
    }
  }
}

TEST(CompareCurrents, FindsNoFaultWithTheExactFieldWhateverItsGauge) {
  for (const auto& [name, circuit] : oracles::examples()) {
    const auto exact = oracles::to_vector(oracles::potentials(circuit));
    auto shifted = exact;
    for (double& phi : shifted) phi += 1;

    const auto found = compare_currents(MPI_COMM_WORLD, circuit, exact, shifted);

    EXPECT_LT(found.relative_l2, 1e-12) << name;  // the shift costs digits
    EXPECT_NEAR(found.sign_agreement, 1, 1e-12) << name;
    EXPECT_LT(found.kcl_relative_imbalance, 1e-11) << name;
  }
}

TEST(TotalVariation, IsHalfTheSumOfDifferences) {
  EXPECT_EQ(total_variation(kP, kQ), 0.5);
  EXPECT_EQ(total_variation(kP, kP), 0);
  EXPECT_EQ(total_variation(std::vector<double>{1, 0}, std::vector<double>{0, 1}), 1);
}

TEST(KlDivergence, IsInNatsAndInfiniteWhereItsSecondIsZero) {
  const std::vector<double> half = {0.5, 0.5, 0, 0};
  const std::vector<double> quarter = {0.25, 0.25, 0.25, 0.25};

  EXPECT_NEAR(kl_divergence(half, quarter), std::log(2.0), 1e-15);  // rounding
  EXPECT_EQ(kl_divergence(quarter, half), std::numeric_limits<double>::infinity());
  EXPECT_EQ(kl_divergence(kP, kP), 0);
}

TEST(JsDivergence, IsSymmetricAndAtMostLogTwo) {
  const std::vector<double> left = {1, 0};
  const std::vector<double> right = {0, 1};

  EXPECT_NEAR(js_divergence(left, right), std::log(2.0), 1e-15);  // rounding, here and below
  EXPECT_NEAR(js_divergence(kP, kQ), js_divergence(kQ, kP), 1e-15);
  // By hand: half of KL(P||M) + KL(Q||M) with M = (3/8, 1/4, 1/8, 1/4).
  const double expected =
      (0.5 * std::log(4.0 / 3) + 0.25 * std::log(2) + 0.25 * std::log(2.0 / 3) + 0.5 * std::log(2)) / 2;
  EXPECT_NEAR(js_divergence(kP, kQ), expected, 1e-15);
}

TEST(UncoveredStates, CountWhatMakesTheDivergenceInfinite) {
  EXPECT_EQ(uncovered_states(kQ, kP), 1);
  EXPECT_EQ(uncovered_states(kP, kQ), 1);
  EXPECT_EQ(uncovered_states(kP, kP), 0);
}

TEST(MmdSquared, HasItsClosedFormOnTwoPoints) {
  const StateSpace space(3, 4);
  const std::int64_t x = 0;
  const std::int64_t y = 1 + 3 + 9;  // three coordinates away
  const double k = std::exp(-0.3);
  using States = std::vector<std::int64_t>;

  EXPECT_NEAR(mmd_squared(space, States{x, x}, States{y, y, y}), 2 - 2 * k, 1e-15);     // rounding
  EXPECT_NEAR(mmd_squared(space, States{x, y}, States{x, y}), 2 * k - (1 + k), 1e-15);  // unbiased: may be negative
  EXPECT_NEAR(mmd_squared(space, States{x, x, y}, States{x, x}), (1 + 2 * k) / 3 + 1 - 2 * (2 + k) / 3, 1e-15);
}

TEST(LogLikelihood, IsTheMeanOverTheRows) {
  const auto found = log_likelihood(kP, std::vector<std::int64_t>{0, 0, 1});

  ASSERT_TRUE(found.mean.has_value());
  EXPECT_NEAR(*found.mean, (2 * std::log(0.5) + std::log(0.25)) / 3, 1e-15);  // rounding
  EXPECT_EQ(found.rows, 3);
  EXPECT_EQ(found.rows_of_zero_probability, 0);
}

TEST(LogLikelihood, IsNoneWhenARowHasProbabilityZero) {
  const auto found = log_likelihood(kP, std::vector<std::int64_t>{0, 3, 3});

  EXPECT_FALSE(found.mean.has_value());
  EXPECT_EQ(found.rows, 3);
  EXPECT_EQ(found.rows_of_zero_probability, 2);
}

TEST(DrawStates, DrawsFromTheMassAndNeverWhereThereIsNone) {
  constexpr std::int64_t kDraws = 100000;
  const auto states = draw_states(kQ, kDraws, 5);

  std::vector<double> share(4);
  for (const auto x : states) share[static_cast<std::size_t>(x)] += 1.0 / kDraws;
  for (std::size_t x = 0; x < 4; ++x) EXPECT_NEAR(share[x], kQ[x], 0.01) << x;  // six deviations of 0.0016
  EXPECT_EQ(share[2], 0);
  const auto fewer = draw_states(kQ, 100, 5);
  EXPECT_TRUE(std::equal(fewer.begin(), fewer.end(), states.begin()));  // draw i depends on i alone
  EXPECT_NE(draw_states(kQ, 100, 6), fewer);
}

/// Walks on two states with known ends: of 10 particles 5 stop in 0, 3 in 1 and 2 are stuck.
class SampleTest : public testing::Test {
 protected:
  SampleTest() {
    const auto mine = partition(10, size_of(MPI_COMM_WORLD), rank_of(MPI_COMM_WORLD));
    walks_.first = mine.begin;
    for (auto i = mine.begin; i < mine.end; ++i) {
      walks_.start.push_back(0);
      walks_.end.push_back(i < 5 ? 0 : 1);
      walks_.stuck.push_back(i < 8 ? 0 : 1);
      walks_.moves.push_back(static_cast<std::int32_t>(i));
    }
  }
  Circuit circuit(Mass target) const {
    const StateSpace space(3, 1);
    return {space, {Coupling::dense(space, 1, 2)}, {1, 0, 0}, std::move(target)};
  }

  Walks walks_;
};

TEST_F(SampleTest, HistogramLeavesStuckWalksOut) {
  const auto h = histogram(MPI_COMM_WORLD, circuit({0.5, 0.25, 0.25}), walks_, 10);

  EXPECT_EQ(h, (std::vector<double>{0.5, 0.3, 0}));
}

TEST_F(SampleTest, ComparesWithTheTarget) {
  const auto found = compare_samples(MPI_COMM_WORLD, circuit({0.5, 0.25, 0.25}), walks_, 10, {}, 1);

  EXPECT_EQ(found.count, 10);
  EXPECT_EQ(found.stuck, 2);
  EXPECT_EQ(found.outside_support, 0);
  EXPECT_DOUBLE_EQ(found.mean_steps, 4.5);
  EXPECT_NEAR(found.tv, (0 + 0.05 + 0.25) / 2 + 0.1, 1e-15);  // half the lost mass; rounding
  EXPECT_NEAR(found.kl, 0.3 * std::log(0.3 / 0.25), 1e-15);
  EXPECT_NEAR(found.js, js_divergence(std::vector<double>{0.5, 0.3, 0}, std::vector<double>{0.5, 0.25, 0.25}), 1e-15);
}

TEST_F(SampleTest, CountsSamplesWhereTheTargetIsZero) {
  const auto found = compare_samples(MPI_COMM_WORLD, circuit({0.5, 0, 0.5}), walks_, 10, {}, 1);

  EXPECT_EQ(found.outside_support, 3);
  EXPECT_EQ(found.kl, std::numeric_limits<double>::infinity());
}

TEST_F(SampleTest, MeasuresTheNoiseOfAsManyDraws) {
  const auto c = circuit({0.5, 0.25, 0.25});

  const auto found = compare_samples(MPI_COMM_WORLD, c, walks_, 10, {}, 7);

  std::vector<double> drawn(3);
  for (const auto x : draw_states(c.target(), 10, 7)) drawn[static_cast<std::size_t>(x)] += 0.1;
  EXPECT_NEAR(found.noise_floor_tv, total_variation(drawn, c.target()), 1e-15);  // rounding
}

TEST_F(SampleTest, NoiseFallsWithTheRootOfTheNumberOfDraws) {
  const auto c = circuit({0.5, 0.25, 0.25});

  const auto found = compare_samples(MPI_COMM_WORLD, c, walks_, 1000000, {}, 7);

  EXPECT_LT(found.noise_floor_tv, 0.5 * std::sqrt(3 / 1e6) + 0.0033);  // mean, and McDiarmid's bound at 1e-9
  EXPECT_GT(found.noise_floor_tv, 0);
}

TEST_F(SampleTest, HoldsTheWalksThatCameOutAgainstTheReference) {
  const auto c = circuit({0.5, 0.25, 0.25});
  const std::vector<std::int64_t> reference = {2, 2, 0};

  const auto found = compare_samples(MPI_COMM_WORLD, c, walks_, 10, reference, 1);

  const std::vector<std::int64_t> ends = {0, 0, 0, 0, 0, 1, 1, 1};
  EXPECT_NEAR(found.mmd, mmd_squared(c.space(), ends, reference), 1e-15);  // rounding
}

}  // namespace
}  // namespace kirchhoff
