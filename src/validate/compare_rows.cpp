#include "kirchhoff/validate/compare_rows.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace kirchhoff {
namespace {

int hamming(const std::uint16_t* a, const std::uint16_t* b, std::size_t d) {
  int sum = 0;
  for (std::size_t j = 0; j < d; ++j) sum += a[j] != b[j] ? 1 : 0;
  return sum;
}

}  // namespace

double mmd_squared(std::span<const std::uint16_t> a, std::span<const std::uint16_t> b, int dimensions) {
  const auto d = static_cast<std::size_t>(dimensions);
  std::vector<double> kernel;
  for (int k = 0; k <= dimensions; ++k) kernel.push_back(std::exp(-0.1 * k));
  const auto k = [&](const std::uint16_t* x, const std::uint16_t* y) {
    return kernel[static_cast<std::size_t>(hamming(x, y, d))];
  };
  const auto count = [&](std::span<const std::uint16_t> s) {
    return static_cast<double>(s.size()) / static_cast<double>(d);
  };
  const auto within = [&](std::span<const std::uint16_t> s) {
    double sum = 0;
    for (std::size_t i = 0; i < s.size(); i += d) {
      for (std::size_t j = 0; j < i; j += d) sum += k(&s[i], &s[j]);
    }
    const double m = count(s);
    return 2 * sum / (m * (m - 1));
  };
  double across = 0;
  for (std::size_t i = 0; i < a.size(); i += d) {
    for (std::size_t j = 0; j < b.size(); j += d) across += k(&a[i], &b[j]);
  }
  return within(a) + within(b) - 2 * across / (count(a) * count(b));
}

PlanarComparison compare_planar(std::span<const double> histogram, std::span<const double> masses) {
  constexpr double kNoMass = 1e-6;
  const double count = std::accumulate(histogram.begin(), histogram.end(), 0.0);
  PlanarComparison result;
  for (std::size_t k = 0; k < masses.size(); ++k) {
    const double share = histogram[k] / count;
    result.tv64 += 0.5 * std::abs(share - masses[k]);
    if (masses[k] < kNoMass) result.off_support += share;
  }
  return result;
}

}  // namespace kirchhoff
