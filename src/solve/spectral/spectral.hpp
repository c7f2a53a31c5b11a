#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kirchhoff/circuit/circuit.hpp"
#include "kirchhoff/parallel/parallel.hpp"

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

/// The chain of modes between the two layers of pair l: the link delta, signed, and what leaks to ground at either end,
/// kappa - |delta|, computed without a subtraction [S]. @param row_changes c_max of the modes; @param e, flipped of the
/// modes (ModeTransform).
template <class T>
void links(const Schedule& schedule, double row_changes, std::size_t l, std::span<const double> e,
           std::span<const double> flipped, T* link, T* leak) {
  const double same = schedule.same[l];
  const double change = schedule.change[l];
  for (std::size_t i = 0; i < e.size(); ++i) {
    const double delta = same + (row_changes - e[i]) * change;
    link[i] = static_cast<T>(delta);
    leak[i] = static_cast<T>(delta >= 0 ? e[i] * change : 2 * same + flipped[i] * change);
  }
}

/// 1/r and 1/R of a uniform circuit.
Schedule schedule_of(const Circuit& circuit);

struct SpectralResult {
  double seconds_planned = 0;
  /// How far potentials may be off: what rounding of the terminals' transforms makes of the softest modes [V], and a
  /// share of the largest potential. docs/theory.md, section 6.
  double error = 0;
  double relative_error = 0;
};

/// The potentials [V] of a uniform circuit into `field`, (L+1) x N zeros, complete on return: the transforms of both
/// terminals, every layer's modes from them by a ladder of voltage dividers, and the layers' transforms back, each by
/// one rank alone. docs/theory.md, section 2. @note Collective.
SpectralResult solve_spectral(MPI_Comm comm, const Circuit& circuit, SharedArray& field);

}  // namespace kirchhoff
