#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace kirchhoff {

/// Rows of a table: a view of `count` x D codes, row-major, and the number of categories S_d of each column.
struct TableRows {
  std::span<const std::uint16_t> values;
  std::span<const int> categories;  // (D)

  std::size_t columns() const { return categories.size(); }
  std::size_t count() const { return values.size() / columns(); }
  std::span<const std::uint16_t> row(std::size_t i) const { return values.subspan(i * columns(), columns()); }
  /// The first `rows` of them, or all where there are fewer.
  TableRows first(std::size_t rows) const;
};

/// Where a table's rows were not to be. Local.
struct StrayRows {
  std::int64_t impossible = 0;  // rows with a code of S_d or more: rows that cannot exist
  std::int64_t unseen = 0;      // other rows, with a value that no training row has in that column
};
/// @param training rows that say which values a column has.
StrayRows stray_rows(const TableRows& rows, const TableRows& training);
/// The rows all of whose codes are below S_d, one after another. Local.
std::vector<std::uint16_t> possible_rows(const TableRows& rows);

/// Counts of a table's values, column by column and pair by pair. Holds the columns in order of rows and, of columns of
/// few categories, each category as a plane of bits, so that a pair of binary columns costs one pass of popcounts.
class ColumnCounts {
 public:
  /// @throws Error naming row and column of a code of S_d or more.
  explicit ColumnCounts(const TableRows& rows);

  std::size_t columns() const { return categories_.size(); }
  std::size_t rows() const { return rows_; }
  int categories(std::size_t d) const { return categories_[d]; }
  /// (S_d) how many rows have each value of column d.
  std::span<const std::int64_t> of(std::size_t d) const { return single_[d]; }
  /// (S_a x S_b, row-major) how many rows have each pair of values, into `out`.
  void of_pair(std::size_t a, std::size_t b, std::vector<std::int64_t>& out) const;

 private:
  std::span<const std::uint64_t> plane(std::size_t d, int value) const;
  void by_planes(std::size_t a, std::size_t b, std::vector<std::int64_t>& out) const;

  std::vector<int> categories_;
  std::size_t rows_ = 0;
  std::size_t words_ = 0;                           // of a plane
  std::vector<std::uint16_t> codes_;                // (D x rows)
  std::vector<std::vector<std::int64_t>> single_;   // (D)(S_d)
  std::vector<std::vector<std::uint64_t>> planes_;  // (D)((S_d - 1) x words) values 1 .. S_d - 1; none of wide columns
};

}  // namespace kirchhoff
