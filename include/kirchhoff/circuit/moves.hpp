#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "kirchhoff/states/state_space.hpp"

namespace kirchhoff {

/// Which categories of a coordinate are neighbours: all of them (hamming), or those whose ranks differ by one (lattice,
/// reflecting).
enum class ColumnGraph : std::uint8_t { hamming, lattice };

/// The moves out of any vertex of a circuit that changes one coordinate at a time, numbered once for all vertices, as a
/// network's outputs are. With o_j the sum of the S of the coordinates before j, and C the sum of all of them:
///
///   0                        leave the circuit (on layer L)
///   1                        the next layer, same state
///   2 + o_j + v              the next layer, coordinate j becomes v
///   2 + C, 3 + C + o_j + v   the same to the previous layer, when L > 1
///
/// With L = 1 a vertex has one neighbouring layer only, and both directions share their numbers. Not every vertex has
/// every move: no way ahead on layer L, none back on layer 0, no leaving before layer L, no change to the value
/// that a coordinate has already, nor, on a lattice, to one that is no neighbour of it.
class MoveSet {
 public:
  /// @param graphs of the coordinates (D); none: all are hamming.
  MoveSet(const StateSpace& space, int layers, std::vector<ColumnGraph> graphs = {});

  const StateSpace& space() const { return space_; }
  int dimensions() const { return space_.dimensions(); }
  int layers() const { return layers_; }
  ColumnGraph graph(int coordinate) const { return graphs_[static_cast<std::size_t>(coordinate)]; }
  const std::vector<ColumnGraph>& graphs() const { return graphs_; }
  /// Number of moves, M.
  int size() const { return 1 + (layers_ > 1 ? 2 : 1) * block(); }
  /// C: categories of all coordinates.
  int all_categories() const { return static_cast<int>(coordinate_.size()); }
  /// o_j: categories of all coordinates before j.
  int offset(std::size_t coordinate) const { return offset_[coordinate]; }

  /// Changes of a coordinate that lead from one value to another at least: its distance on the coordinate's graph.
  int steps(std::size_t coordinate, int from, int to) const {
    if (graphs_[coordinate] == ColumnGraph::lattice) return from < to ? to - from : from - to;
    return from == to ? 0 : 1;
  }
  /// The sum of that over all coordinates.
  int distance(std::span<const std::uint16_t> a, std::span<const std::uint16_t> b) const;
  /// The largest distance that there is.
  int diameter() const;
  /// The neighbour of a value that is one step nearer to another value.
  int nearer(std::size_t coordinate, int from, int to) const {
    if (graphs_[coordinate] == ColumnGraph::hamming) return to;
    return from + (to > from ? 1 : to < from ? -1 : 0);
  }

  static constexpr int kLeave = 0;
  /// The number of "same state" toward layer l + direction, direction = +1 or -1; changes follow behind it.
  int first(int direction) const { return direction < 0 && layers_ > 1 ? 1 + block() : 1; }
  int change(int direction, int coordinate, int value) const {
    return first(direction) + 1 + offset_[static_cast<std::size_t>(coordinate)] + value;
  }

  /// The directions that have moves of their own: with L = 1 one stands for both.
  std::span<const int> directions() const {
    static constexpr std::array<int, 2> kBoth{1, -1};
    return std::span(kBoth).first(layers_ > 1 ? 2 : 1);
  }

  /// What a move other than leaving does on a layer.
  struct Step {
    int direction = 0;    // +1 or -1
    int coordinate = -1;  // that changes; -1: same state
    int value = 0;        // that it takes
  };
  Step step(int move, int layer) const {
    const int direction = (layers_ > 1 ? move >= first(-1) : layer == 1) ? -1 : 1;
    const int rest = move - first(direction) - 1;
    if (rest < 0) return {direction, -1, 0};
    const int j = coordinate_[static_cast<std::size_t>(rest)];
    return {direction, j, rest - offset_[static_cast<std::size_t>(j)]};
  }

  /// Carries out a move that the vertex has: false when the walk has left.
  bool apply(int move, int& layer, std::span<std::uint16_t> state) const {
    if (move == kLeave) return false;
    const auto taken = step(move, layer);
    if (taken.coordinate >= 0)
      state[static_cast<std::size_t>(taken.coordinate)] = static_cast<std::uint16_t>(taken.value);
    layer += taken.direction;
    return true;
  }

  /// Calls visit(move) for all moves that vertex (layer, state) has, in ascending order.
  template <class Visit>
  void visit(int layer, std::span<const std::uint16_t> state, Visit&& visit) const {
    if (layer == layers_) visit(kLeave);
    for (const int direction : {1, -1}) {
      if (layer + direction < 0 || layer + direction > layers_) continue;
      int move = first(direction);
      visit(move++);
      for (std::size_t j = 0; j < graphs_.size(); ++j) {
        const int present = state[j];
        const int categories = space_.categories(static_cast<int>(j));
        if (graphs_[j] == ColumnGraph::lattice) {
          if (present > 0) visit(move + present - 1);
          if (present + 1 < categories) visit(move + present + 1);
          move += categories;
          continue;
        }
        for (int v = 0; v < categories; ++v, ++move) {
          if (v != present) visit(move);
        }
      }
    }
  }

 private:
  int block() const { return 1 + all_categories(); }

  StateSpace space_;
  int layers_;
  std::vector<ColumnGraph> graphs_;  // (D)
  std::vector<int> offset_;          // (D)
  std::vector<int> coordinate_;      // (C) that a change changes
};

}  // namespace kirchhoff
