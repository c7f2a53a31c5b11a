// Solves any circuit on its whole Laplacian: conjugate gradients with PETSc's preconditioners, or MUMPS's Cholesky
// factor. Chosen: where PETSc's options are given, on large grids over several nodes, for blocks without common modes;
// the factor where nothing else does. Cost: a product with the Laplacian per iteration; a factor of O(n^(4/3)) entries.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>

#include "solve/linear/field.hpp"
#include "solve/linear/laplacian.hpp"
#include "solve/method.hpp"
#include "solve/spectral/spectral.hpp"

namespace kirchhoff {
namespace {

// Below, BoomerAMG may have no coarser level than a singular matrix, whose elimination it reports as an error.
constexpr std::int64_t kVerticesForMultigrid = 1000;

/// Conjugate gradients on the whole Laplacian, or its factorisation.
class AssembledCorrector final : public Corrector {
 public:
  AssembledCorrector(MPI_Comm comm, const Circuit& circuit, const Plan& plan)
      : layout_(comm, circuit), direct_(plan.engine->factorises) {
    matrix_ = circuit.joins_all() ? dense_laplacian(layout_, circuit) : assemble_laplacian(layout_, circuit, false);
    set_constant_null_space(comm, matrix_.get());
    if (direct_) grounded_ = assemble_laplacian(layout_, circuit, true);
    b_ = terminals(layout_, circuit, matrix_.get());
    check(VecDuplicate(b_.get(), x_.out()));
    LinearDefaults defaults;
    if (direct_) defaults.ksp_type = KSPPREONLY;
    defaults.pc_type = plan.pc;
    defaults.reduction = kNoOption;
    solver_.emplace(comm, matrix_.get(), direct_ ? grounded_.get() : matrix_.get(), defaults);
  }

  int correct(std::span<const double> r, std::span<double> x, double wanted) override {
    {
      const Local b(b_.get());
      std::copy(r.begin(), r.end(), b.values.begin());
    }
    const int iterations = solver_->pass(b_.get(), x_.get(), reduction(wanted));
    const LocalRead found(x_.get());
    std::copy(found.values.begin(), found.values.end(), x.begin());
    return iterations;
  }
  std::string method() const override { return solver_->method(); }
  double seconds_setup() const override { return solver_->seconds_setup(); }
  double reduction(double wanted) const override { return direct_ ? 0 : reduction_of(*solver_, wanted); }

 private:
  Layout layout_;
  bool direct_;
  Matrix matrix_;
  Matrix grounded_;
  Vector b_;
  Vector x_;
  std::optional<LinearSolver> solver_;
};

/// A factor's entries, by nested dissection of a grid of as many vertices with separators of two dimensions, or of
/// whole layers where every state is joined to all.
double factor_entries(const Circuit& circuit, const Sizes& n) {
  const double separators = 3 * std::pow(n.vertices, 4.0 / 3) + n.edges;
  const double whole_layers = 1.5 * n.layers * n.states * n.states;
  return circuit.joins_all() ? whole_layers : std::min(separators, whole_layers);
}

MemoryNeed assembled_memory(const Circuit& circuit, const Plan& plan, int ranks) {
  const Sizes n(circuit, ranks);
  const bool direct = plan.engine->factorises;
  constexpr double kVectors = 8;
  double bytes = kVectors * sizeof(double) * n.vertices;
  if (!circuit.joins_all() || direct) {
    const double matrix = kMatrixEntry * (2 * n.edges + n.vertices);
    constexpr double kMultigrid = 7;  // algebraic: coarser levels, interpolation, its own copy of all
    const bool jacobi = std::string_view(plan.pc) == PCJACOBI;
    bytes += matrix * (direct ? 2 : jacobi ? 1 : 1 + kMultigrid);
  }
  if (direct) {
    constexpr double kWorkSpace = 3;  // MUMPS holds fronts beside the factor
    bytes += kWorkSpace * sizeof(double) * factor_entries(circuit, n);
  }
  return n.refinement() + MemoryNeed{.each = bytes / n.ranks};
}

std::unique_ptr<Corrector> assembled_corrector(MPI_Comm comm, const Circuit& circuit, const Plan& plan) {
  return std::make_unique<AssembledCorrector>(comm, circuit, plan);
}

}  // namespace

const SolveEngine kAssembledEngine{assembled_corrector, assembled_memory};
const SolveEngine kFactorEngine{assembled_corrector, assembled_memory, true};

bool is_plane(const Circuit& circuit) { return circuit.coupling(0).row().grid && circuit.space().dimensions() <= 2; }

Plan assembled(const Circuit& circuit) {
  Plan plan{&kAssembledEngine, Smoothing::jacobi, PCJACOBI, "", {}};
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

Plan factorised(const char* reason) { return {&kFactorEngine, Smoothing::jacobi, PCCHOLESKY, reason, {}}; }

const MethodRow& krylov_method() {
  static const MethodRow row{SolveMethod::krylov,
                             "krylov",
                             {},
                             [](MPI_Comm, const Circuit&) -> std::string { return ""; },
                             [](MPI_Comm, const Circuit& circuit) { return assembled(circuit); }};
  return row;
}

const MethodRow& direct_method() {
  static const MethodRow row{
      SolveMethod::direct,
      "direct",
      {},
      [](MPI_Comm, const Circuit& circuit) -> std::string {
        if (!circuit.joins_all() || circuit.states() <= kDenseDirectStates) return "";
        return fmt::format(
            "stores the {} edges of a {} circuit, which is refused above {} states a layer: use -solve_method {}, "
            "which is exact too",
            circuit.edges(), to_string(circuit.family()), kDenseDirectStates,
            is_uniform(circuit) ? "spectral" : "krylov");
      },
      [](MPI_Comm, const Circuit&) { return factorised(""); }};
  return row;
}

}  // namespace kirchhoff
