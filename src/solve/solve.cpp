#include "kirchhoff/solve.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <optional>
#include <span>

#include "kirchhoff/currents.hpp"
#include "kirchhoff/session.hpp"
#include "solve/krylov.hpp"
#include "solve/multigrid.hpp"
#include "solve/parity.hpp"
#include "solve/parity_table.hpp"
#include "solve/spectral.hpp"
#include "solve/spectral_preconditioner.hpp"

namespace kirchhoff {
namespace {

// Where one method overtakes another: docs/solving.md.
constexpr std::int64_t kStatesForMultigrid = 25000;
constexpr double kSmallSpread = 0.38;
constexpr double kSmallGrid = 200;  // squared, in steps along the edges
// Below, BoomerAMG may have no coarser level than a singular matrix, whose elimination it reports as an error.
constexpr std::int64_t kVerticesForMultigrid = 1000;

enum class Engine { spectral, parity, assembled, factorisation };
enum class Smoothing { jacobi, spectral, multigrid };  // what preconditions the parity engine

struct Plan {
  Engine engine = Engine::assembled;
  Smoothing with = Smoothing::jacobi;
  PCType pc = PCJACOBI;  // of the assembled engine
  std::string reason;
  std::optional<LatticeLikeness> likeness;  // where the choice needed it
};

/// Whether the states of a layer form a grid of one or two dimensions.
bool is_plane(const Circuit& circuit) {
  const bool grid = circuit.family() == Family::lattice || circuit.family() == Family::nearest;
  return grid && circuit.space().dimensions() <= 2;
}

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
  if (circuit.family() == Family::dense) {
    plan.reason =
        "dense coupling is the identity plus rank one: O(N) a layer and product, conjugate gradients end after "
        "about as many iterations as layers";
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
  const bool lattice = circuit.family() == Family::lattice;
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
      if (circuit.family() == Family::dense && circuit.states() > kDenseDirectStates) {
        throw Error(
            fmt::format("solve_method direct stores the {} edges of a dense circuit, which is refused above {} "
                        "states a layer: use -solve_method spectral, which is exact too",
                        circuit.edges(), kDenseDirectStates));
      }
      return {Engine::factorisation, Smoothing::jacobi, PCCHOLESKY, "asked for", {}};
    case SolveMethod::spectral:
      if (!uniform && !on_one_node(comm)) refuse("ranks on one node when edges differ");
      return asked(uniform ? direct : parity(Smoothing::spectral));
    case SolveMethod::multigrid:
      if (!lattice) refuse("a lattice circuit");
      if (!on_one_node(comm)) refuse("ranks on one node");
      return asked(parity(Smoothing::multigrid));
    case SolveMethod::parity:
      if (circuit.family() == Family::dense) refuse("a circuit whose edges can be listed");
      return asked(parity(Smoothing::jacobi));
    case SolveMethod::krylov:
      return asked(assembled(circuit));
    case SolveMethod::automatic:
      break;
  }
  if (solver_options_given()) return assembled(circuit);
  if (uniform) return direct;
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

/// Numbers of a rank's states, layer by layer, to the shared field in natural order; the mean removed. Collective.
void publish(const Layout& layout, const Circuit& circuit, std::span<const double> x, SharedArray& field) {
  const auto n = circuit.states();
  const auto width = layout.states().size();
  const double mean = all_sum(layout.comm(), pairwise_sum(x)) / static_cast<double>(circuit.vertices());
  for (int l = 0; l <= circuit.layers(); ++l) {
    for (std::int64_t i = 0; i < width; ++i) {
      field.data()[static_cast<std::size_t>(l * n + layout.states().begin + i)] =
          x[static_cast<std::size_t>(l * width + i)] - mean;
    }
  }
  field.complete();
}

/// What an engine did; the potentials are in the field by then.
struct Done {
  std::string method;
  std::int64_t iterations = 0;
  double seconds_assemble = 0;
  double seconds_setup = 0;
  double seconds_solve = 0;
};

Done run_spectral(MPI_Comm comm, const Circuit& circuit, SharedArray& field) {
  refuse_unused_options();
  const double begin = wall_time();
  Done done{"spectral", 0, 0, solve_spectral(comm, circuit, field), 0};
  done.seconds_solve = wall_time() - begin - done.seconds_setup;
  return done;
}

Done run_petsc(MPI_Comm comm, const Circuit& circuit, const Plan& plan, double tolerance, SharedArray& field) {
  const double begin = wall_time();
  const Layout layout(comm, circuit);
  const bool direct = plan.engine == Engine::factorisation;
  const bool dense = circuit.family() == Family::dense;
  const Matrix matrix = dense ? dense_laplacian(layout, circuit) : assemble_laplacian(layout, circuit, false);
  set_constant_null_space(comm, matrix.get());
  const Matrix grounded = direct ? assemble_laplacian(layout, circuit, true) : Matrix();
  const Vector b = terminals(layout, circuit, matrix.get());
  Vector x;
  check(VecDuplicate(b.get(), x.out()));
  const double assembled = wall_time() - begin;

  LinearSolver solver(comm, matrix.get(), direct ? grounded.get() : matrix.get(),
                      {direct ? KSPPREONLY : KSPCG, plan.pc, tolerance, {}});
  const auto linear = solver.solve(b.get(), x.get());
  publish(layout, circuit, LocalRead(x.get()).values, field);
  return {solver.method(), linear.iterations, assembled, solver.seconds_setup(), linear.seconds};
}

/// A PCSHELL that calls `apply` (residual, correction) of what it is given.
template <class Preconditioner>
void fill_shell(PC pc, Preconditioner& preconditioner, const char* name) {
  check(PCShellSetContext(pc, &preconditioner));
  check(PCShellSetName(pc, name));
  check(PCShellSetApply(pc, [](PC shell, Vec in, Vec out) -> PetscErrorCode {
    void* context = nullptr;
    PetscCall(PCShellGetContext(shell, static_cast<void*>(&context)));
    const LocalRead residual(in);
    const Local correction(out);
    static_cast<Preconditioner*>(context)->apply(residual.values, correction.values);
    return 0;
  }));
}

Done run_parity(MPI_Comm comm, const Circuit& circuit, const Plan& plan, double tolerance, SharedArray& field) {
  const double begin = wall_time();
  const Layout layout(comm, circuit);
  const Layout even_layout(comm, circuit.states(), circuit.layers() / 2 + 1);
  std::unique_ptr<ParitySystem> system;
  ParityLaplacian* stencil = nullptr;
  if (circuit.family() == Family::lattice && plan.with != Smoothing::jacobi) {
    auto laplacian = std::make_unique<ParityLaplacian>(comm, circuit);
    stencil = laplacian.get();
    system = std::move(laplacian);
  } else if (ParityTable::applies(circuit)) {
    system = std::make_unique<ParityTable>(comm, circuit);
  } else {
    system = std::make_unique<ParityMatrix>(comm, circuit);
  }
  const Matrix matrix = parity_operator(even_layout, *system);
  std::vector<double> b;
  b.reserve(static_cast<std::size_t>(layout.local_rows()));
  for (int l = 0; l <= circuit.layers(); ++l) {
    for (auto x = layout.states().begin; x < layout.states().end; ++x) b.push_back(circuit.injected(l, x));
  }
  Vector even_b;
  Vector even_x;
  check(MatCreateVecs(matrix.get(), even_x.out(), even_b.out()));
  system->eliminate(b, Local(even_b.get()).values);
  const double assembled = wall_time() - begin;

  std::optional<SpectralPreconditioner> spectral;
  std::optional<LayeredMultigrid> multigrid;
  const auto configure = [&](PC pc) {
    if (plan.with == Smoothing::spectral) {
      spectral.emplace(comm, circuit, plan.likeness);
      fill_shell(pc, *spectral, "spectral");
    } else if (plan.with == Smoothing::multigrid) {
      multigrid.emplace(comm, stencil->stencil());
      fill_shell(pc, *multigrid, "multigrid");
    }
  };
  // The tolerance is meant for the whole system, of whose right-hand side this is a part.
  PetscReal norm = 0;
  check(VecNorm(even_b.get(), NORM_2, &norm));
  double square = 0;
  for (const double value : b) square += value * value;
  const double whole = std::sqrt(all_sum(comm, square));
  const double of_part = norm > tolerance * whole ? std::min(tolerance * whole / norm, 0.5) : 0.5;
  LinearSolver solver(comm, matrix.get(), matrix.get(), {KSPCG, plan.pc, of_part, configure});
  const auto linear = solver.solve(even_b.get(), even_x.get());
  std::vector<double> x(b.size());
  system->recover(LocalRead(even_x.get()).values, b, x);
  publish(layout, circuit, x, field);
  const char* names[] = {"jacobi", "spectral", "multigrid"};
  return {fmt::format("cg on even layers + {}", names[static_cast<int>(plan.with)]), linear.iterations, assembled,
          solver.seconds_setup(), linear.seconds};
}

}  // namespace

Solution solve(MPI_Comm comm, const Circuit& circuit, const SolveOptions& options) {
  const double begin = wall_time();
  const Plan plan = choose(comm, circuit, options.method);
  const double chosen = wall_time() - begin;
  Solution solution{SharedArray(comm, circuit.vertices()), {}};
  auto& field = solution.potential;
  const Done done = plan.engine == Engine::spectral ? run_spectral(comm, circuit, field)
                    : plan.engine == Engine::parity ? run_parity(comm, circuit, plan, options.tolerance, field)
                                                    : run_petsc(comm, circuit, plan, options.tolerance, field);

  const auto checked = check_solution(comm, circuit, solution.potential.data());
  auto& report = solution.report;
  report.method = done.method;
  report.reason = plan.reason;
  report.gauge = "mean of all potentials is zero";
  report.unknowns = circuit.vertices();
  report.edges = circuit.edges();
  report.iterations = done.iterations;
  report.components = circuit.components();
  report.ranks = size_of(comm);
  report.tolerance = options.tolerance;
  report.relative_residual = checked.relative_residual;
  report.residual_floor = checked.residual_floor;
  report.residual_norm1 = checked.residual_norm1;
  report.kcl_max_imbalance = checked.kcl_max_imbalance;
  report.energy_relative_error = checked.energy_relative_error;
  report.effective_resistance = checked.effective_resistance;
  report.seconds_assemble = chosen + done.seconds_assemble;
  report.seconds_setup = done.seconds_setup;
  report.seconds_solve = done.seconds_solve;
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
        hopeless
            ? "the resistances differ too much for double precision"
            : (plan.engine != Engine::factorisation ? "try another -pc_type, more -ksp_max_it or -solve_method direct"
                                                    : "try -solve_method krylov")));
  }
  return solution;
}

}  // namespace kirchhoff
