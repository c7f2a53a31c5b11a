#include "kirchhoff/circuit/family/blocks.hpp"

#include <cstddef>

namespace kirchhoff::family {

std::vector<EdgeKind> Blocks::kinds() const {
  return {{same, {StateSet::Kind::own}, {}},
          {within, {StateSet::Kind::group}, {StateSet::Kind::own}},
          {change, {StateSet::Kind::all}, {StateSet::Kind::group}}};
}

/// Along the axes (before, group, behind), of which the states of a group fill the first and the last. With s states in
/// a group: a mode that is not constant within groups has delta = 1/r - 1/R_in, one that is constant there, and not
/// from group to group, 1/r + (s - 1)/R_in - s/R_out.
Modes Blocks::modes() const {
  const auto n = static_cast<double>(space.size());
  const auto s = static_cast<double>(groups->size(0));
  const double ratio = within / change;
  const auto stride = groups->stride();
  const double inner = s * ratio + (n - s);
  Modes modes;
  modes.axes = {space.size() / (stride * groups->count()), groups->count(), stride};
  modes.row_changes = (s - 1) * ratio + (n - s);
  modes.of_axes.assign(std::size_t{1} << modes.axes.size(), inner);
  modes.of_axes[0] = 0;
  modes.of_axes[2] = n;
  // R_in far below R_out and two states in a group: what is left of the difference has none of its terms' digits.
  modes.flipped_of_axes.assign(modes.of_axes.size(), (s - 2) * ratio + (n - s));
  modes.flipped_of_axes[0] = 2 * modes.row_changes;
  modes.flipped_of_axes[2] = 2 * (s - 1) * ratio + (n - 2 * s);
  return modes;
}

const FamilyRow& Blocks::row() {
  static const FamilyRow row{.family = Family::blocks,
                             .name = "blocks",
                             .options = {"circuit_resistance_same", "circuit_resistance_change",
                                         "circuit_resistance_within", "circuit_groups", "circuit_group_coordinate"},
                             .connected = Connected::always,
                             .joins_all = true,
                             .grouped = true};
  return row;
}

}  // namespace kirchhoff::family
