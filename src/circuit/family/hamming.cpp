#include "kirchhoff/circuit/family/hamming.hpp"

namespace kirchhoff::family {

std::int64_t Hamming::edges() const {
  return space.size() * (1 + std::int64_t{space.dimensions()} * (space.categories() - 1));
}

std::vector<EdgeKind> Hamming::kinds() const {
  std::vector<EdgeKind> kinds{{same, {StateSet::Kind::own}, {}}};
  for (int d = 0; d < space.dimensions(); ++d) {
    kinds.push_back({change, {StateSet::Kind::line, d}, {StateSet::Kind::own}});
  }
  return kinds;
}

Modes Hamming::modes() const {
  const auto s = static_cast<double>(space.categories());
  Modes modes;
  modes.axes.assign(static_cast<std::size_t>(space.dimensions()), space.categories());
  modes.row_changes = space.dimensions() * (s - 1);
  modes.of_index.assign(static_cast<std::size_t>(space.categories()), s);
  modes.of_index[0] = 0;
  return modes;
}

const FamilyRow& Hamming::row() {
  static const FamilyRow row{.family = Family::hamming,
                             .name = "hamming",
                             .options = {"circuit_resistance_same", "circuit_resistance_change", "circuit_file",
                                         "circuit_resistance_spread", "circuit_resistance_seed"},
                             .connected = Connected::always,
                             .closed_pairs = true,
                             .stored_moves = [](const StateSpace& states, std::int64_t) {
                               return 1 + static_cast<double>(states.dimensions()) * states.categories();
                             }};
  return row;
}

}  // namespace kirchhoff::family
