#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "kirchhoff/draws.hpp"
#include "kirchhoff/moves.hpp"
#include "kirchhoff/parallel.hpp"
#include "kirchhoff/quotient.hpp"

namespace kirchhoff {

/// Vertices and where walks go from them.
struct MoveBatch {
  std::vector<std::int32_t> layers;   // (B)
  std::vector<std::uint16_t> states;  // (B x D)
  std::vector<float> targets;         // (B x M) probability of each move of a MoveSet; zero where there is no such move
};

/// Walk supervision: vertices that walks from a uniform start to a draw of the target visit, and the probabilities of
/// their moves there. The average of these over the walks that pass a vertex is the unsigned flow, a Markov chain that
/// ends in the target exactly; a network learns it by cross-entropy. docs/walk.md. Local.
class WalkSupervision {
 public:
  /// @param references an example's probabilities are averaged over this many draws of the target, each weighted by how
  /// likely its walk is to pass the vertex. Any number from 1 has the same expectation; more have less noise.
  WalkSupervision(const Quotient& quotient, const Draws& target, std::uint64_t seed, int references);

  const MoveSet& moves() const { return moves_; }

  /// Rows [rows.begin, rows.end) of the batch of this step: a function of (seed, step, row) and the batch's size alone.
  void batch(std::int64_t step, std::int64_t batch_size, Range rows, MoveBatch& out) const;

  /// The same vertices as examples of given end points (count x D), a function of (seed, row): targets averaged over
  /// all of the end points when `pooled`, else of each row's own.
  void examples(std::span<const std::uint16_t> ends, Range rows, bool pooled, MoveBatch& out) const;

  /// Probabilities (M) of the moves of the walk to one end point, at a vertex.
  void toward(std::int32_t layer, std::span<const std::uint16_t> state, std::span<const std::uint16_t> end,
              std::span<float> out) const;

  /// The same for the unsigned flow to all of the end points (count x D) together: what a network should have learned
  /// when these are the target.
  void flow(std::int32_t layer, std::span<const std::uint16_t> state, std::span<const std::uint16_t> ends,
            std::span<float> out) const;

  /// Mean entropy [nat] of the targets of a batch, row by row: what no network can get below on them.
  static double entropy(const MoveBatch& batch);

 private:
  struct References;
  void vertex(Random& random, std::span<const std::uint16_t> end, std::int32_t& layer,
              std::span<std::uint16_t> state) const;
  void target(std::int32_t layer, std::span<const std::uint16_t> state, const References& references, std::size_t begin,
              std::size_t end, std::span<float> out) const;
  std::size_t at(int l, int d) const {
    return static_cast<std::size_t>(l) * static_cast<std::size_t>(moves_.dimensions() + 1) +
           static_cast<std::size_t>(d);
  }

  MoveSet moves_;
  Draws draws_;
  std::uint64_t seed_;
  int references_;
  std::vector<double> visit_sums_;                 // cumulative over the classes (l, d)
  std::vector<float> log_weight_;                  // (L+1) x (D+1): log of the visits of one state
  std::vector<std::array<float, 8>> probability_;  // of one edge: forward by kind, backward by kind
  float leave_ = 0;                                // at (L, x_L)
};

}  // namespace kirchhoff
