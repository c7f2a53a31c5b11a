#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "kirchhoff/circuit/coupling.hpp"
#include "kirchhoff/parallel/parallel.hpp"

namespace kirchhoff {

/// The modes that diagonalise every uniform coupling of a family at once, and the orthonormal transform to them, one
/// axis after the other, as the family says (circuit/family, Modes): cosines on a reflecting lattice, cosines plus
/// sines (Hartley) on a periodic one; reflections that make the constant the first mode where all states of an axis are
/// joined alike. docs/theory.md, section 2.
template <class T>
class ModeTransform {
 public:
  /// Of the coupling's family; conductances that differ from edge to edge do not matter. @throws Error without modes.
  explicit ModeTransform(const Coupling& coupling);
  ModeTransform(ModeTransform&&) noexcept;
  ModeTransform& operator=(ModeTransform&&) noexcept;
  ~ModeTransform();

  /// Axes, slowest index first.
  int dimensions() const;
  /// Lines along axis d in `layers` layers; they can be transformed in any order.
  std::int64_t lines(int d, std::int64_t layers) const;
  /// Transforms those lines of `field` ((layers x N), contiguous) along axis d, in place. Local.
  void forward(T* field, int d, Range lines);
  void inverse(T* field, int d, Range lines);

  /// e(mode) >= 0 for modes [modes.begin, modes.end), the eigenvalue of the changes' Laplacian at R = 1: that of the
  /// coupling is delta = kappa - e / R. Local.
  void laplacian_eigenvalue(Range modes, std::span<double> e) const;
  /// c_max + c of the same modes, in delta = 1/r + c/R: what they leak where they flip their sign from layer to layer.
  /// @param e what laplacian_eigenvalue() gives for them. Local.
  void flipped(Range modes, std::span<const double> e, std::span<double> out) const;
  /// The largest c in delta = 1/r + c/R, that of the constant mode: kappa = 1/r + c_max/R.
  double row_changes() const;

 private:
  struct State;
  /// A number of each mode: by the set of axes along which it is not constant, or the sum over of_index.
  void of_modes(Range modes, std::span<const double> of_axes, std::span<double> out) const;
  std::unique_ptr<State> state_;
};

extern template class ModeTransform<double>;
extern template class ModeTransform<float>;

}  // namespace kirchhoff
