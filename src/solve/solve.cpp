#include "kirchhoff/solve.hpp"

#include <fmt/format.h>

#include <cmath>

#include "kirchhoff/currents.hpp"
#include "kirchhoff/session.hpp"
#include "solve/krylov.hpp"

namespace kirchhoff {
namespace {

struct Plan {
  bool direct = false;
  PCType pc = PCJACOBI;
  std::string reason;
};

/// Which solver, and why; the table behind it is in docs/solving.md.
Plan choose(const Circuit& circuit, SolveMethod method) {
  if (method == SolveMethod::direct) {
    if (circuit.family() == Family::dense && circuit.states() > kDenseDirectStates) {
      throw Error(
          fmt::format("solve_method direct stores the {} edges of a dense circuit, which is refused above {} "
                      "states a layer: use -solve_method krylov, which is exact too",
                      circuit.edges(), kDenseDirectStates));
    }
    return {true, PCCHOLESKY, "asked for"};
  }
  Plan plan;
  if (circuit.family() == Family::dense) {
    plan.reason =
        "dense coupling is the identity plus rank one: O(N) a layer and product, conjugate gradients end after "
        "about as many iterations as layers";
  } else if (circuit.family() == Family::lattice && circuit.space().dimensions() <= 2) {
#ifdef PETSC_HAVE_HYPRE
    plan.pc = PCHYPRE;  // BoomerAMG is hypre's default
#else
    plan.pc = PCGAMG;
#endif
    plan.reason = "a lattice of few dimensions is a grid, on which multigrid needs few iterations whatever its size";
  } else {
    plan.reason =
        "every layer feeds the next, so the Laplacian is diagonally strong and Jacobi is the cheapest "
        "preconditioner that keeps up";
  }
  if (method == SolveMethod::krylov) plan.reason = "asked for; " + plan.reason;
  return plan;
}

/// Vec (rank's states, layer by layer) to the shared field in natural order; the mean removed. Collective.
void publish(const Layout& layout, const Circuit& circuit, Vec x, SharedArray& field) {
  const auto n = circuit.states();
  const auto width = layout.states().size();
  PetscScalar mean = 0;
  check(VecSum(x, &mean));
  mean /= static_cast<double>(circuit.vertices());
  const PetscScalar* values = nullptr;
  check(VecGetArrayRead(x, &values));
  for (int l = 0; l <= circuit.layers(); ++l) {
    for (std::int64_t i = 0; i < width; ++i) {
      field.data()[static_cast<std::size_t>(l * n + layout.states().begin + i)] = values[l * width + i] - mean;
    }
  }
  check(VecRestoreArrayRead(x, &values));
  field.complete();
}

}  // namespace

Solution solve(MPI_Comm comm, const Circuit& circuit, const SolveOptions& options) {
  const double begin = wall_time();
  const Plan plan = choose(circuit, options.method);
  const Layout layout(comm, circuit);
  const bool dense = circuit.family() == Family::dense;
  const Matrix matrix = dense ? dense_laplacian(layout, circuit) : assemble_laplacian(layout, circuit, false);
  set_constant_null_space(comm, matrix.get());
  const Matrix grounded = plan.direct ? assemble_laplacian(layout, circuit, true) : Matrix();
  const Vector b = terminals(layout, circuit, matrix.get());
  Vector x;
  check(VecDuplicate(b.get(), x.out()));
  const double assembled = wall_time();

  LinearSolver solver(comm, matrix.get(), plan.direct ? grounded.get() : matrix.get(),
                      {plan.direct ? KSPPREONLY : KSPCG, plan.pc, options.tolerance, {}});
  const auto linear = solver.solve(b.get(), x.get());
  Solution solution{SharedArray(comm, circuit.vertices()), {}};
  publish(layout, circuit, x.get(), solution.potential);

  const auto checked = check_solution(comm, circuit, solution.potential.data());
  auto& report = solution.report;
  report.method = solver.method();
  report.reason = plan.reason;
  report.gauge = "mean of all potentials is zero";
  report.unknowns = circuit.vertices();
  report.edges = circuit.edges();
  report.iterations = linear.iterations;
  report.components = circuit.components();
  report.ranks = size_of(comm);
  report.tolerance = options.tolerance;
  report.relative_residual = checked.relative_residual;
  report.residual_floor = checked.residual_floor;
  report.residual_norm1 = checked.residual_norm1;
  report.kcl_max_imbalance = checked.kcl_max_imbalance;
  report.energy_relative_error = checked.energy_relative_error;
  report.effective_resistance = checked.effective_resistance;
  report.seconds_assemble = assembled - begin;
  report.seconds_setup = solver.seconds_setup();
  report.seconds_solve = linear.seconds;
  report.seconds_total = wall_time() - begin;
  report.peak_memory_bytes = peak_memory(comm);
  report.blas = blas_version();
  const double allowed = allowed_residual(options.tolerance, report.residual_floor);
  // Not "greater than": a NaN must fail too.
  if (!(report.relative_residual <= allowed)) {
    const bool hopeless = report.residual_floor > allowed;
    throw AgreedError(fmt::format(
        "the solve ({}) stopped at a relative residual of {:.1e} after {} iterations; asked for {:.1e}, and rounding "
        "of the "
        "potentials allows {:.1e}: {}",
        report.method, report.relative_residual, report.iterations, options.tolerance, report.residual_floor,
        hopeless ? "the resistances differ too much for double precision"
                 : (plan.direct ? "try -solve_method krylov"
                                : "try another -pc_type, more -ksp_max_it or -solve_method direct")));
  }
  return solution;
}

}  // namespace kirchhoff
