#pragma once

#include <cstdint>
#include <vector>

#include "kirchhoff/netlist.hpp"
#include "kirchhoff/parallel.hpp"
#include "solve/double2.hpp"

namespace kirchhoff {

/// An index of a vector.
inline std::size_t at(std::int64_t k) { return static_cast<std::size_t>(k); }

/// A netlist with what ideal voltage sources and 0 ohm tie together made one: v(node) = u(row) + offset(node), with one
/// unknown u for each row, and u = 0 for nodes whose row is kPinned.
struct Reduction {
  static constexpr std::int64_t kPinned = -1;

  std::vector<std::int64_t> row;        // (n)
  std::vector<double> offset;           // (n) [V]
  std::vector<std::int64_t> component;  // (n) which part of the network, from 0
  std::vector<char> floating;           // (components) not joined to ground: u of one of its nodes is set to zero
  std::int64_t rows = 0;
  std::int64_t components = 0;     // without a ground that nothing is joined to
  std::vector<std::int64_t> part;  // (rows) component of a row
  std::vector<Double2> injected;   // (rows) what sources inject, the offsets' currents included [A]
};

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
