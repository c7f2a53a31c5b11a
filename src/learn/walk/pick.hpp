#pragma once

#include <cstddef>
#include <span>

namespace kirchhoff {

/// Vertices of one call of the network, always as many: a matrix product's rounding depends on its shape.
inline constexpr std::size_t kVerticesOfCall = 128;

/// A move with probability proportional to its entry; entries of moves that there are not are zero.
inline int pick_move(std::span<const float> probability, double u) {
  double sum = 0;
  for (const float p : probability) sum += p;
  double left = u * sum;
  int last = 0;
  for (std::size_t k = 0; k < probability.size(); ++k) {
    if (probability[k] <= 0) continue;
    last = static_cast<int>(k);
    left -= probability[k];
    if (left < 0) break;
  }
  return last;
}

}  // namespace kirchhoff
