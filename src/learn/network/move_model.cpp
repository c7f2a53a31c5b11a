#include "kirchhoff/learn/network/move_model.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include "kirchhoff/base/error.hpp"
#include "learn/network/evidence.hpp"
#include "learn/network/mlp.hpp"

namespace kirchhoff {
namespace {

MlpShape shape_of(const StateSpace& space, const MoveSet& moves, int layers, const ModelOptions& options) {
  constexpr int kMostPairs = 6;
  const int s = space.categories();
  MlpShape shape;
  shape.groups.push_back({1, layers + 1, true, 0});
  shape.groups.push_back({space.dimensions(), s, true, s > 2 ? std::min(kMostPairs, s / 2) : 0});
  shape.hidden = options.hidden;
  shape.outputs = moves.size() + (options.evidence ? 1 : 0);  // the last: the evidence's gain
  shape.activation = options.activation;
  return shape;
}

}  // namespace

struct MoveModel::Network {
  Network(MlpShape shape, int bits) : mlp(std::move(shape)) {
    if (bits > 0) evidence.emplace(bits);
  }

  void take(const MoveSet& moves, std::span<const std::int32_t> layer, std::span<const std::uint16_t> states,
            const Dropout& dropout) {
    const auto d = static_cast<std::size_t>(moves.dimensions());
    const auto rows = layer.size();
    columns.resize(rows * (d + 1));
    for (std::size_t i = 0; i < rows; ++i) {
      auto* row = columns.data() + i * (d + 1);
      row[0] = layer[i];
      std::int32_t base = moves.layers() + 1;
      for (std::size_t j = 0; j < d; ++j, base += moves.categories()) row[j + 1] = base + states[i * d + j];
    }
    input = {static_cast<std::int64_t>(rows), columns, {}, dropout};
  }

  Mlp<float> mlp;                    // its parameters come first
  std::optional<Evidence> evidence;  // then its
  MlpInput<float> input;             // of the last pass
  std::vector<std::int32_t> columns;
  std::vector<std::uint8_t> forbidden;
  std::vector<float> logits;  // (rows x M), where they are not the perceptron's outputs
  std::vector<float> delta;   // (rows x M)
};

MoveModel::MoveModel(const StateSpace& space, int layers, const ModelOptions& options)
    : space_(space),
      moves_(space, layers),
      network_(std::make_unique<Network>(shape_of(space, moves_, layers, options),
                                         options.evidence ? space.dimensions() : 0)),
      parameters_(network_->mlp.parameter_count() + (network_->evidence ? network_->evidence->parameter_count() : 0)) {
  if (options.evidence && space.categories() != 2) throw Error("the evidence of a network of moves needs S = 2");
}

MoveModel::MoveModel(MoveModel&&) noexcept = default;
MoveModel& MoveModel::operator=(MoveModel&&) noexcept = default;
MoveModel::~MoveModel() = default;

void MoveModel::initialise(std::uint64_t seed) {
  std::fill(parameters_.begin(), parameters_.end(), 0.0F);
  network_->mlp.initialise(seed, std::span(parameters_).first(network_->mlp.parameter_count()));
}

std::span<const float> MoveModel::logits(std::span<const std::int32_t> layers, std::span<const std::uint16_t> states,
                                         const Dropout& dropout, bool training) const {
  auto& n = *network_;
  n.take(moves_, layers, states, dropout);
  const std::span<const float> parameters(parameters_);
  const auto outputs = n.mlp.forward(parameters.first(n.mlp.parameter_count()), n.input, training);
  if (!n.evidence) return outputs;
  const auto m = static_cast<std::size_t>(moves_.size());
  const auto d = static_cast<std::size_t>(moves_.dimensions());
  const auto rows = layers.size();
  const Eigen::Map<const Eigen::MatrixXf> all(outputs.data(), moves_.size() + 1, static_cast<Eigen::Index>(rows));
  const auto& odds = n.evidence->forward(parameters.subspan(n.mlp.parameter_count()), states, all.row(moves_.size()));
  n.logits.resize(rows * m);
  for (std::size_t i = 0; i < rows; ++i) {
    std::copy_n(outputs.begin() + static_cast<std::ptrdiff_t>(i * (m + 1)), m,
                n.logits.begin() + static_cast<std::ptrdiff_t>(i * m));
    for (const int direction : moves_.directions()) {
      float* change = n.logits.data() + i * m + moves_.change(direction, 0, 0);
      const float* log = odds.data() + i * d;
      for (std::size_t j = 0; j < d; ++j) change[2 * j + 1 - states[i * d + j]] += log[j];
    }
  }
  return n.logits;
}

/// From the derivative by the logits, of the states that logits() was called with last, to that by the parameters.
void MoveModel::backward(std::span<const std::uint16_t> states, std::span<float> gradient) const {
  auto& n = *network_;
  const auto first = n.mlp.parameter_count();
  const auto m = static_cast<std::size_t>(moves_.size());
  const auto outputs = n.mlp.delta();
  if (n.evidence) {
    const auto d = static_cast<std::size_t>(moves_.dimensions());
    const auto rows = states.size() / d;
    Eigen::MatrixXf by_odds = Eigen::MatrixXf::Zero(moves_.dimensions(), static_cast<Eigen::Index>(rows));
    for (std::size_t i = 0; i < rows; ++i) {
      float* by = by_odds.data() + i * d;
      for (const int direction : moves_.directions()) {
        const float* change = n.delta.data() + i * m + moves_.change(direction, 0, 0);
        for (std::size_t j = 0; j < d; ++j) by[j] += change[2 * j + 1 - states[i * d + j]];
      }
    }
    const auto& by_gain = n.evidence->backward(by_odds, gradient.subspan(first));
    for (std::size_t i = 0; i < rows; ++i) {
      std::copy_n(n.delta.begin() + static_cast<std::ptrdiff_t>(i * m), m,
                  outputs.begin() + static_cast<std::ptrdiff_t>(i * (m + 1)));
      outputs[i * (m + 1) + m] = by_gain[static_cast<Eigen::Index>(i)];
    }
  }
  n.mlp.backward(std::span<const float>(parameters_).first(first), n.input, gradient.first(first));
}

void MoveModel::probabilities(std::span<const std::int32_t> layers, std::span<const std::uint16_t> states,
                              std::span<float> out) const {
  const auto all = logits(layers, states, {}, false);
  const auto m = static_cast<std::size_t>(moves_.size());
  const auto d = static_cast<std::size_t>(moves_.dimensions());
  std::fill(out.begin(), out.end(), 0.0F);
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const auto z = all.subspan(i * m, m);
    const auto p = out.subspan(i * m, m);
    const auto state = states.subspan(i * d, d);
    float top = -1e30F;
    moves_.visit(layers[i], state, [&](int k) { top = std::max(top, z[static_cast<std::size_t>(k)]); });
    float sum = 0;
    moves_.visit(layers[i], state, [&](int k) {
      const auto at = static_cast<std::size_t>(k);
      sum += p[at] = std::exp(z[at] - top);
    });
    moves_.visit(layers[i], state, [&](int k) { p[static_cast<std::size_t>(k)] /= sum; });
  }
}

double MoveModel::cross_entropy(std::span<const std::int32_t> layers, std::span<const std::uint16_t> states,
                                std::span<const float> targets, double scale, std::span<float> gradient,
                                const Dropout& dropout) const {
  const auto m = static_cast<std::size_t>(moves_.size());
  const auto d = static_cast<std::size_t>(moves_.dimensions());
  auto& forbidden = network_->forbidden;
  forbidden.assign(layers.size() * m, 1);
  for (std::size_t i = 0; i < layers.size(); ++i) {
    moves_.visit(layers[i], states.subspan(i * d, d),
                 [&](int k) { forbidden[i * m + static_cast<std::size_t>(k)] = 0; });
  }
  const bool training = !gradient.empty();
  const auto all = logits(layers, states, dropout, training);
  std::span<float> delta;
  if (training && network_->evidence) {
    network_->delta.resize(all.size());
    delta = network_->delta;
  } else if (training) {
    delta = network_->mlp.delta();
  }
  const double loss = soft_cross_entropy<float>(all, targets, forbidden, {}, m, scale, delta);
  if (training) backward(states, gradient);
  return loss;
}

}  // namespace kirchhoff
