#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace kirchhoff {

/// The potentials of a dense circuit as a fixed linear function of its terminals, docs/theory.md, section 2:
///
///   phi_l(x) = background_l + A_l (p(x) - 1/N) + B_l (q(x) - 1/N)   [V], with mean zero over all vertices.
///
/// With p and q one at x0 and xL that is the conditional circuit of a pair; the mean over pairs is the circuit of the
/// pairs' marginals. A vertex costs O(1), whatever N; nothing is solved but one tridiagonal system of L+1 numbers.
/// Local.
class DenseSuperposition {
 public:
  /// @param same, change r and R of each layer pair [ohm], (L). @param states N, which need not be enumerable.
  DenseSuperposition(double states, std::span<const double> same, std::span<const double> change);

  int layers() const { return static_cast<int>(background_.size()) - 1; }
  /// Potential [V] of a vertex whose state has the given masses in the two terminals.
  double potential(int l, double p, double q) const {
    const auto k = static_cast<std::size_t>(l);
    return background_[k] + a_[k] * (p - 1 / states_) + b_[k] * (q - 1 / states_);
  }

 private:
  double states_;
  std::vector<double> background_;  // (L+1) [V]
  std::vector<double> a_;           // (L+1) [ohm]
  std::vector<double> b_;           // (L+1) [ohm]
};

}  // namespace kirchhoff
