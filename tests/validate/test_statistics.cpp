#include <Eigen/Dense>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <vector>

#include "kirchhoff/validate/compare_rows.hpp"
#include "kirchhoff/validate/statistics.hpp"
#include "oracles.hpp"

namespace kirchhoff {
namespace {

const std::vector<double> kP = {0.5, 0.25, 0.25, 0};
const std::vector<double> kQ = {0.25, 0.25, 0, 0.5};

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
  EXPECT_NEAR(*found.mean_of_others, std::log(0.5), 1e-15);  // rounding
  EXPECT_FALSE(found.interval.has_value());
}

TEST(DrawStates, DrawsFromTheMassAndNeverWhereThereIsNone) {
  constexpr std::int64_t kDrawn = 100000;
  const auto states = draw_states(kQ, kDrawn, 5);

  std::vector<double> share(4);
  for (const auto x : states) share[static_cast<std::size_t>(x)] += 1.0 / kDrawn;
  for (std::size_t x = 0; x < 4; ++x) EXPECT_NEAR(share[x], kQ[x], 0.01) << x;  // six deviations of 0.0016
  EXPECT_EQ(share[2], 0);
  const auto fewer = draw_states(kQ, 100, 5);
  EXPECT_TRUE(std::equal(fewer.begin(), fewer.end(), states.begin()));  // draw i depends on i alone
  EXPECT_NE(draw_states(kQ, 100, 6), fewer);
}

std::vector<double> counted(std::span<const std::int64_t> states, std::int64_t n) {
  std::vector<double> counts(static_cast<std::size_t>(n));
  for (const auto x : states) counts[static_cast<std::size_t>(x)] += 1;
  return counts;
}

std::vector<double> shares(std::vector<double> counts) {
  const double sum = std::accumulate(counts.begin(), counts.end(), 0.0);
  for (double& c : counts) c /= sum;
  return counts;
}

TEST(LogLikelihood, HasTheIntervalOfTheMeanOfItsRows) {
  const auto found = log_likelihood(kP, std::vector<std::int64_t>{0, 0, 1, 2});

  // Logarithms a, a, b, b with a - b = log 2: their standard deviation is log 2 / sqrt 3.
  const double half = 1.96 * std::log(2.0) / std::sqrt(3.0) / 2;
  ASSERT_TRUE(found.interval.has_value());
  EXPECT_NEAR(found.interval->high - *found.mean, half, 1e-14);  // rounding
  EXPECT_NEAR(*found.mean - found.interval->low, half, 1e-14);
}

TEST(BestSmoothing, IsTheShareOfGreatestLikelihood) {
  const std::vector<std::int64_t> rows = {0, 0, 1, 3, 2, 0, 1, 0};

  // scipy.optimize.minimize_scalar, to the tolerance that a flat maximum allows
  EXPECT_NEAR(best_smoothing(kP, rows), 0.399999998256, 1e-8);
  EXPECT_LT(best_smoothing(kP, std::vector<std::int64_t>{0, 0, 1}), 1e-15);       // the law as it is
  EXPECT_NEAR(best_smoothing(kP, std::vector<std::int64_t>{3, 3, 3}), 1, 1e-15);  // nothing of it
}

TEST(ExpectedTotalVariation, IsTheMeanOverAllBinomialCounts) {
  for (const std::int64_t n : {1, 7, 40}) {
    double expected = 0;
    for (const double q : kP) {
      double weight = std::pow(1 - q, static_cast<double>(n));  // of k successes
      for (std::int64_t k = 0; k <= n && q > 0; ++k) {
        expected += 0.5 * weight * std::abs(static_cast<double>(k) / static_cast<double>(n) - q);
        weight *= static_cast<double>(n - k) / static_cast<double>(k + 1) * q / (1 - q);
      }
    }

    EXPECT_NEAR(expected_total_variation(kP, static_cast<double>(n)), expected, 1e-13) << n;  // rounding of lgamma
  }
  EXPECT_EQ(expected_total_variation(std::vector<double>{1, 0}, 5), 0);
}

TEST(TotalVariationInterval, CoversTheLawsOwnDistanceAndNarrows) {
  const std::vector<double> g = {0.45, 0.3, 0.2, 0.05};
  const double tv = total_variation(g, kP);
  double width = 1;
  for (const std::int64_t count : {200, 20000}) {
    constexpr int kRepeats = 200;
    int covered = 0;
    Interval last;
    for (int k = 0; k < kRepeats; ++k) {
      const auto h = shares(counted(draw_states(g, count, 100 + static_cast<std::uint64_t>(k)), 4));
      last = total_variation_interval(h, kP, static_cast<double>(count));
      covered += last.low <= tv && tv <= last.high ? 1 : 0;
    }
    EXPECT_GE(covered, 0.95 * kRepeats) << count;
    EXPECT_LT(last.high - last.low, width) << count;
    width = 0.2 * (last.high - last.low);  // sqrt(100) times narrower, but for where it ends at zero
  }
}

TEST(ChiSquareTail, HasTheValuesOfScipy) {  // scipy.stats.chi2.sf
  EXPECT_NEAR(chi_square_tail(3.84, 1), 0.05004352124870519, 1e-14);
  EXPECT_NEAR(chi_square_tail(2600, 2499), 0.07791527176108162, 1e-10);
  EXPECT_NEAR(chi_square_tail(2300, 2499), 0.9980351233033091, 1e-10);
  EXPECT_NEAR(chi_square_tail(66000, 65535), 0.09970784924015072, 1e-10);
  EXPECT_NEAR(chi_square_tail(200, 2) / 3.720075976020818e-44, 1, 1e-12);
  EXPECT_EQ(chi_square_tail(0, 3), 1);
}

TEST(ChiSquareTest, IsThatOfScipyOncePooled) {
  const std::vector<double> q = {0.5, 0.3, 0.1, 0.05, 0.03, 0.02};
  const std::vector<double> counts = {28, 17, 9, 2, 3, 1};

  const auto found = chi_square(counts, q, 60);

  // Expected 30, 18, 6 and, together, 3 + 1.8 + 1.2; scipy.stats.chisquare([28, 17, 9, 6], [30, 18, 6, 6])
  EXPECT_EQ(found.cells, 4);
  EXPECT_EQ(found.degrees, 3);
  EXPECT_NEAR(found.statistic, 1.688888888888889, 1e-13);
  EXPECT_NEAR(found.p_value, 0.63940686897266, 1e-13);
}

TEST(ChiSquareTest, PoolsWhatIsLeftWithTheCellBefore) {
  // Of 10 draws 5 are expected in state 1 and 5 in the others: two cells, not three.
  const auto found = chi_square(std::vector<double>{3, 4, 3}, std::vector<double>{0.25, 0.5, 0.25}, 10);

  EXPECT_EQ(found.cells, 2);
  EXPECT_NEAR(found.statistic, 0.4, 1e-14);
}

TEST(ChiSquareTest, RejectsWhatCannotHappen) {
  const auto found = chi_square(std::vector<double>{49, 50, 1}, std::vector<double>{0.5, 0.5, 0}, 100);
  const auto lost = chi_square(std::vector<double>{49, 50, 0}, std::vector<double>{0.5, 0.5, 0}, 100);

  EXPECT_EQ(found.statistic, std::numeric_limits<double>::infinity());
  EXPECT_EQ(found.p_value, 0);
  EXPECT_EQ(lost.p_value, 0);
}

TEST(ChiSquareTest, SaysNothingOnASingleCell) {
  const auto found = chi_square(std::vector<double>{2, 1}, std::vector<double>{0.5, 0.5}, 3);

  EXPECT_EQ(found.degrees, 0);
  EXPECT_EQ(found.p_value, 1);
}

TEST(ChiSquareTest, OfTwoSamplesIsThatOfTheirTable) {
  // scipy.stats.chi2_contingency([[12, 30, 8, 50], [25, 41, 9, 75]], correction=False)
  const auto found = chi_square_of_two(std::vector<double>{12, 30, 8, 50, 0}, std::vector<double>{25, 41, 9, 75, 0});

  EXPECT_EQ(found.cells, 4);
  EXPECT_NEAR(found.statistic, 1.386058801137509, 1e-13);
  EXPECT_NEAR(found.p_value, 0.7088058551642684, 1e-13);
}

/// Tests with p-values reject true hypotheses as often as they say.
template <class Test>
double share_rejected(Test&& p_value) {
  constexpr int kRepeats = 600;
  int rejected = 0;
  for (int k = 0; k < kRepeats; ++k) rejected += p_value(static_cast<std::uint64_t>(k)) < 0.05 ? 1 : 0;
  return static_cast<double>(rejected) / kRepeats;
}
constexpr double kFourDeviations = 4 * 0.0089;  // of 600 trials at 0.05

TEST(ChiSquareTest, RejectsATrueHypothesisInFiveOfAHundred) {
  const auto q = shares(oracles::uniform_numbers(30, 0.0, 1.0, 5));

  EXPECT_NEAR(
      share_rejected([&](std::uint64_t k) { return chi_square(counted(draw_states(q, 500, k), 30), q, 500).p_value; }),
      0.05, kFourDeviations);
  EXPECT_NEAR(share_rejected([&](std::uint64_t k) {
                return chi_square_of_two(counted(draw_states(q, 500, 1000 + k), 30),
                                         counted(draw_states(q, 300, 2000 + k), 30))
                    .p_value;
              }),
              0.05, kFourDeviations);
}

/// All of the kernel's matrix.
Eigen::MatrixXd kernel_matrix(const StateSpace& space) {
  Eigen::MatrixXd k(space.size(), space.size());
  for (std::int64_t x = 0; x < space.size(); ++x) {
    for (std::int64_t y = 0; y < space.size(); ++y) k(x, y) = std::exp(-0.1 * space.hamming(x, y));
  }
  return k;
}

TEST(MmdTest, EstimatesAsTheSumOverAllPairs) {
  const StateSpace space(3, 4);
  const auto law = shares(oracles::uniform_numbers(space.size(), 0.0, 1.0, 6));
  const auto a = draw_states(law, 40, 1);
  const auto b = draw_states(law, 25, 2);
  std::vector<std::uint16_t> rows_a(a.size() * 4);
  std::vector<std::uint16_t> rows_b(b.size() * 4);
  for (std::size_t i = 0; i < a.size(); ++i) space.coordinates(a[i], std::span(rows_a).subspan(4 * i, 4));
  for (std::size_t i = 0; i < b.size(); ++i) space.coordinates(b[i], std::span(rows_b).subspan(4 * i, 4));

  const auto found = mmd(space, counted(a, space.size()), counted(b, space.size()));

  EXPECT_NEAR(found.squared, mmd_squared(rows_a, rows_b, 4), 1e-14);  // rounding
}

TEST(MmdTest, OfDrawsAgainstALawHasNoPairsOfADrawWithItself) {
  const StateSpace space(2, 2);
  const std::vector<double> counts = {2, 0, 0, 1};
  const std::vector<double> q = {0.5, 0.5, 0, 0};
  const double near = std::exp(-0.1);
  const double far = std::exp(-0.2);

  const auto found = mmd_to_law(space, counts, q);

  const double within = (1 + 2 * far) / 3;
  const double across = (2 * (0.5 + 0.5 * near) + 0.5 * far + 0.5 * near) / 3;
  EXPECT_NEAR(found.squared, within - 2 * across + 0.5 + 0.5 * near, 1e-15);  // rounding
}

TEST(MmdTest, OfLawsIsTheQuadraticForm) {
  const StateSpace space(4, 3);
  const auto g = shares(oracles::uniform_numbers(space.size(), 0.0, 1.0, 7));
  const auto q = shares(oracles::uniform_numbers(space.size(), 0.0, 1.0, 8));
  const Eigen::VectorXd d = oracles::to_eigen(g) - oracles::to_eigen(q);

  EXPECT_NEAR(mmd_squared(space, g, q), d.dot(kernel_matrix(space) * d), 1e-16);  // rounding
}

TEST(MmdTest, HasTheSpreadOfItsEigenvalues) {
  const StateSpace space(3, 3);
  const auto q = shares(oracles::uniform_numbers(space.size(), 0.0, 1.0, 9));
  const Eigen::VectorXd p = oracles::to_eigen(q);
  const Eigen::VectorXd root = p.cwiseSqrt();
  const Eigen::MatrixXd centred = Eigen::MatrixXd::Identity(p.size(), p.size()) - root * root.transpose();
  const Eigen::MatrixXd scaled_kernel = root.asDiagonal() * kernel_matrix(space) * root.asDiagonal();
  const Eigen::VectorXd values =
      Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>(centred * scaled_kernel * centred).eigenvalues();

  const auto found = mmd_to_law(space, counted(draw_states(q, 50, 3), space.size()), q);

  EXPECT_NEAR(found.null_deviation, std::sqrt(2 * values.squaredNorm()) / 50, 1e-15);  // rounding
}

TEST(MmdTest, HasTheProbabilitiesOfASimulation) {
  // 200,000 sets of 400 draws from q by numpy: the values that 50, 10, 5 and 1 percent of them exceed.
  const StateSpace space(3, 2);
  const std::vector<double> q = {0.2, 0.1, 0.05, 0.15, 0.1, 0.05, 0.05, 0.2, 0.1};
  const std::vector<std::pair<double, double>> quantiles = {
      {-5.330e-5, 0.5}, {2.8676e-4, 0.1}, {4.2443e-4, 0.05}, {7.3886e-4, 0.01}};
  const auto counts = counted(draw_states(q, 400, 4), space.size());
  const auto found = mmd_to_law(space, counts, q);
  EXPECT_NEAR(found.null_deviation, 2.1857e-4, 1e-6);  // 0.3 percent: of the simulation, and of 400 draws

  // What the reported p-value is made of, at those values: a law of the same mean and deviation.
  const double mean = (1 - oracles::to_eigen(q).dot(kernel_matrix(space) * oracles::to_eigen(q))) / 400;
  const double shape = std::pow(mean / found.null_deviation, 2);
  for (const auto& [value, probability] : quantiles) {
    EXPECT_NEAR(chi_square_tail(2 * (value + mean) * shape / mean, 2 * shape), probability, 0.01) << value;
  }
  EXPECT_NEAR(chi_square_tail(2 * (found.squared + mean) * shape / mean, 2 * shape), found.p_value, 1e-12);
}

TEST(MmdTest, RejectsATrueHypothesisInFiveOfAHundredAndAWrongOneMostly) {
  const StateSpace space(3, 3);
  const auto q = shares(oracles::uniform_numbers(27, 0.0, 1.0, 5));
  const auto other = shares(oracles::uniform_numbers(27, 0.0, 1.0, 6));
  const auto of = [&](const std::vector<double>& law, std::uint64_t k) {
    return counted(draw_states(law, 300, 5000 + k), 27);
  };

  EXPECT_NEAR(share_rejected([&](std::uint64_t k) { return mmd_to_law(space, of(q, k), q).p_value; }), 0.05,
              kFourDeviations);
  EXPECT_NEAR(share_rejected([&](std::uint64_t k) { return mmd(space, of(q, k), of(q, 1000 + k)).p_value; }), 0.05,
              kFourDeviations);
  EXPECT_GT(share_rejected([&](std::uint64_t k) { return mmd_to_law(space, of(other, k), q).p_value; }), 0.9);
}

TEST(MmdTest, IsCertainOfALawOfOneState) {
  const StateSpace space(2, 2);
  const std::vector<double> q = {0, 1, 0, 0};

  EXPECT_EQ(mmd_to_law(space, std::vector<double>{0, 5, 0, 0}, q).p_value, 1);
  EXPECT_EQ(mmd_to_law(space, std::vector<double>{0, 4, 2, 0}, q).p_value, 0);
}

}  // namespace
}  // namespace kirchhoff
