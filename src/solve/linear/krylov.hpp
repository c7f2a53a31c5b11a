#pragma once

#include <functional>
#include <memory>

#include "solve/linear/laplacian.hpp"

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
  double reduction = 1e-7;    // of the residual, by one pass; -ksp_rtol goes before it
  /// Called when the types above are set and before the options are read: the place to fill a PCSHELL, or to give other
  /// defaults to a preconditioner. What it hands over must live as long as the solver.
  std::function<void(PC)> configure;
  MatSolverType package = MATSOLVERMUMPS;  // what factorises for KSPPREONLY
};

/// Solves matrix x = b for any number of right-hand sides with one set-up, by the KSP that the options (over the given
/// defaults) name. What it leaves is for the caller to find out and to solve for again: a method's own residual drifts
/// from the true one.
class LinearSolver {
 public:
  /// Makes the preconditioner. @param matrix the operator; @param preconditioner what the preconditioner is made from,
  /// as a rule the same; neither may change while the solver lives.
  /// @note Collective, as is the destructor. @throws Error for options that nothing knows or that PETSc refuses.
  LinearSolver(MPI_Comm comm, Mat matrix, Mat preconditioner, const LinearDefaults& defaults);
  LinearSolver(LinearSolver&&) noexcept;
  LinearSolver& operator=(LinearSolver&&) noexcept;
  ~LinearSolver();

  /// One pass of the solver, to a relative residual of `reduction` in its own norm (a factorisation takes no notice of
  /// it).
  /// @param most iterations, or PETSC_DEFAULT: as many as `solve`.
  /// @return the number of iterations; whether x is of any use is for the caller to find out. @note Collective.
  /// @throws Interrupted.
  int pass(Vec b, Vec x, double reduction, int most = PETSC_DEFAULT);
  /// The same for each column of a dense matrix, which a factorisation solves together. @return the most iterations of
  /// a column; once they reach `most`, the columns behind it are left as they are.
  int pass(Mat b, Mat x, double reduction, int most = PETSC_DEFAULT);

  /// What a pass should reduce the residual to: as given, or by option.
  double reduction() const;
  /// "cg + jacobi", "preonly + cholesky (mumps)".
  std::string method() const;
  double seconds_setup() const { return seconds_setup_; }

 private:
  struct State;
  std::unique_ptr<State> state_;
  double seconds_setup_ = 0;
};

}  // namespace kirchhoff
