#pragma once

#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/double2.hpp"
#include "kirchhoff/circuit/netlist.hpp"
#include "kirchhoff/parallel/parallel.hpp"

namespace kirchhoff {

/// An index of a vector.
inline std::size_t at(std::int64_t k) { return static_cast<std::size_t>(k); }

/// A netlist with what ideal voltage sources and 0 ohm tie together made one: v(node) = u(row) + offset(node), with one
/// unknown u for each row, and u = 0 for nodes whose row is kPinned.
struct Reduction {
  static constexpr std::int64_t kPinned = -1;

  std::vector<std::int64_t> row;        // (n)
  std::vector<Double2> offset;          // (n) [V]
  std::vector<std::int64_t> tie;        // (n) the node that stands for all that are tied to this one
  std::vector<std::int64_t> component;  // (n) which part of the network, from 0
  std::vector<char> floating;           // (components) not joined to ground: u of one of its nodes is set to zero
  std::int64_t rows = 0;
  std::int64_t components = 0;     // without a ground that nothing is joined to
  std::vector<std::int64_t> part;  // (rows) component of a row
  std::vector<Double2> injected;   // (rows) what sources inject, the offsets' currents included [A]
};

/// Disjoint sets of nodes of which each member knows its distance in volt to the set's root, in any arithmetic.
template <class Number>
class Ties {
 public:
  explicit Ties(std::size_t n) : parent_(n), size_(n, 1), offset_(n, Number(0.0)) {
    for (std::size_t k = 0; k < n; ++k) parent_[k] = static_cast<std::int64_t>(k);
  }

  std::int64_t root(std::int64_t node) {
    auto top = node;
    Number sum(0.0);
    while (parent_[at(top)] != top) {
      sum += offset_[at(top)];
      top = parent_[at(top)];
    }
    while (parent_[at(node)] != top && node != top) {  // hang all of the path on the root
      const auto next = parent_[at(node)];
      const Number rest = sum - offset_[at(node)];
      offset_[at(node)] = sum;
      parent_[at(node)] = top;
      node = next;
      sum = rest;
    }
    return top;
  }
  /// v(node) - v(root) [V]; to be asked after `root`.
  const Number& offset(std::int64_t node) const { return offset_[at(node)]; }

  /// Ties v(a) - v(b) = volt. @return what that contradicts an earlier tie by [V]; zero as a rule.
  Number tie(std::int64_t a, std::int64_t b, double volt) {
    auto above = root(a);
    auto below = root(b);
    Number gap = offset(b) + Number(volt) - offset(a);  // v(above) - v(below)
    if (above == below) return gap;
    if (size_[at(above)] > size_[at(below)]) {
      std::swap(above, below);
      gap = -gap;
    }
    parent_[at(above)] = below;
    offset_[at(above)] = gap;
    size_[at(below)] += size_[at(above)];
    return Number(0.0);
  }

 private:
  std::vector<std::int64_t> parent_;
  std::vector<std::int64_t> size_;
  std::vector<Number> offset_;
};

/// Calls visit(branches, k, volt) for all that ties two nodes: voltage sources and resistors of 0 ohm.
template <class Visit>
void each_ideal(const Netlist& netlist, Visit&& visit) {
  for (std::size_t k = 0; k < netlist.voltages.size(); ++k) visit(netlist.voltages, k, netlist.voltages.value[k]);
  for (std::size_t k = 0; k < netlist.resistors.size(); ++k) {
    if (std::isinf(netlist.resistors.value[k])) visit(netlist.resistors, k, 0.0);
  }
}

/// Whether resistor k is one: not 0 ohm, not without conductance, and between two nodes.
inline bool conducts(const Branches& resistors, std::size_t k) {
  const double g = resistors.value[k];
  return g > 0 && std::isfinite(g) && resistors.tail[k] != resistors.head[k];
}

/// The netlist's ties in any arithmetic; their roots are the same in all.
/// @return (n) v(node) - v(what stands for it), relative to ground where that is tied to it [V].
template <class Number>
std::vector<Number> tie_offsets(const Netlist& netlist) {
  const auto n = netlist.nodes.size();
  Ties<Number> ties(n);
  each_ideal(netlist, [&](const Branches& b, std::size_t k, double volt) { ties.tie(b.tail[k], b.head[k], volt); });
  const auto ground = netlist.ground < 0 ? netlist.ground : ties.root(netlist.ground);
  const Number at_ground = ground < 0 ? Number(0.0) : ties.offset(netlist.ground);
  std::vector<Number> offsets;
  offsets.reserve(n);
  for (std::size_t k = 0; k < n; ++k) {
    const auto node = static_cast<std::int64_t>(k);
    const auto root = ties.root(node);
    offsets.push_back(root == ground ? ties.offset(node) - at_ground : ties.offset(node));
  }
  return offsets;
}

/// @throws Error naming the source of a loop of voltage sources that contradicts itself, or a node of a floating
/// component whose currents do not balance. Local.
Reduction reduce(const Netlist& netlist);

/// Some rows of the reduced network's Laplacian: row k has the conductances first[k] .. first[k+1] to other rows, and
/// the diagonal's sum of all its conductances, those to pinned nodes included.
struct ReducedRows {
  Range rows;
  std::vector<std::int64_t> first;   // (rows + 1)
  std::vector<std::int64_t> column;  // ascending within a row
  std::vector<double> conductance;   // [S]
  std::vector<double> pinned;        // (rows) conductance to pinned nodes [S]

  double diagonal(std::size_t k) const {
    double sum = pinned[k];
    for (auto e = first[k]; e < first[k + 1]; ++e) sum += conductance[static_cast<std::size_t>(e)];
    return sum;
  }
};
ReducedRows reduced_rows(const Netlist& netlist, const Reduction& reduction, Range rows);

/// Currents of ideal elements by Kirchhoff's law, from what their nodes need. An element that closes a loop of ideal
/// elements, or lies on one, is left undetermined.
/// @param need (n) current that the ideal elements must bring to each node [A]; used up.
struct IdealCurrents {
  std::vector<double> resistors;     // (m) from tail to head; of those with 0 ohm, zero for others
  std::vector<double> voltages;      // (v) out of the tail
  std::vector<double> along_forest;  // (v) the same of one of the possible solutions, where they are undetermined
  std::int64_t undetermined = 0;     // how many are NaN
};
IdealCurrents ideal_currents(const Netlist& netlist, std::vector<Double2> need);

}  // namespace kirchhoff
