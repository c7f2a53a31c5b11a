#include "kirchhoff/circuit/family/dense.hpp"

namespace kirchhoff::family {

std::vector<EdgeKind> Dense::kinds() const {
  return {{same, {StateSet::Kind::own}, {}}, {change, {StateSet::Kind::all}, {StateSet::Kind::own}}};
}

/// A hamming coupling on one coordinate of N categories.
Modes Dense::modes() const {
  const auto n = static_cast<double>(space.size());
  Modes modes;
  modes.axes = {space.size()};
  modes.row_changes = n - 1;
  modes.of_axes = {0, n};
  return modes;
}

const FamilyRow& Dense::row() {
  static const FamilyRow row{.family = Family::dense,
                             .name = "dense",
                             .options = {"circuit_resistance_same", "circuit_resistance_change"},
                             .connected = Connected::always,
                             .joins_all = true};
  return row;
}

}  // namespace kirchhoff::family
