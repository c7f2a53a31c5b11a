#pragma once

#include <cstdint>
#include <vector>

#include "kirchhoff/circuit/family/family.hpp"

namespace kirchhoff::family {

/// Every state is joined to every state: the same one by r, others by R.
struct Dense {
  StateSpace space;
  double same = 0;    // 1/r [S]
  double change = 0;  // 1/R [S]

  template <class Visit>
  void each(std::int64_t x, Visit&& visit) const {
    for (std::int64_t y = 0; y < space.size(); ++y) visit(y, x == y ? same : change, 0, 0);
  }
  std::int64_t edges() const { return space.size() * space.size(); }
  std::vector<EdgeKind> kinds() const;
  Modes modes() const;
  static Dense of(const StateSpace& space, const UniformSpec& spec) { return {space, spec.same, spec.change}; }
  static const FamilyRow& row();
};

}  // namespace kirchhoff::family
