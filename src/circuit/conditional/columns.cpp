#include "kirchhoff/circuit/conditional/columns.hpp"

#include <Eigen/Core>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>
#include <tuple>

#include "kirchhoff/base/error.hpp"

namespace kirchhoff {
namespace {

using TermArray = Eigen::Map<const Eigen::ArrayXd>;
using HeatKernel = Eigen::MatrixXd;

TermArray part(const std::vector<double>& of, std::size_t index, std::size_t terms) {
  return {of.data() + index * terms, static_cast<Eigen::Index>(terms)};
}

/// Divides by about the largest, and returns that one's logarithm.
double normalise(Eigen::Ref<Eigen::ArrayXd> product) {
  const double largest = product.abs().maxCoeff();
  if (!(largest > 0)) return 0;
  const double unit = std::exp2(std::ilogb(largest));
  product /= unit;
  return std::log(unit);
}

/// Of proposals that know nothing of the end: so that none is far too rare.
constexpr double kEvenShare = 0.04;

/// Row sum of a column's graph [S].
double row_sum(ColumnGraph graph, int categories, double conductance) {
  return conductance * (graph == ColumnGraph::hamming ? categories - 1 : 2);
}

/// The slowest rate at which a column forgets where it was [S].
double slowest(ColumnGraph graph, int categories, double conductance) {
  if (categories == 1) return conductance;
  return conductance * (graph == ColumnGraph::hamming ? categories : 2 - 2 * std::cos(std::numbers::pi / categories));
}

/// |exp(s (lambda K - k))| of a reflecting lattice. Its sign is (-1)^|i - j| where lambda < 0: then lambda K is
/// similar, by changing every second sign, to a matrix that is non-negative off the diagonal. Either is a shift plus a
/// non-negative matrix, of which the exponential is a sum of positive terms: each entry has full relative accuracy.
HeatKernel lattice_kernel(int categories, double conductance, double lambda, double s) {
  const auto n = static_cast<Eigen::Index>(categories);
  const double pace = std::abs(lambda) * conductance * s;
  HeatKernel a = HeatKernel::Zero(n, n);
  for (Eigen::Index i = 0; i + 1 < n; ++i) a(i, i + 1) = a(i + 1, i) = pace;
  // A change that would leave the range stays: + pace at both ends, - pace after the similarity.
  double shift = -2 * conductance * s;
  if (lambda > 0) {
    a(0, 0) += pace;
    a(n - 1, n - 1) += pace;
  } else if (n > 1) {
    a.diagonal().array() += pace;
    a(0, 0) -= pace;
    a(n - 1, n - 1) -= pace;
    shift -= pace;
  }
  const int halvings = std::max(0, static_cast<int>(std::ceil(std::log2(std::max(4 * pace, 1e-300)))) + 1);
  a /= std::exp2(halvings);
  HeatKernel sum = HeatKernel::Identity(n, n);
  HeatKernel power = HeatKernel::Identity(n, n);
  // Entries far off the diagonal need as many terms as they are steps away.
  HeatKernel next(n, n);
  for (int k = 1; k <= categories + 24; ++k) {
    for (Eigen::Index i = 0; i < n; ++i) {  // a has three diagonals
      next.col(i) = power.col(i) * (a(i, i) / k);
      if (i > 0) next.col(i) += power.col(i - 1) * (a(i - 1, i) / k);
      if (i + 1 < n) next.col(i) += power.col(i + 1) * (a(i + 1, i) / k);
    }
    power.swap(next);
    sum += power;
  }
  sum *= std::exp(shift / std::exp2(halvings));
  for (int k = 0; k < halvings; ++k) sum = (sum * sum).eval();
  return sum;
}

}  // namespace

ConditionalColumns::ConditionalColumns(const ColumnCircuit& circuit, double accuracy)
    : moves_(circuit.space, circuit.layers, circuit.graphs), layers_(circuit.layers) {
  const auto d = static_cast<std::size_t>(circuit.space.dimensions());
  if (circuit.layers < 1) throw Error("a circuit of columns needs a layer pair");
  if (circuit.graphs.size() != d || circuit.change.size() != d) throw Error("a circuit of other columns");
  const auto good = [](double ohm) { return ohm > 0 && std::isfinite(ohm); };
  if (!good(circuit.same) || !std::all_of(circuit.change.begin(), circuit.change.end(), good)) {
    throw Error("resistances must be positive and finite");
  }
  for (std::size_t j = 0; j < d; ++j) {
    const int s = circuit.space.categories(static_cast<int>(j));
    if (circuit.graphs[j] == ColumnGraph::lattice && s > kMostRanks) {
      throw Error(fmt::format("column {} has {} ordered categories: at most {}", j + 1, s, kMostRanks));
    }
    log_states_ += std::log(s);
  }
  const auto nodes = nodes_of(circuit, accuracy);
  terms_ = nodes.size() + 1;  // the last: the even part
  // Columns that are alike share their tables.
  std::map<std::tuple<ColumnGraph, int, double>, std::size_t> known;
  for (std::size_t j = 0; j < d; ++j) {
    const std::tuple key(circuit.graphs[j], circuit.space.categories(static_cast<int>(j)), circuit.change[j]);
    const auto [found, fresh] = known.try_emplace(key, columns_.size());
    if (fresh) columns_.push_back(column_of(circuit, static_cast<int>(j), nodes));
    columns_[found->second].numbers.push_back(j);
  }
  for (auto& column : columns_) multiply_alike(column);
  set_proposal(circuit, nodes);
}

std::vector<ConditionalColumns::Node> ConditionalColumns::nodes_of(const ColumnCircuit& circuit,
                                                                   double accuracy) const {
  double fastest = 1 / circuit.same;
  double gap = fastest * 1e6;
  double change = 0;  // sum of k_d
  for (std::size_t j = 0; j < circuit.change.size(); ++j) {
    const int s = circuit.space.categories(static_cast<int>(j));
    const double conductance = 1 / circuit.change[j];
    change += row_sum(circuit.graphs[j], s, conductance);
    if (s == 1) continue;
    gap = std::min(gap, slowest(circuit.graphs[j], s, conductance));
  }
  fastest += change;
  const double digits = std::log(1 / accuracy);
  // In u = log s the logarithm of a product of D kernels bends by at most 0.4 D, so that it is no narrower than a
  // Gaussian of variance 2.5 / D, whose trapezoidal sum with step h is right to exp(-2 pi^2 2.5 / (D h^2)).
  const auto d = static_cast<double>(circuit.change.size());
  const double step = std::min(9.8 / (digits + 3), 7 / std::sqrt(d * digits));
  std::vector<Node> nodes;
  for (int m = 0; m <= circuit.layers; ++m) {
    const double lambda = m == circuit.layers ? -1.0 : std::cos(std::numbers::pi * m / circuit.layers);
    const double a = (m % 2 == 0 ? -1.0 : 1.0) / (m == 0 || m == circuit.layers ? 2 * circuit.layers : circuit.layers);
    // What is left when all columns have forgotten, or the layers.
    const double slow = m == 0 ? gap : (1 - std::abs(lambda)) * change + (1 - lambda) / circuit.same;
    const double end = std::log(digits / std::min(slow, fastest));
    for (double u = std::log(accuracy / fastest); u < end; u += step) {
      const double s = std::exp(u);
      nodes.push_back({s, lambda, m, a * step * s * std::exp(-s * (1 - lambda) / circuit.same)});
    }
  }
  return nodes;
}

ConditionalColumns::Column ConditionalColumns::column_of(const ColumnCircuit& circuit, int d,
                                                         const std::vector<Node>& nodes) const {
  const auto j = static_cast<std::size_t>(d);
  Column column;
  column.graph = circuit.graphs[j];
  column.categories = circuit.space.categories(d);
  column.conductance = 1 / circuit.change[j];
  const int s = column.categories;
  const auto n = static_cast<std::size_t>(s);
  const bool hamming = column.graph == ColumnGraph::hamming;
  column.classes = hamming ? 2 : n * n;
  column.kernel.assign(column.classes * terms_, 1.0);  // of the even part: one
  const auto directions = 2 * static_cast<std::size_t>(layers_ + 1);
  column.difference.assign(directions * column.classes * 2 * terms_, 0.0);
  // To a neighbour: of the even part nothing, elsewhere c_l h(x) - c_l' h(y), relative to h(x).
  const auto set = [&](std::size_t t, std::size_t kind, std::size_t move, double minus_ratio, double plus_ratio) {
    const auto& node = nodes[t];
    for (int l = 0; l <= layers_; ++l) {
      for (const int direction : {1, -1}) {
        const int other = l + direction;
        if (other < 0 || other > layers_) continue;
        const double c = std::cos(std::numbers::pi * node.mode * l / layers_);
        const double c_other = std::cos(std::numbers::pi * node.mode * other / layers_);
        // c - c' ratio = (c - c') + c' (1 - ratio) = (c + c') - c' (1 + ratio)
        const double value =
            node.lambda < 0 ? (c + c_other) - c_other * plus_ratio : (c - c_other) + c_other * minus_ratio;
        column.difference[((direction_of(l, direction) * column.classes + kind) * 2 + move) * terms_ + t] =
            node.weight * value;
      }
    }
  };
  for (std::size_t t = 0; t < nodes.size(); ++t) {
    const auto& node = nodes[t];
    if (hamming) {
      // exp(s (lambda g (J - I) - g (S - 1))): S on the eigenvector of ones, the rest elsewhere.
      const double g = column.conductance * node.s;
      const double even = std::exp(-(1 - node.lambda) * g * (s - 1));
      const double rest = std::exp(-g * (node.lambda + s - 1));
      const double gap = -std::expm1(-g * node.lambda * s);  // (even - rest) / even
      const double agree = even + (s - 1) * rest;            // S h
      const double differ = node.lambda < 0 ? rest * std::expm1(g * node.lambda * s) : even * gap;
      column.kernel[t] = agree;
      column.kernel[terms_ + t] = s == 1 ? 0.0 : differ;
      if (s == 1) continue;
      // Away from the goal: 1 - differ / agree, 1 + differ / agree. Toward it: with agree / differ.
      const double all = s * rest;
      set(t, 0, 0, all / agree, (2 * even + (s - 2) * rest) / agree);
      set(t, 1, 0, -all / differ, (2 * even + (s - 2) * rest) / differ);
      set(t, 1, 1, 0.0, 2.0);  // to another wrong value
      continue;
    }
    const auto h = lattice_kernel(s, column.conductance, node.lambda, node.s);
    const auto sign = [&](int i, int k) { return node.lambda < 0 && (i - k) % 2 != 0 ? -1.0 : 1.0; };
    for (int x = 0; x < s; ++x) {
      for (int goal = 0; goal < s; ++goal) {
        const auto kind = static_cast<std::size_t>(x) * n + static_cast<std::size_t>(goal);
        constexpr double kLeast = 1e-100;  // so that ratios are finite
        const double at = std::max(h(x, goal), kLeast);
        column.kernel[kind * terms_ + t] = sign(x, goal) * s * at;
        for (const int up : {0, 1}) {
          const int y = x + (up != 0 ? 1 : -1);
          if (y < 0 || y >= s) continue;
          const double ratio = std::max(h(y, goal), kLeast) / at * sign(x, goal) * sign(y, goal);
          set(t, kind, static_cast<std::size_t>(up), 1 - ratio, 1 + ratio);
        }
      }
    }
  }
  return column;
}

void ConditionalColumns::set_proposal(const ColumnCircuit& circuit, const std::vector<Node>& nodes) {
  // The edge that changes nothing, and the even part of all edges: potentials that differ between layers only.
  const auto directions = 2 * static_cast<std::size_t>(layers_ + 1);
  same_.assign(directions * terms_, 0.0);
  conductance_same_ = 1 / circuit.same;
  double kappa = conductance_same_;
  for (std::size_t j = 0; j < circuit.change.size(); ++j) {
    const int s = circuit.space.categories(static_cast<int>(j));
    kappa += row_sum(circuit.graphs[j], s, 1 / circuit.change[j]);
  }
  for (int l = 0; l <= layers_; ++l) {
    for (const int direction : {1, -1}) {
      const int other = l + direction;
      if (other < 0 || other > layers_) continue;
      double* row = same_.data() + direction_of(l, direction) * terms_;
      double even = direction / kappa;
      for (std::size_t t = 0; t < nodes.size(); ++t) {
        const auto& node = nodes[t];
        const double drop = std::cos(std::numbers::pi * node.mode * l / layers_) -
                            std::cos(std::numbers::pi * node.mode * other / layers_);
        row[t] = node.weight * drop;
      }
      for (int m = 1; m <= layers_; ++m) {
        const double lambda = m == layers_ ? -1.0 : std::cos(std::numbers::pi * m / layers_);
        const double a = (m % 2 == 0 ? -1.0 : 1.0) / (m == layers_ ? 2 * layers_ : layers_);
        const double drop =
            std::cos(std::numbers::pi * m * l / layers_) - std::cos(std::numbers::pi * m * other / layers_);
        even -= a * drop / (kappa * (1 - lambda));
      }
      row[terms_ - 1] = even;
      for (auto& column : columns_) {
        for (std::size_t k = 0; k < 2 * column.classes; ++k) {
          column.difference[((direction_of(l, direction) * column.classes * 2) + k) * terms_ + terms_ - 1] = even;
        }
      }
    }
  }
  // At a node of m = 0 the walk's moves are about sum_d g_d E[positive part of h(y) - h(x)] / h(x): what columns that
  // were drawn from h would still have to mend.
  first_nodes_ = static_cast<std::size_t>(
      std::count_if(nodes.begin(), nodes.end(), [](const Node& node) { return node.mode == 0; }));
  double total = 0;
  for (std::size_t t = 0; t < first_nodes_; ++t) {
    double mending = 0;
    for (const auto& column : columns_) {
      const int s = column.categories;
      double falls = 0;  // of S h along edges, over all goals
      if (column.graph == ColumnGraph::hamming) {
        falls = s * (s - 1) * (column.kernel[t] - column.kernel[terms_ + t]);
      } else {
        for (int goal = 0; goal < s; ++goal) {
          const auto at = [&](int x) { return column.kernel[static_cast<std::size_t>(x * s + goal) * terms_ + t]; };
          for (int x = 0; x + 1 < s; ++x) falls += std::abs(at(x) - at(x + 1));
        }
      }
      mending += static_cast<double>(column.numbers.size()) * column.conductance * falls / s / s;
    }
    node_share_.push_back(std::abs(nodes[t].weight) * mending);
    total += node_share_.back();
  }
  end_share_ =
      (1 - kEvenShare) / (layers_ * total + 1);  // x_L is visited once to leave, and about once more to and fro
  double sum = 0;
  for (auto& share : node_share_) {
    share *= (1 - kEvenShare - end_share_) / total;
    node_sum_.push_back(sum += share);
  }
}

void ConditionalColumns::multiply_alike(Column& column) const {
  if (column.graph != ColumnGraph::hamming) return;
  const auto n = static_cast<Eigen::Index>(terms_);
  const auto count = column.numbers.size();
  column.product.resize((count + 1) * terms_);
  column.log.resize(count + 1);
  const auto equal = part(column.kernel, 0, terms_);
  const auto differ = part(column.kernel, 1, terms_);
  for (std::size_t k = 0; k <= count; ++k) {
    Eigen::Map<Eigen::ArrayXd> product(column.product.data() + k * terms_, n);
    product.setOnes();
    for (std::size_t i = 0; i < count; ++i) {
      product *= i < k ? equal : differ;
      // After each of few categories there is room for many more.
      if (i % 16 == 15 || column.categories > 16 || i + 1 == count) column.log[k] += normalise(product);
    }
  }
}

double ConditionalColumns::products(std::span<const std::uint16_t> x, std::span<const std::uint16_t> end,
                                    std::span<double> out) const {
  Eigen::Map<Eigen::ArrayXd> product(out.data(), static_cast<Eigen::Index>(terms_));
  product.setOnes();
  double log = 0;
  for (const auto& column : columns_) {
    if (column.graph == ColumnGraph::lattice) {
      for (const auto j : column.numbers) product *= part(column.kernel, class_of(column, x[j], end[j]), terms_);
    } else {
      std::size_t equal = 0;
      for (const auto j : column.numbers) equal += x[j] == end[j] ? 1U : 0U;
      product *= part(column.product, equal, terms_);
      log += column.log[equal];
    }
  }
  return log + normalise(product);
}

double ConditionalColumns::add_currents(int layer, std::span<const std::uint16_t> x, std::span<const std::uint16_t> end,
                                        std::span<const double> products, double log, double weight,
                                        std::span<float> out) const {
  const TermArray product(products.data(), static_cast<Eigen::Index>(terms_));
  double visits = 0;
  for (const int direction : {1, -1}) {
    if (layer + direction < 0 || layer + direction > layers_) continue;
    const auto way = direction_of(layer, direction);
    float* same = out.data() + moves_.first(direction);
    double staying = conductance_same_;
    for (const auto& column : columns_) {
      const int s = column.categories;
      // To a neighbour; the same in all columns that are alike and of one class.
      const auto current = [&](std::size_t kind, std::size_t move) {
        const auto row = (way * column.classes + kind) * 2 + move;
        return std::max(0.0, weight * column.conductance * (product * part(column.difference, row, terms_)).sum());
      };
      if (column.graph == ColumnGraph::lattice) {
        for (const auto j : column.numbers) {
          const auto kind = class_of(column, x[j], end[j]);
          float* change = same + 1 + moves_.offset(j);
          for (const std::size_t up : {0U, 1U}) {
            const int value = x[j] + (up != 0 ? 1 : -1);
            if (value < 0 || value >= s) {
              staying += column.conductance;
              continue;
            }
            const double ampere = current(kind, up);
            change[value] += static_cast<float>(ampere);
            visits += ampere;
          }
        }
        continue;
      }
      if (s == 1) continue;
      const double away = current(0, 0);
      const double toward = current(1, 0);
      const double other = s > 2 ? current(1, 1) : 0.0;
      for (const auto j : column.numbers) {
        float* change = same + 1 + moves_.offset(j);
        const bool right = x[j] == end[j];
        visits += right ? (s - 1) * away : toward + (s - 2) * other;
        const auto to_all = static_cast<float>(right ? away : other);
        if (to_all > 0) {
          for (int v = 0; v < s; ++v) change[v] += v == x[j] ? 0.0F : to_all;
        }
        if (!right) change[end[j]] += static_cast<float>(toward) - to_all;
      }
    }
    const double stays = weight * staying * (product * part(same_, way, terms_)).sum();
    if (stays > 0) {
      *same += static_cast<float>(stays);
      visits += stays;
    }
  }
  if (layer == layers_ && std::equal(x.begin(), x.end(), end.begin())) {
    const double leaves = weight * std::exp(log_states_ - log);
    out[MoveSet::kLeave] += static_cast<float>(leaves);
    visits += leaves;
  }
  return visits;
}

void ConditionalColumns::propose(Random& random, std::span<const std::uint16_t> end, std::int32_t& layer,
                                 std::span<std::uint16_t> x) const {
  layer = static_cast<std::int32_t>(random.below(layers_ + 1));
  const double u = random.uniform();
  if (u >= node_sum_.back() + kEvenShare) {
    std::copy(end.begin(), end.end(), x.begin());
    return;
  }
  if (u >= node_sum_.back()) {
    for (std::size_t j = 0; j < x.size(); ++j) {
      x[j] = static_cast<std::uint16_t>(random.below(moves_.space().categories(static_cast<int>(j))));
    }
    return;
  }
  const auto t = static_cast<std::size_t>(std::upper_bound(node_sum_.begin(), node_sum_.end(), u) - node_sum_.begin());
  for (const auto& column : columns_) {
    const int s = column.categories;
    for (const auto j : column.numbers) {
      double left = random.uniform() * s;
      int value = 0;
      if (column.graph == ColumnGraph::lattice) {
        for (value = 0; value + 1 < s; ++value) {
          left -= column.kernel[static_cast<std::size_t>(value * s + end[j]) * terms_ + t];
          if (left < 0) break;
        }
      } else if (left < column.kernel[t] || s == 1) {
        value = end[j];
      } else {
        value = (end[j] + 1 + static_cast<int>(random.below(s - 1))) % s;
      }
      x[j] = static_cast<std::uint16_t>(value);
    }
  }
}

double ConditionalColumns::proposed(std::span<const std::uint16_t> x, std::span<const std::uint16_t> end,
                                    std::span<const double> products, double log) const {
  const auto n = static_cast<Eigen::Index>(first_nodes_);
  const double nodes = (TermArray(products.data(), n) * TermArray(node_share_.data(), n)).sum();
  const bool ended = std::equal(x.begin(), x.end(), end.begin());
  return (kEvenShare * products[terms_ - 1] + nodes + (ended ? end_share_ * std::exp(log_states_ - log) : 0.0)) /
         (layers_ + 1);
}

}  // namespace kirchhoff
