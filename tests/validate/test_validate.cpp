#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "kirchhoff/solve/solve.hpp"
#include "kirchhoff/validate/validate.hpp"
#include "oracles.hpp"

namespace kirchhoff {
namespace {

constexpr double kValidateRounding = 1e-12;  // of sums of some hundred terms of either sign

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
  double largest = 0;
  for (int l = 0; l < circuit.layers(); ++l) {
    const Eigen::MatrixXd el = e.block(l * n, (l + 1) * n, n, n);
    const Eigen::MatrixXd al = a.block(l * n, (l + 1) * n, n, n);
    const double right = (el.array() * al.array() > 0).select(el.array().abs(), 0.0).sum();
    result.relative_l2_by_layer.push_back((al - el).norm() / el.norm());
    result.sign_agreement_by_layer.push_back(right / el.cwiseAbs().sum());
    error2 += (al - el).squaredNorm();
    exact2 += el.squaredNorm();
    all += el.cwiseAbs().sum();
    agreeing += right;
    largest = std::max(largest, el.cwiseAbs().maxCoeff());
    if (l == 0) continue;
    const Eigen::VectorXd imbalance = a.middleRows(l * n, n).rowwise().sum().cwiseAbs();
    result.kcl_imbalance_by_layer.push_back(imbalance.sum());
    result.kcl_relative_imbalance += imbalance.sum();
    result.kcl_max_imbalance = std::max(result.kcl_max_imbalance, imbalance.maxCoeff());
  }
  result.relative_l2 = std::sqrt(error2 / exact2);
  result.sign_agreement = agreeing / all;
  const double top = std::floor(std::log10(largest)) + 1;
  double to = std::pow(10.0, top);
  for (std::size_t k = 0; k < CurrentComparison::kDecades; ++k) {
    CurrentComparison::Decade d;
    d.to = to;
    d.from = k + 1 < CurrentComparison::kDecades ? std::pow(10.0, top - 1 - static_cast<double>(k)) : 0;
    double sum = 0;
    double square = 0;
    double off = 0;
    double right = 0;
    for (int l = 0; l < circuit.layers(); ++l) {
      for (std::int64_t x = 0; x < n; ++x) {
        for (std::int64_t y = 0; y < n; ++y) {
          const double i = e(l * n + x, (l + 1) * n + y);
          const double j = a(l * n + x, (l + 1) * n + y);
          if (i == 0 || std::abs(i) < d.from || std::abs(i) >= d.to) continue;
          ++d.edges;
          sum += std::abs(i);
          square += i * i;
          off += (j - i) * (j - i);
          right += i * j > 0 ? std::abs(i) : 0;
        }
      }
    }
    d.share = sum / all;
    d.relative_l2 = std::sqrt(off / square);
    d.sign_agreement = right / sum;
    result.by_decade.push_back(d);
    to = d.from;
  }
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

      const auto found = compare_currents(MPI_COMM_WORLD, circuit, exact, learned_flow(circuit, learned));

      EXPECT_NEAR(found.relative_l2, expected.relative_l2, kValidateRounding * expected.relative_l2) << name;
      EXPECT_LT(oracles::relative_difference(found.relative_l2_by_layer, expected.relative_l2_by_layer),
                kValidateRounding)
          << name;
      EXPECT_NEAR(found.sign_agreement, expected.sign_agreement, kValidateRounding) << name << " " << noise;
      EXPECT_LT(oracles::relative_difference(found.sign_agreement_by_layer, expected.sign_agreement_by_layer),
                kValidateRounding)
          << name << " " << noise;
      EXPECT_NEAR(found.kcl_relative_imbalance, expected.kcl_relative_imbalance,
                  kValidateRounding * expected.kcl_relative_imbalance)
          << name;
      EXPECT_NEAR(found.kcl_max_imbalance, expected.kcl_max_imbalance, kValidateRounding * expected.kcl_max_imbalance)
          << name;
      ASSERT_EQ(found.kcl_imbalance_by_layer.size(), expected.kcl_imbalance_by_layer.size()) << name;
      for (std::size_t l = 0; l < found.kcl_imbalance_by_layer.size(); ++l) {
        EXPECT_NEAR(found.kcl_imbalance_by_layer[l], expected.kcl_imbalance_by_layer[l],
                    kValidateRounding * expected.kcl_relative_imbalance)
            << name;
      }
    }
  }
}

TEST(CompareCurrents, HasTheFiguresOfBruteForceInEachDecade) {
  constexpr double kCancellation = 1e-9;  // a decade is the difference of sums that larger currents dominate
  for (const auto& [name, circuit] : oracles::examples()) {
    auto exact = oracles::to_vector(oracles::potentials(circuit));
    // A field of many scales, also where the circuit's own currents are all alike.
    for (std::size_t v = 0; v < exact.size(); ++v) exact[v] *= std::pow(10.0, -static_cast<double>(v % 4));
    auto learned = oracles::learned_like_field(circuit, 92);
    const double span = oracles::to_eigen(exact).cwiseAbs().maxCoeff();
    for (std::size_t v = 0; v < learned.size(); ++v) learned[v] = exact[v] + 0.1 * span * learned[v];
    const auto expected = by_brute_force(circuit, exact, learned);

    const auto found = compare_currents(MPI_COMM_WORLD, circuit, exact, learned_flow(circuit, learned));

    ASSERT_EQ(found.by_decade.size(), expected.by_decade.size()) << name;
    std::int64_t edges = 0;
    for (std::size_t k = 0; k < found.by_decade.size(); ++k) {
      const auto& f = found.by_decade[k];
      const auto& e = expected.by_decade[k];
      EXPECT_NEAR(f.from, e.from, 1e-14 * e.from) << name;
      EXPECT_NEAR(f.to, e.to, 1e-14 * e.to) << name;
      EXPECT_EQ(f.edges, e.edges) << name << " " << k;
      EXPECT_NEAR(f.share, e.share, kCancellation) << name << " " << k;
      edges += f.edges;
      if (e.edges == 0 || e.share < 1e-6) continue;
      EXPECT_NEAR(f.relative_l2 / e.relative_l2, 1, 1e-6) << name << " " << k;
      EXPECT_NEAR(f.sign_agreement, e.sign_agreement, 1e-6) << name << " " << k;
    }
    EXPECT_GT(std::count_if(found.by_decade.begin(), found.by_decade.end(), [](const auto& d) { return d.edges > 0; }),
              1)
        << name;
    EXPECT_LE(edges, circuit.edges()) << name;
  }
}

TEST(CompareCurrents, FindsNoFaultWithTheExactFieldWhateverItsGauge) {
  for (const auto& [name, circuit] : oracles::examples()) {
    const auto exact = oracles::to_vector(oracles::potentials(circuit));
    auto shifted = exact;
    for (double& phi : shifted) phi += 1;

    const auto found = compare_currents(MPI_COMM_WORLD, circuit, exact, learned_flow(circuit, shifted));

    EXPECT_LT(found.relative_l2, 1e-12) << name;  // the shift costs digits
    EXPECT_NEAR(found.sign_agreement, 1, 1e-12) << name;
    EXPECT_LT(found.kcl_relative_imbalance, 1e-11) << name;
  }
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
  const std::vector<double> counts = {5, 3, 0};

  const auto found = compare_samples(MPI_COMM_WORLD, c, walks_, 10, reference, 1);

  EXPECT_EQ(found.reference_rows, 3);
  ASSERT_TRUE(found.mmd && found.chi_square_of_rows);
  EXPECT_EQ(found.mmd->squared, mmd(c.space(), counts, std::vector<double>{1, 0, 2}).squared);
  EXPECT_EQ(found.chi_square_of_rows->statistic, chi_square_of_two(counts, std::vector<double>{1, 0, 2}).statistic);
}

TEST_F(SampleTest, HoldsTheWalksThatCameOutAgainstTheTarget) {
  const auto c = circuit({0.5, 0.25, 0.25});
  const std::vector<double> counts = {5, 3, 0};

  const auto found = compare_samples(MPI_COMM_WORLD, c, walks_, 10, {}, 1);

  EXPECT_EQ(found.mmd->squared, mmd_to_law(c.space(), counts, c.target()).squared);
  EXPECT_FALSE(found.chi_square_of_rows.has_value());
  EXPECT_EQ(found.chi_square.p_value, 0);  // two walks ended nowhere
  EXPECT_NEAR(found.tv_interval.high, std::min(1.0, found.tv + std::sqrt(std::log(40.0) / 20)), 1e-14);
}

TEST_F(SampleTest, SaysHowWellTheMeanNumberOfMovesIsKnown) {
  const auto found = compare_samples(MPI_COMM_WORLD, circuit({0.5, 0.25, 0.25}), walks_, 10, {}, 1);

  // Of 0..9: the variance is 82.5 / 9.
  EXPECT_NEAR(found.mean_steps_error, std::sqrt(82.5 / 9 / 10), 1e-14);  // rounding
}

TEST_F(SampleTest, MeasuresTheNoiseOfAllItsDistances) {
  const auto c = circuit({0.5, 0.25, 0.25});

  const auto found = compare_samples(MPI_COMM_WORLD, c, walks_, 10000, {}, 7);

  EXPECT_NEAR(found.noise_floor_tv_mean, expected_total_variation(c.target(), 10000), 1e-15);  // rounding
  EXPECT_NEAR(found.noise_floor_tv, found.noise_floor_tv_mean, 0.015);  // McDiarmid at 0.01: 0.0163 is rarer than that
  EXPECT_LT(found.noise_floor_kl, 20.0 / 20000);                        // twice n KL is chi-square with two degrees
  EXPECT_GT(found.noise_floor_kl, found.noise_floor_js);
}

}  // namespace
}  // namespace kirchhoff
