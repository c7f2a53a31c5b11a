#pragma once

#include <mpi.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "kirchhoff/learn/network/move_model.hpp"
#include "kirchhoff/states/draws.hpp"

namespace kirchhoff {

/// The ways that a move can go, seen from where its walk ends: kinds forward, kinds backward, leaving.
inline constexpr std::size_t kWays = 9;
inline constexpr std::size_t kLeaving = 8;

/// The way of `move` out of (layer, state) for a walk that ends in `end`.
std::size_t way_of(const MoveSet& moves, int move, int layer, std::span<const std::uint16_t> state,
                   std::span<const std::uint16_t> end);
/// Of all ways: does a move of it bring a coordinate nearer to its end?
constexpr bool mends(std::size_t way) { return way != kLeaving && way % 4 == 1; }

/// What walks of a model have done on their way to where they ended: what a path to a given end had best do as often.
/// They differ from conditional walks. These start anywhere and mend; the model's, which do not know their end, stay
/// nearer to it from the start, and go to and fro.
struct Pilots {
  std::size_t diameter = 0;
  std::vector<double> agreement;  // (C): how often those that end with a value of a coordinate have begun with it
  std::vector<double> ways;  // (L + 1, diameter + 1, kWays): moves of a way, from a layer and a distance to the end

  /// Counts (kWays) of the moves from a layer at a distance.
  std::span<const double> seen(int layer, int distance) const {
    const auto vertex = static_cast<std::size_t>(layer) * (diameter + 1) + static_cast<std::size_t>(distance);
    return std::span(ways).subspan(vertex * kWays, kWays);
  }
};

/// Walks of the model from draws of `source`. @note Collective.
Pilots send_pilots(MPI_Comm comm, const MoveModel& model, const Draws& source, std::uint64_t seed);

}  // namespace kirchhoff
