#pragma once

#include <functional>
#include <memory>

#include "solve/laplacian.hpp"

namespace kirchhoff {

/// Whether the user speaks to PETSc's solvers: options that none has asked for yet.
bool solver_options_given();
/// A misspelt option of theirs would otherwise be ignored in silence. Asked before the solve, which may take hours: a
/// few options are read only by the solve itself and are let pass. @throws Error naming the option.
void refuse_unused_options();

/// What a LinearSolver does where PETSc's options say nothing.
struct LinearDefaults {
  KSPType ksp_type = KSPCG;
  PCType pc_type = PCJACOBI;  // of KSPPREONLY: a factorisation
  double tolerance = 1e-12;   // on the true relative residual
  /// Called when the types above are set and before the options are read: the place to fill a PCSHELL, or to give other
  /// defaults to a preconditioner. What it hands over must live as long as the solver.
  std::function<void(PC)> configure;
  MatSolverType package = MATSOLVERMUMPS;  // what factorises for KSPPREONLY
};

struct LinearResult {
  int iterations = 0;
  double relative_residual = 0;  // true: ||b - A x|| / ||b||; 0 when b is
  double seconds = 0;
};

/// Solves matrix x = b for any number of right-hand sides with one set-up, by the KSP that the options (over the given
/// defaults) name. Each solution is refined until the *true* residual meets the tolerance or stops falling.
class LinearSolver {
 public:
  /// Makes the preconditioner. @param matrix the operator; @param preconditioner what the preconditioner is made from,
  /// as a rule the same; neither may change while the solver lives.
  /// @note Collective, as is the destructor. @throws Error for options that nothing knows or that PETSc refuses.
  LinearSolver(MPI_Comm comm, Mat matrix, Mat preconditioner, const LinearDefaults& defaults);
  LinearSolver(LinearSolver&&) noexcept;
  LinearSolver& operator=(LinearSolver&&) noexcept;
  ~LinearSolver();

  /// Leaves judging the result to the caller. @note Collective. @throws Interrupted.
  LinearResult solve(Vec b, Vec x);

  /// One pass of the solver without refinement, to a relative residual of `reduction` in its own norm (a factorisation
  /// takes no notice of it), for callers who refine in a finer arithmetic of their own.
  /// @param most iterations, or PETSC_DEFAULT: as many as `solve`.
  /// @return the number of iterations; whether x is of any use is for the caller to find out. @note Collective.
  /// @throws Interrupted.
  int pass(Vec b, Vec x, double reduction, int most = PETSC_DEFAULT);

  /// "cg + jacobi", "preonly + cholesky (mumps)".
  std::string method() const;
  double seconds_setup() const { return seconds_setup_; }

 private:
  struct State;
  std::unique_ptr<State> state_;
  double tolerance_ = 0;
  double seconds_setup_ = 0;
};

}  // namespace kirchhoff
