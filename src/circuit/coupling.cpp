#include "kirchhoff/circuit/coupling.hpp"

#include <fmt/format.h>

#include <algorithm>
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

Coupling::Coupling(const FamilyRow& row, const StateSpace& space, Edges edges)
    : row_(&row), space_(space), states_(space_.size()), edges_(std::move(edges)) {
  std::visit(
      [&](const auto& family) {
        if constexpr (requires { family.kinds(); }) kinds_ = family.kinds();
      },
      edges_);
}

/// Makes the coupling if it is of this family; tables are made elsewhere.
template <class Which>
bool Coupling::make(Family family, const StateSpace& space, const UniformSpec& spec, std::optional<Coupling>& made) {
  if constexpr (requires { Which::of(space, spec); }) {
    if (Which::row().family != family) return false;
    made = Coupling(Which::row(), space, Which::of(space, spec));
    made->same_ = spec.same;
    made->change_ = spec.change;
    return true;
  }
  return false;
}

Coupling Coupling::uniform(Family family, const StateSpace& space, const UniformSpec& spec) {
  std::optional<Coupling> made;
  const auto any = [&]<class... Which>(std::variant<Which...>*) {
    return (make<Which>(family, space, spec, made) || ...);
  };
  if (!any(static_cast<Edges*>(nullptr))) {
    throw Error(fmt::format("internal: a {} coupling is not made from resistances alone", to_string(family)));
  }
  return *made;
}

namespace {

UniformSpec spec_of(double same, double change) {
  UniformSpec spec;
  spec.same = conductance_of(same, "circuit_resistance_same");
  spec.change = conductance_of(change, "circuit_resistance_change");
  return spec;
}

}  // namespace

Coupling Coupling::dense(const StateSpace& space, double same, double change) {
  return uniform(Family::dense, space, spec_of(same, change));
}

Coupling Coupling::hamming(const StateSpace& space, double same, double change) {
  return uniform(Family::hamming, space, spec_of(same, change));
}

Coupling Coupling::lattice(const StateSpace& space, double same, double change, Boundary boundary) {
  auto spec = spec_of(same, change);
  spec.boundary = boundary;
  return uniform(Family::lattice, space, spec);
}

Coupling Coupling::blocks(const StateSpace& space, double same, double within, double change,
                          std::shared_ptr<const Groups> groups) {
  auto spec = spec_of(same, change);
  spec.within = conductance_of(within, "circuit_resistance_within");
  spec.groups = std::move(groups);
  return uniform(Family::blocks, space, spec);
}

Coupling Coupling::from_table(const StateSpace& space, std::shared_ptr<const EdgeTable> table, Family family) {
  Coupling coupling(row_of(family), space, family::Table{table});
  coupling.table_ = std::move(table);
  return coupling;
}

Coupling Coupling::with_table(std::shared_ptr<const EdgeTable> table) const {
  return from_table(space_, std::move(table), family());
}

Coupling Coupling::weighted(const EdgeWeights& weights) const {
  if (slots() == 0) throw Error(fmt::format("a {} coupling cannot have a conductance of each edge", row_->name));
  Coupling coupling = *this;
  coupling.kinds_.clear();
  coupling.weight_storage_ = weights.storage;
  coupling.weights_ = weights.storage->data().subspan(weights.offset, static_cast<std::size_t>(slots() * states_));
  return coupling;
}

const Groups* Coupling::groups() const {
  const auto* blocks = std::get_if<family::Blocks>(&edges_);
  return blocks == nullptr ? nullptr : blocks->groups.get();
}

double Coupling::within() const {
  const auto* blocks = std::get_if<family::Blocks>(&edges_);
  return blocks == nullptr ? change_ : blocks->within;
}

bool Coupling::family_has_modes() const {
  return std::visit(
      [](const auto& family) {
        if constexpr (requires { family.has_modes(); }) return family.has_modes();
        return requires { family.modes(); };
      },
      edges_);
}

std::optional<Modes> Coupling::modes_of_family() const {
  if (!family_has_modes()) return std::nullopt;
  return std::visit(
      [](const auto& family) -> std::optional<Modes> {
        if constexpr (requires { family.modes(); }) return family.modes();
        return std::nullopt;
      },
      edges_);
}

double Coupling::steps() const {
  return std::visit(
      [](const auto& family) {
        if constexpr (requires { family.steps(); }) return static_cast<double>(family.steps());
        return 1.0;
      },
      edges_);
}

std::vector<double> Coupling::same_of(Range states) const {
  if (weights_.empty()) return lattice()->same_of(states);
  const auto first = weights_.begin() + states.begin;
  return {first, first + states.size()};
}

int Coupling::slots() const {
  return std::visit(
      [](const auto& family) {
        if constexpr (requires { family.slots(); }) return family.slots();
        return 0;
      },
      edges_);
}

std::int64_t Coupling::edges() const {
  return std::visit([](const auto& family) { return family.edges(); }, edges_);
}

double Coupling::row_sum(std::int64_t x) const {
  double sum = 0;
  for (const auto& kind : kinds_) {
    const auto count = size_of_set(*this, kind.to, x) - size_of_set(*this, kind.but, x);
    sum += static_cast<double>(count) * kind.conductance;
  }
  return sum;
}

SetIndex::SetIndex(const Coupling& coupling, const StateSet& set) {
  const auto n = coupling.space().size();
  switch (set.kind) {
    case StateSet::Kind::own:
    case StateSet::Kind::none:
      count_ = n;
      break;
    case StateSet::Kind::line:
      stride_ = coupling.space().stride(set.coordinate);
      block_ = stride_ * coupling.space().categories();
      count_ = n / coupling.space().categories();
      break;
    case StateSet::Kind::group:
      groups_ = coupling.groups();
      count_ = groups_->count();
      break;
    case StateSet::Kind::all:
      block_ = n;
      break;
  }
}

std::int64_t size_of_set(const Coupling& coupling, const StateSet& set, std::int64_t x) {
  switch (set.kind) {
    case StateSet::Kind::none:
      return 0;
    case StateSet::Kind::own:
      return 1;
    case StateSet::Kind::line:
      return coupling.space().categories();
    case StateSet::Kind::group:
      return coupling.groups()->size(coupling.groups()->of(x));
    case StateSet::Kind::all:
      break;
  }
  return coupling.space().size();
}

std::vector<SetSum> set_sums(const Coupling& coupling, int power) {
  const auto raised = [power](double g) { return power == 1 ? g : g * g; };
  const auto& kinds = coupling.kinds();
  std::vector<SetSum> sums;
  for (const auto& kind : kinds) {
    double left_out = 0;  // conductance with which other kinds have counted this set, which is no part of them
    double last = 0;
    int times = 0;
    for (const auto& other : kinds) {
      if (other.but != kind.to) continue;
      if (times > 0 && raised(other.conductance) != last) {
        left_out += times * last;
        times = 0;
      }
      last = raised(other.conductance);
      ++times;
    }
    sums.push_back({raised(kind.conductance) - (left_out + times * last), kind.to});
  }
  return sums;
}

}  // namespace kirchhoff
