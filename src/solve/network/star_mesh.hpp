#pragma once

#include <memory>
#include <vector>

#include "kirchhoff/circuit/netlist.hpp"
#include "solve/network/dead_ends.hpp"
#include "solve/network/drive.hpp"
#include "solve/network/reduction.hpp"

namespace kirchhoff {

/// One drive's potentials and currents, as far as two doubles a number hold them.
struct ExactAnswer {
  std::vector<Double2> u;        // (rows) [V]
  std::vector<Double2> current;  // (m) of resistors, from tail to head [A]; zero for those of 0 ohm
  double error = 0;              // bound of u's error, relative to the largest of its part
};

/// Solves a network of any resistances: star-mesh elimination (A. E. Kennelly 1899, K. S. Miller 1993) in as many
/// digits as it takes. It only adds, multiplies and divides positive numbers until currents of both signs come in, so
/// that the same elimination of their magnitudes bounds every error; digits are doubled until the bound is met at every
/// node relative to the largest current there.
///
/// When: a refined factorisation in double precision cannot show that it is right. Cost: one core; the operations of a
/// sparse factorisation without vector code, each about 50 times a double's; refused above kMostOperations.
class StarMesh {
 public:
  /// Local. @throws Error where factors would fill in too much.
  StarMesh(const Netlist& netlist, const Reduction& reduction);
  StarMesh(StarMesh&&) noexcept;
  ~StarMesh();

  /// Local, the same on every rank. @throws Error when no number of digits tried is enough.
  ExactAnswer solve(const Drive& drive);

  /// How many digits the last solve took.
  int digits() const;

  static constexpr double kMostOperations = 1.5e8;  // about 10 s

 private:
  struct Levels;
  std::unique_ptr<Levels> levels_;
};

}  // namespace kirchhoff
