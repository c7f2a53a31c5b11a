#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "kirchhoff/circuit/family/family.hpp"

namespace kirchhoff::family {

/// States in groups, every state joined to every state: the same one by r, others of its group by R_in, those of other
/// groups by R_out. For categories that come in clusters: changes within a cluster are cheap.
struct Blocks {
  StateSpace space;
  double same = 0;    // 1/r [S]
  double within = 0;  // 1/R_in [S]
  double change = 0;  // 1/R_out [S]
  std::shared_ptr<const Groups> groups;

  template <class Visit>
  void each(std::int64_t x, Visit&& visit) const {
    const auto group = groups->of(x);
    for (std::int64_t y = 0; y < space.size(); ++y) {
      visit(y, x == y ? same : groups->of(y) == group ? within : change, 0, 0);
    }
  }
  std::int64_t edges() const { return space.size() * space.size(); }
  std::vector<EdgeKind> kinds() const;
  /// Whether the groups lie as those of a coordinate do: then there are modes. Groups of different sizes have none in
  /// common with the degrees of their states.
  bool has_modes() const { return groups->stride() > 0; }
  Modes modes() const;
  static Blocks of(const StateSpace& space, const UniformSpec& spec) {
    return {space, spec.same, spec.within, spec.change, spec.groups};
  }
  static const FamilyRow& row();
};

}  // namespace kirchhoff::family
