#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "kirchhoff/states/state_space.hpp"

namespace kirchhoff {

/// Which states of neighbouring layers are joined; docs/theory.md, section 1. A family is a file in circuit/family,
/// which says all that there is to know about it, and a row in families().
enum class Family { dense, hamming, lattice, nearest, file, blocks };
enum class Boundary { reflecting, periodic };

/// What has to be looked at to know that a circuit is connected.
enum class Connected {
  always,    // every state is joined to every other, over two layer pairs or more
  one_pair,  // all layers of a state are joined, and the same states on all layer pairs: one pair tells
  all_pairs
};

/// What a circuit's edges are made from.
enum class EdgesFrom {
  rule,      // of the family, by Coupling::uniform
  nearness,  // of states: k neighbours in an embedding
  list       // of edges in a file
};

/// What a family is and can do. What it cannot do, the generic way does instead: edge by edge.
struct FamilyRow {
  Family family;
  const char* name;
  std::vector<std::string> options;  // keys of a case that nothing but the families that list them uses
  Connected connected;
  EdgesFrom edges_from = EdgesFrom::rule;
  const char* when_apart = "";  // advice, when a circuit turns out not to be connected
  bool joins_all = false;       // every state to every state: edges are never listed, sums over them are closed
  bool grouped = false;         // by UniformSpec::groups
  bool closed_pairs = false;    // circuits of one pair of states are solved in closed form at any D (quotient)
  bool grid = false;            // near states are joined, so that few dimensions make a grid
  bool few_moves = false;       // about as many edges as potentials vary over: a network may learn each edge's current
  /// Edges from a state to the next layer that have numbers of their own where edges differ; null when only a file
  /// knows. @param neighbours k of family nearest.
  double (*stored_moves)(const StateSpace& space, std::int64_t neighbours) = nullptr;
};

/// One row per family, in the order of the enumeration.
const std::vector<FamilyRow>& families();
const FamilyRow& row_of(Family family);
std::string to_string(Family family);

/// The states of a layer in groups: those that are alike in one coordinate, or by a list.
class Groups {
 public:
  /// @throws Error unless 0 <= coordinate < D.
  static Groups by_coordinate(const StateSpace& space, int coordinate);
  /// @param labels one per state; states with equal labels are a group.
  static Groups by_label(std::span<const std::int64_t> labels);

  std::int64_t count() const { return count_; }
  std::int64_t of(std::int64_t x) const {
    return of_.empty() ? x / stride_ % count_ : of_[static_cast<std::size_t>(x)];
  }
  std::int64_t size(std::int64_t group) const {
    const auto g = static_cast<std::size_t>(group);
    return of_.empty() ? each_ : first_[g + 1] - first_[g];
  }
  /// The i-th state of a group, in ascending order.
  std::int64_t member(std::int64_t group, std::int64_t i) const {
    if (!of_.empty()) return members_[static_cast<std::size_t>(first_[static_cast<std::size_t>(group)] + i)];
    return (i / stride_ * count_ + group) * stride_ + i % stride_;
  }
  /// What a layer (N) has in a group's states, in ascending order.
  std::vector<double> gather(std::int64_t group, std::span<const double> layer) const;
  /// Whether group g holds the states x with x / stride % count = g, as those of a coordinate do: 0 when not.
  std::int64_t stride() const { return stride_; }

 private:
  std::int64_t count_ = 1;
  std::int64_t stride_ = 0;
  std::int64_t each_ = 0;              // states per group, where all have as many
  std::vector<std::int32_t> of_;       // (N), empty for those of a coordinate
  std::vector<std::int64_t> members_;  // (N) by group
  std::vector<std::int64_t> first_;    // (groups + 1) in members_
};

/// What a family whose edges of a kind are alike is made from, in one layer pair; each takes what it uses.
struct UniformSpec {
  double same = 0;    // 1/r [S]
  double within = 0;  // 1/R_in [S]
  double change = 0;  // 1/R, or 1/R_out [S]
  Boundary boundary = Boundary::reflecting;
  std::shared_ptr<const Groups> groups;
};

/// A set of states that a state belongs to.
struct StateSet {
  enum class Kind { none, own, line, group, all };
  Kind kind = Kind::none;
  int coordinate = 0;  // of a line: all states that differ in it alone
  bool operator==(const StateSet&) const = default;
};

/// One kind of edges of a coupling: from a state x to all states of x's set `to` that are not in its set `but`, each by
/// an edge of this conductance [S]. Sums over them are closed: docs/theory.md, section 1.
struct EdgeKind {
  double conductance = 0;
  StateSet to;
  StateSet but;
};

/// What diagonalises a coupling whose edges of a kind are alike, whatever their conductances: an orthonormal transform
/// along axes, one after the other, and the eigenvalues delta = 1/r + (row_changes - e) / R. docs/theory.md, section 2.
struct Modes {
  enum class Basis {
    reflection,  // makes the constant the first mode and all others alike
    cosine,
    hartley
  };
  Basis basis = Basis::reflection;
  std::vector<std::int64_t> axes;  // sizes, slowest first; their product is N
  double row_changes = 0;          // of the constant mode, whose e is 0
  std::vector<double> of_index;    // what index k along any axis adds to e; or, where that is empty:
  std::vector<double> of_axes;     // (2^axes) e by the set of axes (bit d: axis d) along which a mode is not constant
  /// (2^axes) 2 row_changes - e, where that difference would lose digits: a mode's leak where it flips its sign.
  std::vector<double> flipped_of_axes;
  double height = 1;  // the most that a mode of norm 1 has in a state
  double tilt = 0;    // how many rounded changes stand against the same state where a mode flips its sign
};

}  // namespace kirchhoff
