#pragma once

#include <cstdint>
#include <vector>

namespace kirchhoff {

/// A regular grid of square cells on a map. Cells are counted row by row from the north-west corner.
struct GridShape {
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  double x_corner = 0;    // west edge, in the map's unit
  double y_corner = 0;    // south edge
  double cell_size = 1;   // edge of a cell
  double nodata = -9999;  // what stands for "no data" in a file
  std::int64_t cells() const { return rows * columns; }
  friend bool operator==(const GridShape&, const GridShape&) = default;
};

/// A map of numbers.
struct Grid {
  GridShape shape;
  std::vector<double> value;  // (rows * columns); NaN: no data
};

}  // namespace kirchhoff
