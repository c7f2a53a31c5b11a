#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kirchhoff/state_space.hpp"

namespace kirchhoff {

enum class Family { dense, hamming, lattice, file };
enum class Boundary { reflecting, periodic };

std::string to_string(Family family);

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

/// The coupling M between two neighbouring layers: which (l, x) and (l+1, y) are joined, and with what conductance [S].
/// Families and formulas: docs/theory.md, section 1.
class Coupling {
 public:
  /// @param same, change resistances r (equal states) and R (different states) [ohm].
  /// @throws Error unless both are positive and finite.
  static Coupling dense(const StateSpace& space, double same, double change);
  static Coupling hamming(const StateSpace& space, double same, double change);
  static Coupling lattice(const StateSpace& space, double same, double change, Boundary boundary);
  static Coupling from_table(const StateSpace& space, std::shared_ptr<const EdgeTable> table);

  Family family() const { return family_; }
  const StateSpace& space() const { return space_; }
  /// 1/r and 1/R [S]; not for Family::file.
  double same() const { return same_; }
  double change() const { return change_; }
  Boundary boundary() const { return boundary_; }

  /// Number of edges of the layer pair (edges in parallel count once).
  std::int64_t edges() const;

  /// Calls visit(y, conductance) once for every y on the next layer joined to x. For Family::dense these are all N
  /// states: what must scale uses closed sums instead.
  template <class Visit>
  void forward(std::int64_t x, Visit&& visit) const {
    if (family_ == Family::file) return stored(table_->forward, x, visit);
    uniform(x, visit);
  }
  /// Calls visit(x, conductance) once for every x on the previous layer joined to y.
  template <class Visit>
  void backward(std::int64_t y, Visit&& visit) const {
    if (family_ == Family::file) return stored(table_->backward, y, visit);
    uniform(y, visit);  // the uniform families are symmetric
  }

 private:
  Coupling(Family family, StateSpace space) : family_(family), space_(std::move(space)) {}
  static Coupling uniform_family(Family family, const StateSpace& space, double same, double change);

  template <class Visit>
  static void stored(const EdgeTable::Side& side, std::int64_t x, Visit& visit) {
    const auto row = static_cast<std::size_t>(x);
    for (auto k = side.first[row]; k < side.first[row + 1]; ++k) {
      visit(side.other[static_cast<std::size_t>(k)], side.conductance[static_cast<std::size_t>(k)]);
    }
  }

  template <class Visit>
  void uniform(std::int64_t x, Visit& visit) const {
    if (family_ == Family::dense) {
      for (std::int64_t y = 0; y < space_.size(); ++y) visit(y, x == y ? same_ : change_);
      return;
    }
    const int s = space_.categories();
    if (family_ == Family::hamming) {
      visit(x, same_);
      for (int d = 0; d < space_.dimensions(); ++d) {
        const auto stride = space_.stride(d);
        const auto c = x / stride % s;
        auto y = x - c * stride;
        for (std::int64_t k = 0; k < s; ++k, y += stride) {
          if (k != c) visit(y, change_);
        }
      }
      return;
    }
    // Lattice: a change that would leave the range (reflecting), or that leads back (S =
    // 1), is added to the same state.
    double same = same_;
    for (int d = 0; d < space_.dimensions(); ++d) {
      const auto stride = space_.stride(d);
      const auto c = x / stride % s;
      if (boundary_ == Boundary::periodic && s > 1) {
        const auto down = c > 0 ? x - stride : x + (s - 1) * stride;
        const auto up = c < s - 1 ? x + stride : x - (s - 1) * stride;
        if (down == up) {
          visit(up, 2 * change_);  // S = 2 doubles the edge
        } else {
          visit(down, change_);
          visit(up, change_);
        }
        continue;
      }
      if (c > 0 && s > 1) {
        visit(x - stride, change_);
      } else {
        same += change_;
      }
      if (c < s - 1) {
        visit(x + stride, change_);
      } else {
        same += change_;
      }
    }
    visit(x, same);
  }

  Family family_;
  StateSpace space_;
  double same_ = 0;
  double change_ = 0;
  Boundary boundary_ = Boundary::reflecting;
  std::shared_ptr<const EdgeTable> table_;
};

}  // namespace kirchhoff
