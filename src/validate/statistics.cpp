#include "kirchhoff/validate/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <unsupported/Eigen/SpecialFunctions>

#include "kirchhoff/base/random.hpp"

namespace kirchhoff {
namespace {

constexpr double kInfinite = std::numeric_limits<double>::infinity();
constexpr double kLeastExpected = 5;          // counts of a cell of a chi-square test
constexpr double kNormalQuantile = 1.96;      // of 0.975
constexpr double kDifference = 0.1;           // of the kernel's exponent, for each coordinate that differs
const double kTwoSided = std::log(2 / 0.05);  // of McDiarmid's bound at 95 %

double sum_of(std::span<const double> values) { return std::accumulate(values.begin(), values.end(), 0.0); }

double dot(std::span<const double> a, std::span<const double> b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

std::vector<double> scaled(std::span<const double> values, double factor) {
  std::vector<double> result(values.begin(), values.end());
  for (double& v : result) v *= factor;
  return result;
}

/// sum_y exp(-rate d(x, y)) f(y) for every x, a coordinate at a time.
std::vector<double> apply_kernel(const StateSpace& space, std::vector<double> f, double rate) {
  const double differs = std::exp(-rate);
  for (int d = 0; d < space.dimensions(); ++d) {
    const auto s = static_cast<std::size_t>(space.categories(d));
    const auto stride = static_cast<std::size_t>(space.stride(d));
    for (std::size_t block = 0; block < f.size(); block += s * stride) {
      for (std::size_t i = block; i < block + stride; ++i) {
        double line = 0;
        for (std::size_t c = 0; c < s; ++c) line += f[i + c * stride];
        for (std::size_t c = 0; c < s; ++c) {
          double& at = f[i + c * stride];
          at = (1 - differs) * at + differs * line;
        }
      }
    }
  }
  return f;
}

/// What is known of the unbiased estimate from histograms when the laws are equal: with v = 1/m + 1/n it is
/// v (sum of squares of a Gaussian of covariance K^(1/2) (diag p - p p') K^(1/2), less its mean).
Mmd judged(const StateSpace& space, double squared, std::span<const double> law, double v) {
  const std::vector<double> p(law.begin(), law.end());
  const auto mu = apply_kernel(space, p, kDifference);
  const double mean = 1 - dot(p, mu);  // of the sum of squares: its trace
  double mu2 = 0;
  for (std::size_t x = 0; x < p.size(); ++x) mu2 += p[x] * mu[x] * mu[x];
  // Twice the squared norm: E k~(x, y)^2, k~ the kernel centred in both arguments.
  const double k2 = dot(p, apply_kernel(space, p, 2 * kDifference));
  const double variance = 2 * std::max(0.0, k2 - 2 * mu2 + (1 - mean) * (1 - mean));
  Mmd result{squared, v * std::sqrt(variance), 1};
  constexpr double kCertain = 1e-14;  // rounding: all draws are of one state
  if (mean < kCertain || variance <= 0) {
    result.p_value = squared > kCertain ? 0 : 1;
    return result;
  }
  const double shape = mean * mean / variance;
  const double at = std::max(0.0, squared / v + mean);
  result.p_value = Eigen::numext::igammac(shape, at * mean / variance);
  return result;
}

ChiSquare finished(ChiSquare test) {
  test.degrees = std::max<std::int64_t>(0, test.cells - 1);
  if (test.degrees > 0 && std::isfinite(test.statistic)) {
    test.p_value = chi_square_tail(test.statistic, static_cast<double>(test.degrees));
  } else {
    test.p_value = std::isfinite(test.statistic) ? 1 : 0;
  }
  return test;
}

/// States by ascending weight, those of none left out.
std::vector<std::size_t> rarest_first(std::span<const double> weight) {
  std::vector<std::size_t> order;
  for (std::size_t x = 0; x < weight.size(); ++x) {
    if (weight[x] > 0) order.push_back(x);
  }
  std::sort(order.begin(), order.end(),
            [&](std::size_t x, std::size_t y) { return weight[x] < weight[y] || (weight[x] == weight[y] && x < y); });
  return order;
}

}  // namespace

double total_variation(std::span<const double> g, std::span<const double> q) {
  double sum = 0;
  for (std::size_t i = 0; i < q.size(); ++i) sum += std::abs(g[i] - q[i]);
  return sum / 2;
}

double kl_divergence(std::span<const double> q, std::span<const double> g) {
  double sum = 0;
  for (std::size_t i = 0; i < q.size(); ++i) {
    if (q[i] <= 0) continue;
    if (g[i] <= 0) return kInfinite;
    sum += q[i] * std::log(q[i] / g[i]);
  }
  return sum;
}

double js_divergence(std::span<const double> g, std::span<const double> q) {
  std::vector<double> middle(q.size());
  for (std::size_t i = 0; i < q.size(); ++i) middle[i] = (g[i] + q[i]) / 2;
  return (kl_divergence(g, middle) + kl_divergence(q, middle)) / 2;
}

std::int64_t uncovered_states(std::span<const double> q, std::span<const double> g) {
  std::int64_t count = 0;
  for (std::size_t i = 0; i < q.size(); ++i) count += q[i] > 0 && g[i] <= 0 ? 1 : 0;
  return count;
}

std::vector<std::int64_t> draw_states(std::span<const double> mass, std::int64_t count, std::uint64_t seed) {
  std::vector<double> sums(mass.size());
  std::partial_sum(mass.begin(), mass.end(), sums.begin());
  std::vector<std::int64_t> states(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < states.size(); ++i) {
    const double u = Random(seed, Stream::target_draw, i).uniform() * sums.back();
    const auto it = std::upper_bound(sums.begin(), sums.end(), u);
    states[i] = std::min<std::int64_t>(it - sums.begin(), static_cast<std::int64_t>(sums.size()) - 1);
  }
  return states;
}

double expected_total_variation(std::span<const double> q, double count) {
  // E |k - n q| = 2 m C(n, m) q^m (1-q)^(n-m+1) with m = floor(n q) + 1.
  double sum = 0;
  const double log_factorial = std::lgamma(count + 1);
  for (const double mass : q) {
    if (mass <= 0 || mass >= 1) continue;
    const double m = std::min(count, std::floor(count * mass) + 1);
    sum += 2 * std::exp(std::log(m) + log_factorial - std::lgamma(m + 1) - std::lgamma(count - m + 1) +
                        m * std::log(mass) + (count - m + 1) * std::log1p(-mass));
  }
  return sum / (2 * count);
}

Interval total_variation_interval(std::span<const double> h, std::span<const double> q, double count) {
  // One draw more or less of a kind moves TV(h, q) by 1/count at most.
  const double chance = std::sqrt(kTwoSided / (2 * count));
  const double tv = total_variation(h, q) + std::max(0.0, 1 - sum_of(h)) / 2;
  return {std::max(0.0, tv - expected_total_variation(h, count) - chance), std::min(1.0, tv + chance)};
}

double chi_square_tail(double x, double degrees) { return Eigen::numext::igammac(degrees / 2, std::max(0.0, x) / 2); }

ChiSquare chi_square(std::span<const double> counts, std::span<const double> q, double count) {
  ChiSquare test;
  double seen = 0;
  double expected = 0;
  double seen_in_all = 0;
  const auto close = [&] {
    test.statistic += (seen - expected) * (seen - expected) / expected;
    ++test.cells;
    seen = expected = 0;
  };
  const auto order = rarest_first(q);
  double left = count * sum_of(q);  // expected in the states to come
  for (const auto x : order) {
    seen += counts[x];
    seen_in_all += counts[x];
    expected += count * q[x];
    left -= count * q[x];
    // What is left over at the end must make a cell too.
    if (expected >= kLeastExpected && left >= kLeastExpected) close();
  }
  if (expected > 0) close();
  constexpr double kLessThanOne = 0.5;
  if (count - seen_in_all > kLessThanOne) test.statistic = kInfinite;
  return finished(test);
}

ChiSquare chi_square_of_two(std::span<const double> a, std::span<const double> b) {
  ChiSquare test;
  const double m = sum_of(a);
  const double n = sum_of(b);
  const double least = kLeastExpected * (m + n) / std::min(m, n);  // of both together
  std::vector<double> both(a.size());
  for (std::size_t x = 0; x < a.size(); ++x) both[x] = a[x] + b[x];
  double of_a = 0;
  double of_b = 0;
  const auto close = [&] {
    const double difference = std::sqrt(n / m) * of_a - std::sqrt(m / n) * of_b;
    test.statistic += difference * difference / (of_a + of_b);
    ++test.cells;
    of_a = of_b = 0;
  };
  double left = m + n;
  for (const auto x : rarest_first(both)) {
    of_a += a[x];
    of_b += b[x];
    left -= both[x];
    if (of_a + of_b >= least && left >= least) close();
  }
  if (of_a + of_b > 0) close();
  return finished(test);
}

Mmd mmd(const StateSpace& space, std::span<const double> a, std::span<const double> b) {
  const double m = sum_of(a);
  const double n = sum_of(b);
  const auto p = scaled(a, 1 / m);
  const auto r = scaled(b, 1 / n);
  const auto kp = apply_kernel(space, p, kDifference);
  const auto kr = apply_kernel(space, r, kDifference);
  std::vector<double> pooled(p.size());
  double square = 0;
  for (std::size_t x = 0; x < p.size(); ++x) {
    square += (p[x] - r[x]) * (kp[x] - kr[x]);
    pooled[x] = (a[x] + b[x]) / (m + n);
  }
  // Without the pairs of a draw with itself.
  square -= (1 - dot(p, kp)) / (m - 1) + (1 - dot(r, kr)) / (n - 1);
  return judged(space, square, pooled, 1 / m + 1 / n);
}

Mmd mmd_to_law(const StateSpace& space, std::span<const double> counts, std::span<const double> q) {
  const double m = sum_of(counts);
  const auto p = scaled(counts, 1 / m);
  const double itself = (1 - dot(p, apply_kernel(space, p, kDifference))) / (m - 1);
  return judged(space, mmd_squared(space, p, q) - itself, q, 1 / m);
}

double mmd_squared(const StateSpace& space, std::span<const double> g, std::span<const double> q) {
  std::vector<double> difference(q.size());
  for (std::size_t x = 0; x < q.size(); ++x) difference[x] = g[x] - q[x];
  const auto spread = apply_kernel(space, difference, kDifference);
  return std::max(0.0, dot(difference, spread));
}

LogLikelihood log_likelihood(std::span<const double> law, std::span<const std::int64_t> rows) {
  LogLikelihood result;
  result.rows = static_cast<std::int64_t>(rows.size());
  double sum = 0;
  double square = 0;
  for (const auto x : rows) {
    const double p = law[static_cast<std::size_t>(x)];
    if (p > 0) {
      sum += std::log(p);
      square += std::log(p) * std::log(p);
    } else {
      ++result.rows_of_zero_probability;
    }
  }
  const auto covered = static_cast<double>(result.rows - result.rows_of_zero_probability);
  if (covered > 0) result.mean_of_others = sum / covered;
  if (covered > 0 && result.rows_of_zero_probability == 0) {
    const double mean = sum / covered;
    result.mean = mean;
    if (covered > 1) {
      const double variance = std::max(0.0, square - covered * mean * mean) / (covered - 1);
      const double half = kNormalQuantile * std::sqrt(variance / covered);
      result.interval = Interval{mean - half, mean + half};
    }
  }
  return result;
}

double best_smoothing(std::span<const double> law, std::span<const std::int64_t> rows) {
  // The likelihood is concave in the share: the zero of its derivative, by bisection.
  const double uniform = 1 / static_cast<double>(law.size());
  const auto slope = [&](double share) {
    double sum = 0;
    for (const auto x : rows) {
      const double p = law[static_cast<std::size_t>(x)];
      sum += (uniform - p) / ((1 - share) * p + share * uniform);
    }
    return sum;
  };
  double low = 0;
  double high = 1;
  constexpr int kHalvings = 60;
  for (int k = 0; k < kHalvings; ++k) {
    const double middle = (low + high) / 2;
    (slope(middle) > 0 ? low : high) = middle;
  }
  return (low + high) / 2;
}

}  // namespace kirchhoff
