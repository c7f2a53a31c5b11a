// What jobs on rasters are made of. The first byte chooses what the rest is: a grid, a list of points on one, pairs,
// strengths, a graph with its lists, an .ini file, or a GeoTIFF.
#include <algorithm>
#include <array>
#include <set>

#include "fuzz.hpp"
#include "io/raster/point_list.hpp"
#include "kirchhoff/io/raster/focal_points.hpp"
#include "kirchhoff/io/raster/graph_file.hpp"
#include "kirchhoff/io/raster/grid_file.hpp"
#include "kirchhoff/io/raster/job_file.hpp"

using namespace kirchhoff;

namespace {

const std::string kOrigin = "r";

/// Numbers, as many as the shape says, at a place that exists.
void check_grid(const Grid& grid) {
  const auto& shape = grid.shape;
  fuzz::require(shape.rows > 0 && shape.columns > 0, "a grid has cells");
  fuzz::require(static_cast<std::int64_t>(grid.value.size()) == shape.cells(), "a grid is whole");
  fuzz::require(std::none_of(grid.value.begin(), grid.value.end(), [](double v) { return std::isinf(v); }),
                "values are finite, or none");
  fuzz::require(std::isfinite(shape.x_corner) && std::isfinite(shape.y_corner), "a map lies somewhere");
  fuzz::require(shape.cell_size > 0 && std::isfinite(shape.cell_size), "cells have a size");
}

/// Words of a text but for comments, which a reader must not pass over.
std::size_t words_of(std::string_view text) {
  std::size_t words = 0;
  bool inside = false;
  bool comment = false;
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  for (const char c : text) {
    if (c == '\n') comment = inside = false;
    const bool blank = std::string_view(" \t\r\v\f\n").find(c) != std::string_view::npos;
    if (c == '#' && !inside) comment = true;
    if (!comment && !blank && !inside) ++words;
    inside = !comment && !blank;
  }
  return words;
}

void read_ascii_grid(std::string_view text) {
  const auto grid = parse_ascii_grid(text, kOrigin);
  check_grid(grid);
  const auto again = parse_ascii_grid(ascii_grid_text(grid, 17), kOrigin);
  fuzz::require(again.shape.rows == grid.shape.rows && again.shape.columns == grid.shape.columns,
                "what is written is read again");
  for (std::size_t cell = 0; cell < grid.value.size(); ++cell) {
    const double a = grid.value[cell];
    const double b = again.value[cell];
    fuzz::require(a == b || (std::isnan(a) && std::isnan(b)), "what is written is read again");
  }
}

void read_points(std::string_view text) {
  const GridShape shape{3, 4, 100, 200, 10, -9999};
  const auto points = detail::parse_point_list(text, kOrigin, shape);
  fuzz::require(points.size() == fuzz::rows_of(text, "#"), "no row is passed over");
  for (const auto& point : points) fuzz::require(point.cell >= 0 && point.cell < shape.cells(), "a point has a cell");
}

void read_pairs(std::string_view text) {
  const auto pairs = parse_point_pairs(text, kOrigin);
  for (const auto& [a, b] : pairs.together) {
    fuzz::require(a != b, "a pair is of two points");
    fuzz::require(pairs.number.contains(a), "who is met is named");
  }
}

void read_strengths(std::string_view text) {
  const auto strengths = parse_strengths(text, kOrigin);
  fuzz::require(strengths.size() == fuzz::rows_of(text, "#"), "no row is passed over");
  for (const auto& [number, ampere] : strengths) fuzz::require(std::isfinite(ampere), "a strength is finite");
}

/// A graph, and behind a line "-" what its lists may be.
void read_graph(std::string_view text) {
  const bool resistances = !text.starts_with("S");
  if (!resistances) text.remove_prefix(1);
  const auto end = std::min(text.find("\n-\n"), text.size());
  const auto netlist = parse_graph(text.substr(0, end), kOrigin, resistances);
  fuzz::check(netlist);
  fuzz::require(words_of(text.substr(0, end)) == 3 * fuzz::rows_of(text.substr(0, end), "#"), "a row is an edge");
  if (end == text.size()) return;
  const auto n = static_cast<std::int64_t>(netlist.nodes.size());
  const auto list = text.substr(end + 3);
  fuzz::accept_or_refuse([&] {
    const auto nodes = parse_focal_nodes(list, kOrigin, netlist);
    fuzz::require(std::set(nodes.begin(), nodes.end()).size() == nodes.size() && nodes.size() > 1, "nodes differ");
    for (const auto node : nodes) fuzz::require(node >= 0 && node < n, "a focal node is a node");
  });
  fuzz::accept_or_refuse([&] {
    const auto values = parse_node_values(list, kOrigin, netlist);
    fuzz::require(values.size() == fuzz::rows_of(list, "#"), "no row is passed over");
    for (const auto& [node, value] : values) {
      fuzz::require(node >= 0 && node < n && std::isfinite(value), "a value is a node's");
    }
  });
}

void read_job(std::string_view text) {
  const auto job = parse_raster_job(text, "/");  // names of files that are there: of folders
  for (const auto& words : {job.warnings, job.remarks}) {
    for (const auto& line : words) fuzz::accept_or_refuse([&] { throw Error(line); });
  }
  fuzz::require(!job.habitat.empty(), "a job has a map");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto text = fuzz::text_of(data + 1, size - 1);
  static constexpr std::array kReaders = {read_ascii_grid, read_points, read_pairs,
                                          read_strengths,  read_graph,  read_job};
  fuzz::accept_or_refuse([&] {
    const auto choice = data[0] % (kReaders.size() + 1);
    if (choice < kReaders.size()) {
      kReaders[choice](text);
    } else {
      check_grid(parse_geotiff(std::string(text), kOrigin));
    }
  });
  return 0;
}
