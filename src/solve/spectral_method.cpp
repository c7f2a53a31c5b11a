// Solves a uniform circuit exactly by a transform, and refines what that leaves; other circuits are handed to conjugate
// gradients on the even layers with the nearest uniform circuit as preconditioner.
// Chosen: always where edges of a kind are alike. Cost: O(N log N) or O(N) a layer, in place, no iterations.
#include <algorithm>
#include <cmath>

#include "kirchhoff/currents/currents.hpp"
#include "kirchhoff/parallel/agree.hpp"
#include "solve/linear/field.hpp"
#include "solve/method.hpp"
#include "solve/spectral/spectral.hpp"

namespace kirchhoff {
namespace {

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

MemoryNeed spectral_memory(const Circuit& circuit, const Plan&, int ranks) {
  const Sizes n(circuit, ranks);
  // Two terminals; then the check's sums over whole layers. The file is read back, up to 64 MiB at a time.
  const bool whole_layers = !circuit.coupling(0).kinds().empty();
  const double transform = (whole_layers ? 4 : 2) * sizeof(double) * n.states;
  return {.each = std::max(transform, std::min(std::ldexp(1.0, 26), sizeof(double) * n.vertices / n.ranks))};
}

}  // namespace

const SolveEngine kSpectralEngine{[](MPI_Comm comm, const Circuit& circuit, const Plan&) -> std::unique_ptr<Corrector> {
                                    return std::make_unique<SpectralCorrector>(comm, circuit);
                                  },
                                  spectral_memory, false, true};

Plan transformed() {
  return {&kSpectralEngine,
          Smoothing::jacobi,
          "",
          "all edges of a kind are alike, so modes decouple: a transform, a tridiagonal system a mode, and back",
          {}};
}

const MethodRow& spectral_method() {
  static const MethodRow row{SolveMethod::spectral,
                             "spectral",
                             {},
                             [](MPI_Comm comm, const Circuit& circuit) -> std::string {
                               if (is_uniform(circuit)) return "";
                               if (circuit.joins_all())
                                 return "needs groups of one size, side by side, and one R_in / R_out of all layers";
                               return on_one_node(comm) ? "" : "needs ranks on one node when edges differ";
                             },
                             [](MPI_Comm, const Circuit& circuit) {
                               return is_uniform(circuit) ? transformed() : even_layers(Smoothing::spectral);
                             }};
  return row;
}

}  // namespace kirchhoff
