#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "solve/network/nodal_plan.hpp"

namespace kirchhoff {

/// What one right-hand side led to.
struct RefinedRows {
  bool accepted = false;
  int iterations = 0;
  double residual = 0;  // ||b - A u|| / ||b|| in double-double
  double error = 0;     // of u, estimated, relative to the largest in its part of the network
};

/// Solves a reduced network's equations by a PETSc solver in double precision, whose result is refined in
/// double-double. When: as a rule. Cost: one set-up, and a few passes of the solver per right-hand side.
class NodalSystem {
 public:
  /// `reduction` and `rows`, this rank's, must outlive it. @note Collective, like all members that are not const.
  NodalSystem(MPI_Comm comm, const Reduction& reduction, const ReducedRows& rows, const NodalPlan& plan);

  double seconds_assemble() const { return seconds_assemble_; }
  double seconds_setup() const { return solver_ ? solver_->seconds_setup() : 0; }
  std::string method() const { return solver_ ? solver_->method() : "none"; }

  /// Refines until the potentials change no more in double and `accept` agrees, or as long as the residual falls.
  /// @param injected (this rank's rows) right-hand side.
  /// @param accept (u (rows), all of them on every rank) whether u will do, the same on every rank; may be asked more
  /// than once, last about the potentials that all else is said of, if they are finite.
  RefinedRows solve(const std::vector<Double2>& injected,
                    const std::function<bool(const std::vector<Double2>&)>& accept);

  /// One pass of the solver for some right-hand sides at once, in double precision and without judgement. The network
  /// must have rows. @param b, x (columns, this rank's rows) [A], [V]. @return the most iterations of a column.
  /// @throws Interrupted.
  int pass(std::vector<double>& b, std::vector<double>& x, std::int64_t columns);
  /// Whether a pass of so many iterations says that the plan is no good.
  bool gives_up(int iterations) const { return gives_up_ && iterations >= patience_; }

 private:
  void assemble();
  Double2 leaving(std::size_t k, const std::vector<Double2>& u) const;
  double norm(const std::vector<Double2>& values) const;
  int correction(const std::vector<Double2>& residual, double size, double reduction, std::vector<double>& step);
  double largest_change(const std::vector<double>& step, const std::vector<Double2>& u) const;

  MPI_Comm comm_;
  const Reduction& reduction_;
  const ReducedRows& part_;
  bool gives_up_;
  int patience_;
  std::vector<int> counts_;  // rows of each rank
  std::vector<int> starts_;
  Matrix matrix_;
  Vector b_;
  Vector x_;
  std::optional<LinearSolver> solver_;
  double seconds_assemble_ = 0;
};

}  // namespace kirchhoff
