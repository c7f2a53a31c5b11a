#pragma once

#include <cstdint>
#include <vector>

#include "kirchhoff/circuit/family/family.hpp"

namespace kirchhoff::family {

/// States that differ in one coordinate are joined by R, equal ones by r. Slots of EdgeWeights: 0 is the same state,
/// 1 + d S + c is category c in coordinate d.
struct Hamming {
  StateSpace space;
  double same = 0;    // 1/r [S]
  double change = 0;  // 1/R [S]

  template <class Visit>
  void each(std::int64_t x, Visit&& visit) const {
    const int s = space.categories();
    visit(x, same, 0, 0);
    for (int d = 0; d < space.dimensions(); ++d) {
      const auto stride = space.stride(d);
      const auto c = x / stride % s;
      auto y = x - c * stride;
      const auto first = std::int64_t{1} + d * s;
      for (std::int64_t k = 0; k < s; ++k, y += stride) {
        if (k != c) visit(y, change, first + k, first + c);
      }
    }
  }
  std::int64_t edges() const;
  int slots() const { return 1 + space.dimensions() * space.categories(); }
  std::vector<EdgeKind> kinds() const;
  Modes modes() const;
  /// The most changes from one state to another.
  double steps() const { return space.dimensions(); }
  static Hamming of(const StateSpace& space, const UniformSpec& spec) { return {space, spec.same, spec.change}; }
  static const FamilyRow& row();
};

}  // namespace kirchhoff::family
