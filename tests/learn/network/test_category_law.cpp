#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "kirchhoff/base/random.hpp"
#include "learn/network/category_law.hpp"

namespace kirchhoff {
namespace {

std::vector<double> normals(std::size_t count, std::uint64_t seed, double size) {
  Random random(seed, Stream::parameters, 0);
  std::vector<double> values(count);
  for (double& v : values) v = size * random.normal();
  return values;
}

class CategoryLaws : public testing::TestWithParam<Likelihood> {
 protected:
  static constexpr int kCategories = 12;
  std::vector<double> masses(const std::vector<double>& outputs) const {
    std::vector<double> found(kCategories);
    law_.masses(outputs, found);
    return found;
  }
  CategoryLaw law_{GetParam(), kCategories};
  std::size_t width_ = static_cast<std::size_t>(law_.outputs());
};

TEST_P(CategoryLaws, AreDistributionsHoweverLargeTheOutputs) {
  for (const double size : {0.0, 1.0, 100.0}) {
    double sum = 0;
    for (const double m : masses(normals(width_, 4, size))) {
      EXPECT_GE(m, 0);
      sum += m;
    }
    EXPECT_NEAR(sum, 1, 1e-14);  // rounding
  }
}

TEST_P(CategoryLaws, CrossEntropyIsThatOfTheMasses) {
  const std::size_t s = kCategories;
  const auto outputs = normals(2 * width_, 5, 1);
  std::vector<double> targets(2 * s, 0.0);
  targets[3] = 1;
  for (std::size_t c = 0; c < s; ++c) targets[s + c] = static_cast<double>(c) / 66;
  const std::vector<double> weight = {2, 0.5};

  const double loss = law_.cross_entropy<double>(outputs, targets, weight, 1, {});

  double expected = 0;
  for (std::size_t i = 0; i < 2; ++i) {
    const auto first = outputs.begin() + static_cast<std::ptrdiff_t>(i * width_);
    const auto mass = masses({first, first + static_cast<std::ptrdiff_t>(width_)});
    for (std::size_t c = 0; c < s; ++c) expected -= weight[i] * targets[i * s + c] * std::log(mass[c]);
  }
  EXPECT_NEAR(loss, expected, 1e-12 * expected);
}

TEST_P(CategoryLaws, DerivativeIsTheSlopeOfTheLoss) {
  const auto outputs = normals(width_, 6, 1);
  std::vector<double> targets(kCategories, 0.0);
  targets[2] = 0.7;
  targets[11] = 0.6;  // need not sum to one
  const std::vector<double> weight = {1.5};
  std::vector<double> delta(width_);
  law_.cross_entropy<double>(outputs, targets, weight, 3, delta);

  const double step = 1e-5;
  for (std::size_t k = 0; k < width_; ++k) {
    auto moved = outputs;
    moved[k] += step;
    const double above = law_.cross_entropy<double>(moved, targets, weight, 1, {});
    moved[k] -= 2 * step;
    const double below = law_.cross_entropy<double>(moved, targets, weight, 1, {});
    EXPECT_NEAR(delta[k], 3 * (above - below) / (2 * step), 1e-8) << k;
  }
}

TEST_P(CategoryLaws, SinglePrecisionAgreesWithDouble) {
  const auto outputs = normals(width_, 7, 1);
  std::vector<double> targets(kCategories, 1.0 / kCategories);
  std::vector<double> delta(width_);
  const std::vector<double> weight = {1};
  const double loss = law_.cross_entropy<double>(outputs, targets, weight, 1, delta);
  const std::vector<float> single(outputs.begin(), outputs.end());
  const std::vector<float> single_targets(targets.begin(), targets.end());
  const std::vector<float> single_weight = {1};
  std::vector<float> single_delta(width_);

  EXPECT_NEAR(law_.cross_entropy<float>(single, single_targets, single_weight, 1, single_delta), loss, 1e-5 * loss);
  for (std::size_t k = 0; k < width_; ++k) EXPECT_NEAR(static_cast<double>(single_delta[k]), delta[k], 1e-4);
}

INSTANTIATE_TEST_SUITE_P(Both, CategoryLaws, testing::Values(Likelihood::categorical, Likelihood::mixture),
                         [](const auto& p) { return p.param == Likelihood::mixture ? "mixture" : "categorical"; });

TEST(CategoryLaw, OfAMixtureIsNormalLawsCutIntoBins) {
  // As documented: K + 1 logits (the even law first), K centres, K logarithms of widths (and half a category).
  const int s = 5;
  const CategoryLaw law(Likelihood::mixture, s);
  const int k = (law.outputs() - 1) / 3;
  std::vector<double> outputs(static_cast<std::size_t>(law.outputs()), 0.0);
  outputs[2] = 40;  // all of it to the second component, whose centre is (1 + 1/2) / K
  outputs[static_cast<std::size_t>(k + 1 + 1)] = 2;
  outputs[static_cast<std::size_t>(2 * k + 1 + 1)] = 0.8;
  std::vector<double> masses(s);

  law.masses(outputs, masses);

  const double centre = 1.5 / k + 0.15 * 2;
  const double width = 0.05 * std::exp(0.8) + 0.5 / s;
  const auto below = [&](double x) { return 0.5 * std::erfc((centre - x) / width / std::numbers::sqrt2); };
  for (int c = 0; c < s; ++c) {
    const double from = c == 0 ? 0 : below(static_cast<double>(c) / s);
    const double to = c == s - 1 ? 1 : below(static_cast<double>(c + 1) / s);
    EXPECT_NEAR(masses[static_cast<std::size_t>(c)], to - from, 1e-14);
  }
}

}  // namespace
}  // namespace kirchhoff
