#include "kirchhoff/validate.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include "kirchhoff/currents.hpp"
#include "kirchhoff/random.hpp"

namespace kirchhoff {
namespace {

constexpr std::size_t kMmdRows = 4000;  // of each kind: the cost is quadratic

std::span<const double> layer_of(const Circuit& circuit, std::span<const double> field, int l) {
  return field.subspan(static_cast<std::size_t>(l * circuit.states()), static_cast<std::size_t>(circuit.states()));
}

/// Prefix sums that can be changed: add and sum in O(log n).
class FenwickTree {
 public:
  explicit FenwickTree(std::size_t n) : count_(n + 1), sum_(n + 1) {}
  void add(std::size_t i, double value) {
    for (++i; i < sum_.size(); i += i & (~i + 1)) {
      count_[i] += 1;
      sum_[i] += value;
    }
  }
  /// Number and sum of what was added at indices below i.
  std::pair<double, double> below(std::size_t i) const {
    double count = 0;
    double sum = 0;
    for (; i > 0; i -= i & (~i + 1)) {
      count += count_[i];
      sum += sum_[i];
    }
    return {count, sum};
  }

 private:
  std::vector<double> count_;
  std::vector<double> sum_;
};

/// Sum of tail_e(x) - head_e(y) over all pairs (x, y) that lie this way in both fields: tail_e(x) > head_e(y) and
/// tail_n(x) > head_n(y). Dominance counting, O(N log N).
double agreeing_drop(std::span<const double> tail_e, std::span<const double> head_e, std::span<const double> tail_n,
                     std::span<const double> head_n) {
  const auto ascending = [](std::span<const double> values) {
    std::vector<std::size_t> order(values.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
    return order;
  };
  std::vector<double> heights(head_n.begin(), head_n.end());
  std::sort(heights.begin(), heights.end());
  const auto rank = [&](double value) {
    return static_cast<std::size_t>(std::lower_bound(heights.begin(), heights.end(), value) - heights.begin());
  };
  const auto tails = ascending(tail_e);
  const auto heads = ascending(head_e);
  const double base = head_e[heads.front()];  // an offset common to all would cost digits
  FenwickTree passed(heights.size());
  std::size_t next = 0;
  double total = 0;
  for (const auto x : tails) {
    for (; next < heads.size() && head_e[heads[next]] < tail_e[x]; ++next) {
      passed.add(rank(head_n[heads[next]]), head_e[heads[next]] - base);
    }
    const auto [count, sum] = passed.below(rank(tail_n[x]));
    total += count * (tail_e[x] - base) - sum;
  }
  return total;
}

struct SignedShare {
  double agreeing = 0;
  double all = 0;
};

SignedShare sign_share(const Circuit& circuit, std::span<const double> exact, std::span<const double> learned, int l,
                       Range mine, bool whole) {
  const auto tail_e = layer_of(circuit, exact, l);
  const auto head_e = layer_of(circuit, exact, l + 1);
  const auto tail_n = layer_of(circuit, learned, l);
  const auto head_n = layer_of(circuit, learned, l + 1);
  const auto& coupling = circuit.coupling(l);
  SignedShare share;
  const auto add = [&](std::int64_t from, std::int64_t to, double g) {
    const auto x = static_cast<std::size_t>(from);
    const auto y = static_cast<std::size_t>(to);
    const double e = g * (tail_e[x] - head_e[y]);
    share.all += std::abs(e);
    if (e * (tail_n[x] - head_n[y]) > 0) share.agreeing += std::abs(e);
  };
  if (circuit.family() != Family::dense) {
    for (auto x = mine.begin; x < mine.end; ++x) coupling.forward(x, [&](std::int64_t y, double g) { add(x, y, g); });
    return share;
  }
  if (!whole) return share;
  const double change = coupling.change();
  share.all = change * (agreeing_drop(tail_e, head_e, tail_e, head_e) + agreeing_drop(head_e, tail_e, head_e, tail_e));
  share.agreeing =
      change * (agreeing_drop(tail_e, head_e, tail_n, head_n) + agreeing_drop(head_e, tail_e, head_n, tail_n));
  for (std::int64_t x = 0; x < circuit.states(); ++x) {
    // The same-state edge stands in the sums above with 1/R; the rest of its conductance:
    const auto i = static_cast<std::size_t>(x);
    const double e = (coupling.same() - change) * (tail_e[i] - head_e[i]);
    const double sign = coupling.same() >= change ? 1.0 : -1.0;
    share.all += sign * std::abs(e);
    if ((tail_e[i] - head_e[i]) * (tail_n[i] - head_n[i]) > 0) share.agreeing += sign * std::abs(e);
  }
  return share;
}

}  // namespace

CurrentComparison compare_currents(MPI_Comm comm, const Circuit& circuit, std::span<const double> exact,
                                   std::span<const double> learned) {
  const auto n = circuit.states();
  const auto pairs = static_cast<std::size_t>(circuit.layers());
  const int ranks = size_of(comm);
  const auto mine = partition(n, ranks, rank_of(comm));
  const NetCurrent net(circuit, learned);

  std::vector<double> sums(2 * pairs + 3);  // error2, exact2 a layer pair; agreeing, all, imbalance
  // Currents are linear in potentials, so the error of the currents is the current of the error.
  std::vector<double> difference(exact.size());
  for (std::size_t i = 0; i < difference.size(); ++i) difference[i] = learned[i] - exact[i];
  for (int l = 0; l < circuit.layers(); ++l) {
    const auto k = static_cast<std::size_t>(l);
    sums[2 * k] = edge_sum(circuit, difference, l, 2, mine);
    sums[2 * k + 1] = edge_sum(circuit, exact, l, 2, mine);
    const auto share = sign_share(circuit, exact, learned, l, mine, l % ranks == rank_of(comm));
    sums[2 * pairs] += share.agreeing;
    sums[2 * pairs + 1] += share.all;
    if (l == 0) continue;
    for (auto x = mine.begin; x < mine.end; ++x) sums[2 * pairs + 2] += std::abs(net(l, x));
  }
  all_sum(comm, std::span<double>(sums));

  CurrentComparison result;
  double error2 = 0;
  double exact2 = 0;
  for (std::size_t k = 0; k < pairs; ++k) {
    error2 += sums[2 * k];
    exact2 += sums[2 * k + 1];
    result.relative_l2_by_layer.push_back(std::sqrt(sums[2 * k] / sums[2 * k + 1]));
  }
  result.relative_l2 = std::sqrt(error2 / exact2);
  result.sign_agreement = sums[2 * pairs] / sums[2 * pairs + 1];
  result.kcl_relative_imbalance = sums[2 * pairs + 2];  // injected current: 1 A
  return result;
}

double total_variation(std::span<const double> g, std::span<const double> q) {
  double sum = 0;
  for (std::size_t i = 0; i < q.size(); ++i) sum += std::abs(g[i] - q[i]);
  return sum / 2;
}

double kl_divergence(std::span<const double> q, std::span<const double> g) {
  double sum = 0;
  for (std::size_t i = 0; i < q.size(); ++i) {
    if (q[i] <= 0) continue;
    if (g[i] <= 0) return std::numeric_limits<double>::infinity();
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

double mmd_squared(const StateSpace& space, std::span<const std::int64_t> a, std::span<const std::int64_t> b) {
  std::vector<double> kernel;
  for (int d = 0; d <= space.dimensions(); ++d) kernel.push_back(std::exp(-0.1 * d));
  const auto k = [&](std::int64_t x, std::int64_t y) { return kernel[static_cast<std::size_t>(space.hamming(x, y))]; };
  const auto within = [&](std::span<const std::int64_t> s) {
    double sum = 0;
    for (std::size_t i = 0; i < s.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) sum += k(s[i], s[j]);
    }
    const auto m = static_cast<double>(s.size());
    return 2 * sum / (m * (m - 1));
  };
  double across = 0;
  for (const auto x : a) {
    for (const auto y : b) across += k(x, y);
  }
  return within(a) + within(b) - 2 * across / (static_cast<double>(a.size()) * static_cast<double>(b.size()));
}

std::vector<double> histogram(MPI_Comm comm, const Circuit& circuit, const Walks& walks, std::int64_t count) {
  std::vector<double> result(static_cast<std::size_t>(circuit.states()));
  for (std::size_t i = 0; i < walks.end.size(); ++i) {
    if (walks.stuck[i] == 0) result[static_cast<std::size_t>(walks.end[i])] += 1;
  }
  all_sum(comm, std::span<double>(result));
  for (double& value : result) value /= static_cast<double>(count);
  return result;
}

SampleComparison compare_samples(MPI_Comm comm, const Circuit& circuit, const Walks& walks, std::int64_t count,
                                 std::span<const std::int64_t> reference, std::uint64_t seed) {
  const auto& q = circuit.target();
  SampleComparison result;
  result.count = count;
  double moves = 0;
  std::int64_t stuck = 0;
  std::int64_t outside = 0;
  for (std::size_t i = 0; i < walks.end.size(); ++i) {
    moves += walks.moves[i];
    stuck += walks.stuck[i];
    if (walks.stuck[i] == 0 && q[static_cast<std::size_t>(walks.end[i])] <= 0) ++outside;
  }
  result.mean_steps = all_sum(comm, moves) / static_cast<double>(count);
  result.stuck = all_sum(comm, stuck);
  result.outside_support = all_sum(comm, outside);
  const auto h = histogram(comm, circuit, walks, count);
  const double lost = static_cast<double>(result.stuck) / static_cast<double>(count);
  result.tv = total_variation(h, q) + lost / 2;
  result.kl = kl_divergence(h, q);
  result.js = js_divergence(h, q);

  const auto draws = draw_states(q, count, seed);
  std::vector<double> drawn(q.size());
  for (const auto x : draws) drawn[static_cast<std::size_t>(x)] += 1.0 / static_cast<double>(count);
  result.noise_floor_tv = total_variation(drawn, q);

  // The first walks that came out, in the order of particles: the same on any number of ranks.
  std::vector<std::int64_t> first(kMmdRows, -1);
  for (std::size_t i = 0; i < walks.end.size(); ++i) {
    const auto particle = static_cast<std::size_t>(walks.first) + i;
    if (particle < kMmdRows && walks.stuck[i] == 0) first[particle] = walks.end[i];
  }
  MPI_Allreduce(MPI_IN_PLACE, first.data(), static_cast<int>(first.size()), MPI_INT64_T, MPI_MAX, comm);
  std::erase(first, -1);
  std::vector<std::int64_t> other(reference.begin(), reference.end());
  if (other.empty()) other = draw_states(q, static_cast<std::int64_t>(kMmdRows), seed + 1);
  if (other.size() > kMmdRows) other.resize(kMmdRows);
  result.mmd = first.size() > 1 && other.size() > 1 ? mmd_squared(circuit.space(), first, other)
                                                    : std::numeric_limits<double>::quiet_NaN();
  return result;
}

LogLikelihood log_likelihood(std::span<const double> law, std::span<const std::int64_t> rows) {
  LogLikelihood result;
  result.rows = static_cast<std::int64_t>(rows.size());
  double sum = 0;
  for (const auto x : rows) {
    const double p = law[static_cast<std::size_t>(x)];
    if (p > 0) {
      sum += std::log(p);
    } else {
      ++result.rows_of_zero_probability;
    }
  }
  if (result.rows > 0 && result.rows_of_zero_probability == 0) result.mean = sum / static_cast<double>(result.rows);
  return result;
}

}  // namespace kirchhoff
