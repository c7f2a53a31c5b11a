#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "currents/sorted_layer.hpp"
#include "oracles.hpp"

namespace kirchhoff {
namespace {

/// Distinct values, ties, and a common offset that would cost digits.
std::vector<std::vector<double>> layers() {
  const auto random = oracles::uniform_numbers(17, -1, 1, 31);
  auto offset = random;
  for (double& phi : offset) phi += 1e8;
  return {random, {0.5, -1, 0.5, 0.5, 2, -1}, {3}, {1, 1, 1}, offset};
}

/// The layer's values and numbers below, between and above them.
std::vector<double> heights(const std::vector<double>& layer) {
  auto all = layer;
  for (const double phi : layer) all.push_back(phi + 0.125);
  all.push_back(*std::min_element(layer.begin(), layer.end()) - 1);
  return all;
}

TEST(SortedLayer, CountsTheStatesStrictlyBelow) {
  for (const auto& layer : layers()) {
    const SortedLayer sorted(layer);
    for (const double f : heights(layer)) {
      const auto expected = std::count_if(layer.begin(), layer.end(), [&](double phi) { return phi < f; });

      EXPECT_EQ(sorted.below(f), expected) << f;
    }
  }
}

TEST(SortedLayer, SumsTheDropToAllStatesBelow) {
  for (const auto& layer : layers()) {
    const SortedLayer sorted(layer);
    for (const double f : heights(layer)) {
      double expected = 0;
      for (const double phi : layer) expected += std::max(0.0, f - phi);

      const double drop = sorted.drop(sorted.below(f), f);

      EXPECT_NEAR(drop, expected, 1e-13) << f;  // rounding of differences of size 1, whatever the offset
    }
  }
}

TEST(SortedLayer, DrawsEveryStateOverItsShareOfTheDrop) {
  constexpr int kPoints = 20000;
  for (const auto& layer : layers()) {
    const SortedLayer sorted(layer);
    for (const double f : heights(layer)) {
      const auto k = sorted.below(f);
      const double drop = sorted.drop(k, f);
      if (k == 0) continue;
      std::vector<double> share(layer.size());
      for (int i = 0; i < kPoints; ++i) share[sorted.draw(k, f, (i + 0.5) / kPoints * drop)] += 1.0 / kPoints;

      for (std::size_t x = 0; x < layer.size(); ++x) {
        EXPECT_NEAR(share[x], std::max(0.0, f - layer[x]) / drop, 1.5 / kPoints) << f;  // the points' spacing
      }
    }
  }
}

TEST(SortedLayer, DrawsAStateBelowAtEitherEnd) {
  for (const auto& layer : layers()) {
    const SortedLayer sorted(layer);
    for (const double f : heights(layer)) {
      const auto k = sorted.below(f);
      if (k == 0) continue;

      const auto first = sorted.draw(k, f, 0);
      const auto last = sorted.draw(k, f, sorted.drop(k, f));  // the end itself, as rounding may ask for it

      EXPECT_LT(layer[first], f);
      EXPECT_LT(layer[last], f);
    }
  }
}

}  // namespace
}  // namespace kirchhoff
