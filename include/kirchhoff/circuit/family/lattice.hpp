#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "kirchhoff/circuit/family/family.hpp"
#include "kirchhoff/parallel/parallel.hpp"

namespace kirchhoff::family {

/// States whose categories differ by one in one coordinate are joined by R, equal ones by r. Slots of EdgeWeights: 0 is
/// the same state, 1 + 2d one category down in coordinate d, 2 + 2d one up (with S = 2 and periodic ends 1 + 2d alone).
struct Lattice {
  StateSpace space;
  double same = 0;    // 1/r [S]
  double change = 0;  // 1/R [S]
  Boundary boundary = Boundary::reflecting;

  /// A change that would leave the range (reflecting), or that leads back (S = 1), is added to the same state.
  template <class Visit>
  void each(std::int64_t x, Visit&& visit) const {
    const int s = space.categories();
    double alike = same;
    for (int d = 0; d < space.dimensions(); ++d) {
      const auto stride = space.stride(d);
      const auto c = x / stride % s;
      const std::int64_t down = 1 + 2 * d;
      const std::int64_t up = down + 1;
      if (boundary == Boundary::periodic && s > 1) {
        const auto below = c > 0 ? x - stride : x + (s - 1) * stride;
        const auto above = c < s - 1 ? x + stride : x - (s - 1) * stride;
        if (below == above) {
          visit(below, 2 * change, down, down);  // S = 2 doubles the edge
        } else {
          visit(below, change, down, up);
          visit(above, change, up, down);
        }
        continue;
      }
      if (c > 0 && s > 1) {
        visit(x - stride, change, down, up);
      } else {
        alike += change;
      }
      if (c < s - 1) {
        visit(x + stride, change, up, down);
      } else {
        alike += change;
      }
    }
    visit(x, alike, 0, 0);
  }

  /// See Coupling::runs.
  template <class Visit>
  void runs(Range states, Visit&& visit) const {
    const std::int64_t s = space.categories();
    if (s == 1) return;
    const bool periodic = boundary == Boundary::periodic;
    const auto clip = [&](std::int64_t begin, std::int64_t end, std::int64_t shift, int slot, int back, double g) {
      const Range run{std::max(begin, states.begin), std::min(end, states.end)};
      if (run.begin < run.end) visit(run, shift, slot, back, g);
    };
    for (int d = 0; d < space.dimensions(); ++d) {
      const auto stride = space.stride(d);
      const auto block = s * stride;
      const int down = 1 + 2 * d;
      const int up = down + 1;
      for (auto at = states.begin / block * block; at < states.end; at += block) {
        if (periodic && s == 2) {  // both ways lead to the one other state, by one edge of twice the conductance
          clip(at, at + stride, stride, down, down, 2 * change);
          clip(at + stride, at + block, -stride, down, down, 2 * change);
          continue;
        }
        clip(at, at + block - stride, stride, up, down, change);
        clip(at + stride, at + block, -stride, down, up, change);
        if (!periodic) continue;
        clip(at + block - stride, at + block, stride - block, up, down, change);
        clip(at, at + stride, block - stride, down, up, change);
      }
    }
  }
  /// How many changes of a state lead back to it: each adds 1/R to its same-state edge.
  int reflected(std::int64_t x) const;
  /// The conductances between equal states [S], those of the range.
  std::vector<double> same_of(Range states) const;

  std::int64_t edges() const;
  int slots() const { return 1 + 2 * space.dimensions(); }
  Modes modes() const;
  /// The most changes from one state to another.
  double steps() const { return space.dimensions() * (space.categories() - 1.0); }
  static Lattice of(const StateSpace& space, const UniformSpec& spec) {
    return {space, spec.same, spec.change, spec.boundary};
  }
  static const FamilyRow& row();
};

}  // namespace kirchhoff::family
