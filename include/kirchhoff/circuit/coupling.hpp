#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <variant>
#include <vector>

#include "kirchhoff/circuit/family/blocks.hpp"
#include "kirchhoff/circuit/family/dense.hpp"
#include "kirchhoff/circuit/family/family.hpp"
#include "kirchhoff/circuit/family/hamming.hpp"
#include "kirchhoff/circuit/family/lattice.hpp"
#include "kirchhoff/circuit/family/table.hpp"
#include "kirchhoff/parallel/parallel.hpp"
#include "kirchhoff/states/state_space.hpp"

namespace kirchhoff {

/// 1/resistance [S]. `name` is what messages call it.
/// @throws Error unless the resistance is positive and finite and has such a conductance.
double conductance_of(double resistance, const char* name);

/// An edge (l, x) - (l+1, y) with its conductance [S].
struct LayerEdge {
  int layer = 0;
  std::int64_t from = 0;
  std::int64_t to = 0;
  double conductance = 0;
};

/// Conductances that differ from edge to edge: edge x -> y has weight[slot N + x] [S], `slot` saying how x becomes y;
/// the family says which slots there are. Slots that lead nowhere hold 0.
struct EdgeWeights {
  std::shared_ptr<const SharedArray> storage;  // of all layer pairs, once a node
  std::size_t offset = 0;                      // of this one
};

/// The coupling M between two neighbouring layers: which (l, x) and (l+1, y) are joined, and with what conductance [S].
/// Families and formulas: docs/theory.md, section 1. What a family cannot do, this says, and callers go the generic
/// way, edge by edge.
class Coupling {
 public:
  /// @param family one whose edges of a kind are alike. @throws Error for one whose edges are a table.
  static Coupling uniform(Family family, const StateSpace& space, const UniformSpec& spec);
  /// @param same, change resistances r (equal states) and R (different states) [ohm].
  /// @throws Error unless all resistances are positive and finite.
  static Coupling dense(const StateSpace& space, double same, double change);
  static Coupling hamming(const StateSpace& space, double same, double change);
  static Coupling lattice(const StateSpace& space, double same, double change, Boundary boundary);
  /// @param within, change R_in and R_out: to other states of the same group, and of other groups [ohm].
  static Coupling blocks(const StateSpace& space, double same, double within, double change,
                         std::shared_ptr<const Groups> groups);
  /// @param family file, or nearest: those whose edges are a table.
  static Coupling from_table(const StateSpace& space, std::shared_ptr<const EdgeTable> table,
                             Family family = Family::file);
  /// The same family with another table.
  Coupling with_table(std::shared_ptr<const EdgeTable> table) const;
  /// The same edges with conductances of their own, for families that have slots.
  Coupling weighted(const EdgeWeights& weights) const;

  Family family() const { return row_->family; }
  const FamilyRow& row() const { return *row_; }
  const StateSpace& space() const { return space_; }
  /// 1/r and 1/R [S]; not of a table.
  double same() const { return same_; }
  double change() const { return change_; }
  /// 1/R_in [S], between different states of a group; without groups change().
  double within() const;
  /// Slots of EdgeWeights; 0 for the families that cannot have them.
  int slots() const;
  /// (slots x N) [S], empty when all edges of a kind have one conductance.
  std::span<const double> weights() const { return weights_; }
  /// Null for the families whose edges are not listed.
  const std::shared_ptr<const EdgeTable>& table() const { return table_; }
  /// Whether every state is joined to every state, so that edges are never listed.
  bool joins_all() const { return row_->joins_all; }

  /// The kinds of edges, over each of which sums are closed; empty for families without, and for edges of their own.
  const std::vector<EdgeKind>& kinds() const { return kinds_; }
  /// The groups of family blocks, null for others.
  const Groups* groups() const;
  /// Whether the modes of its family diagonalise the coupling: not where there are none, or edges are of their own.
  bool has_modes() const { return weights_.empty() && family_has_modes(); }
  /// What diagonalises the family's couplings; none for families without. Of a coupling whose edges are of their own it
  /// is what a preconditioner takes for the average.
  std::optional<Modes> modes_of_family() const;
  /// The most changes from one state to another, one per step; 1 where the family does not say.
  double steps() const;

  /// Calls visit(slot, x, y, conductance) for every edge (l, x) - (l+1, y) of state x; families with slots.
  template <class Visit>
  void slots_of(std::int64_t x, Visit&& visit) const {
    structured(x, [&](std::int64_t y, double g, std::int64_t slot, std::int64_t) {
      visit(slot, x, y, weights_.empty() ? g : weights_[static_cast<std::size_t>(slot * states_ + x)]);
    });
  }

  /// Number of edges of the layer pair (edges in parallel count once).
  std::int64_t edges() const;
  /// Sum of the conductances of a state's edges to the next layer [S], of a coupling with kinds() in O(1) a kind.
  double row_sum(std::int64_t x) const;

  /// Calls visit(y, conductance) once for every y on the next layer joined to x. Where joins_all() these are all N
  /// states: what must scale uses closed sums instead.
  template <class Visit>
  void forward(std::int64_t x, Visit&& visit) const {
    if (table_) return stored(table_->forward, x, visit);
    structured(x, [&](std::int64_t y, double g, std::int64_t slot, std::int64_t) {
      visit(y, weights_.empty() ? g : weights_[static_cast<std::size_t>(slot * states_ + x)]);
    });
  }
  /// Calls visit(x, conductance) once for every x on the previous layer joined to y.
  template <class Visit>
  void backward(std::int64_t y, Visit&& visit) const {
    if (table_) return stored(table_->backward, y, visit);
    structured(y, [&](std::int64_t x, double g, std::int64_t, std::int64_t back) {
      visit(x, weights_.empty() ? g : weights_[static_cast<std::size_t>(back * states_ + x)]);
    });
  }

  /// The lattice behind the coupling, whose edges from layer to layer come in long pieces; null for other families.
  const family::Lattice* lattice() const { return std::get_if<family::Lattice>(&edges_); }
  /// A lattice's edges: calls visit(states, shift, slot, back, g) where every state x of a contiguous range is joined
  /// to x + shift, by `slot` of EdgeWeights there and `back` from there; g [S] counts where there are no weights.
  /// Changes only: the same-state edge has `same_of`.
  template <class Visit>
  void lattice_runs(Range states, Visit&& visit) const {
    lattice()->runs(states, visit);
  }
  /// A lattice's conductances between equal states [S], those of the range.
  std::vector<double> same_of(Range states) const;

 private:
  using Edges = std::variant<family::Dense, family::Hamming, family::Lattice, family::Blocks, family::Table>;

  Coupling(const FamilyRow& row, const StateSpace& space, Edges edges);
  bool family_has_modes() const;
  template <class Which>
  static bool make(Family family, const StateSpace& space, const UniformSpec& spec, std::optional<Coupling>& made);

  template <class Visit>
  static void stored(const EdgeTable::Side& side, std::int64_t x, Visit& visit) {
    const auto row = static_cast<std::size_t>(x);
    for (auto k = side.first[row]; k < side.first[row + 1]; ++k) {
      visit(side.other[static_cast<std::size_t>(k)], side.conductance[static_cast<std::size_t>(k)]);
    }
  }

  /// Calls visit(y, g, slot, back) for every y that x becomes: g where all edges of a kind are alike [S], `slot` from x
  /// to y and `back` from y to x. These families join x to y whenever they join y to x. Chains of get_if are inlined
  /// where a visit of the variant would be a call per state.
  template <class Visit>
  void structured(std::int64_t x, Visit&& visit) const {
    if (const auto* hamming = std::get_if<family::Hamming>(&edges_)) {
      hamming->each(x, visit);
    } else if (const auto* grid = std::get_if<family::Lattice>(&edges_)) {
      grid->each(x, visit);
    } else if (const auto* dense = std::get_if<family::Dense>(&edges_)) {
      dense->each(x, visit);
    } else if (const auto* in_groups = std::get_if<family::Blocks>(&edges_)) {
      in_groups->each(x, visit);
    }
  }

  const FamilyRow* row_;
  StateSpace space_;
  std::int64_t states_;
  Edges edges_;
  double same_ = 0;
  double change_ = 0;
  std::vector<EdgeKind> kinds_;
  std::shared_ptr<const EdgeTable> table_;
  std::shared_ptr<const SharedArray> weight_storage_;
  std::span<const double> weights_;  // into weight_storage_
};

/// A set of states whose sums make a coupling, with what its sum counts [S]: M phi (x) is the sum over these of
/// `conductance` times the sum of phi over the set. `power` raises every edge's conductance first.
struct SetSum {
  double conductance = 0;
  StateSet set;
};
std::vector<SetSum> set_sums(const Coupling& coupling, int power = 1);
/// Numbers the sets of one kind: (x) is the number of x's set, below count(). Lines are numbered in the order of their
/// first states, all but the own state's.
class SetIndex {
 public:
  SetIndex(const Coupling& coupling, const StateSet& set);
  std::int64_t count() const { return count_; }
  std::int64_t operator()(std::int64_t x) const {
    if (groups_ != nullptr) return groups_->of(x);
    return x / block_ * stride_ + x % stride_;
  }

 private:
  std::int64_t count_ = 1;
  std::int64_t block_ = 1;   // states from one run of sets to the next
  std::int64_t stride_ = 1;  // sets of a run
  const Groups* groups_ = nullptr;
};

/// States in x's set.
std::int64_t size_of_set(const Coupling& coupling, const StateSet& set, std::int64_t x);

}  // namespace kirchhoff
