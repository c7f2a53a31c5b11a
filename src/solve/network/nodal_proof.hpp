#pragma once

#include <cstdint>
#include <vector>

#include "solve/network/drive.hpp"
#include "solve/network/reduction.hpp"

namespace kirchhoff {

/// What is known of an answer in double-double.
struct NodalErrors {
  double current = 0;    // of a current, relative to the largest at one of its two nodes
  double potential = 0;  // relative to the largest of its part
};

/// Judges an answer by Kirchhoff's law, from the potentials alone and without the solver. Of all vertices together, the
/// current that is missing, and what rounding may hide, bounds every error: a current injected anywhere puts no more
/// than itself through any edge, and lifts no potential by more than itself times the resistance of any path to ground.
/// All local, the same on every rank.
class NodalProof {
 public:
  /// @param ways whether the ways to ground are found, without which potentials have no bound.
  NodalProof(const Netlist& netlist, const Reduction& reduction, bool ways);

  /// @param u (rows). @param carrying (m) of DeadEnds: the other resistors' currents are not judged. @return upper
  /// bounds.
  NodalErrors bounds(const Drive& drive, const std::vector<Double2>& u, const std::vector<char>& carrying) const;

  /// For networks of many unknowns, where the bound of all vertices together says too little of the weakest. `current`:
  /// the largest imbalance at a vertex beyond what rounding hides there, relative to the largest current there; or what
  /// it hides, relative to the largest current of the part, if that is more. `potential`: a bound as above, where the
  /// ways to ground are known; else 0.
  NodalErrors estimates(const Drive& drive, const std::vector<Double2>& u) const;

 private:
  struct Balance;
  Balance balance(const Drive& drive, const std::vector<Double2>& u) const;
  double imbalance(const Balance& found, const std::vector<Double2>& u) const;
  double potential_error(const Balance& found, const std::vector<Double2>& u) const;

  const Netlist& netlist_;
  const Reduction& reduction_;
  std::vector<double> farthest_;  // (components) resistance of a row's shortest path to pinned nodes, the largest [ohm]
};

}  // namespace kirchhoff
