#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "kirchhoff/circuit/circuit.hpp"
#include "kirchhoff/parallel/parallel.hpp"
#include "solve/multigrid/stencil.hpp"
#include "solve/spectral/modes.hpp"
#include "solve/spectral/spectral.hpp"

namespace kirchhoff {

/// Solves the Schur complement of a uniform circuit on layers 0, 2, 4, ... (docs/theory.md, sections 2 and 5):
/// transform, a tridiagonal system over those layers for every mode, transform back.
///
/// The work is shared by the ranks that see the array: layers are theirs in the transforms, modes in the tridiagonals.
template <class T>
class SpectralSolver {
 public:
  /// Who shares the work, and the array.
  struct Ranks {
    int rank = 0;
    int count = 1;
  };
  /// @param coupling family, space and boundary; @param schedule conductances of the L layer pairs.
  /// @param ranks who takes part.
  SpectralSolver(const Coupling& coupling, Schedule schedule, Ranks ranks);

  /// Layers of the fields: the even ones.
  std::int64_t layers() const { return layers_; }
  /// c_max of the modes.
  double row_changes() const { return modes_.row_changes(); }

  /// b -> phi in place, (layers x N) in natural order; the mean of phi over all is zero, b's mean is ignored.
  /// @param fence called between the phases: makes the others' writes visible.
  template <class Fence>
  void solve(T* field, Fence&& fence) {
    transform(field, true, fence);
    decouple(field);
    fence();
    transform(field, false, fence);
  }

 private:
  /// Whole layers a rank where there are enough of them, for the sake of its cache; otherwise lines.
  template <class Fence>
  void transform(T* field, bool forward, Fence&& fence) {
    const bool whole = layers_ >= 2 * ranks_.count || ranks_.count == 1;
    const auto layers = whole ? partition(layers_, ranks_.count, ranks_.rank) : Range{0, 1};
    for (auto l = layers.begin; l < layers.end; ++l) {
      for (int k = 0; k < modes_.dimensions(); ++k) {
        const int d = forward ? k : modes_.dimensions() - 1 - k;
        auto lines = Range{0, modes_.lines(d, whole ? 1 : layers_)};
        if (!whole) lines = partition(lines.size(), ranks_.count, ranks_.rank);
        T* at = field + (whole ? l * states_ : 0);
        if (forward) {
          modes_.forward(at, d, lines);
        } else {
          modes_.inverse(at, d, lines);
        }
        if (!whole) fence();
      }
    }
    if (whole) fence();
  }

  void decouple(T* field) const;
  void solve_constant(T* field) const;

  ModeTransform<T> modes_;
  Schedule schedule_;
  Ranks ranks_;
  std::int64_t states_;
  std::int64_t layers_;
};

extern template class SpectralSolver<double>;
extern template class SpectralSolver<float>;

/// The uniform lattice that a circuit of tables resembles from afar.
struct LatticeLikeness {
  /// Per layer pair: `change` such that edges along the coordinates carry what the table's edges, long or short, carry
  /// down a slope: sum g |y - x|^2 / (2 D N). `same` is what is left of the sum of all edges, but not less than a
  /// twentieth of it, which keeps the lattice positive definite.
  Schedule schedule;
  double square_step = 0;  // mean |y - x|^2 of the edges that change the state, per coordinate
};

/// @note Collective.
LatticeLikeness lattice_likeness(MPI_Comm comm, const Circuit& circuit);

/// A preconditioner for a circuit whose edges differ: the exact solve of its mean circuit, or of the lattice that it
/// resembles, on the even layers, in single precision. Arrays are a rank's even layers, as EvenLayers has them.
class SpectralPreconditioner {
 public:
  /// All families but dense; all ranks on one node. @param likeness of a circuit of tables, where it is known already.
  /// @note Collective.
  SpectralPreconditioner(MPI_Comm comm, const Circuit& circuit, const std::optional<LatticeLikeness>& likeness = {});
  /// @note Collective.
  void apply(std::span<const double> residual, std::span<double> correction);

 private:
  MPI_Comm comm_;
  std::size_t states_;
  Range mine_;
  SpectralSolver<float> solver_;
  NodeArray<float> field_;  // (even layers x N)
};

}  // namespace kirchhoff
