#include "kirchhoff/learn/network/move_model.hpp"

#include <algorithm>
#include <cmath>

#include "kirchhoff/base/error.hpp"
#include "learn/network/evidence.hpp"
#include "learn/network/mlp.hpp"

namespace kirchhoff {
namespace {

MlpShape shape_of(const MoveSet& moves, const ModelOptions& options) {
  constexpr int kMostPairs = 6;
  MlpShape shape;
  shape.groups.push_back({1, moves.layers() + 1, true, 0});
  for (int j = 0; j < moves.dimensions(); ++j) {
    const int s = moves.space().categories(j);
    const bool ordered = options.ordered.empty() || options.ordered[static_cast<std::size_t>(j)] != 0;
    const int pairs = ordered && s > 2 ? std::min(kMostPairs, s / 2) : 0;
    auto& last = shape.groups.back();
    if (j > 0 && last.categories == s && last.fourier_pairs == pairs) {
      ++last.coordinates;
    } else {
      shape.groups.push_back({1, s, true, pairs});
    }
  }
  shape.hidden = options.hidden;
  shape.outputs = moves.size() + (options.evidence ? 1 : 0);  // the last: the evidence's gain
  shape.activation = options.activation;
  return shape;
}

}  // namespace

struct MoveModel::Network {
  Network(MlpShape shape, std::unique_ptr<Evidence> linear) : mlp(std::move(shape)), evidence(std::move(linear)) {}

  void take(const MoveSet& moves, std::span<const std::int32_t> layer, std::span<const std::uint16_t> states,
            const Dropout& dropout) {
    const auto d = static_cast<std::size_t>(moves.dimensions());
    const auto rows = layer.size();
    columns.resize(rows * (d + 1));
    for (std::size_t i = 0; i < rows; ++i) {
      auto* row = columns.data() + i * (d + 1);
      row[0] = layer[i];
      const std::int32_t base = moves.layers() + 1;
      for (std::size_t j = 0; j < d; ++j) row[j + 1] = base + moves.offset(j) + states[i * d + j];
    }
    input = {static_cast<std::int64_t>(rows), columns, {}, dropout};
  }

  Mlp<float> mlp;                      // its parameters come first
  std::unique_ptr<Evidence> evidence;  // then its
  MlpInput<float> input;               // of the last pass
  std::vector<std::int32_t> columns;
  std::vector<std::uint8_t> forbidden;
  std::vector<float> logits;  // (rows x M), where they are not the perceptron's outputs
  std::vector<float> delta;   // (rows x M)
};

MoveModel::MoveModel(const MoveSet& moves, const ModelOptions& options)
    : moves_(moves),
      network_(std::make_unique<Network>(shape_of(moves, options), options.evidence ? Evidence::make(moves) : nullptr)),
      parameters_(network_->mlp.parameter_count() + (network_->evidence ? network_->evidence->parameter_count() : 0)) {}

MoveModel::MoveModel(MoveModel&&) noexcept = default;
MoveModel& MoveModel::operator=(MoveModel&&) noexcept = default;
MoveModel::~MoveModel() = default;

void MoveModel::initialise(std::uint64_t seed) {
  std::fill(parameters_.begin(), parameters_.end(), 0.0F);
  network_->mlp.initialise(seed, std::span(parameters_).first(network_->mlp.parameter_count()));
  if (flow_ == nullptr) return;
  // A network that is to correct a flow begins with little to say.
  constexpr float kLittle = 0.1F;
  const auto& shape = network_->mlp.shape();
  const auto last = static_cast<std::size_t>(shape.outputs) * (static_cast<std::size_t>(shape.hidden.back()) + 1);
  const auto outputs = std::span(parameters_).first(network_->mlp.parameter_count()).last(last);
  for (float& weight : outputs) weight *= kLittle;
}

std::span<const float> MoveModel::logits(std::span<const std::int32_t> layers, std::span<const std::uint16_t> states,
                                         const Dropout& dropout, bool training) const {
  auto& n = *network_;
  n.take(moves_, layers, states, dropout);
  const std::span<const float> parameters(parameters_);
  const auto outputs = n.mlp.forward(parameters.first(n.mlp.parameter_count()), n.input, training);
  if (!n.evidence && flow_ == nullptr) return outputs;
  const auto m = static_cast<std::size_t>(moves_.size());
  const auto c = static_cast<std::size_t>(moves_.all_categories());
  const auto d = static_cast<std::size_t>(moves_.dimensions());
  const auto rows = layers.size();
  const auto width = m + (n.evidence ? 1 : 0);
  n.logits.resize(rows * m);
  for (std::size_t i = 0; i < rows; ++i) {
    const auto row = std::span(n.logits).subspan(i * m, m);
    const auto output = outputs.subspan(i * width, m);
    if (flow_ == nullptr) {
      std::copy(output.begin(), output.end(), row.begin());
      continue;
    }
    flow_->logits(layers[i], states.subspan(i * d, d), row);
    for (std::size_t k = 0; k < m; ++k) row[k] += output[k];
  }
  if (!n.evidence) return n.logits;
  const Eigen::Map<const Eigen::MatrixXf> all(outputs.data(), moves_.size() + 1, static_cast<Eigen::Index>(rows));
  const auto& odds = n.evidence->forward(parameters.subspan(n.mlp.parameter_count()), states, all.row(moves_.size()));
  for (std::size_t i = 0; i < rows; ++i) {
    for (const int direction : moves_.directions()) {
      float* change = n.logits.data() + i * m + moves_.change(direction, 0, 0);
      const float* log = odds.data() + i * c;
      for (std::size_t k = 0; k < c; ++k) change[k] += log[k];
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
    const auto c = static_cast<std::size_t>(moves_.all_categories());
    const auto rows = states.size() / static_cast<std::size_t>(moves_.dimensions());
    Eigen::MatrixXf by_log = Eigen::MatrixXf::Zero(moves_.all_categories(), static_cast<Eigen::Index>(rows));
    for (std::size_t i = 0; i < rows; ++i) {
      float* by = by_log.data() + i * c;
      for (const int direction : moves_.directions()) {
        const float* change = n.delta.data() + i * m + moves_.change(direction, 0, 0);
        for (std::size_t k = 0; k < c; ++k) by[k] += change[k];
      }
    }
    const auto& by_gain = n.evidence->backward(by_log, gradient.subspan(first));
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
                                std::span<const float> targets, std::span<const float> weights, double scale,
                                std::span<float> gradient, const Dropout& dropout) const {
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
  const double loss = soft_cross_entropy<float>(all, targets, forbidden, weights, m, scale, delta);
  if (training) backward(states, gradient);
  return loss;
}

}  // namespace kirchhoff
