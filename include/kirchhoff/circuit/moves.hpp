#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "kirchhoff/states/state_space.hpp"

namespace kirchhoff {

/// The moves out of any vertex of a hamming circuit, numbered once for all vertices, as a network's outputs are:
///
///   0                        leave the circuit (on layer L)
///   1                        the next layer, same state
///   2 + j S + v              the next layer, coordinate j becomes v
///   2 + D S, 3 + D S + j S + v   the same to the previous layer, when L > 1
///
/// With L = 1 a vertex has one neighbouring layer only, and both directions share their numbers. Not every vertex has
/// every move: no way ahead on layer L, none back on layer 0, no leaving before layer L, no change to the value
/// that a coordinate has already.
class MoveSet {
 public:
  MoveSet(const StateSpace& space, int layers)
      : categories_(space.categories()), dimensions_(space.dimensions()), layers_(layers) {}

  int categories() const { return categories_; }
  int dimensions() const { return dimensions_; }
  int layers() const { return layers_; }
  /// Number of moves, M.
  int size() const { return 1 + (layers_ > 1 ? 2 : 1) * block(); }

  static constexpr int kLeave = 0;
  /// The number of "same state" toward layer l + direction, direction = +1 or -1; changes follow behind it.
  int first(int direction) const { return direction < 0 && layers_ > 1 ? 1 + block() : 1; }
  int change(int direction, int coordinate, int value) const {
    return first(direction) + 1 + coordinate * categories_ + value;
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
    return {direction, rest / categories_, rest % categories_};
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
      for (int j = 0; j < dimensions_; ++j) {
        const int present = state[static_cast<std::size_t>(j)];
        for (int v = 0; v < categories_; ++v, ++move) {
          if (v != present) visit(move);
        }
      }
    }
  }

 private:
  int block() const { return 1 + dimensions_ * categories_; }

  int categories_;
  int dimensions_;
  int layers_;
};

}  // namespace kirchhoff
