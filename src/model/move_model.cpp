#include "kirchhoff/move_model.hpp"

#include <algorithm>
#include <cmath>

#include "model/mlp.hpp"

namespace kirchhoff {
namespace {

MlpShape shape_of(const StateSpace& space, const MoveSet& moves, int layers, const ModelOptions& options) {
  constexpr int kMostPairs = 6;
  const int s = space.categories();
  MlpShape shape;
  shape.groups.push_back({1, layers + 1, true, 0});
  shape.groups.push_back({space.dimensions(), s, true, s > 2 ? std::min(kMostPairs, s / 2) : 0});
  shape.hidden = options.hidden;
  shape.outputs = moves.size();
  shape.activation = options.activation;
  return shape;
}

}  // namespace

struct MoveModel::Network {
  explicit Network(MlpShape shape) : mlp(std::move(shape)) {}

  MlpInput<float> input(const MoveSet& moves, int layers, std::span<const std::int32_t> layer,
                        std::span<const std::uint16_t> states) {
    const auto d = static_cast<std::size_t>(moves.dimensions());
    const auto rows = layer.size();
    columns.resize(rows * (d + 1));
    for (std::size_t i = 0; i < rows; ++i) {
      auto* row = columns.data() + i * (d + 1);
      row[0] = layer[i];
      std::int32_t base = layers + 1;
      for (std::size_t j = 0; j < d; ++j, base += moves.categories()) row[j + 1] = base + states[i * d + j];
    }
    return {static_cast<std::int64_t>(rows), columns, {}};
  }

  Mlp<float> mlp;
  std::vector<std::int32_t> columns;
  std::vector<std::uint8_t> forbidden;
};

MoveModel::MoveModel(const StateSpace& space, int layers, const ModelOptions& options)
    : space_(space),
      moves_(space, layers),
      network_(std::make_unique<Network>(shape_of(space, moves_, layers, options))),
      parameters_(network_->mlp.parameter_count()) {}

MoveModel::MoveModel(MoveModel&&) noexcept = default;
MoveModel& MoveModel::operator=(MoveModel&&) noexcept = default;
MoveModel::~MoveModel() = default;

void MoveModel::initialise(std::uint64_t seed) { network_->mlp.initialise(seed, parameters_); }

void MoveModel::probabilities(std::span<const std::int32_t> layers, std::span<const std::uint16_t> states,
                              std::span<float> out) const {
  const auto input = network_->input(moves_, moves_.layers(), layers, states);
  const auto logits = network_->mlp.forward(parameters_, input, false);
  const auto m = static_cast<std::size_t>(moves_.size());
  const auto d = static_cast<std::size_t>(moves_.dimensions());
  std::fill(out.begin(), out.end(), 0.0F);
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const auto z = logits.subspan(i * m, m);
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
  auto input = network_->input(moves_, moves_.layers(), layers, states);
  input.dropout = dropout;
  const bool training = !gradient.empty();
  const auto logits = network_->mlp.forward(parameters_, input, training);
  const double loss = soft_cross_entropy<float>(logits, targets, forbidden, {}, m, scale,
                                                training ? network_->mlp.delta() : std::span<float>());
  if (training) network_->mlp.backward(parameters_, input, gradient);
  return loss;
}

}  // namespace kirchhoff
