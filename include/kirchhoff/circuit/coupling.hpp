#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "kirchhoff/parallel/parallel.hpp"
#include "kirchhoff/states/state_space.hpp"

namespace kirchhoff {

enum class Family { dense, hamming, lattice, nearest, file };
enum class Boundary { reflecting, periodic };

std::string to_string(Family family);

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

/// The edges of one layer pair by rows (x -> y) and by columns (y -> x), compressed; parallel edges are added up.
struct EdgeTable {
  struct Side {
    std::vector<std::int64_t> first;  // (N + 1)
    std::vector<std::int64_t> other;  // (m)
    std::vector<double> conductance;  // (m) [S]
  };
  Side forward;
  Side backward;
};

/// Conductances that differ from edge to edge, of a lattice or hamming coupling: edge x -> y has weight[slot N + x]
/// [S], `slot` saying how x becomes y. Slot 0: y = x. Lattice: 1 + 2d is one category down in coordinate d, 2 + 2d one
/// up (with S = 2 and periodic ends 1 + 2d alone). Hamming: 1 + d S + c is category c in coordinate d. Slots that lead
/// nowhere hold 0.
struct EdgeWeights {
  std::shared_ptr<const SharedArray> storage;  // of all layer pairs, once a node
  std::size_t offset = 0;                      // of this one
};

/// The coupling M between two neighbouring layers: which (l, x) and (l+1, y) are joined, and with what conductance [S].
/// Families and formulas: docs/theory.md, section 1.
class Coupling {
 public:
  /// @param same, change resistances r (equal states) and R (different states) [ohm].
  /// @throws Error unless both are positive and finite.
  static Coupling dense(const StateSpace& space, double same, double change);
  static Coupling hamming(const StateSpace& space, double same, double change);
  static Coupling lattice(const StateSpace& space, double same, double change, Boundary boundary);
  /// @param family file, or nearest: those whose edges are a table.
  static Coupling from_table(const StateSpace& space, std::shared_ptr<const EdgeTable> table,
                             Family family = Family::file);
  /// The same family with another table.
  Coupling with_table(std::shared_ptr<const EdgeTable> table) const;
  /// The same edges with conductances of their own; lattice and hamming only.
  Coupling weighted(const EdgeWeights& weights) const;

  Family family() const { return family_; }
  const StateSpace& space() const { return space_; }
  /// 1/r and 1/R [S]; not of a table.
  double same() const { return same_; }
  double change() const { return change_; }
  Boundary boundary() const { return boundary_; }
  /// Slots of EdgeWeights; 0 for the families that cannot have them.
  int slots() const;
  /// (slots x N) [S], empty when all edges of a kind have one conductance.
  std::span<const double> weights() const { return weights_; }
  const std::shared_ptr<const EdgeTable>& table() const { return table_; }

  /// Calls visit(slot, x, y, conductance) for every edge (l, x) - (l+1, y) of state x; lattice and hamming.
  template <class Visit>
  void slots_of(std::int64_t x, Visit&& visit) const {
    structured(x, [&](std::int64_t y, double g, std::int64_t slot, std::int64_t) {
      visit(slot, x, y, weights_.empty() ? g : weights_[static_cast<std::size_t>(slot * states_ + x)]);
    });
  }

  /// Number of edges of the layer pair (edges in parallel count once).
  std::int64_t edges() const;

  /// Calls visit(y, conductance) once for every y on the next layer joined to x. For Family::dense these are all N
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

  /// A lattice's edges from layer to layer in long pieces: calls visit(states, shift, slot, back, g) where every state
  /// x of a contiguous range is joined to x + shift, by `slot` of EdgeWeights there and `back` from there; g [S] counts
  /// where there are no weights. Changes only: the same-state edge has `same_of`.
  template <class Visit>
  void lattice_runs(Range states, Visit&& visit) const {
    const std::int64_t s = space_.categories();
    if (s == 1) return;
    const bool periodic = boundary_ == Boundary::periodic;
    const auto clip = [&](std::int64_t begin, std::int64_t end, std::int64_t shift, int slot, int back, double g) {
      const Range run{std::max(begin, states.begin), std::min(end, states.end)};
      if (run.begin < run.end) visit(run, shift, slot, back, g);
    };
    for (int d = 0; d < space_.dimensions(); ++d) {
      const auto stride = space_.stride(d);
      const auto block = s * stride;
      const int down = 1 + 2 * d;
      const int up = down + 1;
      for (auto at = states.begin / block * block; at < states.end; at += block) {
        if (periodic && s == 2) {  // both ways lead to the one other state, by one edge of twice the conductance
          clip(at, at + stride, stride, down, down, 2 * change_);
          clip(at + stride, at + block, -stride, down, down, 2 * change_);
          continue;
        }
        clip(at, at + block - stride, stride, up, down, change_);
        clip(at + stride, at + block, -stride, down, up, change_);
        if (!periodic) continue;
        clip(at + block - stride, at + block, stride - block, up, down, change_);
        clip(at, at + stride, block - stride, down, up, change_);
      }
    }
  }
  /// A lattice's conductances between equal states [S], those of the range.
  std::vector<double> same_of(Range states) const;

 private:
  Coupling(Family family, StateSpace space) : family_(family), space_(std::move(space)), states_(space_.size()) {}
  static Coupling uniform_family(Family family, const StateSpace& space, double same, double change);

  template <class Visit>
  static void stored(const EdgeTable::Side& side, std::int64_t x, Visit& visit) {
    const auto row = static_cast<std::size_t>(x);
    for (auto k = side.first[row]; k < side.first[row + 1]; ++k) {
      visit(side.other[static_cast<std::size_t>(k)], side.conductance[static_cast<std::size_t>(k)]);
    }
  }

  /// Calls visit(y, g, slot, back) for every y that x becomes: g where all edges of a kind are alike [S], `slot` from x
  /// to y and `back` from y to x. These families join x to y whenever they join y to x.
  template <class Visit>
  void structured(std::int64_t x, Visit&& visit) const {
    if (family_ == Family::dense) {
      for (std::int64_t y = 0; y < states_; ++y) visit(y, x == y ? same_ : change_, 0, 0);
      return;
    }
    const int s = space_.categories();
    if (family_ == Family::hamming) {
      visit(x, same_, 0, 0);
      for (int d = 0; d < space_.dimensions(); ++d) {
        const auto stride = space_.stride(d);
        const auto c = x / stride % s;
        auto y = x - c * stride;
        const auto first = std::int64_t{1} + d * s;
        for (std::int64_t k = 0; k < s; ++k, y += stride) {
          if (k != c) visit(y, change_, first + k, first + c);
        }
      }
      return;
    }
    // Lattice: a change that would leave the range (reflecting), or that leads back (S = 1), is added to the same
    // state.
    double same = same_;
    for (int d = 0; d < space_.dimensions(); ++d) {
      const auto stride = space_.stride(d);
      const auto c = x / stride % s;
      const std::int64_t down = 1 + 2 * d;
      const std::int64_t up = down + 1;
      if (boundary_ == Boundary::periodic && s > 1) {
        const auto below = c > 0 ? x - stride : x + (s - 1) * stride;
        const auto above = c < s - 1 ? x + stride : x - (s - 1) * stride;
        if (below == above) {
          visit(below, 2 * change_, down, down);  // S = 2 doubles the edge
        } else {
          visit(below, change_, down, up);
          visit(above, change_, up, down);
        }
        continue;
      }
      if (c > 0 && s > 1) {
        visit(x - stride, change_, down, up);
      } else {
        same += change_;
      }
      if (c < s - 1) {
        visit(x + stride, change_, up, down);
      } else {
        same += change_;
      }
    }
    visit(x, same, 0, 0);
  }

  Family family_;
  StateSpace space_;
  std::int64_t states_;
  double same_ = 0;
  double change_ = 0;
  Boundary boundary_ = Boundary::reflecting;
  std::shared_ptr<const EdgeTable> table_;
  std::shared_ptr<const SharedArray> weight_storage_;
  std::span<const double> weights_;  // into weight_storage_
};

}  // namespace kirchhoff
