#pragma once

#include <cmath>
#include <vector>

#include "kirchhoff/solve/network/nodal.hpp"
#include "solve/network/reduction.hpp"

namespace kirchhoff {

/// One drive's answer.
struct NodalAnswer {
  std::vector<Double2> u;        // (rows), on every rank
  std::vector<Double2> current;  // (m) of resistors; empty: by Ohm's law from u
  int iterations = 0;
  double residual = 0;  // ||b - A u|| / ||b|| in double-double
  double error = 0;     // of u, relative to the largest in its part of the network
};

/// From unknowns to nodes and resistors.
class Fields {
 public:
  /// @param driven whether voltage sources are on. All must outlive it.
  Fields(const Netlist& netlist, const Reduction& reduction, const NodalAnswer& answer, bool driven)
      : netlist_(netlist), reduction_(reduction), answer_(answer), u_(answer.u), driven_(driven) {}

  Double2 potential(std::int64_t node) const {
    const auto row = reduction_.row[at(node)];
    Double2 v = row < 0 ? Double2() : u_[at(row)];
    if (driven_) v += reduction_.offset[at(node)];
    return v;
  }
  /// Through a resistor, from tail to head; zero for one of 0 ohm.
  Double2 current(std::size_t k) const {
    if (!answer_.current.empty()) return answer_.current[k];
    const auto& r = netlist_.resistors;
    if (!conducts(r, k)) return {};
    const auto a = reduction_.row[at(r.tail[k])];
    const auto b = reduction_.row[at(r.head[k])];
    Double2 drop;
    if (a != b) drop = (a < 0 ? Double2() : u_[at(a)]) - (b < 0 ? Double2() : u_[at(b)]);
    if (driven_) drop += reduction_.offset[at(r.tail[k])] - reduction_.offset[at(r.head[k])];
    return r.value[k] * drop;
  }

 private:
  const Netlist& netlist_;
  const Reduction& reduction_;
  const NodalAnswer& answer_;
  const std::vector<Double2>& u_;
  bool driven_;
};

/// The solution's own sources: potentials, currents, and the figures that they are right. Local.
void publish(const Netlist& netlist, const Reduction& reduction, const NodalAnswer& answer, double largest_diagonal,
             NodalSolution& solution);

}  // namespace kirchhoff
