#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "kirchhoff/circuit/moves.hpp"
#include "kirchhoff/learn/network/model.hpp"
#include "kirchhoff/learn/network/tree_flow.hpp"
#include "kirchhoff/states/state_space.hpp"

namespace kirchhoff {

/// A network that answers at any vertex of a circuit with the probabilities of all moves out of it, in one pass:
/// softmax over the moves that the vertex has. Its input is the vertex: an embedding of the layer and of each
/// coordinate's category, with Fourier features of its rank where categories are ordered; also what coordinates say of
/// each other linearly (ModelOptions::evidence). It works in single precision. docs/walk.md. Local.
class MoveModel {
 public:
  /// `options.precision` is not used. @throws Error for hidden layers that are none.
  MoveModel(const MoveSet& moves, const ModelOptions& options);
  MoveModel(MoveModel&&) noexcept;
  MoveModel& operator=(MoveModel&&) noexcept;
  ~MoveModel();

  const StateSpace& space() const { return moves_.space(); }
  const MoveSet& moves() const { return moves_; }
  std::span<float> parameters() { return parameters_; }
  std::span<const float> parameters() const { return parameters_; }
  /// Random parameters, a function of the seed alone.
  void initialise(std::uint64_t seed);
  /// The network's outputs are added to the logarithms of this flow from now on. Before initialise().
  void start_from(std::shared_ptr<const TreeFlow> flow) { flow_ = std::move(flow); }

  /// Probabilities (count x M, row-major) of the moves at vertices (layers[i], states[i D ...]); zero for those that a
  /// vertex does not have. They depend on the vertex and on the number of vertices in the call, not on the others.
  void probabilities(std::span<const std::int32_t> layers, std::span<const std::uint16_t> states,
                     std::span<float> out) const;

  /// Sum over the rows of their weight (or 1, where there are none) times the cross-entropy [nat] of the model against
  /// `targets` (count x M), and adds its derivative by the parameters, times `scale`, to `gradient` (which may be
  /// empty: then no unit is dropped).
  double cross_entropy(std::span<const std::int32_t> layers, std::span<const std::uint16_t> states,
                       std::span<const float> targets, std::span<const float> weights, double scale,
                       std::span<float> gradient, const Dropout& dropout = {}) const;

 private:
  struct Network;
  std::span<const float> logits(std::span<const std::int32_t> layers, std::span<const std::uint16_t> states,
                                const Dropout& dropout, bool training) const;
  void backward(std::span<const std::uint16_t> states, std::span<float> gradient) const;
  MoveSet moves_;
  std::shared_ptr<const TreeFlow> flow_;
  std::unique_ptr<Network> network_;
  std::vector<float> parameters_;
};

}  // namespace kirchhoff
