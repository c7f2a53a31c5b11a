#include "solve/linear/krylov.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "kirchhoff/base/text.hpp"
#include "kirchhoff/parallel/progress.hpp"
#include "kirchhoff/parallel/session.hpp"
#include "kirchhoff/parallel/stop.hpp"

namespace kirchhoff {
namespace {

/// What the convergence test carries from one iteration to the next.
struct TestContext {
  explicit TestContext(MPI_Comm communicator) : comm(communicator), progress(comm, "solve", "iterations", 0) {
    check(KSPConvergedDefaultCreate(&standard));
  }
  TestContext(const TestContext&) = delete;
  TestContext& operator=(const TestContext&) = delete;
  ~TestContext() { KSPConvergedDefaultDestroy(standard); }

  /// Asks whether any rank is to stop, without waiting: the answer comes with the next iteration, whose own sums over
  /// the ranks it travels beside.
  void ask() {
    if (size_of(comm) == 1) {
      any = stop_requested() ? 1 : 0;
      return;
    }
    mine = stop_requested() ? 1 : 0;
    MPI_Iallreduce(&mine, &any, 1, MPI_INT, MPI_MAX, comm, &question);
  }
  bool answer() {
    MPI_Wait(&question, MPI_STATUS_IGNORE);
    return std::exchange(any, 0) > 0;
  }

  MPI_Comm comm;
  Progress progress;
  MPI_Request question = MPI_REQUEST_NULL;
  int mine = 0;
  int any = 0;
  void* standard = nullptr;  // of KSPConvergedDefault
  bool stopped = false;
};

PetscErrorCode converged(KSP ksp, PetscInt iteration, PetscReal norm, KSPConvergedReason* reason, void* data) {
  auto& context = *static_cast<TestContext*>(data);
  PetscCall(KSPConvergedDefault(ksp, iteration, norm, reason, context.standard));
  const bool stops = context.answer();
  if (*reason != KSP_CONVERGED_ITERATING) return 0;
  if (context.progress.due()) context.progress.update(iteration, fmt::format("residual norm {:.2e}", norm));
  if (stops) {
    context.stopped = true;
    *reason = KSP_DIVERGED_BREAKDOWN;
  } else {
    context.ask();
  }
  return 0;
}

/// Whether an option speaks to one of PETSc's solvers.
bool of_solver(const std::string& name) {
  static const std::array<std::string, 9> ours = {"ksp_", "pc_",         "mat_",   "vec_",      "mg_",
                                                  "sub_", "fieldsplit_", "inner_", "redundant_"};
  return std::any_of(ours.begin(), ours.end(), [&](const std::string& prefix) { return name.starts_with(prefix); });
}

}  // namespace

bool solver_options_given() {
  const auto names = options::unused();
  return std::any_of(names.begin(), names.end(), of_solver);
}

void refuse_unused_options() {
  static const std::array<std::string, 12> known = {
      "ksp_type",      "ksp_rtol", "ksp_max_it",    "ksp_monitor",  "ksp_view",
      "ksp_norm_type", "pc_type",  "pc_hypre_type", "pc_gamg_type", "pc_factor_mat_solver_type",
      "mat_type",      "vec_type"};
  static const std::array<std::string, 6> late = {"ksp_converged_", "ksp_view", "mat_view",
                                                  "vec_view",       "pc_view",  "ksp_test_"};
  static const std::array<std::string, 4> late_inside = {"esteig", "_view", "_monitor", "_converged_"};
  for (const auto& name : options::unused()) {
    const auto starts = [&](const std::string& prefix) { return name.starts_with(prefix); };
    const auto holds = [&](const std::string& part) { return name.find(part) != std::string::npos; };
    const bool inner = !name.starts_with("ksp_") && std::any_of(late_inside.begin(), late_inside.end(), holds);
    if (of_solver(name) && std::none_of(late.begin(), late.end(), starts) && !inner) {
      throw Error(fmt::format("option -{}: the chosen solver does not know it{}", name, did_you_mean(name, known)));
    }
  }
}

struct LinearSolver::State {
  State(MPI_Comm comm, Mat a) : matrix(a), test(comm) {}

  Mat matrix;
  TestContext test;
  Handle<KSP, KSPDestroy> ksp;
  PC pc = nullptr;                  // the KSP's
  MatNullSpace constant = nullptr;  // the matrix's; null when it has none
  PetscReal reduction = 0;
};

LinearSolver::LinearSolver(LinearSolver&&) noexcept = default;
LinearSolver& LinearSolver::operator=(LinearSolver&&) noexcept = default;
LinearSolver::~LinearSolver() = default;

LinearSolver::LinearSolver(MPI_Comm comm, Mat matrix, Mat preconditioner, const LinearDefaults& defaults)
    : state_(std::make_unique<State>(comm, matrix)) {
  const double begin = wall_time();
  auto& s = *state_;
  check(KSPCreate(comm, s.ksp.out()));
  KSP ksp = s.ksp.get();
  check(KSPSetOperators(ksp, matrix, preconditioner));
  check(KSPSetType(ksp, defaults.ksp_type));
  const bool direct = std::string_view(defaults.ksp_type) == KSPPREONLY;
  check(KSPGetPC(ksp, &s.pc));
  check(PCSetType(s.pc, defaults.pc_type));
  if (direct) check(PCFactorSetMatSolverType(s.pc, defaults.package));
  if (defaults.configure) defaults.configure(s.pc);
  PetscInt rows = 0;
  check(MatGetSize(matrix, &rows, nullptr));
  // In exact arithmetic as many iterations as unknowns would do; far fewer are the rule, but a long chain needs its
  // length.
  const PetscInt most = std::max<PetscInt>(20000, std::min<PetscInt>(rows, 200000));
  check(KSPSetTolerances(ksp, defaults.reduction, PETSC_DEFAULT, 1e30, most));
  if (!direct) check(KSPSetConvergenceTest(ksp, converged, &s.test, nullptr));
  check(KSPSetFromOptions(ksp));
  PetscBool conjugate_gradients = PETSC_FALSE;
  check(PetscObjectTypeCompare(reinterpret_cast<PetscObject>(ksp), KSPCG, &conjugate_gradients));
  if (conjugate_gradients == PETSC_TRUE && !options::get("ksp_norm_type")) {
    // Rounding feeds the residual's component along the constant, which no iteration can take away; this norm is blind
    // to it. Other methods do not have it.
    check(KSPSetNormType(ksp, KSP_NORM_NATURAL));
  }
  check(KSPSetUp(ksp));
  refuse_unused_options();
  check(KSPGetTolerances(ksp, &s.reduction, nullptr, nullptr, nullptr));
  check(MatGetNullSpace(matrix, &s.constant));
  seconds_setup_ = wall_time() - begin;
}

int LinearSolver::pass(Vec b, Vec x, double reduction, int most) {
  KSP ksp = state_->ksp.get();
  // Along the constant there is nothing to solve for, only rounding.
  if (state_->constant != nullptr) check(MatNullSpaceRemove(state_->constant, b));
  check(KSPSetTolerances(ksp, reduction, PETSC_DEFAULT, PETSC_DEFAULT, most));
  check(KSPSolve(ksp, b, x));
  if (state_->test.answer()) state_->test.stopped = true;
  if (state_->test.stopped) throw Interrupted();
  PetscInt iterations = 0;
  check(KSPGetIterationNumber(ksp, &iterations));
  return static_cast<int>(iterations);
}

int LinearSolver::pass(Mat b, Mat x, double reduction, int most) {
  KSP ksp = state_->ksp.get();
  PetscBool direct = PETSC_FALSE;
  check(PetscObjectTypeCompare(reinterpret_cast<PetscObject>(ksp), KSPPREONLY, &direct));
  if (direct == PETSC_TRUE) {
    check(KSPMatSolve(ksp, b, x));
    return 1;
  }
  PetscInt columns = 0;
  check(MatGetSize(b, nullptr, &columns));
  int iterations = 0;
  for (PetscInt k = 0; k < columns && (most < 0 || iterations < most); ++k) {
    Vec from = nullptr;
    Vec to = nullptr;
    check(MatDenseGetColumnVecRead(b, k, &from));
    check(MatDenseGetColumnVecWrite(x, k, &to));
    iterations = std::max(iterations, pass(from, to, reduction, most));
    check(MatDenseRestoreColumnVecWrite(x, k, &to));
    check(MatDenseRestoreColumnVecRead(b, k, &from));
  }
  return iterations;
}

double LinearSolver::reduction() const { return state_->reduction; }

std::string LinearSolver::method() const {
  KSPType ksp = nullptr;
  PCType pc = nullptr;
  check(KSPGetType(state_->ksp.get(), &ksp));
  check(PCGetType(state_->pc, &pc));
  MatSolverType package = nullptr;
  const std::string_view kind(pc);
  if (kind == PCCHOLESKY || kind == PCLU) check(PCFactorGetMatSolverType(state_->pc, &package));
  return fmt::format("{} + {}{}", ksp, pc, package == nullptr ? "" : fmt::format(" ({})", package));
}

}  // namespace kirchhoff
