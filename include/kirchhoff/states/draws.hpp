#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kirchhoff/base/random.hpp"
#include "kirchhoff/states/distribution.hpp"
#include "kirchhoff/states/state_space.hpp"

namespace kirchhoff {

/// Draws from a distribution whose states may be far too many to enumerate. Local; cheap to copy.
class Draws {
 public:
  /// Each of the rows (count x D, row-major) is equally likely. @throws Error naming row and column of a value outside
  /// {0..S-1}, or when there is no row.
  static Draws from_rows(const StateSpace& space, std::vector<std::uint16_t> rows);
  /// @param mass a distribution over the N states of the space.
  static Draws from_mass(const StateSpace& space, const Mass& mass);
  /// A named distribution. Uniform on any space; densities on the plane also on coded spaces (see codes_plane), there
  /// without the uniform share; else as `named_mass`.
  /// @throws Error as `named_mass` does.
  static Draws named(const StateSpace& space, const std::string& name);
  /// The same with probability 1 - share, and a uniform state otherwise.
  Draws smoothed(double share) const;

  const StateSpace& space() const { return space_; }
  /// The state of one draw, D coordinates; a function of `random` alone.
  void draw(Random& random, std::span<std::uint16_t> out) const;

 private:
  struct Origin;
  Draws(StateSpace space, std::shared_ptr<const Origin> origin)
      : space_(std::move(space)), origin_(std::move(origin)) {}

  StateSpace space_;
  std::shared_ptr<const Origin> origin_;
  double uniform_share_ = 0;
};

/// Whether the states are points of the plane coded in bits: S = 2, D = 32, sixteen bits an axis, x first. The bits of
/// a coordinate v are [v < 0], then the 15-bit Gray code, most significant bit first, of floor(|v| / 4.7 * 32768), at
/// most 32767. Densities have their usual size there (docs/distributions.md).
bool codes_plane(const StateSpace& space);
std::array<std::uint16_t, 32> planar_code(double x, double y);
/// The middle of the code's cell.
std::array<double, 2> planar_point(std::span<const std::uint16_t> bits);

/// The cell of a coded point in the `cells` x `cells` grid over the box of the code (row = cell of x). `cells` divides
/// 65536.
std::int64_t planar_cell(std::span<const std::uint16_t> bits, int cells);
/// Exact masses of a density on the plane, at its usual size, in those cells; nothing when `name` is no such density.
std::vector<double> planar_cell_masses(const std::string& name, int cells);

}  // namespace kirchhoff
