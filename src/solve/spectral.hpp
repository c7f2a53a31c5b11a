#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kirchhoff/circuit.hpp"
#include "kirchhoff/parallel.hpp"
#include "solve/modes.hpp"
#include "solve/stencil.hpp"

namespace kirchhoff {

/// 1/r and 1/R of every layer pair [S].
struct Schedule {
  std::vector<double> same;
  std::vector<double> change;
};

/// Whether all edges of a kind are alike in each layer pair, so that the modes of ModeTransform decouple.
bool is_uniform(const Circuit& circuit);
/// The uniform circuit that is nearest on average: the means over the edges of a kind, layer pair by layer pair.
/// Lattice and hamming. @note Collective.
Schedule mean_schedule(MPI_Comm comm, const Circuit& circuit);

/// Solves A phi = b for a uniform circuit: transform, a tridiagonal system over the layers for every mode, transform
/// back. docs/theory.md, section 2. In double the answer is exact to rounding; in single it is a preconditioner.
///
/// The work is shared by the ranks that see the array: layers are theirs in the transforms, modes in the tridiagonals.
template <class T>
class SpectralSolver {
 public:
  /// @param coupling family, space and boundary; @param schedule conductances of the L layer pairs.
  /// @param sharing who takes part. @param fence called between the phases: makes the others' writes visible.
  /// @param even_layers solve the Schur complement on layers 0, 2, 4, ... instead (docs/theory.md, section 5).
  SpectralSolver(const Coupling& coupling, Schedule schedule, SharedArray::Sharing sharing, bool even_layers);

  /// Layers of the fields: L+1, or the even ones.
  std::int64_t layers() const { return layers_; }

  /// b -> phi in place, (layers x N) in natural order; the mean of phi over all is zero, b's mean is ignored.
  /// @param ends_only b is zero but on the first and the last layer.
  template <class Fence>
  void solve(T* field, bool ends_only, Fence&& fence) {
    if (ends_only) {
      transform(field, 0, 1, true, fence);
      if (layers_ > 1) transform(field, layers_ - 1, layers_, true, fence);
    } else {
      transform(field, 0, layers_, true, fence);
    }
    decouple(field);
    fence();
    transform(field, 0, layers_, false, fence);
  }

 private:
  /// Layers [from, to): whole layers a rank where there are enough of them, for the sake of its cache; otherwise lines.
  template <class Fence>
  void transform(T* field, std::int64_t from, std::int64_t to, bool forward, Fence&& fence) {
    const auto count = to - from;
    const bool whole = count >= 2 * sharing_.ranks || sharing_.ranks == 1;
    const auto layers = whole ? partition(count, sharing_.ranks, sharing_.rank) : Range{0, 1};
    T* base = field + from * states_;
    for (auto l = layers.begin; l < layers.end; ++l) {
      for (int k = 0; k < modes_.dimensions(); ++k) {
        const int d = forward ? k : modes_.dimensions() - 1 - k;
        auto lines = Range{0, modes_.lines(whole ? 1 : count)};
        if (!whole) lines = partition(lines.size(), sharing_.ranks, sharing_.rank);
        T* at = base + (whole ? l * states_ : 0);
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
  SharedArray::Sharing sharing_;
  bool even_layers_;
  std::int64_t states_;
  std::int64_t layers_;
};

extern template class SpectralSolver<double>;
extern template class SpectralSolver<float>;

/// A preconditioner for a circuit whose edges differ: the exact solve of its mean circuit on the even layers, in single
/// precision. Arrays are a rank's even layers, as ParitySystem's.
class SpectralPreconditioner {
 public:
  /// Lattice and hamming circuits; all ranks on one node. @note Collective.
  SpectralPreconditioner(MPI_Comm comm, const Circuit& circuit);
  /// @note Collective.
  void apply(std::span<const double> residual, std::span<double> correction);

 private:
  MPI_Comm comm_;
  std::size_t states_;
  Range mine_;
  SpectralSolver<float> solver_;
  NodeArray<float> field_;  // (even layers x N)
};

/// The potentials [V] of a uniform circuit into `field`, (L+1) x N zeros, complete on return. Returns the seconds that
/// the plans of the transforms took. @note Collective.
double solve_spectral(MPI_Comm comm, const Circuit& circuit, SharedArray& field);

}  // namespace kirchhoff
