#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "states/densities.hpp"
#include "states/sum_rule.hpp"

namespace kirchhoff {
namespace {

/// Mass of N(mean, sigma^2) in a cell, relative accuracy kept on either side of the mean.
double normal_mass(double left, double right, double mean, double sigma) {
  const double scale = 1 / (sigma * std::sqrt(2.0));
  if (left > mean) return 0.5 * (std::erfc((left - mean) * scale) - std::erfc((right - mean) * scale));
  return 0.5 * (std::erfc((mean - right) * scale) - std::erfc((mean - left) * scale));
}

// Fewer centres stand for those along a curve: beside the sum over all of them, cell by cell.
TEST(CellMasses, AreThoseOfAllCentres) {
  constexpr int kCells = 24;
  for (const std::string name : {"two_moons", "swiss_roll", "circles", "pinwheel", "two_spirals"}) {
    const auto density = planar_density(name);
    std::vector<double> expected(kCells * kCells, 0.0);
    for (const auto& centre : density.centres) {
      for (int i = 0; i < kCells; ++i) {
        const double left = -kBox + 2 * kBox * i / kCells;
        const double across = normal_mass(left, left + 2 * kBox / kCells, centre.x, density.width);
        if (across < 1e-18) continue;  // beyond the kernel's cut
        for (int j = 0; j < kCells; ++j) {
          const double low = -kBox + 2 * kBox * j / kCells;
          expected[static_cast<std::size_t>(i * kCells + j)] +=
              centre.weight * across * normal_mass(low, low + 2 * kBox / kCells, centre.y, density.width);
        }
      }
    }
    const double sum = std::accumulate(expected.begin(), expected.end(), 0.0);

    const auto masses = cell_masses(density, kCells);

    for (std::size_t x = 0; x < masses.size(); ++x) {
      const double mass = expected[x] / sum;
      EXPECT_NEAR(masses[x], mass, 2e-13 * mass + 1e-19) << name << " " << x;
    }
  }
}

// 1^4 + .. + n^4 in closed form, and a function that is no polynomial.
TEST(SumRule, IsExactForPolynomialsAndCloseForSmoothFunctions) {
  for (const int count : {17, 40, 645, 100'000}) {
    const auto rule = sum_rule(count, 16);
    double fourth = 0;
    double wave = 0;
    double weights = 0;
    for (const auto& node : rule) {
      fourth += node.weight * std::pow(node.at / count, 4);
      wave += node.weight * std::exp(8 * node.at / count);
      weights += node.weight;
      EXPECT_GT(node.weight, 0);
      EXPECT_GE(node.at, 0);
      EXPECT_LE(node.at, count - 1);
    }
    const double n = count - 1;
    const double exact = n * (n + 1) * (2 * n + 1) * (3 * n * n + 3 * n - 1) / 30 / std::pow(count, 4);
    const double q = std::exp(8.0 / count);

    EXPECT_EQ(rule.size(), 16U);
    EXPECT_NEAR(weights / count, 1, 1e-13);
    EXPECT_NEAR(fourth / exact, 1, 1e-13);
    EXPECT_NEAR(wave / ((std::pow(q, count) - 1) / (q - 1)), 1, 1e-11);
  }
}

TEST(SumRule, IsThePointsThemselvesWhereTheyAreFew) {
  const auto rule = sum_rule(5, 16);

  ASSERT_EQ(rule.size(), 5U);
  for (std::size_t k = 0; k < rule.size(); ++k) {
    EXPECT_EQ(rule[k].at, static_cast<double>(k));
    EXPECT_EQ(rule[k].weight, 1.0);
  }
}

}  // namespace
}  // namespace kirchhoff
