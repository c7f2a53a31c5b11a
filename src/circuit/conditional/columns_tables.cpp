// The tables of a ConditionalColumns: nodes of the integrals, heat kernels, currents of moves, the law of proposals.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>
#include <tuple>

#include "circuit/conditional/term_array.hpp"
#include "kirchhoff/base/error.hpp"
#include "kirchhoff/circuit/conditional/columns.hpp"

namespace kirchhoff {
namespace {

using HeatKernel = Eigen::MatrixXd;

/// A cosine over the layers, m = 0 .. L.
struct LayerMode {
  int m = 0;
  int layers = 1;

  double at(int l) const { return std::cos(std::numbers::pi * m * l / layers); }
  double lambda() const { return m == layers ? -1.0 : std::cos(std::numbers::pi * m / layers); }
  /// a_m
  double share() const { return (m % 2 == 0 ? -1.0 : 1.0) / (m == 0 || m == layers ? 2 * layers : layers); }
};

/// Calls visit(l, l') for every layer l and each neighbour of it.
template <class Visit>
void every_way(int layers, Visit&& visit) {
  for (int l = 0; l <= layers; ++l) {
    if (l < layers) visit(l, l + 1);
    if (l > 0) visit(l, l - 1);
  }
}

/// Row sum of a column's graph [S].
double row_sum(ColumnGraph graph, int categories, double conductance) {
  return conductance * (graph == ColumnGraph::hamming ? categories - 1 : 2);
}

/// The sum of all k_d [S].
double change_of(const ColumnCircuit& circuit) {
  double sum = 0;
  for (std::size_t j = 0; j < circuit.change.size(); ++j) {
    sum += row_sum(circuit.graphs[j], circuit.space.sizes()[j], 1 / circuit.change[j]);
  }
  return sum;
}

/// The slowest rate at which a column of two categories or more forgets where it was [S].
double slowest(ColumnGraph graph, int categories, double conductance) {
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

void check(const ColumnCircuit& circuit) {
  const auto d = circuit.space.sizes().size();
  if (circuit.layers < 1) throw Error("a circuit of columns needs a layer pair");
  if (circuit.graphs.size() != d || circuit.change.size() != d) throw Error("a circuit of other columns");
  const auto good = [](double ohm) { return ohm > 0 && std::isfinite(ohm); };
  if (!good(circuit.same) || !std::all_of(circuit.change.begin(), circuit.change.end(), good)) {
    throw Error("resistances must be positive and finite");
  }
  for (std::size_t j = 0; j < d; ++j) {
    const int s = circuit.space.sizes()[j];
    if (circuit.graphs[j] == ColumnGraph::lattice && s > ConditionalColumns::kMostRanks) {
      throw Error(
          fmt::format("column {} has {} ordered categories: at most {}", j + 1, s, ConditionalColumns::kMostRanks));
    }
  }
}

}  // namespace

ConditionalColumns::ConditionalColumns(const ColumnCircuit& circuit, double accuracy)
    : moves_(circuit.space, circuit.layers, circuit.graphs), conductance_same_(1 / circuit.same) {
  check(circuit);
  for (const int s : circuit.space.sizes()) log_states_ += std::log(s);
  const auto nodes = nodes_of(circuit, accuracy);
  terms_ = nodes.size() + 1;  // the last: the even part
  // Columns that are alike share their tables.
  std::map<std::tuple<ColumnGraph, int, double>, std::size_t> known;
  for (std::size_t j = 0; j < circuit.change.size(); ++j) {
    const std::tuple key(circuit.graphs[j], circuit.space.sizes()[j], circuit.change[j]);
    const auto [found, fresh] = known.try_emplace(key, columns_.size());
    if (fresh) {
      columns_.push_back(column_of(circuit.graphs[j], circuit.space.sizes()[j], 1 / circuit.change[j], nodes));
    }
    columns_[found->second].numbers.push_back(j);
  }
  for (auto& column : columns_) multiply_alike(column);
  set_levels(nodes, conductance_same_ + change_of(circuit));
  set_proposal(nodes);
}

std::vector<ConditionalColumns::Node> ConditionalColumns::nodes_of(const ColumnCircuit& circuit, double accuracy) {
  const double change = change_of(circuit);
  const double fastest = 1 / circuit.same + change;
  double gap = 1e6 / circuit.same;
  for (std::size_t j = 0; j < circuit.change.size(); ++j) {
    const int s = circuit.space.sizes()[j];
    if (s > 1) gap = std::min(gap, slowest(circuit.graphs[j], s, 1 / circuit.change[j]));
  }
  const double digits = std::log(1 / accuracy);
  // In u = log s the logarithm of a product of D kernels bends by at most 0.4 D, so that it is no narrower than a
  // Gaussian of variance 2.5 / D, whose trapezoidal sum with step h is right to exp(-2 pi^2 2.5 / (D h^2)).
  const auto d = static_cast<double>(circuit.change.size());
  const double step = std::min(9.8 / (digits + 3), 7 / std::sqrt(d * digits));
  std::vector<Node> nodes;
  for (int m = 0; m <= circuit.layers; ++m) {
    const LayerMode mode{m, circuit.layers};
    const double lambda = mode.lambda();
    // What is left when all columns have forgotten, or the layers.
    const double slow = m == 0 ? gap : (1 - std::abs(lambda)) * change + (1 - lambda) / circuit.same;
    const double end = std::log(digits / std::min(slow, fastest));
    for (double u = std::log(accuracy / fastest); u < end; u += step) {
      const double s = std::exp(u);
      nodes.push_back({s, lambda, m, mode.share() * step * s * std::exp(-s * (1 - lambda) / circuit.same)});
    }
  }
  return nodes;
}

ConditionalColumns::Column ConditionalColumns::column_of(ColumnGraph graph, int categories, double conductance,
                                                         const std::vector<Node>& nodes) const {
  Column column;
  column.graph = graph;
  column.categories = categories;
  column.conductance = conductance;
  const auto n = static_cast<std::size_t>(categories);
  column.classes = graph == ColumnGraph::hamming ? 2 : n * n;
  column.kernel.assign(column.classes * terms_, 1.0);  // of the even part: one
  column.difference.assign(2 * static_cast<std::size_t>(moves_.layers() + 1) * column.classes * 2 * terms_, 0.0);
  for (std::size_t t = 0; t < nodes.size(); ++t) {
    if (graph == ColumnGraph::hamming) {
      set_hamming(column, t, nodes[t]);
    } else {
      set_lattice(column, t, nodes[t]);
    }
  }
  return column;
}

/// What the change of a column gives at a node, relative to its kernel there, from 1 - ratio and 1 + ratio of the
/// neighbour's kernel to its own: c_l - c_l' ratio, without differences of what is nearly equal.
void ConditionalColumns::set_difference(Column& column, std::size_t t, const Node& node, std::size_t kind,
                                        std::size_t move, double minus_ratio, double plus_ratio) const {
  const LayerMode mode{node.mode, moves_.layers()};
  every_way(moves_.layers(), [&](int l, int other) {
    const double c = mode.at(l);
    const double c_other = mode.at(other);
    const double value = node.lambda < 0 ? (c + c_other) - c_other * plus_ratio : (c - c_other) + c_other * minus_ratio;
    column.difference[((direction_of(l, other - l) * column.classes + kind) * 2 + move) * terms_ + t] =
        node.weight * value;
  });
}

void ConditionalColumns::set_hamming(Column& column, std::size_t t, const Node& node) const {
  // exp(s (lambda g (J - I) - g (S - 1))): S on the eigenvector of ones, the rest elsewhere.
  const int s = column.categories;
  const double g = column.conductance * node.s;
  const double even = std::exp(-(1 - node.lambda) * g * (s - 1));
  const double rest = std::exp(-g * (node.lambda + s - 1));
  const double gap = -std::expm1(-g * node.lambda * s);  // (even - rest) / even
  const double agree = even + (s - 1) * rest;            // S h
  const double differ = node.lambda < 0 ? rest * std::expm1(g * node.lambda * s) : even * gap;
  column.kernel[t] = agree;
  column.kernel[terms_ + t] = s == 1 ? 0.0 : differ;
  if (s == 1) return;
  // Away from the goal: 1 - differ / agree, 1 + differ / agree. Toward it: with agree / differ.
  const double all = s * rest;
  const double both = 2 * even + (s - 2) * rest;
  set_difference(column, t, node, 0, 0, all / agree, both / agree);
  set_difference(column, t, node, 1, 0, -all / differ, both / differ);
  set_difference(column, t, node, 1, 1, 0.0, 2.0);  // to another wrong value
}

void ConditionalColumns::set_lattice(Column& column, std::size_t t, const Node& node) const {
  const int s = column.categories;
  const auto h = lattice_kernel(s, column.conductance, node.lambda, node.s);
  const auto sign = [&](int i, int k) { return node.lambda < 0 && (i - k) % 2 != 0 ? -1.0 : 1.0; };
  for (int x = 0; x < s; ++x) {
    for (int goal = 0; goal < s; ++goal) {
      const auto kind = class_of(column, x, goal);
      constexpr double kLeast = 1e-100;  // so that ratios are finite
      const double at = std::max(h(x, goal), kLeast);
      column.kernel[kind * terms_ + t] = sign(x, goal) * s * at;
      for (const int up : {0, 1}) {
        const int y = x + (up != 0 ? 1 : -1);
        if (y < 0 || y >= s) continue;
        const double ratio = std::max(h(y, goal), kLeast) / at * sign(x, goal) * sign(y, goal);
        set_difference(column, t, node, kind, static_cast<std::size_t>(up), 1 - ratio, 1 + ratio);
      }
    }
  }
}

void ConditionalColumns::multiply_alike(Column& column) const {
  if (column.graph != ColumnGraph::hamming) return;
  const auto n = static_cast<Eigen::Index>(terms_);
  const auto count = column.numbers.size();
  column.product.resize((count + 1) * terms_);
  column.log.resize(count + 1);
  const auto equal = detail::terms_of(column.kernel, 0, terms_);
  const auto differ = detail::terms_of(column.kernel, 1, terms_);
  for (std::size_t k = 0; k <= count; ++k) {
    Eigen::Map<Eigen::ArrayXd> product(column.product.data() + k * terms_, n);
    product.setOnes();
    for (std::size_t i = 0; i < count; ++i) {
      product *= i < k ? equal : differ;
      // After each of few categories there is room for many more.
      if (i % 16 == 15 || column.categories > 16 || i + 1 == count) column.log[k] += detail::normalise(product);
    }
  }
}

/// The edge that changes nothing, and the even part of all edges: potentials that differ between layers only.
void ConditionalColumns::set_levels(const std::vector<Node>& nodes, double kappa) {
  const int layers = moves_.layers();
  same_.assign(2 * static_cast<std::size_t>(layers + 1) * terms_, 0.0);
  every_way(layers, [&](int l, int other) {
    const auto way = direction_of(l, other - l);
    double* row = same_.data() + way * terms_;
    for (std::size_t t = 0; t < nodes.size(); ++t) {
      const LayerMode mode{nodes[t].mode, layers};
      row[t] = nodes[t].weight * (mode.at(l) - mode.at(other));
    }
    double even = (other - l) / kappa;
    for (int m = 1; m <= layers; ++m) {
      const LayerMode mode{m, layers};
      even -= mode.share() * (mode.at(l) - mode.at(other)) / (kappa * (1 - mode.lambda()));
    }
    row[terms_ - 1] = even;
    for (auto& column : columns_) {
      for (std::size_t k = 0; k < 2 * column.classes; ++k) {
        column.difference[(way * column.classes * 2 + k) * terms_ + terms_ - 1] = even;
      }
    }
  });
}

/// At a node of m = 0 the walk's moves are about sum_d g_d E[positive part of h(y) - h(x)] / h(x): what columns that
/// were drawn from h would still have to mend.
void ConditionalColumns::set_proposal(const std::vector<Node>& nodes) {
  double total = 0;
  for (std::size_t t = 0; t < nodes.size() && nodes[t].mode == 0; ++t) {
    double mending = 0;
    for (const auto& column : columns_) {
      const int s = column.categories;
      const auto at = [&](int x, int goal) { return column.kernel[class_of(column, x, goal) * terms_ + t]; };
      double falls = 0;  // of S h along edges, over all goals
      if (column.graph == ColumnGraph::hamming) {
        falls = s * (s - 1) * (column.kernel[t] - column.kernel[terms_ + t]);
      } else {
        for (int goal = 0; goal < s; ++goal) {
          for (int x = 0; x + 1 < s; ++x) falls += std::abs(at(x, goal) - at(x + 1, goal));
        }
      }
      mending += static_cast<double>(column.numbers.size()) * column.conductance * falls / s / s;
    }
    node_share_.push_back(std::abs(nodes[t].weight) * mending);
    total += node_share_.back();
  }
  // x_L is visited once to leave, and about once more to and fro.
  end_share_ = (1 - kEvenShare) / (moves_.layers() * total + 1);
  double sum = 0;
  for (auto& share : node_share_) {
    share *= (1 - kEvenShare - end_share_) / total;
    node_sum_.push_back(sum += share);
  }
}

}  // namespace kirchhoff
