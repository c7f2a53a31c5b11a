#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "kirchhoff/base/random.hpp"
#include "kirchhoff/circuit/conditional/quotient.hpp"

namespace kirchhoff {

/// Vertices with the expected visits of the walks of a quotient circuit.
class VisitedVertices {
 public:
  explicit VisitedVertices(const Quotient& quotient);

  /// Expected visits of all vertices together: moves and the exit.
  double total() const { return sums_.back(); }
  /// A vertex of the walk to `goal`: a class (l, d), then d coordinates of the goal at random made wrong.
  void draw(Random& random, std::span<const std::uint16_t> goal, std::int32_t& layer,
            std::span<std::uint16_t> state) const;

 private:
  int categories_;
  int dimensions_;
  std::vector<double> sums_;  // cumulative over the classes (l, d)
};

/// How a state stands to the start x_0 and the end x_L of a walk: numbers of coordinates, D in all.
struct PairCounts {
  int both = 0;     // x_0 and x_L agree, the state with them
  int neither = 0;  // x_0 and x_L agree, the state differs
  int start = 0;    // x_0 and x_L differ, the state agrees with x_0
  int end = 0;      // x_0 and x_L differ, the state agrees with x_L
  int apart = 0;    // all three differ

  int from_start() const { return neither + end + apart; }
  int from_end() const { return neither + start + apart; }
};

/// Number of a move among PairVertex::current: 0 stays, the others by its kinds as seen from x_0 and from x_L.
inline std::size_t pair_move(MoveKind from_start, MoveKind from_end) {
  return from_start == MoveKind::same
             ? 0
             : 3 * static_cast<std::size_t>(from_start) + static_cast<std::size_t>(from_end) - 3;
}
inline constexpr std::size_t kPairMoves = 10;

/// Positive currents out of one vertex of the conditional circuit of a pair, in units of exp(log_unit) ampere.
struct PairVertex {
  std::array<std::array<double, kPairMoves>, 2> current{};  // of one edge, by pair_move: forward, backward
  double leave = 0;                                         // 1 A at (L, x_L)
  double visits = 0;                                        // over all edges, and `leave`
  double log_unit = 0;
};

/// Conditional circuits in which one ampere enters at (0, x_0) and leaves at (L, x_L), at any D. Such a circuit is that
/// with current in at x_0 and out evenly on layer L, plus that with current in evenly on layer 0 and out at x_L, minus
/// that with current in and out evenly. The second is the quotient circuit; the first is another's mirror image with
/// current and order of layers reversed; the third is the same on every edge of a kind. docs/theory.md, section 8.
/// Local.
class PairWalk {
 public:
  explicit PairWalk(const HammingCircuit& circuit);

  const Quotient& to_end() const { return to_end_; }
  PairVertex vertex(int layer, const PairCounts& counts) const;

  /// A vertex with probability proportional to a sum that is no less than the visits of the pair's walk: the visits of
  /// the first two circuits, and the third's current backward. Returns the ratio: accepted with that probability,
  /// vertices come with the pair's visits.
  double propose(Random& random, std::span<const std::uint16_t> start, std::span<const std::uint16_t> end,
                 std::int32_t& layer, std::span<std::uint16_t> state) const;
  /// What the mean ratio is to be multiplied by to give the expected visits of the pair's walk.
  double proposed_visits() const { return start_vertices_.total() + end_vertices_.total() + layers_; }
  /// A bound on log(visits) + log_unit of vertex(layer, counts), from two numbers.
  double log_bound(int layer, int from_start, int from_end) const;

 private:
  /// Of one of the first two circuits.
  struct State {
    std::array<std::array<double, 4>, 2> current{};  // of one edge by kind, forward and backward; signed
    double visits = 0;
    double log_visits = 0;  // of one state; -infinity where there are none
  };
  std::size_t at(int l, int d) const {
    return static_cast<std::size_t>(l) * static_cast<std::size_t>(dimensions_ + 1) + static_cast<std::size_t>(d);
  }

  int categories_;
  int dimensions_;
  int layers_;
  double log_all_;                             // log N
  std::vector<std::array<double, 2>> evenly_;  // (L) the third circuit on an edge that stays, that changes [A / N]
  Quotient to_end_;
  Quotient to_start_;  // layers in the opposite order
  VisitedVertices end_vertices_;
  VisitedVertices start_vertices_;  // layers in the opposite order
  std::vector<State> from_start_;   // (L+1) x (D+1), in units of 1 A / states at this distance
  std::vector<State> from_end_;     // the same
};

/// The counts of a state, coordinate by coordinate.
PairCounts count_pair(std::span<const std::uint16_t> state, std::span<const std::uint16_t> start,
                      std::span<const std::uint16_t> end);

/// What changing a coordinate from `present` to `value` is, seen from a goal.
inline MoveKind kind_of_change(int present, int value, int goal) {
  return present == goal ? MoveKind::away : value == goal ? MoveKind::toward : MoveKind::other;
}

}  // namespace kirchhoff
