#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kirchhoff/raster/grid.hpp"

namespace kirchhoff {

/// Focal points and regions: cells of one number are one region.
struct FocalPoints {
  std::vector<std::int32_t> number;              // (k), ascending
  std::vector<std::vector<std::int64_t>> cells;  // (k) of each

  std::size_t size() const { return number.size(); }
  /// Whether one has several cells.
  bool has_regions() const;
};

/// From a grid, or from a list of rows `number x y`. Numbers below 0, and 0 in a grid, are no points. Local.
/// @throws Error naming file, line and column; when there are fewer than two.
FocalPoints read_focal_points(const std::string& path, const GridShape& shape, std::vector<std::string>& warnings);

/// Which pairs of focal points are to be solved.
struct PointPairs {
  std::set<std::int32_t> number;                             // of points that the file names
  std::set<std::pair<std::int32_t, std::int32_t>> together;  // from the first's row; a matrix need not be symmetric

  /// Whether a pair is solved: where one of the two rows includes it.
  bool solved(std::int32_t a, std::int32_t b) const { return meets(a, b) || meets(b, a); }
  /// Whether `other` takes part in the solve of a point, by that point's row.
  bool meets(std::int32_t point, std::int32_t other) const { return together.contains({point, other}); }
};

/// A file of pairs: "mode include" or "mode exclude" and then rows of two numbers; or "min a", "max b" and then a
/// matrix with numbers of points in its first row and column, of which entries from a to b are included. Points that
/// the file does not name take part in no pair. Local. @throws Error naming file, line and column.
PointPairs parse_point_pairs(std::string_view text, const std::string& origin);

/// Rows `number value`: strengths of sources [A]. Local. @throws Error naming file, line and column.
std::map<std::int32_t, double> parse_strengths(std::string_view text, const std::string& origin);

}  // namespace kirchhoff
