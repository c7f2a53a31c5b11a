#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "kirchhoff/raster/grid.hpp"

namespace kirchhoff::detail {

struct ListedPoint {
  double value = 0;
  std::int64_t cell = 0;
  std::int64_t line = 0;
};

/// Rows `value x y`: places on the map, of which the cells are meant. A place on the line between two cells is in the
/// northern or western one, as in Circuitscape.
/// @throws Error naming file, line and column, also for a place outside of the map.
std::vector<ListedPoint> parse_point_list(std::string_view text, const std::string& origin, const GridShape& shape);

}  // namespace kirchhoff::detail
