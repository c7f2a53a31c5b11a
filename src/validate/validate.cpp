#include "kirchhoff/validate/validate.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <initializer_list>
#include <limits>
#include <numeric>
#include <optional>

#include "kirchhoff/currents/currents.hpp"

namespace kirchhoff {
namespace {

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

/// Indices by ascending value.
std::vector<std::size_t> ascending(std::span<const double> values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
  return order;
}

/// Sums over a set of edges: how many, |I_exact|, its square, the square of I_learned - I_exact, and |I_exact| where
/// I_learned runs the same way.
struct EdgeSums {
  double edges = 0;
  double current = 0;
  double current2 = 0;
  double error2 = 0;
  double agreeing = 0;

  void add(const EdgeSums& other, double factor) {
    edges += factor * other.edges;
    current += factor * other.current;
    current2 += factor * other.current2;
    error2 += factor * other.error2;
    agreeing += factor * other.agreeing;
  }
};
constexpr std::size_t kSums = sizeof(EdgeSums) / sizeof(double);

EdgeSums one_edge(double exact, double learned) {
  const double size = std::abs(exact);
  return {1, size, size * size, (learned - exact) * (learned - exact), exact * learned > 0 ? size : 0.0};
}

/// A layer's exact and learned potentials, in the order of the exact ones.
struct SortedPair {
  SortedPair(std::span<const double> e, std::span<const double> n) : exact(e), learned(n), order(ascending(e)) {}
  std::span<const double> exact;
  std::span<const double> learned;
  std::vector<std::size_t> order;
};

/// Sums over the pairs (x, y) of two layers by how far the exact potential drops from x to y.
class Drops {
 public:
  Drops(const SortedPair& tail, const SortedPair& head) : tail_(tail), head_(head) {
    std::vector<double> heights(head.learned.begin(), head.learned.end());
    std::sort(heights.begin(), heights.end());
    const auto ranks = [&](std::span<const double> values) {
      std::vector<std::size_t> rank(values.size());
      std::transform(values.begin(), values.end(), rank.begin(), [&](double value) {
        return static_cast<std::size_t>(std::lower_bound(heights.begin(), heights.end(), value) - heights.begin());
      });
      return rank;
    };
    tail_rank_ = ranks(tail.learned);
    head_rank_ = ranks(head.learned);
  }

  /// Over the pairs that drop by `least` or more (by more than nothing, if that is zero), for edges of 1 S. Dominance
  /// counting, O(N log N).
  EdgeSums above(double least) const {
    // Offsets common to all would cost digits.
    const double base = head_.exact[head_.order.front()];
    const double error_base = head_.learned[head_.order.front()] - base;
    FenwickTree passed(head_rank_.size());
    double h = 0;
    double h2 = 0;
    double error = 0;
    double error2 = 0;
    std::size_t next = 0;
    EdgeSums total;
    for (const auto x : tail_.order) {
      for (; next < head_.order.size(); ++next) {
        const auto y = head_.order[next];
        const double drop = tail_.exact[x] - head_.exact[y];
        if (!(least > 0 ? drop >= least : drop > 0)) break;
        const double at = head_.exact[y] - base;
        const double off = head_.learned[y] - head_.exact[y] - error_base;
        h += at;
        h2 += at * at;
        error += off;
        error2 += off * off;
        passed.add(head_rank_[y], at);
      }
      const auto k = static_cast<double>(next);
      const double f = tail_.exact[x] - base;
      const double off = tail_.learned[x] - tail_.exact[x] - error_base;
      const auto [count, sum] = passed.below(tail_rank_[x]);
      total.add({k, k * f - h, k * f * f - 2 * f * h + h2, k * off * off - 2 * off * error + error2, count * f - sum},
                1);
    }
    return total;
  }

 private:
  const SortedPair& tail_;
  const SortedPair& head_;
  std::vector<std::size_t> tail_rank_;  // (N) states of the head's layer that the network puts below x of the tail's
  std::vector<std::size_t> head_rank_;  // (N) ... below y of their own layer
};

using Decades = std::array<EdgeSums, CurrentComparison::kDecades>;

/// The lower bounds of the decades below 10^top [A]; the last one takes all that is smaller still.
struct DecadeBounds {
  explicit DecadeBounds(double top) {
    for (auto& bound : low) bound = std::pow(10.0, --top);
  }
  std::size_t decade(double size) const {
    return static_cast<std::size_t>(std::find_if(low.begin(), low.end(), [&](double bound) { return size >= bound; }) -
                                    low.begin());
  }
  std::array<double, CurrentComparison::kDecades - 1> low{};
};

/// The largest |I_exact| between layers l and l + 1, as far as this rank sees [A].
double largest_current(const Circuit& circuit, std::span<const double> exact, int l, Range mine) {
  const auto tail = layer_of(circuit, exact, l);
  const auto head = layer_of(circuit, exact, l + 1);
  const auto& coupling = circuit.coupling(l);
  double largest = 0;
  const auto add = [&](std::int64_t x, std::int64_t y, double g) {
    largest = std::max(largest, g * std::abs(tail[static_cast<std::size_t>(x)] - head[static_cast<std::size_t>(y)]));
  };
  if (!circuit.joins_all()) {
    for (auto x = mine.begin; x < mine.end; ++x) coupling.forward(x, [&](std::int64_t y, double g) { add(x, y, g); });
    return largest;
  }
  const auto widest = [](std::span<const double> from, std::span<const double> to) {
    const auto [low_from, high_from] = std::minmax_element(from.begin(), from.end());
    const auto [low_to, high_to] = std::minmax_element(to.begin(), to.end());
    return std::max(*high_from - *low_to, *high_to - *low_from);
  };
  largest = coupling.change() * widest(tail, head);
  const auto* groups = coupling.groups();
  for (std::int64_t g = 0; groups != nullptr && g < groups->count(); ++g) {
    largest = std::max(largest, coupling.within() * widest(groups->gather(g, tail), groups->gather(g, head)));
  }
  for (auto x = mine.begin; x < mine.end; ++x) add(x, x, coupling.same());
  return largest;
}

/// Of a sparse circuit: the edges that leave the states `mine` of layer l.
Decades sums_by_decade(const Circuit& circuit, std::span<const double> exact, const Flow& learned, int l,
                       const DecadeBounds& bounds, Range mine) {
  Decades decades;
  const auto tail = layer_of(circuit, exact, l);
  const auto head = layer_of(circuit, exact, l + 1);
  std::vector<double> currents;
  for (auto x = mine.begin; x < mine.end; ++x) {
    currents.clear();
    each_current(learned, l, x, [&](int, std::int64_t, double i) { currents.push_back(i); });
    std::size_t k = 0;  // edges to the next layer come first, and in the same order
    circuit.coupling(l).forward(x, [&](std::int64_t y, double g) {
      const double e = g * (tail[static_cast<std::size_t>(x)] - head[static_cast<std::size_t>(y)]);
      decades[bounds.decade(std::abs(e))].add(one_edge(e, currents[k++]), 1);
    });
  }
  return decades;
}

/// Adds `factor` times the sums over pairs that carry a current through edges of conductance g [S].
void add_drops(Decades& decades, const Drops& down, const Drops& up, double g, double factor,
               const DecadeBounds& bounds) {
  EdgeSums above;
  for (std::size_t k = 0; k < decades.size(); ++k) {
    EdgeSums sums;
    const double least = k < bounds.low.size() ? bounds.low[k] / g : 0.0;
    for (const auto& s : {down.above(least), up.above(least)}) {
      sums.add({s.edges, g * s.current, g * g * s.current2, g * g * s.error2, g * s.agreeing}, 1);
    }
    decades[k].add(sums, factor);
    decades[k].add(above, -factor);
    above = sums;
  }
}

/// How often edges of a conductance [S] count in a sum.
struct Counted {
  double conductance;
  double factor;
};

/// Adds the sums over all pairs of two sets of states whose edges carry a current, once for each conductance that they
/// are counted with.
void add_pairs(Decades& decades, const SortedPair& tail, const SortedPair& head, std::initializer_list<Counted> counted,
               const DecadeBounds& bounds) {
  const Drops down(tail, head);
  const Drops up(head, tail);
  for (const auto& [g, factor] : counted) add_drops(decades, down, up, g, factor, bounds);
}

/// Of a circuit that joins all states. @param whole this rank does the whole layer pair, otherwise nothing.
Decades sums_by_decade(const Circuit& circuit, std::span<const double> exact, std::span<const double> learned, int l,
                       const DecadeBounds& bounds, bool whole) {
  const auto tail_e = layer_of(circuit, exact, l);
  const auto head_e = layer_of(circuit, exact, l + 1);
  const auto tail_n = layer_of(circuit, learned, l);
  const auto head_n = layer_of(circuit, learned, l + 1);
  const auto& coupling = circuit.coupling(l);
  Decades decades;
  const auto add = [&](std::int64_t from, std::int64_t to, double g, double factor) {
    const auto x = static_cast<std::size_t>(from);
    const auto y = static_cast<std::size_t>(to);
    const double e = g * (tail_e[x] - head_e[y]);
    decades[bounds.decade(std::abs(e))].add(one_edge(e, g * (tail_n[x] - head_n[y])), factor);
  };
  if (!whole) return decades;
  add_pairs(decades, {tail_e, tail_n}, {head_e, head_n}, {{coupling.change(), 1}}, bounds);
  const auto* groups = coupling.groups();
  for (std::int64_t i = 0; groups != nullptr && i < groups->count(); ++i) {
    const auto tails = std::pair(groups->gather(i, tail_e), groups->gather(i, tail_n));
    const auto heads = std::pair(groups->gather(i, head_e), groups->gather(i, head_n));
    add_pairs(decades, {tails.first, tails.second}, {heads.first, heads.second},
              {{coupling.change(), -1}, {coupling.within(), 1}}, bounds);
  }
  const double g = coupling.within();
  for (std::int64_t x = 0; x < circuit.states(); ++x) {
    // The same-state edge stands in the sums above like any other of its group, unless it carries nothing.
    if (tail_e[static_cast<std::size_t>(x)] != head_e[static_cast<std::size_t>(x)]) add(x, x, g, -1);
    add(x, x, coupling.same(), 1);
  }
  return decades;
}

double ratio(double a, double b) { return b > 0 ? a / b : std::numeric_limits<double>::quiet_NaN(); }

double relative(double error2, double exact2) { return std::sqrt(ratio(std::max(0.0, error2), exact2)); }

}  // namespace

CurrentComparison compare_currents(MPI_Comm comm, const Circuit& circuit, std::span<const double> exact,
                                   const Flow& learned) {
  const auto n = circuit.states();
  const auto pairs = static_cast<std::size_t>(circuit.layers());
  const int ranks = size_of(comm);
  const auto mine = partition(n, ranks, rank_of(comm));
  const bool dense = circuit.joins_all();
  std::optional<NetCurrent> net;  // of potentials
  if (!learned.currents) net.emplace(circuit, learned.potential);
  double largest = 0;
  for (int l = 0; l < circuit.layers(); ++l) largest = std::max(largest, largest_current(circuit, exact, l, mine));
  largest = all_max(comm, largest);
  const double top = largest > 0 ? std::floor(std::log10(largest)) + 1 : 0.0;
  const DecadeBounds bounds(top);

  // A layer pair: error2, exact2 over all edges, imbalance on its first layer, then the sums of each decade.
  constexpr std::size_t kFirst = 3;
  constexpr std::size_t kEach = kFirst + CurrentComparison::kDecades * kSums;
  std::vector<double> sums(pairs * kEach);
  double worst = 0;
  // Currents are linear in potentials, so the error of the currents is the current of the error.
  std::vector<double> difference(learned.potential.begin(), learned.potential.end());
  for (std::size_t i = 0; i < difference.size(); ++i) difference[i] -= exact[i];
  for (int l = 0; l < circuit.layers(); ++l) {
    double* of_pair = sums.data() + static_cast<std::size_t>(l) * kEach;
    const auto decades = dense
                             ? sums_by_decade(circuit, exact, learned.potential, l, bounds, l % ranks == rank_of(comm))
                             : sums_by_decade(circuit, exact, learned, l, bounds, mine);
    if (net) {
      of_pair[0] = edge_sum(circuit, difference, l, 2, mine);
    } else {
      for (const auto& d : decades) of_pair[0] += d.error2;
    }
    of_pair[1] = edge_sum(circuit, exact, l, 2, mine);
    for (auto x = mine.begin; l > 0 && x < mine.end; ++x) {
      const double imbalance = std::abs(net ? (*net)(l, x) : learned.currents->net(l, x));
      of_pair[2] += imbalance;
      worst = std::max(worst, imbalance);
    }
    double* at = of_pair + kFirst;
    for (const auto& d : decades) {
      for (const double value : {d.edges, d.current, d.current2, d.error2, d.agreeing}) *at++ = value;
    }
  }
  all_sum(comm, std::span<double>(sums));

  CurrentComparison result;
  double error2 = 0;
  double exact2 = 0;
  EdgeSums all;
  Decades decades;
  for (std::size_t l = 0; l < pairs; ++l) {
    const double* of_pair = sums.data() + l * kEach;
    error2 += of_pair[0];
    exact2 += of_pair[1];
    result.relative_l2_by_layer.push_back(relative(of_pair[0], of_pair[1]));
    if (l > 0) result.kcl_imbalance_by_layer.push_back(of_pair[2]);  // injected current: 1 A
    result.kcl_relative_imbalance += of_pair[2];
    EdgeSums of_layer;
    for (std::size_t k = 0; k < decades.size(); ++k) {
      const double* s = of_pair + kFirst + k * kSums;
      const EdgeSums these{s[0], s[1], s[2], s[3], s[4]};
      decades[k].add(these, 1);
      of_layer.add(these, 1);
    }
    result.sign_agreement_by_layer.push_back(ratio(of_layer.agreeing, of_layer.current));
    all.add(of_layer, 1);
  }
  result.relative_l2 = relative(error2, exact2);
  result.sign_agreement = ratio(all.agreeing, all.current);
  result.kcl_max_imbalance = all_max(comm, worst);
  for (std::size_t k = 0; k < decades.size(); ++k) {
    const auto& d = decades[k];
    result.by_decade.push_back({k + 1 < decades.size() ? bounds.low[k] : 0.0,
                                k == 0 ? std::pow(10.0, top) : bounds.low[k - 1], std::llround(d.edges),
                                ratio(d.current, all.current), relative(d.error2, d.current2),
                                ratio(d.agreeing, d.current)});
  }
  return result;
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
  const auto n = static_cast<double>(count);
  SampleComparison result;
  result.count = count;
  std::array<double, 4> sums{};  // moves, their squares, stuck, outside
  for (std::size_t i = 0; i < walks.end.size(); ++i) {
    const double moves = walks.moves[i];
    sums[0] += moves;
    sums[1] += moves * moves;
    sums[2] += walks.stuck[i];
    if (walks.stuck[i] == 0 && q[static_cast<std::size_t>(walks.end[i])] <= 0) sums[3] += 1;
  }
  all_sum(comm, std::span<double>(sums));  // of whole numbers: exact
  result.mean_steps = sums[0] / n;
  if (count > 1) {
    const double variance = std::max(0.0, sums[1] - n * result.mean_steps * result.mean_steps) / (n - 1);
    result.mean_steps_error = std::sqrt(variance / n);
  }
  result.stuck = static_cast<std::int64_t>(sums[2]);
  result.outside_support = static_cast<std::int64_t>(sums[3]);

  const auto h = histogram(comm, circuit, walks, count);
  result.tv = total_variation(h, q) + sums[2] / n / 2;
  result.tv_interval = total_variation_interval(h, q, n);
  result.kl = kl_divergence(h, q);
  result.js = js_divergence(h, q);
  std::vector<double> drawn(q.size());
  for (const auto x : draw_states(q, count, seed)) drawn[static_cast<std::size_t>(x)] += 1.0 / n;
  result.noise_floor_tv = total_variation(drawn, q);
  result.noise_floor_tv_mean = expected_total_variation(q, n);
  result.noise_floor_kl = kl_divergence(drawn, q);
  result.noise_floor_js = js_divergence(drawn, q);

  std::vector<double> counts(h);
  for (double& c : counts) c = std::round(c * n);
  result.chi_square = chi_square(counts, q, n);
  const bool enough = count - result.stuck > 1;
  if (reference.empty()) {
    if (enough) result.mmd = mmd_to_law(circuit.space(), counts, q);
    return result;
  }
  std::vector<double> rows(q.size());
  for (const auto x : reference) rows[static_cast<std::size_t>(x)] += 1;
  result.reference_rows = static_cast<std::int64_t>(reference.size());
  if (enough && reference.size() > 1) result.mmd = mmd(circuit.space(), counts, rows);
  if (count > result.stuck) result.chi_square_of_rows = chi_square_of_two(counts, rows);
  return result;
}

}  // namespace kirchhoff
