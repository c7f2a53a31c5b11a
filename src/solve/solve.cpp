#include "kirchhoff/solve/solve.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "kirchhoff/currents/currents.hpp"
#include "kirchhoff/parallel/session.hpp"
#include "solve/correctors.hpp"
#include "solve/refine.hpp"
#include "solve/solve_memory.hpp"
#include "solve/spectral/spectral.hpp"

namespace kirchhoff {
namespace {

// Where one method overtakes another: docs/solving.md.
constexpr std::int64_t kStatesForMultigrid = 25000;
constexpr double kSmallSpread = 0.38;
constexpr double kSmallGrid = 200;  // squared, in steps along the edges
// Below, BoomerAMG may have no coarser level than a singular matrix, whose elimination it reports as an error.
constexpr std::int64_t kVerticesForMultigrid = 1000;

/// Whether the states of a layer form a grid of one or two dimensions.
bool is_plane(const Circuit& circuit) { return circuit.coupling(0).row().grid && circuit.space().dimensions() <= 2; }

/// The spread of a lattice's conductances: the largest standard deviation of their logarithm over the edges of one slot
/// between the first two layers. Collective.
double log_spread(MPI_Comm comm, const Circuit& circuit) {
  const auto n = circuit.states();
  const auto mine = partition(n, size_of(comm), rank_of(comm));
  const auto& coupling = circuit.coupling(0);
  double largest = 0;
  for (int slot = 0; slot < coupling.slots(); ++slot) {
    std::array<double, 3> sums{};  // edges, logarithms, their squares
    for (auto x = mine.begin; x < mine.end; ++x) {
      const double g = coupling.weights()[static_cast<std::size_t>(slot * n + x)];
      if (g == 0) continue;
      const double log = std::log(g);
      sums[0] += 1;
      sums[1] += log;
      sums[2] += log * log;
    }
    all_sum(comm, std::span<double>(sums));
    if (sums[0] == 0) continue;
    const double mean = sums[1] / sums[0];
    largest = std::max(largest, std::sqrt(std::max(0.0, sums[2] / sums[0] - mean * mean)));
  }
  return largest;
}

/// Conjugate gradients on the assembled Laplacian: PETSc's own preconditioners, and what runs on many nodes.
Plan assembled(const Circuit& circuit) {
  Plan plan;
  if (circuit.joins_all()) {
    plan.reason =
        circuit.coupling(0).groups() == nullptr
            ? "dense coupling is the identity plus rank one: O(N) a layer and product, conjugate gradients "
              "end after about as many iterations as layers"
            : "the groups have no modes in common (they differ in size, or R_in / R_out from layer to layer): "
              "sums over groups make a product O(N) a layer, and few eigenvalues differ";
  } else if (is_plane(circuit) && circuit.vertices() > kVerticesForMultigrid) {
#ifdef PETSC_HAVE_HYPRE
    plan.pc = PCHYPRE;  // BoomerAMG is hypre's default
#else
    plan.pc = PCGAMG;
#endif
    plan.reason = "a lattice of few dimensions is a grid, on which multigrid needs few iterations whatever its size";
  } else {
    plan.reason =
        "a small circuit, or one where every layer feeds the next: the Laplacian is diagonally strong and Jacobi is "
        "the cheapest preconditioner that keeps up";
  }
  return plan;
}

Plan parity(Smoothing with) {
  Plan plan{Engine::parity, with, PCSHELL, "odd layers eliminated; ", {}};
  if (with == Smoothing::spectral) {
    plan.reason += "preconditioned by the spectral solve of the uniform circuit that is nearest on average";
  } else if (with == Smoothing::multigrid) {
    plan.reason += "edges of a lattice differ much: multigrid that ties neighbouring states together, layer by layer";
  } else {
    plan.pc = PCJACOBI;
    plan.reason += "every layer feeds the next, so that Jacobi needs few iterations";
  }
  return plan;
}

/// Which solver, and why; the table behind it is in docs/solving.md.
Plan choose(MPI_Comm comm, const Circuit& circuit, SolveMethod method) {
  const bool uniform = is_uniform(circuit);
  const bool lattice = circuit.coupling(0).lattice() != nullptr;
  const bool weighted = !circuit.coupling(0).weights().empty();
  const auto refuse = [&](const char* needs) {
    throw Error(fmt::format("solve_method {} needs {}", kSolveMethodNames[static_cast<std::size_t>(method)], needs));
  };
  const auto asked = [](Plan plan) {
    plan.reason = "asked for; " + plan.reason;
    return plan;
  };
  Plan direct{Engine::spectral,
              Smoothing::jacobi,
              "",
              "all edges of a kind are alike, so modes decouple: a transform, a tridiagonal system a mode, and back",
              {}};
  switch (method) {
    case SolveMethod::direct:
      if (circuit.joins_all() && circuit.states() > kDenseDirectStates) {
        throw Error(fmt::format(
            "solve_method direct stores the {} edges of a {} circuit, which is refused above {} "
            "states a layer: use -solve_method {}, which is exact too",
            circuit.edges(), to_string(circuit.family()), kDenseDirectStates, uniform ? "spectral" : "krylov"));
      }
      return {Engine::factorisation, Smoothing::jacobi, PCCHOLESKY, "asked for", {}};
    case SolveMethod::spectral:
      if (!uniform && circuit.joins_all())
        refuse("groups of one size, side by side, and one R_in / R_out of all layers");
      if (!uniform && !on_one_node(comm)) refuse("ranks on one node when edges differ");
      return asked(uniform ? direct : parity(Smoothing::spectral));
    case SolveMethod::multigrid:
      if (!lattice) refuse("a lattice circuit");
      if (!on_one_node(comm)) refuse("ranks on one node");
      return asked(parity(Smoothing::multigrid));
    case SolveMethod::parity:
      if (circuit.joins_all()) refuse("a circuit whose edges can be listed");
      return asked(parity(Smoothing::jacobi));
    case SolveMethod::krylov:
      return asked(assembled(circuit));
    case SolveMethod::automatic:
      break;
  }
  if (solver_options_given()) return assembled(circuit);
  if (uniform) return direct;
  if (circuit.joins_all()) return assembled(circuit);
  if (circuit.coupling(0).table() && on_one_node(comm)) {
    // Jacobi's iterations grow with the number of steps from end to end of a coordinate.
    const double side = circuit.space().categories();
    const auto like = lattice_likeness(comm, circuit);
    if (side * side <= kSmallGrid * like.square_step) return parity(Smoothing::jacobi);
    auto plan = parity(Smoothing::spectral);
    plan.likeness = like;
    return plan;
  }
  if (is_plane(circuit) && !on_one_node(comm)) {
    // The iterations of algebraic multigrid do not grow, but its set-up is dear.
    return circuit.states() > kStatesForMultigrid ? assembled(circuit) : parity(Smoothing::jacobi);
  }
  if (!weighted || !lattice || !on_one_node(comm)) return parity(Smoothing::jacobi);
  return parity(log_spread(comm, circuit) < kSmallSpread ? Smoothing::spectral : Smoothing::multigrid);
}

/// What `automatic` does when the plan misses: conjugate gradients on a uniform circuit, then a factorisation where it
/// is no burden.
std::vector<Plan> attempts(MPI_Comm comm, const Circuit& circuit, SolveMethod method) {
  std::vector<Plan> all{choose(comm, circuit, method)};
  if (method != SolveMethod::automatic || solver_options_given()) return all;
  const bool dense = circuit.joins_all();
  if (all.front().engine == Engine::spectral) all.push_back(dense ? assembled(circuit) : parity(Smoothing::jacobi));
  constexpr std::int64_t kFactorised = 50000;  // unknowns: seconds
  constexpr std::int64_t kEdges = 2000000;
  if (circuit.vertices() <= kFactorised && circuit.edges() <= kEdges &&
      (!dense || circuit.states() <= kDenseDirectStates)) {
    all.push_back({Engine::factorisation, Smoothing::jacobi, PCCHOLESKY, "a small circuit", {}});
  }
  return all;
}

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
  const auto corrector = make_corrector(comm, circuit, plan);
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
  if (plan.engine == Engine::spectral) return run_spectral(comm, circuit, plan, tolerance, field);
  return run_refined(comm, circuit, plan, tolerance, false, field);
}

/// What a solve that missed came to.
std::string outcome(const Done& done) {
  return fmt::format("{} stopped at a relative residual of {:.1e} after {} iterations, its potentials known to {:.1e}",
                     done.method, done.checked.relative_residual, done.iterations, done.error);
}

std::string advice(const Done& done, const Plan& plan, double tolerance) {
  const double allowed = allowed_residual(tolerance, done.checked.residual_floor);
  const bool factorised = plan.engine == Engine::factorisation;
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
  require_memory(comm, kStage, solve_memory(circuit, choose(comm, circuit, options.method), size_of(comm)));
}

Solution solve(MPI_Comm comm, const Circuit& circuit, const SolveOptions& options) {
  const double begin = wall_time();
  const auto plans = attempts(comm, circuit, options.method);
  const double chosen = wall_time() - begin;
  std::string before;  // what has been tried in vain
  double wasted = 0;
  for (const auto& plan : plans) {
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
    if (&plan != &plans.back()) {
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
