#include "kirchhoff/io/raster/focal_points.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "io/raster/point_list.hpp"
#include "io/raster/word_rows.hpp"
#include "kirchhoff/base/error.hpp"
#include "kirchhoff/base/text.hpp"
#include "kirchhoff/io/files/text_file.hpp"
#include "kirchhoff/io/raster/grid_file.hpp"

namespace kirchhoff {
namespace {

constexpr std::string_view kPoint = "a focal point";

/// Where the cell of a place begins to count, from 0; -1: outside. @param from of the map's edge, in cells.
std::int64_t place(double from, std::int64_t cells) {
  const auto at = from == 0 ? 0.0 : std::ceil(from) - 1;
  return at >= 0 && at < static_cast<double>(cells) ? static_cast<std::int64_t>(at) : -1;
}

}  // namespace

std::vector<detail::ListedPoint> detail::parse_point_list(std::string_view text, const std::string& origin,
                                                          const GridShape& shape) {
  std::vector<ListedPoint> points;
  WordRows rows(text, origin);
  while (rows.next()) {
    rows.need(3, "a value, and x and y of a place on the map");
    const double value = rows.number(0);
    const auto column = place((rows.number(1) - shape.x_corner) / shape.cell_size, shape.columns);
    const auto row =
        place(static_cast<double>(shape.rows) - (rows.number(2) - shape.y_corner) / shape.cell_size, shape.rows);
    if (row < 0 || column < 0) {
      rows.fail(fmt::format("the place {}, {} is outside of the habitat map", rows.number(1), rows.number(2)));
    }
    points.push_back({value, row * shape.columns + column, rows.line()});
  }
  return points;
}

bool FocalPoints::has_regions() const {
  return std::any_of(cells.begin(), cells.end(), [](const auto& c) { return c.size() > 1; });
}

FocalPoints read_focal_points(const std::string& path, const GridShape& shape, std::vector<std::string>& warnings) {
  std::map<std::int32_t, std::vector<std::int64_t>> found;
  const auto grid = [&](const std::vector<std::int32_t>& number) {
    for (std::size_t cell = 0; cell < number.size(); ++cell) {
      if (number[cell] > 0) found[number[cell]].push_back(static_cast<std::int64_t>(cell));
    }
  };
  const bool geotiff = is_geotiff(path);
  const auto text = geotiff ? std::string() : read_text_file(path);
  if (geotiff || is_ascii_grid(text)) {
    grid(read_numbers(path, shape, warnings));
  } else {
    for (const auto& point : detail::parse_point_list(text, path, shape)) {
      if (point.value != std::floor(point.value) || point.value > std::numeric_limits<std::int32_t>::max()) {
        throw Error(fmt::format("{}:{}: {} is not the whole number of a focal point", path, point.line, point.value));
      }
      if (point.value >= 0) found[static_cast<std::int32_t>(point.value)].push_back(point.cell);
    }
  }
  FocalPoints points;
  for (auto& [number, cells] : found) {
    std::sort(cells.begin(), cells.end());
    cells.erase(std::unique(cells.begin(), cells.end()), cells.end());
    points.number.push_back(number);
    points.cells.push_back(std::move(cells));
  }
  if (points.size() < 2) throw Error(fmt::format("{}: there are fewer than two focal points", path));
  return points;
}

namespace {

/// "mode include", "min 3": the value of a line that must begin with a word.
std::string_view value_behind(const detail::WordRows& rows, std::string_view word) {
  const auto& fields = rows.fields();
  if (fields.size() != 2 || !detail::alike(fields[0], word)) rows.fail(fmt::format("needs '{}' and a value", word));
  return fields[1];
}

void read_matrix(detail::WordRows& rows, PointPairs& pairs) {
  value_behind(rows, "min");
  const double least = rows.number(1);
  if (!rows.next()) rows.fail("needs 'max' and a value");
  value_behind(rows, "max");
  const double most = rows.number(1);
  std::vector<std::int32_t> columns;
  while (rows.next()) {
    if (columns.empty()) {
      for (std::size_t k = 0; k < rows.fields().size(); ++k) columns.push_back(rows.whole(k, kPoint));
      continue;
    }
    rows.need(columns.size(), "a point, and a value for each point of the first row");
    const auto mine = rows.whole(0, kPoint);
    pairs.number.insert(mine);
    for (std::size_t k = 1; k < columns.size(); ++k) {
      const double value = rows.number(k);
      if (value < least || value > most || mine == columns[k]) continue;
      pairs.together.insert({mine, columns[k]});
    }
  }
}

void read_pair_list(detail::WordRows& rows, PointPairs& pairs) {
  const auto mode = value_behind(rows, "mode");
  const bool include = detail::alike(mode, "include");
  if (!include && !detail::alike(mode, "exclude")) {
    rows.fail(fmt::format("the mode is include or exclude, not {}", in_quotes(mode)));
  }
  std::set<std::pair<std::int32_t, std::int32_t>> listed;
  while (rows.next()) {
    rows.need(2, "two focal points");
    const auto a = rows.whole(0, kPoint);
    const auto b = rows.whole(1, kPoint);
    for (const auto number : {a, b}) {
      if (number != 0) pairs.number.insert(number);
    }
    listed.insert({a, b});
    listed.insert({b, a});
  }
  for (const auto a : pairs.number) {
    for (const auto b : pairs.number) {
      if (a != b && listed.contains({a, b}) == include) pairs.together.insert({a, b});
    }
  }
}

}  // namespace

PointPairs parse_point_pairs(std::string_view text, const std::string& origin) {
  PointPairs pairs;
  detail::WordRows rows(text, origin);
  if (!rows.next()) throw Error(fmt::format("{}: holds no pairs", origin));
  if (detail::alike(rows.fields()[0], "min")) {
    read_matrix(rows, pairs);
  } else {
    read_pair_list(rows, pairs);
  }
  return pairs;
}

std::map<std::int32_t, double> parse_strengths(std::string_view text, const std::string& origin) {
  std::map<std::int32_t, double> strengths;
  detail::WordRows rows(text, origin);
  while (rows.next()) {
    rows.need(2, "a focal point and its strength [A]");
    const auto number = rows.whole(0, kPoint);
    if (!strengths.emplace(number, rows.number(1)).second) {
      rows.fail(fmt::format("focal point {} has a strength already", number));
    }
  }
  return strengths;
}

}  // namespace kirchhoff
