#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "kirchhoff/circuit/conditional/quotient.hpp"
#include "kirchhoff/circuit/moves.hpp"
#include "kirchhoff/parallel/parallel.hpp"
#include "kirchhoff/states/draws.hpp"

namespace kirchhoff {

/// Vertices and where walks go from them.
struct MoveBatch {
  std::vector<std::int32_t> layers;   // (B)
  std::vector<std::uint16_t> states;  // (B x D)
  std::vector<float> targets;         // (B x M) probability of each move of a MoveSet; zero where there is no such move
  std::vector<float> weights;         // (B) of the vertices in the loss, one on average; none: all are one

  /// Room for so many vertices, without weights.
  void resize(const MoveSet& moves, std::int64_t rows);
  /// The part of the rows [begin, begin + count) in the loss: their number, where there are no weights.
  double weight(std::size_t begin, std::size_t count) const;
};

/// Walk supervision: vertices that walks from the source to a draw of the target visit, and the probabilities of their
/// moves there. The average of these over the walks that pass a vertex is the unsigned flow, a Markov chain that ends
/// in the target exactly; a network learns it by cross-entropy. docs/walk.md. Local.
class WalkSupervision {
 public:
  virtual ~WalkSupervision() = default;

  const MoveSet& moves() const { return moves_; }
  /// Whether walks start uniformly.
  virtual bool starts_evenly() const { return true; }

  /// Expected number of moves of a walk, the exit not counted: exact where all columns are alike and the start is
  /// uniform, else estimated from some ten thousand vertices, to about half a percent.
  double expected_moves() const { return expected_moves_; }

  /// Rows [rows.begin, rows.end) of the batch of this step: a function of (seed, step, row) and the batch's size alone.
  /// Not all of them when the program is to stop.
  virtual void batch(std::int64_t step, std::int64_t batch_size, Range rows, MoveBatch& out) const = 0;

  /// The same vertices as examples of given end points (count x D), a function of (seed, row): targets averaged over
  /// all of the end points when `pooled` (which needs a uniform start), else of each row's own.
  virtual void examples(std::span<const std::uint16_t> ends, Range rows, bool pooled, MoveBatch& out) const = 0;

  /// Probabilities (M) of the moves of the walk from `start` to `end` at a vertex; all zero where that walk does not
  /// come. `start` is not read when it is uniform.
  virtual void toward(std::int32_t layer, std::span<const std::uint16_t> state, std::span<const std::uint16_t> start,
                      std::span<const std::uint16_t> end, std::span<float> out) const = 0;

  /// The same for the unsigned flow of all of these walks together (count x D each; `starts` is not read when they are
  /// uniform): what a network should have learned when there are no others.
  virtual void flow(std::int32_t layer, std::span<const std::uint16_t> state, std::span<const std::uint16_t> starts,
                    std::span<const std::uint16_t> ends, std::span<float> out) const = 0;

  /// Mean entropy [nat] of the targets of a batch, by its weights: what no network can get below on them.
  static double entropy(const MoveBatch& batch);

 protected:
  /// @param references an example's probabilities are averaged over this many draws of the target, each weighted by how
  /// likely its walk is to pass the vertex. Any number from 1 has the same expectation; more have less noise.
  WalkSupervision(const MoveSet& moves, const Draws& target, std::uint64_t seed, int references)
      : moves_(moves), target_(target), seed_(seed), references_(references) {}

  /// What decides a row of the batch of a step, and one of the examples of given end points.
  Random random_of_batch(std::int64_t step, std::int64_t batch_size, std::int64_t row) const;
  Random random_of_example(std::int64_t row) const;

  MoveSet moves_;
  Draws target_;
  std::uint64_t seed_;
  int references_;
  double expected_moves_ = 0;
};

class PairWalk;
struct PairVertex;
class VisitedVertices;

/// Of hamming circuits whose columns all have the same number of categories and the same R: conditional circuits by
/// classes of equal distance.
class HammingWalkSupervision final : public WalkSupervision {
 public:
  /// Walks from a uniform start. @param references as of WalkSupervision.
  HammingWalkSupervision(const Quotient& quotient, const Draws& target, std::uint64_t seed, int references);

  /// Walks from a draw of `source` to an independent one of `target`. Averages run over `references` pairs of draws.
  /// @throws Error as Quotient does.
  HammingWalkSupervision(const HammingCircuit& circuit, const Draws& source, const Draws& target, std::uint64_t seed,
                         int references);

  bool starts_evenly() const override { return pair_ == nullptr; }
  void batch(std::int64_t step, std::int64_t batch_size, Range rows, MoveBatch& out) const override;
  void examples(std::span<const std::uint16_t> ends, Range rows, bool pooled, MoveBatch& out) const override;
  void toward(std::int32_t layer, std::span<const std::uint16_t> state, std::span<const std::uint16_t> start,
              std::span<const std::uint16_t> end, std::span<float> out) const override;
  void flow(std::int32_t layer, std::span<const std::uint16_t> state, std::span<const std::uint16_t> starts,
            std::span<const std::uint16_t> ends, std::span<float> out) const override;

 private:
  struct References;
  HammingWalkSupervision(const MoveSet& moves, const Draws& source, const Draws& target, std::uint64_t seed,
                         int references);
  /// Draws an example from the given ends: one walk's ends and a vertex of it.
  void example(Random& random, const Draws& ends, std::span<std::uint16_t> start, std::span<std::uint16_t> end,
               std::int32_t& layer, std::span<std::uint16_t> state) const;
  void target(std::int32_t layer, std::span<const std::uint16_t> state, const References& references, std::size_t begin,
              std::size_t end, std::span<float> out) const;
  void pair_target(std::int32_t layer, std::span<const std::uint16_t> state, const References& references,
                   std::size_t begin, std::size_t end, std::span<float> out) const;
  void add_pair(const PairVertex& vertex, double weight, std::int32_t layer, std::span<const std::uint16_t> state,
                std::span<const std::uint16_t> start, std::span<const std::uint16_t> end, std::span<float> out) const;
  std::size_t at(int l, int d) const {
    return static_cast<std::size_t>(l) * static_cast<std::size_t>(moves_.dimensions() + 1) +
           static_cast<std::size_t>(d);
  }

  Draws source_;
  std::shared_ptr<const PairWalk> pair_;  // when the start is not uniform; else the tables below
  std::shared_ptr<const VisitedVertices> vertices_;
  std::vector<float> log_weight_;                  // (L+1) x (D+1): log of the visits of one state
  std::vector<std::array<float, 8>> probability_;  // of one edge: forward by kind, backward by kind
  float leave_ = 0;                                // at (L, x_L)
};

}  // namespace kirchhoff
