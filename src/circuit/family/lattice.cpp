#include "kirchhoff/circuit/family/lattice.hpp"

#include <cmath>
#include <numbers>

namespace kirchhoff::family {

std::int64_t Lattice::edges() const {
  const auto n = space.size();
  const std::int64_t s = space.categories();
  if (s == 1) return n;
  const std::int64_t changes = boundary == Boundary::reflecting ? 2 * (s - 1) : (s == 2 ? 2 : 2 * s);
  return n + space.dimensions() * (n / s) * changes;
}

int Lattice::reflected(std::int64_t x) const {
  const std::int64_t s = space.categories();
  if (boundary == Boundary::periodic && s > 1) return 0;
  int count = 0;
  for (int d = 0; d < space.dimensions(); ++d) {
    const auto c = x / space.stride(d) % s;
    count += (c == 0 ? 1 : 0) + (c == s - 1 ? 1 : 0);
  }
  return count;
}

std::vector<double> Lattice::same_of(Range states) const {
  std::vector<double> result(static_cast<std::size_t>(states.size()), same);
  if (boundary == Boundary::periodic && space.categories() > 1) return result;
  const auto add = [&](std::int64_t begin, std::int64_t end) {
    for (auto x = std::max(begin, states.begin); x < std::min(end, states.end); ++x) {
      result[static_cast<std::size_t>(x - states.begin)] += change;
    }
  };
  for (int d = 0; d < space.dimensions(); ++d) {
    const auto stride = space.stride(d);
    const auto block = space.categories() * stride;
    for (auto at = states.begin / block * block; at < states.end; at += block) {
      add(at, at + stride);
      add(at + block - stride, at + block);
    }
  }
  return result;
}

Modes Lattice::modes() const {
  const bool reflecting = boundary == Boundary::reflecting;
  const auto size = static_cast<double>(space.categories());
  const auto dimensions = static_cast<std::size_t>(space.dimensions());
  Modes modes;
  modes.basis = reflecting ? Modes::Basis::cosine : Modes::Basis::hartley;
  modes.axes.assign(dimensions, space.categories());
  modes.row_changes = 2.0 * space.dimensions();
  modes.of_index.resize(static_cast<std::size_t>(space.categories()));
  for (std::size_t k = 0; k < modes.of_index.size(); ++k) {
    const double turn = reflecting ? 0.5 : 1.0;
    // Near pi a sine would have no more digits than its argument.
    const auto slow = reflecting ? k : std::min(k, modes.of_index.size() - k);
    const double sine = std::sin(std::numbers::pi * turn * static_cast<double>(slow) / size);
    modes.of_index[k] = 4 * sine * sine;
  }
  modes.height = std::sqrt(std::pow(2.0, space.dimensions()) / static_cast<double>(space.size()));
  modes.tilt = 4.0 * space.dimensions();
  return modes;
}

const FamilyRow& Lattice::row() {
  static const FamilyRow row{
      .family = Family::lattice,
      .name = "lattice",
      .options = {"circuit_resistance_same", "circuit_resistance_change", "circuit_boundary", "circuit_file",
                  "circuit_resistance_spread", "circuit_resistance_seed"},
      .connected = Connected::always,
      .grid = true,
      .few_moves = true,
      .stored_moves = [](const StateSpace& states, std::int64_t) { return 1 + 2.0 * states.dimensions(); }};
  return row;
}

}  // namespace kirchhoff::family
