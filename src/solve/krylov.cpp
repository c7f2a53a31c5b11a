#include "solve/krylov.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "kirchhoff/progress.hpp"
#include "kirchhoff/session.hpp"
#include "kirchhoff/text.hpp"

namespace kirchhoff {
namespace {

constexpr int kRefinements = 8;
constexpr int kIterationsBetweenLooks = 16;  // a look at the signal flag is an all-reduce

/// What the convergence test carries from one iteration to the next.
struct TestContext {
  explicit TestContext(MPI_Comm communicator) : comm(communicator), progress(comm, "solve", "iterations", 0) {
    check(KSPConvergedDefaultCreate(&standard));
  }
  TestContext(const TestContext&) = delete;
  TestContext& operator=(const TestContext&) = delete;
  ~TestContext() { KSPConvergedDefaultDestroy(standard); }

  MPI_Comm comm;
  Progress progress;
  void* standard = nullptr;  // of KSPConvergedDefault
  bool stopped = false;
};

PetscErrorCode converged(KSP ksp, PetscInt iteration, PetscReal norm, KSPConvergedReason* reason, void* data) {
  auto& context = *static_cast<TestContext*>(data);
  PetscCall(KSPConvergedDefault(ksp, iteration, norm, reason, context.standard));
  if (*reason != KSP_CONVERGED_ITERATING || iteration % kIterationsBetweenLooks != 0) return 0;
  context.progress.update(iteration, fmt::format("residual norm {:.2e}", norm));
  if (stop_requested(context.comm)) {
    context.stopped = true;
    *reason = KSP_DIVERGED_BREAKDOWN;
  }
  return 0;
}

/// A misspelt PETSc option would otherwise be ignored in silence. Asked before the solve, which may take hours: a few
/// options are read only by the solve itself and must be let pass.
void refuse_unused_options() {
  static const std::array<std::string, 12> known = {
      "ksp_type",      "ksp_rtol", "ksp_max_it",    "ksp_monitor",  "ksp_view",
      "ksp_norm_type", "pc_type",  "pc_hypre_type", "pc_gamg_type", "pc_factor_mat_solver_type",
      "mat_type",      "vec_type"};
  static const std::array<std::string, 4> ours = {"ksp_", "pc_", "mat_", "vec_"};
  static const std::array<std::string, 6> late = {"ksp_converged_", "ksp_view", "mat_view",
                                                  "vec_view",       "pc_view",  "ksp_test_"};
  for (const auto& name : options::unused()) {
    const auto starts = [&](const std::string& prefix) { return name.starts_with(prefix); };
    if (std::any_of(ours.begin(), ours.end(), starts) && std::none_of(late.begin(), late.end(), starts)) {
      throw Error(fmt::format("option -{}: the chosen solver does not know it{}", name, did_you_mean(name, known)));
    }
  }
}

}  // namespace

LinearResult solve_linear(MPI_Comm comm, Mat matrix, Mat preconditioner, Vec b, Vec x, KSPType ksp_type, PCType pc_type,
                          double tolerance) {
  LinearResult result;
  const double begin = wall_time();
  Handle<KSP, KSPDestroy> ksp;
  check(KSPCreate(comm, ksp.out()));
  check(KSPSetOperators(ksp.get(), matrix, preconditioner));
  check(KSPSetType(ksp.get(), ksp_type));
  const bool direct = std::string_view(ksp_type) == KSPPREONLY;
  PC pc = nullptr;
  check(KSPGetPC(ksp.get(), &pc));
  check(PCSetType(pc, pc_type));
  if (direct) {
    check(PCFactorSetMatSolverType(pc, MATSOLVERMUMPS));
  }
  PetscInt rows = 0;
  check(MatGetSize(matrix, &rows, nullptr));
  // In exact arithmetic as many iterations as unknowns would do; far fewer are the rule, but a long chain needs its
  // length.
  const PetscInt most = std::max<PetscInt>(20000, std::min<PetscInt>(rows, 200000));
  // No pass is asked for more than rounding allows: the next one starts from the true residual.
  constexpr double kFinestPass = 1e-13;
  constexpr double kFinestRefinement = 1e-3;
  check(KSPSetTolerances(ksp.get(), std::max(0.5 * tolerance, kFinestPass), PETSC_DEFAULT, 1e30, most));
  TestContext context(comm);
  if (!direct) check(KSPSetConvergenceTest(ksp.get(), converged, &context, nullptr));
  check(KSPSetFromOptions(ksp.get()));
  PetscBool conjugate_gradients = PETSC_FALSE;
  check(PetscObjectTypeCompare(reinterpret_cast<PetscObject>(ksp.get()), KSPCG, &conjugate_gradients));
  if (conjugate_gradients == PETSC_TRUE && !options::get("ksp_norm_type")) {
    // Rounding feeds the residual's component along the constant, which no iteration can take away; this norm is blind
    // to it. Other methods do not have it.
    check(KSPSetNormType(ksp.get(), KSP_NORM_NATURAL));
  }
  check(KSPSetUp(ksp.get()));
  refuse_unused_options();
  result.seconds_setup = wall_time() - begin;

  const double solve_begin = wall_time();
  Vector residual;
  Vector correction;
  check(VecDuplicate(b, residual.out()));
  check(VecDuplicate(b, correction.out()));
  PetscReal norm_b = 0;
  check(VecNorm(b, NORM_2, &norm_b));
  check(VecSet(x, 0));
  check(VecCopy(b, residual.get()));
  MatNullSpace constant = nullptr;
  check(MatGetNullSpace(matrix, &constant));
  double last = 1;
  // CG's own residual drifts from the true one, so each pass solves for the error that the last one left.
  for (int pass = 0; pass < kRefinements; ++pass) {
    if (pass > 0) {
      const double reduction = std::clamp(0.5 * tolerance / last, kFinestRefinement, 0.5);
      check(KSPSetTolerances(ksp.get(), reduction, PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT));
    }
    if (constant != nullptr) check(MatNullSpaceRemove(constant, residual.get()));
    check(KSPSolve(ksp.get(), residual.get(), correction.get()));
    if (context.stopped) throw Interrupted();
    PetscInt iterations = 0;
    check(KSPGetIterationNumber(ksp.get(), &iterations));
    result.iterations += static_cast<int>(iterations);
    // Far from zero mean, potentials would be rounded more coarsely than the gauge allows.
    if (constant != nullptr) check(MatNullSpaceRemove(constant, correction.get()));
    check(VecAXPY(x, 1, correction.get()));
    check(MatMult(matrix, x, residual.get()));
    check(VecAYPX(residual.get(), -1, b));
    PetscReal norm = 0;
    check(VecNorm(residual.get(), NORM_2, &norm));
    const double now = norm / norm_b;
    if (!(now < last)) {  // also when not a number: take the last correction back
      check(VecAXPY(x, -1, correction.get()));
      break;
    }
    const bool stalled = now > 0.5 * last;
    last = now;
    if (last <= tolerance || stalled) break;
  }
  result.relative_residual = last;
  KSPType used_ksp = nullptr;
  PCType used_pc = nullptr;
  check(KSPGetType(ksp.get(), &used_ksp));
  check(PCGetType(pc, &used_pc));
  result.method = fmt::format("{} + {}", used_ksp, used_pc);
  result.seconds_solve = wall_time() - solve_begin;
  return result;
}

}  // namespace kirchhoff
