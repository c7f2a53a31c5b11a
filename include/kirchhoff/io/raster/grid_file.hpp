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

/// The readers below are local and throw Error naming file, line and column of what they do not understand.

/// An ESRI ASCII grid: a header of ncols, nrows, xllcorner, yllcorner, cellsize and, maybe, NODATA_value (also
/// xllcenter, yllcenter), then a line for each row, the northern one first. -9999 is no data whatever the header says.
Grid parse_ascii_grid(std::string_view text, const std::string& origin);

/// Whether a text begins like an ESRI ASCII grid.
bool is_ascii_grid(std::string_view text);

/// Whether a file's name says that it is a GeoTIFF, compressed or not.
bool is_geotiff(const std::string& path);
/// The first band of a GeoTIFF. @throws Error also where the program was built without libtiff.
Grid parse_geotiff(std::string bytes, const std::string& origin);
Grid read_geotiff(const std::string& path);

/// A map from a file, .asc or .tif, also .gz, .bz2, .xz or .zst.
Grid read_grid(const std::string& path);

/// A map that must lie on `shape`. What it holds may be a grid, or a list of rows `value x y`, which name cells by a
/// place in them. Cells without data are NaN; of a list, the last row for a cell counts.
/// @param warnings gains what differs without being an error: corners and cell sizes.
std::vector<double> read_map(const std::string& path, const GridShape& shape, std::vector<std::string>& warnings);

/// A map of whole numbers, 0 where there is none: regions. @throws Error also naming a value that is no whole number.
std::vector<std::int32_t> read_numbers(const std::string& path, const GridShape& shape,
                                       std::vector<std::string>& warnings);

/// The text of a grid. @param digits significant ones.
std::string ascii_grid_text(const Grid& grid, int digits = 12);

}  // namespace kirchhoff
