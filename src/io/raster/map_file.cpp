// Maps that lie on a habitat's cells.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "io/raster/point_list.hpp"
#include "kirchhoff/base/error.hpp"
#include "kirchhoff/base/text.hpp"
#include "kirchhoff/io/files/text_file.hpp"
#include "kirchhoff/io/raster/grid_file.hpp"

namespace kirchhoff {
namespace {

void hold_against(const std::string& path, const GridShape& mine, const GridShape& shape,
                  std::vector<std::string>& warnings) {
  if (mine.rows != shape.rows || mine.columns != shape.columns) {
    throw Error(fmt::format("{}: has {} x {} cells, but the habitat map has {} x {}", path, mine.rows, mine.columns,
                            shape.rows, shape.columns));
  }
  const auto differs = [&](const char* what, double a, double b) {
    if (a != b) warnings.push_back(fmt::format("{}: {} is {}, but that of the habitat map is {}", path, what, a, b));
  };
  differs("cellsize", mine.cell_size, shape.cell_size);
  differs("xllcorner", mine.x_corner, shape.x_corner);
  differs("yllcorner", mine.y_corner, shape.y_corner);
}

}  // namespace

std::vector<double> read_map(const std::string& path, const GridShape& shape, std::vector<std::string>& warnings) {
  Grid grid;
  if (is_geotiff(path)) {
    grid = read_geotiff(path);
  } else {
    const auto text = read_text_file(path);
    if (!is_ascii_grid(text)) {
      std::vector<double> value(static_cast<std::size_t>(shape.cells()), std::numeric_limits<double>::quiet_NaN());
      for (const auto& point : detail::parse_point_list(text, path, shape)) {
        value[static_cast<std::size_t>(point.cell)] = point.value;
      }
      return value;
    }
    grid = parse_ascii_grid(text, path);
  }
  hold_against(path, grid.shape, shape, warnings);
  return std::move(grid.value);
}

std::vector<std::int32_t> read_numbers(const std::string& path, const GridShape& shape,
                                       std::vector<std::string>& warnings) {
  const auto value = read_map(path, shape, warnings);
  std::vector<std::int32_t> number(value.size(), 0);
  for (std::size_t cell = 0; cell < value.size(); ++cell) {
    if (std::isnan(value[cell])) continue;
    if (value[cell] != std::floor(value[cell]) || std::abs(value[cell]) > std::numeric_limits<std::int32_t>::max()) {
      const auto at = static_cast<std::int64_t>(cell);
      throw Error(fmt::format("{}: row {}, column {}: {} is not the whole number of a region", path,
                              at / shape.columns + 1, at % shape.columns + 1, value[cell]));
    }
    number[cell] = static_cast<std::int32_t>(value[cell]);
  }
  return number;
}

}  // namespace kirchhoff
