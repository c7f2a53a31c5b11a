#pragma once

#include <memory>

#include "kirchhoff/circuit/conditional/columns.hpp"
#include "kirchhoff/learn/task/walk_supervision.hpp"

namespace kirchhoff {

/// Walk supervision on circuits whose columns have graphs of their own, from a uniform start. Vertices are proposed
/// from a law close to the visits of the walks (ConditionalColumns::propose), and weighted by how far it is off: over
/// all end points of a group at once, the sum of their visits over the sum of their proposals, which varies less than
/// one end point's. Local.
class ColumnWalkSupervision final : public WalkSupervision {
 public:
  /// @param references as of WalkSupervision.
  ColumnWalkSupervision(std::shared_ptr<const ConditionalColumns> circuit, const Draws& target, std::uint64_t seed,
                        int references);

  void batch(std::int64_t step, std::int64_t batch_size, Range rows, MoveBatch& out) const override;
  void examples(std::span<const std::uint16_t> ends, Range rows, bool pooled, MoveBatch& out) const override;
  void toward(std::int32_t layer, std::span<const std::uint16_t> state, std::span<const std::uint16_t> start,
              std::span<const std::uint16_t> end, std::span<float> out) const override;
  void flow(std::int32_t layer, std::span<const std::uint16_t> state, std::span<const std::uint16_t> starts,
            std::span<const std::uint16_t> ends, std::span<float> out) const override;

 private:
  /// Puts a vertex of the walk to `end` into a row of the batch.
  void propose(Random& random, std::span<const std::uint16_t> end, std::int64_t at, MoveBatch& out) const;
  /// The target of a row's vertex, from all of these walks, and its weight.
  void set_target(std::span<const std::uint16_t> ends, std::int64_t at, MoveBatch& out) const;
  /// The moves' probabilities of the walks to all `ends` together, and their visits over their proposals.
  double pooled(std::int32_t layer, std::span<const std::uint16_t> state, std::span<const std::uint16_t> ends,
                std::span<float> out) const;

  std::shared_ptr<const ConditionalColumns> circuit_;
  double scale_ = 1;  // of weights: one on average
};

}  // namespace kirchhoff
