#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace kirchhoff {

/// The discrete states {0..S-1}^D. A state's index counts with coordinate 0 most significant (C order), so that in two
/// dimensions state (i, j) is row i, column j of an S x S array.
class StateSpace {
 public:
  /// S categories per coordinate, D coordinates. @throws Error unless 1 <= S <= 65536 and D >= 1.
  StateSpace(int categories, int dimensions);

  int categories() const { return categories_; }
  int dimensions() const { return dimensions_; }

  /// Whether the states can be counted in 62 bits; `size` and all indices need that.
  bool enumerable() const { return size_ > 0; }
  /// N = S^D. @throws Error when not enumerable.
  std::int64_t size() const;

  /// The index step of one unit of coordinate d.
  std::int64_t stride(int d) const { return stride_[static_cast<std::size_t>(d)]; }
  /// Coordinate d of state x.
  int coordinate(std::int64_t x, int d) const { return static_cast<int>(x / stride(d) % categories_); }
  /// All D coordinates of state x.
  void coordinates(std::int64_t x, std::span<std::uint16_t> out) const;
  std::int64_t index(std::span<const std::uint16_t> coordinates) const;
  /// The number of coordinates in which x and y differ.
  int hamming(std::int64_t x, std::int64_t y) const;

  bool operator==(const StateSpace&) const = default;

 private:
  int categories_;
  int dimensions_;
  std::int64_t size_ = 0;  // 0: too many to enumerate
  std::vector<std::int64_t> stride_;
};

}  // namespace kirchhoff
