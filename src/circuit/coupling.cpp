#include "kirchhoff/circuit/coupling.hpp"

#include <fmt/format.h>

#include <cmath>

#include "kirchhoff/base/error.hpp"

namespace kirchhoff {

double conductance_of(double resistance, const char* name) {
  if (!std::isfinite(resistance) || resistance <= 0) {
    throw Error(fmt::format("{} is {} ohm: a resistance must be positive and finite", name, resistance));
  }
  const double conductance = 1 / resistance;
  if (!std::isfinite(conductance) || conductance == 0) {
    throw Error(fmt::format("{} is {} ohm: its conductance cannot be represented", name, resistance));
  }
  return conductance;
}

std::string to_string(Family family) {
  switch (family) {
    case Family::dense:
      return "dense";
    case Family::hamming:
      return "hamming";
    case Family::lattice:
      return "lattice";
    case Family::nearest:
      return "nearest";
    case Family::file:
      return "file";
  }
  return "unknown";
}

Coupling Coupling::uniform_family(Family family, const StateSpace& space, double same, double change) {
  Coupling coupling(family, space);
  coupling.same_ = conductance_of(same, "circuit_resistance_same");
  coupling.change_ = conductance_of(change, "circuit_resistance_change");
  return coupling;
}

Coupling Coupling::dense(const StateSpace& space, double same, double change) {
  return uniform_family(Family::dense, space, same, change);
}

Coupling Coupling::hamming(const StateSpace& space, double same, double change) {
  return uniform_family(Family::hamming, space, same, change);
}

Coupling Coupling::lattice(const StateSpace& space, double same, double change, Boundary boundary) {
  auto coupling = uniform_family(Family::lattice, space, same, change);
  coupling.boundary_ = boundary;
  return coupling;
}

Coupling Coupling::from_table(const StateSpace& space, std::shared_ptr<const EdgeTable> table, Family family) {
  Coupling coupling(family, space);
  coupling.table_ = std::move(table);
  return coupling;
}

Coupling Coupling::with_table(std::shared_ptr<const EdgeTable> table) const {
  Coupling coupling = *this;
  coupling.table_ = std::move(table);
  return coupling;
}

Coupling Coupling::weighted(const EdgeWeights& weights) const {
  if (slots() == 0)
    throw Error(fmt::format("a {} coupling cannot have a conductance of each edge", to_string(family_)));
  Coupling coupling = *this;
  coupling.weight_storage_ = weights.storage;
  coupling.weights_ = weights.storage->data().subspan(weights.offset, static_cast<std::size_t>(slots() * states_));
  return coupling;
}

std::vector<double> Coupling::same_of(Range states) const {
  if (!weights_.empty()) {
    const auto first = weights_.begin() + states.begin;
    return {first, first + states.size()};
  }
  std::vector<double> same(static_cast<std::size_t>(states.size()), same_);
  if (boundary_ == Boundary::periodic && space_.categories() > 1) return same;
  const auto add = [&](std::int64_t begin, std::int64_t end) {
    for (auto x = std::max(begin, states.begin); x < std::min(end, states.end); ++x) {
      same[static_cast<std::size_t>(x - states.begin)] += change_;
    }
  };
  for (int d = 0; d < space_.dimensions(); ++d) {
    const auto stride = space_.stride(d);
    const auto block = space_.categories() * stride;
    for (auto at = states.begin / block * block; at < states.end; at += block) {
      add(at, at + stride);
      add(at + block - stride, at + block);
    }
  }
  return same;
}

int Coupling::slots() const {
  if (family_ == Family::lattice) return 1 + 2 * space_.dimensions();
  if (family_ == Family::hamming) return 1 + space_.dimensions() * space_.categories();
  return 0;
}

std::int64_t Coupling::edges() const {
  const auto n = states_;
  const std::int64_t s = space_.categories();
  const std::int64_t d = space_.dimensions();
  switch (family_) {
    case Family::dense:
      return n * n;
    case Family::hamming:
      return n * (1 + d * (s - 1));
    case Family::lattice: {
      if (s == 1) return n;
      const std::int64_t changes = boundary_ == Boundary::reflecting ? 2 * (s - 1) : (s == 2 ? 2 : 2 * s);
      return n + d * (n / s) * changes;
    }
    case Family::nearest:
    case Family::file:
      return static_cast<std::int64_t>(table_->forward.other.size());
  }
  return 0;
}

}  // namespace kirchhoff
