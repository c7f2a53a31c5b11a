#include "states/sum_rule.hpp"

#include <cmath>
#include <cstddef>

namespace kirchhoff {
namespace {

/// Squares of the recurrence's coefficients, p_{k+1} = (t - centre) p_k - square(k) p_{k-1}, in units of points.
double square(int k, int count) {
  const double kk = static_cast<double>(k) * k;
  return kk * (static_cast<double>(count) * count - kk) / (4 * (4 * kk - 1));
}

/// How many nodes lie below t, counted from the centre: negative pivots of Jacobi's matrix less t (Sturm).
int nodes_below(double t, int count, int nodes) {
  int below = 0;
  double pivot = 1;
  for (int k = 0; k < nodes; ++k) {
    pivot = -t - (k > 0 ? square(k, count) / pivot : 0.0);
    if (pivot == 0) pivot = -1e-300;
    below += pivot < 0 ? 1 : 0;
  }
  return below;
}

/// 1 / sum of the squares of the orthonormal polynomials at t, times the count: Christoffel's number.
double weight_at(double t, int count, int nodes) {
  double before = 0;
  double value = 1;
  double sum = 1;
  for (int k = 1; k < nodes; ++k) {
    const double next =
        (t * value - (k > 1 ? std::sqrt(square(k - 1, count)) * before : 0.0)) / std::sqrt(square(k, count));
    before = value;
    value = next;
    sum += value * value;
  }
  return count / sum;
}

}  // namespace

std::vector<SumNode> sum_rule(int count, int nodes) {
  std::vector<SumNode> rule;
  if (nodes >= count) {
    for (int k = 0; k < count; ++k) rule.push_back({static_cast<double>(k), 1.0});
    return rule;
  }
  const double centre = (count - 1) / 2.0;
  for (int k = 0; k < nodes; ++k) {
    double low = -centre;
    double high = centre;
    for (double middle = 0; low < (middle = (low + high) / 2) && middle < high;) {
      (nodes_below(middle, count, nodes) > k ? high : low) = middle;
    }
    rule.push_back({centre + high, weight_at(high, count, nodes)});
  }
  return rule;
}

}  // namespace kirchhoff
