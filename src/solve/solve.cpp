#include "kirchhoff/solve/solve.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "kirchhoff/currents/currents.hpp"
#include "kirchhoff/parallel/session.hpp"
#include "solve/method.hpp"
#include "solve/refine.hpp"
#include "solve/solve_memory.hpp"
#include "solve/spectral/spectral.hpp"

namespace kirchhoff {
namespace {

/// What an engine did; the potentials are in the field by then.
struct Done {
  std::string method;
  std::int64_t iterations = 0;
  double error = 0;  // of the potentials, relative to the largest
  double seconds_assemble = 0;
  double seconds_setup = 0;
  double seconds_solve = 0;
  SolutionCheck checked;
};

bool is_right(const Done& done, double tolerance) {
  // Not "greater than": a NaN must fail too.
  return done.checked.relative_residual <= allowed_residual(tolerance, done.checked.residual_floor) &&
         done.error <= std::max(kWorstPotentials, tolerance);
}

// Of potentials when they are stored, half a unit in the last place, and as much of their mean.
constexpr double kRounding = std::numeric_limits<double>::epsilon();

Done run_refined(MPI_Comm comm, const Circuit& circuit, const Plan& plan, double tolerance, bool from_field,
                 SharedArray& field) {
  const double begin = wall_time();
  const auto corrector = plan.engine->corrector(comm, circuit, plan);
  const double made = wall_time();
  const auto refined = refine(comm, circuit, *corrector, tolerance, from_field, field);
  Done done;
  done.method = corrector->method();
  done.iterations = refined.iterations;
  done.error = refined.error + kRounding;
  done.seconds_setup = corrector->seconds_setup();
  done.seconds_assemble = made - begin - done.seconds_setup;
  done.seconds_solve = wall_time() - made;
  done.checked = check_solution(comm, circuit, field.data());
  return done;
}

/// The transform, which knows the error of its potentials beforehand; refined where that is too large.
Done run_spectral(MPI_Comm comm, const Circuit& circuit, const Plan& plan, double tolerance, SharedArray& field) {
  refuse_unused_options();
  const double begin = wall_time();
  const auto result = solve_spectral(comm, circuit, field);
  Done done;
  done.method = "spectral";
  done.seconds_setup = result.seconds_planned;
  done.seconds_solve = wall_time() - begin - done.seconds_setup;
  done.checked = check_solution(comm, circuit, field.data());
  done.error = result.error / done.checked.largest_potential + result.relative_error + kRounding;
  constexpr double kGood = 1e-10;
  if (is_right(done, tolerance) && done.error <= kGood) return done;
  auto refined = run_refined(comm, circuit, plan, tolerance, true, field);
  refined.seconds_setup += done.seconds_setup;
  refined.seconds_solve += done.seconds_solve;
  return refined;
}

Done run(MPI_Comm comm, const Circuit& circuit, const Plan& plan, double tolerance, SharedArray& field) {
  if (plan.engine->transforms) return run_spectral(comm, circuit, plan, tolerance, field);
  return run_refined(comm, circuit, plan, tolerance, false, field);
}

/// What a solve that missed came to.
std::string outcome(const Done& done) {
  return fmt::format("{} stopped at a relative residual of {:.1e} after {} iterations, its potentials known to {:.1e}",
                     done.method, done.checked.relative_residual, done.iterations, done.error);
}

std::string advice(const Done& done, const Plan& plan, double tolerance) {
  const double allowed = allowed_residual(tolerance, done.checked.residual_floor);
  const bool factorised = plan.engine->factorises;
  if (done.checked.residual_floor > allowed || (factorised && done.checked.relative_residual <= allowed)) {
    return "the resistances differ too much for double precision";
  }
  if (factorised) return "try -solve_method krylov";
  return "try another -pc_type, more -ksp_max_it or -solve_method direct";
}

SolveReport report_of(MPI_Comm comm, const Circuit& circuit, const Done& done, double tolerance) {
  SolveReport report;
  const auto& checked = done.checked;
  report.method = done.method;
  report.gauge = "mean of all potentials is zero";
  report.unknowns = circuit.vertices();
  report.edges = circuit.edges();
  report.iterations = done.iterations;
  report.components = circuit.components();
  report.ranks = size_of(comm);
  report.tolerance = tolerance;
  report.relative_residual = checked.relative_residual;
  report.residual_floor = checked.residual_floor;
  report.potential_error_estimate = done.error;
  report.residual_norm1 = checked.residual_norm1;
  report.kcl_max_imbalance = checked.kcl_max_imbalance;
  report.energy_relative_error = checked.energy_relative_error;
  report.effective_resistance = checked.effective_resistance;
  report.seconds_assemble = done.seconds_assemble;
  report.seconds_setup = done.seconds_setup;
  report.seconds_solve = done.seconds_solve;
  report.peak_memory_bytes = peak_memory(comm);
  report.blas = blas_version();
  return report;
}

constexpr const char* kStage = "solving the circuit";

}  // namespace

void require_solve_memory(MPI_Comm comm, const Circuit& circuit, const SolveOptions& options) {
  require_memory(comm, kStage, solve_memory(circuit, plans(comm, circuit, options.method).front(), size_of(comm)));
}

Solution solve(MPI_Comm comm, const Circuit& circuit, const SolveOptions& options) {
  const double begin = wall_time();
  const auto all = plans(comm, circuit, options.method);
  const double chosen = wall_time() - begin;
  std::string before;  // what has been tried in vain
  double wasted = 0;
  for (const auto& plan : all) {
    const double now = wall_time();
    require_memory(comm, kStage, solve_memory(circuit, plan, size_of(comm)));
    Solution solution{SharedArray(comm, circuit.vertices()), {}};
    const auto done = run(comm, circuit, plan, options.tolerance, solution.potential);
    if (is_right(done, options.tolerance)) {
      solution.report = report_of(comm, circuit, done, options.tolerance);
      solution.report.reason = plan.reason + (before.empty() ? "" : "; tried before: " + before);
      solution.report.seconds_assemble += chosen + wasted;
      solution.report.seconds_total = wall_time() - begin;
      return solution;
    }
    wasted += wall_time() - now;
    if (&plan != &all.back()) {
      before += (before.empty() ? "" : "; ") + outcome(done);
      continue;
    }
    throw AgreedError(fmt::format(
        "the solve ({}) stopped at a relative residual of {:.1e} after {} iterations, its potentials known to {:.1e}; "
        "asked for {:.1e} and {:.1e}, and rounding of the potentials allows a residual of {:.1e}: {}{}",
        done.method, done.checked.relative_residual, done.iterations, done.error, options.tolerance,
        std::max(kWorstPotentials, options.tolerance), done.checked.residual_floor,
        advice(done, plan, options.tolerance), before.empty() ? "" : "; tried before: " + before));
  }
  throw Error("internal: no way to solve the circuit");
}

}  // namespace kirchhoff
