#include "kirchhoff/circuit/conditional/quotient.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "kirchhoff/base/error.hpp"

namespace kirchhoff {
namespace {

/// One layer pair seen by the differences: conductances, row sum and the excess of the row sum over that of M'.
struct Pair {
  double same;      // 1/r [S]
  double change;    // 1/R [S]
  double row_sum;   // kappa
  double excess;    // S/R
  double stay = 0;  // 1/r - 1/R
};

/// M'(e, e + step) of a layer pair for a state with e wrong among D - 1 coordinates.
double coupling(const Pair& p, int s, int d, int e, int step) {
  if (step < 0) return e * p.change;
  if (step > 0) return static_cast<double>(d - 1 - e) * (s - 1) * p.change;
  return p.stay + static_cast<double>(e) * (s - 2) * p.change;
}

std::vector<Pair> pairs_of(const HammingCircuit& c) {
  if (c.categories < 2) throw Error(fmt::format("a quotient circuit needs 2 categories or more, got {}", c.categories));
  if (c.dimensions < 1) throw Error(fmt::format("a quotient circuit needs a coordinate, got {}", c.dimensions));
  if (c.same.empty() || c.same.size() != c.change.size()) {
    throw Error("a quotient circuit needs r and R for each of at least one layer pair");
  }
  std::vector<Pair> pairs;
  for (std::size_t l = 0; l < c.same.size(); ++l) {
    for (const double r : {c.same[l], c.change[l]}) {
      if (!std::isfinite(r) || r <= 0) throw Error(fmt::format("a resistance of {} ohm: it must be positive", r));
    }
    const double same = 1 / c.same[l];
    const double change = 1 / c.change[l];
    pairs.push_back({same, change, same + static_cast<double>(c.dimensions) * (c.categories - 1) * change,
                     c.categories * change, same - change});
  }
  return pairs;
}

/// y by cosines over the layers, which a constant r and R let fall apart, and a tridiagonal system a mode.
std::vector<double> by_cosines(const Pair& p, int s, int d, int layers) {
  const auto size = static_cast<std::size_t>(d);
  std::vector<double> y(static_cast<std::size_t>(layers + 1) * size, 0.0);
  std::vector<double> upper(size);
  std::vector<double> z(size);
  for (int m = 0; m <= layers; ++m) {
    const double lambda = std::cos(std::numbers::pi * m / layers);
    const double weight = (m % 2 == 0 ? 1.0 : -1.0) / (m == 0 || m == layers ? 2.0 * layers : layers);
    // (kappa - lambda M'^T) z = weight e_0: strictly diagonally dominant by columns, so nothing need be pivoted.
    for (int e = 0; e < d; ++e) {
      const auto k = static_cast<std::size_t>(e);
      const double left = e > 0 ? -lambda * coupling(p, s, d, e - 1, 1) : 0.0;
      const double right = e + 1 < d ? -lambda * coupling(p, s, d, e + 1, -1) : 0.0;
      const double pivot = p.row_sum - lambda * coupling(p, s, d, e, 0) - (e > 0 ? left * upper[k - 1] : 0.0);
      upper[k] = right / pivot;
      z[k] = ((e == 0 ? weight : 0.0) - (e > 0 ? left * z[k - 1] : 0.0)) / pivot;
    }
    for (std::size_t k = size - 1; k-- > 0;) z[k] -= upper[k] * z[k + 1];
    for (int l = 0; l <= layers; ++l) {
      const double v = std::cos(std::numbers::pi * m * l / layers);
      double* row = y.data() + static_cast<std::size_t>(l) * size;
      for (std::size_t k = 0; k < size; ++k) row[k] += v * z[k];
    }
  }
  return y;
}

/// y as the expected visits of a chain that moves from (l, e) to (l +- 1, e + step) at rate M'(e, e + step), is killed
/// at rate S/R per layer pair, and starts at (L, 0). Classes are taken out one by one from the last (e, then l), and
/// each pivot is a sum of rates instead of a difference (Grassmann, Taksar and Heyman, Operations Research 33, 1985).
std::vector<double> by_elimination(const std::vector<Pair>& pairs, int s, int d) {
  const int layers = static_cast<int>(pairs.size());
  const std::ptrdiff_t stride = layers + 1;
  const std::ptrdiff_t n = stride * d;
  const std::ptrdiff_t band = stride + 1;  // (l, e) -> (l + 1, e + 1)
  const std::ptrdiff_t width = 2 * band + 1;
  std::vector<double> rates(static_cast<std::size_t>(n * width), 0.0);
  const auto rate = [&](std::ptrdiff_t i, std::ptrdiff_t j) -> double& {
    return rates[static_cast<std::size_t>(i * width + j - i + band)];
  };
  std::vector<double> excess(static_cast<std::size_t>(n), 0.0);
  for (int e = 0; e < d; ++e) {
    for (int l = 0; l <= layers; ++l) {
      const auto i = e * stride + l;
      for (const int to : {l - 1, l + 1}) {
        if (to < 0 || to > layers) continue;
        const auto& p = pairs[static_cast<std::size_t>(std::min(l, to))];
        excess[static_cast<std::size_t>(i)] += p.excess;
        for (int step = -1; step <= 1; ++step) {
          if (e + step >= 0 && e + step < d) rate(i, (e + step) * stride + to) = coupling(p, s, d, e, step);
        }
      }
    }
  }
  std::vector<double> y(static_cast<std::size_t>(n), 0.0);  // the right-hand side, then the solution in place
  std::vector<double> pivot(static_cast<std::size_t>(n));
  y[static_cast<std::size_t>(layers)] = 1;
  for (auto j = n - 1; j >= 0; --j) {
    const auto first = std::max<std::ptrdiff_t>(0, j - band);
    double sum = excess[static_cast<std::size_t>(j)];
    for (auto k = first; k < j; ++k) sum += rate(j, k);
    pivot[static_cast<std::size_t>(j)] = sum;
    for (auto i = first; i < j; ++i) {
      const double share = rate(i, j) / sum;
      if (share == 0) continue;
      excess[static_cast<std::size_t>(i)] += share * excess[static_cast<std::size_t>(j)];
      double* to = &rate(i, first);
      const double* from = &rate(j, first);
      for (std::ptrdiff_t k = 0; k < j - first; ++k) to[k] += share * from[k];  // i itself too: nobody reads rate(i, i)
    }
    const double mass = y[static_cast<std::size_t>(j)] / sum;
    if (mass == 0) continue;
    for (auto k = first; k < j; ++k) y[static_cast<std::size_t>(k)] += mass * rate(j, k);
  }
  for (std::ptrdiff_t j = 0; j < n; ++j) {
    double sum = y[static_cast<std::size_t>(j)];
    for (auto i = std::max<std::ptrdiff_t>(0, j - band); i < j; ++i) sum += y[static_cast<std::size_t>(i)] * rate(i, j);
    y[static_cast<std::size_t>(j)] = sum / pivot[static_cast<std::size_t>(j)];
  }
  std::vector<double> by_layer(y.size());
  for (int e = 0; e < d; ++e) {
    for (int l = 0; l <= layers; ++l) {
      by_layer[static_cast<std::size_t>(l) * static_cast<std::size_t>(d) + static_cast<std::size_t>(e)] =
          y[static_cast<std::size_t>(e * stride + l)];
    }
  }
  return by_layer;
}

/// Shares of all states that are at distance 0..D: binomial, by ratios from the largest, which keeps relative accuracy.
std::vector<double> distance_shares(int s, int d) {
  std::vector<double> share(static_cast<std::size_t>(d) + 1, 0.0);
  const double wrong = static_cast<double>(s - 1) / s;
  const auto mode = static_cast<std::ptrdiff_t>(std::min<double>(d, std::floor((d + 1) * wrong)));
  const auto ratio = [&](std::ptrdiff_t k) {  // share(k) / share(k - 1)
    return static_cast<double>(d - k + 1) * (s - 1) / static_cast<double>(k);
  };
  share[static_cast<std::size_t>(mode)] = 1;
  for (auto k = mode; k > 0; --k)
    share[static_cast<std::size_t>(k - 1)] = share[static_cast<std::size_t>(k)] / ratio(k);
  for (auto k = mode + 1; k <= d; ++k) {
    share[static_cast<std::size_t>(k)] = share[static_cast<std::size_t>(k - 1)] * ratio(k);
  }
  double sum = 0;
  for (const double value : share) sum += value;
  for (double& value : share) value /= sum;
  return share;
}

}  // namespace

Quotient::Quotient(const HammingCircuit& circuit, Method method)
    : categories_(circuit.categories), dimensions_(circuit.dimensions), layers_(static_cast<int>(circuit.same.size())) {
  const auto pairs = pairs_of(circuit);
  const int s = categories_;
  const int d = dimensions_;
  const auto differs = [](const std::vector<double>& r) {
    return std::any_of(r.begin(), r.end(), [&](double value) { return value != r.front(); });
  };
  const bool constant = !differs(circuit.same) && !differs(circuit.change);
  if (method == Method::cosine && !constant) {
    throw Error("the cosine method of a quotient circuit needs one r and one R for all layer pairs");
  }
  if (method == Method::automatic) {
    constexpr double kQuick = 1e8;  // multiplications, about 0.1 s: below it the more accurate method costs nothing
    const bool quick = static_cast<double>(d) * std::pow(layers_ + 2.0, 3) < kQuick;
    method = constant && !quick ? Method::cosine : Method::elimination;
  }
  difference_ = method == Method::cosine ? by_cosines(pairs.front(), s, d, layers_) : by_elimination(pairs, s, d);

  const auto classes = static_cast<std::size_t>(d) + 1;
  for (int k = 0; k <= d; ++k) {
    log_states_.push_back(std::lgamma(d + 1.0) - std::lgamma(k + 1.0) - std::lgamma(d - k + 1.0) + k * std::log(s - 1));
  }
  const auto y = [&](int l, int e) {
    return e < 0 || e >= d
               ? 0.0
               : difference_[static_cast<std::size_t>(l) * static_cast<std::size_t>(d) + static_cast<std::size_t>(e)];
  };
  // What leaves class k across coordinates, by layer l's potentials and pair p's conductances.
  const auto across = [&](const Pair& p, int l, int k) {
    return static_cast<double>(d) * (s - 1) * p.change * (y(l, k - 1) - y(l, k));
  };
  const auto share = distance_shares(s, d);
  drop_.resize(static_cast<std::size_t>(layers_) * classes);
  for (int k = 0; k <= d; ++k) {
    // Kirchhoff's law layer by layer: what enters a class leaves it forward.
    double arrived = share[static_cast<std::size_t>(k)];
    for (int l = 0; l < layers_; ++l) {
      const auto& p = pairs[static_cast<std::size_t>(l)];
      const double h = (arrived - across(p, l + 1, k)) / p.row_sum;
      drop_[at(l, k)] = h;
      arrived = p.row_sum * h - across(p, l, k);
    }
    kcl_leftover_ = std::max(kcl_leftover_, std::abs(arrived - (k == 0 ? 1.0 : 0.0)));
  }

  current_.assign(static_cast<std::size_t>(layers_ + 1) * classes, {});
  visits_.assign(current_.size(), 0.0);
  for (int l = 0; l <= layers_; ++l) {
    for (int k = 0; k <= d; ++k) {
      auto& current = current_[at(l, k)];
      // Toward layer `to`; `h` is the drop from this layer to it, summed over the class.
      const auto fill = [&](std::size_t first, const Pair& p, int to, double h) {
        const double c = static_cast<double>(d) * (s - 1) * p.change;
        current[first] = p.same * h;
        current[first + 1] = k * p.change * h + c * y(to, k - 1);
        current[first + 2] = static_cast<double>(k) * (s - 2) * p.change * h;
        current[first + 3] = static_cast<double>(d - k) * (s - 1) * p.change * h - c * y(to, k);
      };
      if (l < layers_) fill(0, pairs[static_cast<std::size_t>(l)], l + 1, drop_[at(l, k)]);
      if (l > 0) fill(4, pairs[static_cast<std::size_t>(l - 1)], l - 1, -drop_[at(l - 1, k)]);
      double sum = 0;
      for (const double i : current) sum += std::max(0.0, i);
      expected_moves_ += sum;
      visits_[at(l, k)] = sum + exit(l, k);
    }
  }
}

double Quotient::edges(int d, MoveKind kind) const {
  switch (kind) {
    case MoveKind::same:
      return 1;
    case MoveKind::toward:
      return d;
    case MoveKind::other:
      return static_cast<double>(d) * (categories_ - 2);
    case MoveKind::away:
      return static_cast<double>(dimensions_ - d) * (categories_ - 1);
  }
  return 0;
}

std::vector<double> Quotient::potentials() const {
  const int d = dimensions_;
  std::vector<double> v(static_cast<std::size_t>(layers_ + 1) * (static_cast<std::size_t>(d) + 1), 0.0);
  for (int l = 0; l < layers_; ++l) v[at(l + 1, d)] = v[at(l, d)] - drop_[at(l, d)] * std::exp(-log_states_.back());
  double mean = 0;
  const double log_total = d * std::log(categories_);
  for (int l = 0; l <= layers_; ++l) {
    for (int e = d; e-- > 0;) {
      // C(D-1, e) (S-1)^e = states at e + 1 times (e + 1) / (D (S - 1)).
      const double log_edges = log_states_[static_cast<std::size_t>(e) + 1] +
                               std::log((e + 1.0) / (static_cast<double>(d) * (categories_ - 1)));
      v[at(l, e)] =
          v[at(l, e + 1)] -
          difference_[static_cast<std::size_t>(l) * static_cast<std::size_t>(d) + static_cast<std::size_t>(e)] *
              std::exp(-log_edges);
    }
    for (int k = 0; k <= d; ++k) mean += v[at(l, k)] * std::exp(log_states_[static_cast<std::size_t>(k)] - log_total);
  }
  for (double& value : v) value -= mean / (layers_ + 1);
  return v;
}

}  // namespace kirchhoff
