#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "oracles.hpp"

/// Potentials of small circuits to thirty digits, from their definition: elimination without pivoting in quadruple
/// precision on the band that neighbouring layers make, the last vertex tied to ground.
namespace kirchhoff::oracles {

__extension__ typedef __float128 Quad;  // NOLINT(modernize-use-using): __extension__ takes no alias
using Definition = Eigen::Matrix<long double, Eigen::Dynamic, Eigen::Dynamic>;

/// Conductances of the layer pairs, and currents injected on all layers.
struct ExactProblem {
  std::vector<Definition> matrices;
  std::vector<double> source;
  std::vector<double> target;

  std::size_t states() const { return source.size(); }
  std::size_t vertices() const { return states() * (matrices.size() + 1); }
  /// What p and q sum to beside one another, by rounding, is taken from all vertices alike.
  Quad surplus() const {
    Quad sum = 0;
    for (std::size_t x = 0; x < states(); ++x) sum += static_cast<Quad>(source[x]) - target[x];
    return sum / static_cast<double>(vertices());
  }
  Quad injected(std::size_t v) const {
    Quad b = 0;
    if (v < states()) b += source[v];
    if (v >= vertices() - states()) b -= target[v - (vertices() - states())];
    return b;
  }
  /// Calls visit(v, w, g) for every edge.
  template <class Visit>
  void edges(Visit&& visit) const {
    const auto n = states();
    for (std::size_t l = 0; l < matrices.size(); ++l) {
      for (std::size_t x = 0; x < n; ++x) {
        for (std::size_t y = 0; y < n; ++y) {
          const long double g = matrices[l](static_cast<Eigen::Index>(x), static_cast<Eigen::Index>(y));
          if (g != 0) visit(l * n + x, (l + 1) * n + y, static_cast<Quad>(g));
        }
      }
    }
  }
};

/// The mean of all is zero.
inline std::vector<Quad> exact_potentials(const ExactProblem& problem) {
  const auto rows = problem.vertices() - 1;
  const auto band = 2 * problem.states();
  std::vector<Quad> a(rows * band);  // a[i band + k] is A(i, i - k)
  std::vector<Quad> u(problem.vertices());
  problem.edges([&](std::size_t v, std::size_t w, Quad g) {
    a[v * band] += g;
    if (w == rows) return;
    a[w * band] += g;
    a[w * band + (w - v)] -= g;
  });
  const Quad surplus = problem.surplus();
  for (std::size_t i = 0; i < rows; ++i) u[i] = problem.injected(i) - surplus;
  for (std::size_t j = 0; j < rows; ++j) {
    const auto end = std::min(rows, j + band);
    for (auto i = j + 1; i < end; ++i) {
      const Quad factor = a[i * band + (i - j)] / a[j * band];
      if (factor == 0) continue;
      for (auto k = i; k < end; ++k) a[k * band + (k - i)] -= factor * a[k * band + (k - j)];
      u[i] -= factor * u[j];
    }
  }
  for (auto j = rows; j-- > 0;) {
    for (auto i = j + 1; i < std::min(rows, j + band); ++i) u[j] -= a[i * band + (i - j)] * u[i];
    u[j] /= a[j * band];
  }
  Quad mean = 0;
  for (const Quad value : u) mean += value;
  mean /= static_cast<Quad>(static_cast<double>(u.size()));
  for (Quad& value : u) value -= mean;
  return u;
}

inline double magnitude(Quad value) { return static_cast<double>(value < 0 ? -value : value); }

inline double largest(const std::vector<Quad>& values) {
  double most = 0;
  for (const Quad value : values) most = std::max(most, magnitude(value));
  return most;
}

/// max |a - b| of potentials, both brought to a mean of zero: rounding of a stored mean is no error.
template <class Numbers>
double distance(const Numbers& a, const std::vector<Quad>& b) {
  Quad mean = 0;
  for (std::size_t i = 0; i < b.size(); ++i) mean += static_cast<Quad>(a[i]) - b[i];
  mean /= static_cast<Quad>(static_cast<double>(b.size()));
  double most = 0;
  for (std::size_t i = 0; i < b.size(); ++i) most = std::max(most, magnitude(static_cast<Quad>(a[i]) - b[i] - mean));
  return most;
}

}  // namespace kirchhoff::oracles
