// Solves a circuit whose edges can be listed by conjugate gradients on its even layers, the odd ones being eliminated.
// Chosen: where edges differ, with Jacobi, the spectral solve of the nearest uniform circuit, or multigrid on a
// lattice. Cost: a product with the edges per iteration, on half the unknowns; tens of iterations as a rule.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "solve/linear/even_layers.hpp"
#include "solve/linear/even_layers_table.hpp"
#include "solve/method.hpp"
#include "solve/multigrid/multigrid.hpp"

namespace kirchhoff {
namespace {

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

/// Conjugate gradients on the even layers.
class EvenLayersCorrector final : public Corrector {
 public:
  EvenLayersCorrector(MPI_Comm comm, const Circuit& circuit, const Plan& plan)
      : with_(plan.with), even_layout_(comm, circuit.states(), circuit.layers() / 2 + 1) {
    EvenLayersStencil* stencil = nullptr;
    if (circuit.coupling(0).lattice() != nullptr && plan.with != Smoothing::jacobi) {
      auto laplacian = std::make_unique<EvenLayersStencil>(comm, circuit);
      stencil = laplacian.get();
      system_ = std::move(laplacian);
    } else if (EvenLayersTable::applies(circuit)) {
      system_ = std::make_unique<EvenLayersTable>(comm, circuit);
    } else {
      system_ = std::make_unique<EvenLayersMatrix>(comm, circuit);
    }
    matrix_ = even_layers_operator(even_layout_, *system_);
    check(MatCreateVecs(matrix_.get(), x_.out(), b_.out()));
    LinearDefaults defaults;
    defaults.pc_type = plan.pc;
    defaults.reduction = kNoOption;
    defaults.configure = [&](PC pc) {
      if (plan.with == Smoothing::spectral) {
        spectral_.emplace(comm, circuit, plan.likeness);
        fill_shell(pc, *spectral_, "spectral");
      } else if (plan.with == Smoothing::multigrid) {
        multigrid_.emplace(comm, stencil->stencil());
        fill_shell(pc, *multigrid_, "multigrid");
      }
    };
    solver_.emplace(comm, matrix_.get(), matrix_.get(), defaults);
  }

  int correct(std::span<const double> r, std::span<double> x, double wanted) override {
    system_->eliminate(r, Local(b_.get()).values);
    const int iterations = solver_->pass(b_.get(), x_.get(), reduction(wanted));
    system_->recover(LocalRead(x_.get()).values, r, x);
    return iterations;
  }
  std::string method() const override {
    const char* names[] = {"jacobi", "spectral", "multigrid"};
    return fmt::format("cg on even layers + {}", names[static_cast<int>(with_)]);
  }
  double seconds_setup() const override { return solver_->seconds_setup(); }
  double reduction(double wanted) const override { return reduction_of(*solver_, wanted); }

 private:
  Smoothing with_;
  Layout even_layout_;
  std::unique_ptr<EvenLayers> system_;
  Matrix matrix_;
  Vector b_;
  Vector x_;
  std::optional<SpectralPreconditioner> spectral_;
  std::optional<LayeredMultigrid> multigrid_;
  std::optional<LinearSolver> solver_;  // last: it uses all of these
};

/// Of a lattice's edges and degrees in one precision, padded by a line of states at both ends.
double stencil_bytes(const Sizes& n, int slots, double padding, double number) {
  return number * padding * ((n.layers - 1) * slots * n.states + n.vertices);
}

/// Conjugate gradients on the even layers: five vectors of their own, right-hand side and solution, one of Jacobi.
constexpr double kKrylovVectors = 8;

MemoryNeed even_layers_memory(const Circuit& circuit, const Plan& plan, int ranks) {
  const Sizes n(circuit, ranks);
  MemoryNeed need{.each = kKrylovVectors * sizeof(double) * n.vertices / 2 / n.ranks};
  const bool lattice = circuit.coupling(0).lattice() != nullptr && plan.with != Smoothing::jacobi;
  if (lattice) {
    const int dimensions = circuit.space().dimensions();
    const double padding = 1 + 2.0 / circuit.space().categories();
    const int slots = 1 + 2 * dimensions;
    need.once +=
        stencil_bytes(n, slots, padding, sizeof(double)) + sizeof(double) * padding * n.vertices;  // and a field
    if (plan.with == Smoothing::multigrid) {
      const double coarser = 1 / (1 - std::ldexp(1.0, -dimensions));  // 2^D states tied together a level
      const double fields = 0.5 * 4;                                  // three of even layers and one of odd ones
      const double lines = 0.5 * 2;                                   // pivots and factors
      need.once +=
          coarser * (stencil_bytes(n, slots, padding, sizeof(float)) + fields * sizeof(float) * padding * n.vertices);
      need.each += coarser * lines * sizeof(float) * n.vertices / n.ranks;
    }
  } else if (EvenLayersTable::applies(circuit)) {
    const double pair = n.edges / (n.layers - 1);
    need.each += (pair * kMatrixEntry + 2 * sizeof(double) * n.vertices / 2) / n.ranks;
  } else {
    constexpr double kVectors = 6;  // of even or odd layers
    need.each += (n.edges * kMatrixEntry + kVectors * sizeof(double) * n.vertices / 2) / n.ranks;
  }
  if (plan.with == Smoothing::spectral) need.once += sizeof(float) * n.vertices / 2;
  return need + n.refinement();
}

}  // namespace

const SolveEngine kEvenLayersEngine{
    [](MPI_Comm comm, const Circuit& circuit, const Plan& plan) -> std::unique_ptr<Corrector> {
      return std::make_unique<EvenLayersCorrector>(comm, circuit, plan);
    },
    even_layers_memory};

Plan even_layers(Smoothing with) {
  Plan plan{&kEvenLayersEngine, with, PCSHELL, "odd layers eliminated; ", {}};
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

const MethodRow& multigrid_method() {
  static const MethodRow row{SolveMethod::multigrid,
                             "multigrid",
                             {},
                             [](MPI_Comm comm, const Circuit& circuit) -> std::string {
                               if (circuit.coupling(0).lattice() == nullptr) return "needs a lattice circuit";
                               return on_one_node(comm) ? "" : "needs ranks on one node";
                             },
                             [](MPI_Comm, const Circuit&) { return even_layers(Smoothing::multigrid); }};
  return row;
}

const MethodRow& even_layers_method() {
  static const MethodRow row{SolveMethod::even_layers,
                             "even_layers",
                             {"parity"},
                             [](MPI_Comm, const Circuit& circuit) -> std::string {
                               return circuit.joins_all() ? "needs a circuit whose edges can be listed" : "";
                             },
                             [](MPI_Comm, const Circuit&) { return even_layers(Smoothing::jacobi); }};
  return row;
}

}  // namespace kirchhoff
