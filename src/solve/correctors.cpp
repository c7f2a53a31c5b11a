#include "solve/correctors.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "kirchhoff/currents/currents.hpp"
#include "kirchhoff/parallel/agree.hpp"
#include "solve/linear/field.hpp"
#include "solve/linear/parity.hpp"
#include "solve/linear/parity_table.hpp"
#include "solve/multigrid/multigrid.hpp"
#include "solve/spectral/spectral.hpp"

namespace kirchhoff {
namespace {

constexpr double kNoOption = 0.123456789;  // no -ksp_rtol that anybody gives

/// What -ksp_rtol says goes before what is wanted.
double reduction_of(const LinearSolver& solver, double wanted) {
  return solver.reduction() == kNoOption ? wanted : solver.reduction();
}

/// Conjugate gradients on the whole Laplacian, or its factorisation.
class AssembledCorrector final : public Corrector {
 public:
  AssembledCorrector(MPI_Comm comm, const Circuit& circuit, const Plan& plan)
      : layout_(comm, circuit), direct_(plan.engine == Engine::factorisation) {
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
class ParityCorrector final : public Corrector {
 public:
  ParityCorrector(MPI_Comm comm, const Circuit& circuit, const Plan& plan)
      : with_(plan.with), even_layout_(comm, circuit.states(), circuit.layers() / 2 + 1) {
    ParityLaplacian* stencil = nullptr;
    if (circuit.coupling(0).lattice() != nullptr && plan.with != Smoothing::jacobi) {
      auto laplacian = std::make_unique<ParityLaplacian>(comm, circuit);
      stencil = laplacian.get();
      system_ = std::move(laplacian);
    } else if (ParityTable::applies(circuit)) {
      system_ = std::make_unique<ParityTable>(comm, circuit);
    } else {
      system_ = std::make_unique<ParityMatrix>(comm, circuit);
    }
    matrix_ = parity_operator(even_layout_, *system_);
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
  std::unique_ptr<ParitySystem> system_;
  Matrix matrix_;
  Vector b_;
  Vector x_;
  std::optional<SpectralPreconditioner> spectral_;
  std::optional<LayeredMultigrid> multigrid_;
  std::optional<LinearSolver> solver_;  // last: it uses all of these
};

/// The transform, for currents into any layer: odd layers eliminated, even ones solved mode by mode, each node all.
class SpectralCorrector final : public Corrector {
 public:
  SpectralCorrector(MPI_Comm comm, const Circuit& circuit)
      : circuit_(circuit),
        layout_(comm, circuit),
        field_(comm, circuit.vertices()),
        even_(comm, circuit.states() * (circuit.layers() / 2 + 1)),
        solver_(agree(comm, [&] {
          return SpectralSolver<double>(circuit.coupling(0), schedule_of(circuit),
                                        {even_.sharing().rank, even_.sharing().ranks});
        })) {
    const auto schedule = schedule_of(circuit);
    degree_.assign(static_cast<std::size_t>(circuit.layers()) + 1, 0);
    for (std::size_t l = 0; l < schedule.same.size(); ++l) {
      const double kappa = schedule.same[l] + solver_.row_changes() * schedule.change[l];
      degree_[l] += kappa;
      degree_[l + 1] += kappa;
    }
  }

  int correct(std::span<const double> r, std::span<double> x, double /*wanted*/) override {
    const auto width = static_cast<std::size_t>(layout_.states().size());
    const auto layers = degree_.size();
    const auto of_layer = [&](auto& values, std::size_t l) { return std::span(values).subspan(l * width, width); };
    std::vector<double> now(r.size(), 0.0);
    std::vector<double> net(width);
    for (std::size_t l = 1; l < layers; l += 2) {
      for (std::size_t i = l * width; i < (l + 1) * width; ++i) now[i] = r[i] / degree_[l];
    }
    share_field(layout_, now, field_);
    std::vector<double> even;
    even.reserve((layers + 1) / 2 * width);
    {
      const NetCurrent leaving(circuit_, field_.data());  // of the odd layers' potentials: what comes in, reversed
      for (std::size_t l = 0; l < layers; l += 2) {
        leaving.layer(static_cast<int>(l), layout_.states(), net);
        for (std::size_t i = 0; i < width; ++i) even.push_back(r[l * width + i] - net[i]);
      }
    }
    share_field(layout_, even, even_);
    solver_.solve(even_.data().data(), [&] { even_.fence(); });
    const auto n = static_cast<std::size_t>(circuit_.states());
    const auto first = static_cast<std::size_t>(layout_.states().begin);
    for (std::size_t l = 0; l < layers; ++l) {
      const auto out = of_layer(now, l);
      if (l % 2 == 0) {
        std::copy_n(even_.data().data() + l / 2 * n + first, width, out.begin());
      } else {
        std::fill(out.begin(), out.end(), 0.0);
      }
    }
    share_field(layout_, now, field_);
    const NetCurrent leaving(circuit_, field_.data());
    for (std::size_t l = 1; l < layers; l += 2) {
      leaving.layer(static_cast<int>(l), layout_.states(), net);
      for (std::size_t i = 0; i < width; ++i) now[l * width + i] = (r[l * width + i] - net[i]) / degree_[l];
    }
    std::copy(now.begin(), now.end(), x.begin());
    return 1;
  }
  std::string method() const override { return "spectral, refined"; }
  double reduction(double /*wanted*/) const override { return 0; }

 private:
  const Circuit& circuit_;
  Layout layout_;
  SharedArray field_;
  SharedArray even_;
  SpectralSolver<double> solver_;
  std::vector<double> degree_;  // (L+1)
};

}  // namespace

std::unique_ptr<Corrector> make_corrector(MPI_Comm comm, const Circuit& circuit, const Plan& plan) {
  switch (plan.engine) {
    case Engine::spectral:
      return std::make_unique<SpectralCorrector>(comm, circuit);
    case Engine::parity:
      return std::make_unique<ParityCorrector>(comm, circuit, plan);
    case Engine::assembled:
    case Engine::factorisation:
      break;
  }
  return std::make_unique<AssembledCorrector>(comm, circuit, plan);
}

}  // namespace kirchhoff
