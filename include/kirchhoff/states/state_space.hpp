#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace kirchhoff {

/// The discrete states {0..S_0-1} x ... x {0..S_{D-1}-1}; mostly all coordinates have the same number S of categories,
/// {0..S-1}^D. A state's index counts with coordinate 0 most significant (C order), so that in two dimensions state
/// (i, j) is row i, column j of an S_0 x S_1 array.
class StateSpace {
 public:
  /// S categories per coordinate, D coordinates. @throws Error unless 1 <= S <= 65536 and D >= 1.
  StateSpace(int categories, int dimensions);
  /// S_d categories of coordinate d (D). @throws Error unless 1 <= S_d <= 65536 and D >= 1.
  explicit StateSpace(std::vector<int> categories);

  /// The S of all coordinates. @throws Error where they differ: what asks for it does not know mixed spaces.
  int categories() const {
    if (!uniform()) refuse_mixed();
    return common_;
  }
  /// S_d of coordinate d.
  int categories(int d) const { return categories_[static_cast<std::size_t>(d)]; }
  /// S_d of all coordinates (D).
  const std::vector<int>& sizes() const { return categories_; }
  /// Whether all coordinates have the same number of categories.
  bool uniform() const { return common_ > 0; }
  /// Sum of all S_d.
  std::int64_t all_categories() const;
  int dimensions() const { return static_cast<int>(categories_.size()); }
  /// "3^4", or "2 x 5 x 12" of a mixed space; of more than six factors, equal ones together: "2^70 x 5^3".
  std::string text() const;

  /// Whether the states can be counted in 62 bits; `size` and all indices need that.
  bool enumerable() const { return size_ > 0; }
  /// N, the product of all S_d. @throws Error when not enumerable.
  std::int64_t size() const;

  /// The index step of one unit of coordinate d.
  std::int64_t stride(int d) const { return stride_[static_cast<std::size_t>(d)]; }
  /// Coordinate d of state x.
  int coordinate(std::int64_t x, int d) const { return static_cast<int>(x / stride(d) % categories(d)); }
  /// All D coordinates of state x.
  void coordinates(std::int64_t x, std::span<std::uint16_t> out) const;
  std::int64_t index(std::span<const std::uint16_t> coordinates) const;
  /// Where the first value stands that is no category of its coordinate, in rows (count x D); their size when all are.
  std::size_t first_outside(std::span<const std::uint16_t> rows) const;
  /// The number of coordinates in which x and y differ.
  int hamming(std::int64_t x, std::int64_t y) const;

  bool operator==(const StateSpace&) const = default;

 private:
  [[noreturn]] void refuse_mixed() const;

  std::vector<int> categories_;
  int common_;             // 0 where they differ
  std::int64_t size_ = 0;  // 0: too many to enumerate
  std::vector<std::int64_t> stride_;
};

}  // namespace kirchhoff
