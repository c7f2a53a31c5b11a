#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "kirchhoff/circuit/coupling.hpp"
#include "kirchhoff/parallel/parallel.hpp"

namespace kirchhoff {

/// The modes that diagonalise every uniform coupling of a family at once, and the orthonormal transform to them, one
/// coordinate after the other: cosines on a reflecting lattice, cosines plus sines (Hartley) on a periodic one; on
/// hamming and dense couplings a reflection that makes the constant the first mode. docs/theory.md, section 2.
template <class T>
class ModeTransform {
 public:
  /// Family and boundary as of `coupling`; resistances do not matter.
  explicit ModeTransform(const Coupling& coupling);
  ModeTransform(ModeTransform&&) noexcept;
  ModeTransform& operator=(ModeTransform&&) noexcept;
  ~ModeTransform();

  /// Coordinates, slowest index first. (A dense coupling is a hamming coupling on one coordinate of N categories.)
  int dimensions() const;
  /// Lines along a coordinate in `layers` layers; they can be transformed in any order.
  std::int64_t lines(std::int64_t layers) const;
  /// Transforms those lines of `field` ((layers x N), contiguous) along coordinate d, in place. Local.
  void forward(T* field, int d, Range lines);
  void inverse(T* field, int d, Range lines);

  /// e(mode) >= 0 for modes [modes.begin, modes.end): a coupling's eigenvalue is delta = kappa - e / R. Local.
  void eccentricity(Range modes, std::span<double> e) const;
  /// The largest c in delta = 1/r + c/R, that of the constant mode: kappa = 1/r + c_max/R.
  double row_changes() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

extern template class ModeTransform<double>;
extern template class ModeTransform<float>;

}  // namespace kirchhoff
