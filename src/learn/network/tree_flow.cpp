#include "kirchhoff/learn/network/tree_flow.hpp"

#include <Eigen/Core>

#include <algorithm>
#include <cmath>

#include "kirchhoff/base/error.hpp"

namespace kirchhoff {
namespace {

constexpr int kNodes = 16;  // a start for a network, not a result: a twentieth of what the circuit's solution takes
using NodeArray = Eigen::Array<float, kNodes, 1>;
constexpr float kFaintest = -40;  // logit, relative to the largest

}  // namespace

struct TreeFlow::Work {
  struct Column {
    std::size_t first = 0;  // of its values among all
    std::size_t categories = 1;
    int parent = -1;
    std::vector<float> share;  // (S_parent x S)
    NodeArray agree;           // S h(s; v, v)
    NodeArray differ;          // S h(s; u, v)
    NodeArray mend;            // g (agree / differ - 1), times the node's weight
  };

  std::vector<Column> columns;
  std::vector<std::size_t> order;
  double log_states = 0;
  float staying = 0;  // logarithm of the even part of the edge that changes nothing

  mutable std::vector<NodeArray> belief;   // (C) of a value: what is below it, and the state, say
  mutable std::vector<NodeArray> outside;  // (C) what all else says
  mutable std::vector<NodeArray> message;  // (C of the parent, per column) to the parent
  std::vector<std::size_t> message_at;

  void up(std::span<const std::uint16_t> state, NodeArray& log) const;
  void down() const;
};

TreeFlow::TreeFlow(const MoveSet& moves, const std::vector<double>& change, double same, TreeLaw law)
    : work_(std::make_unique<Work>()) {
  auto& w = *work_;
  const auto d = static_cast<std::size_t>(moves.dimensions());
  if (moves.layers() != 1) throw Error("the flow toward a tree is of circuits of one layer pair");
  double gap = 1e300;
  double kappa = 0;  // of changes
  for (std::size_t j = 0; j < d; ++j) {
    if (moves.graph(static_cast<int>(j)) != ColumnGraph::hamming)
      throw Error("the flow toward a tree is of hamming columns");
    const double s = moves.space().categories(static_cast<int>(j));
    if (s < 2) continue;
    gap = std::min(gap, s / change[j]);
    kappa += (s - 1) / change[j];
  }
  // From where one column is wrong to where most are.
  const double low = std::log(0.15 / std::max(kappa, gap));
  const double step = (std::log(5 / gap) - low) / (kNodes - 1);
  std::size_t messages = 0;
  for (std::size_t j = 0; j < d; ++j) {
    Work::Column column;
    column.first = static_cast<std::size_t>(moves.offset(j));
    const int s = moves.space().categories(static_cast<int>(j));
    column.categories = static_cast<std::size_t>(s);
    column.parent = law.parents[j];
    column.share.assign(law.share[j].begin(), law.share[j].end());
    for (int q = 0; q < kNodes; ++q) {
      const double at = std::exp(low + q * step);
      const double rest = std::exp(-at * s / change[j]);
      column.agree[q] = static_cast<float>(1 + (s - 1) * rest);
      column.differ[q] = static_cast<float>(s > 1 ? 1 - rest : 1);
      column.mend[q] = static_cast<float>(s > 1 ? step * at / 2 / change[j] * s * rest / (1 - rest) : 0);
    }
    w.columns.push_back(std::move(column));
    w.log_states += std::log(s);
    w.message_at.push_back(messages);
    if (law.parents[j] >= 0) messages += static_cast<std::size_t>(moves.space().categories(law.parents[j]));
  }
  w.order.assign(law.order.begin(), law.order.end());
  w.belief.resize(static_cast<std::size_t>(moves.all_categories()));
  w.outside.resize(w.belief.size());
  w.message.resize(messages);
  w.staying = static_cast<float>(std::log(0.5 / same / (kappa + 1 / same)));
}

TreeFlow::TreeFlow(TreeFlow&&) noexcept = default;
TreeFlow::~TreeFlow() = default;

/// Messages to the root; `log` is that of the probability of the state at each node, times N.
void TreeFlow::Work::up(std::span<const std::uint16_t> state, NodeArray& log) const {
  for (std::size_t j = 0; j < columns.size(); ++j) {
    const auto& column = columns[j];
    for (std::size_t v = 0; v < column.categories; ++v) {
      belief[column.first + v] = v == state[j] ? column.agree : column.differ;
    }
  }
  log.setZero();
  for (auto at = order.rbegin(); at != order.rend(); ++at) {  // NOLINT(modernize-loop-convert)
    const auto& column = columns[*at];
    if (column.parent < 0) {
      NodeArray sum = NodeArray::Zero();
      for (std::size_t v = 0; v < column.categories; ++v) sum += column.share[v] * belief[column.first + v];
      log += sum.log();
      continue;
    }
    const auto& parent = columns[static_cast<std::size_t>(column.parent)];
    NodeArray* to = message.data() + message_at[*at];
    NodeArray total = NodeArray::Zero();
    const float* share = column.share.data();
    for (std::size_t u = 0; u < parent.categories; ++u, share += column.categories) {
      NodeArray sum = share[0] * belief[column.first];
      for (std::size_t v = 1; v < column.categories; ++v) sum += share[v] * belief[column.first + v];
      to[u] = sum;
      total += belief[parent.first + u] *= sum;
    }
    log += total.log();
    const NodeArray unit = total.inverse();
    for (std::size_t u = 0; u < parent.categories; ++u) belief[parent.first + u] *= unit;
  }
}

/// From the root back: `belief` becomes the law of each column's end, given the state.
void TreeFlow::Work::down() const {
  for (const auto j : order) {
    const auto& column = columns[j];
    if (column.parent < 0) {
      for (std::size_t v = 0; v < column.categories; ++v) outside[column.first + v].setConstant(column.share[v]);
    } else {
      const auto& parent = columns[static_cast<std::size_t>(column.parent)];
      const NodeArray* from = message.data() + message_at[j];
      const float* share = column.share.data();
      for (std::size_t u = 0; u < parent.categories; ++u, share += column.categories) {
        const NodeArray cavity = belief[parent.first + u] / from[u];
        for (std::size_t v = 0; v < column.categories; ++v) {
          if (u == 0) {
            outside[column.first + v] = share[v] * cavity;
          } else {
            outside[column.first + v] += share[v] * cavity;
          }
        }
      }
    }
    NodeArray total = NodeArray::Zero();
    for (std::size_t v = 0; v < column.categories; ++v) {
      belief[column.first + v] *= outside[column.first + v];
      total += belief[column.first + v];
    }
    const NodeArray unit = total.inverse();
    for (std::size_t v = 0; v < column.categories; ++v) belief[column.first + v] *= unit;
  }
}

void TreeFlow::logits(std::int32_t layer, std::span<const std::uint16_t> state, std::span<float> out) const {
  const auto& w = *work_;
  NodeArray log;
  w.up(state, log);
  w.down();
  const float largest = log.maxCoeff();
  const NodeArray likely = (log - largest).exp();
  float* change = out.data() + 2;
  float top = -1e30F;
  for (std::size_t j = 0; j < w.columns.size(); ++j) {
    const auto& column = w.columns[j];
    const NodeArray weight = likely * column.mend;
    for (std::size_t v = 0; v < column.categories; ++v) {
      float& at = change[column.first + v];
      at = v == state[j] ? kFaintest : std::log((weight * w.belief[column.first + v]).sum() + 1e-30F);
      if (v != state[j]) top = std::max(top, at);
    }
  }
  out[1] = w.staying - largest;
  double leave = w.log_states - static_cast<double>(largest);
  for (std::size_t j = 0; j < w.columns.size() && layer == 1; ++j) {
    const auto& column = w.columns[j];
    const std::size_t row = column.parent < 0 ? 0 : state[static_cast<std::size_t>(column.parent)];
    leave += std::log(static_cast<double>(column.share[row * column.categories + state[j]]));
  }
  out[0] = static_cast<float>(leave);
  top = std::max({top, out[1], layer == 1 ? out[0] : top});
  for (float& z : out) z = std::max(kFaintest, z - top);
}

}  // namespace kirchhoff
