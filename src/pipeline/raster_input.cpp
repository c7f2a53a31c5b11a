#include "pipeline/raster_input.hpp"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "kirchhoff/base/error.hpp"
#include "kirchhoff/base/hash.hpp"
#include "kirchhoff/io/files/text_file.hpp"
#include "kirchhoff/io/raster/grid_file.hpp"

namespace kirchhoff {
namespace {

/// Conductances of cells; what is not above zero is no data, as in Circuitscape.
void read_habitat(RasterInput& input) {
  const auto& job = input.job;
  auto grid = read_grid(job.habitat);
  auto& landscape = input.landscape;
  landscape.shape = grid.shape;
  landscape.diagonal = !job.four_neighbors;
  landscape.average_resistance = job.average_resistances;
  std::int64_t negative = 0;
  for (std::int64_t cell = 0; cell < grid.shape.cells(); ++cell) {
    auto& value = grid.value[static_cast<std::size_t>(cell)];
    if (value < 0) ++negative;
    if (value == 0 && job.habitat_is_resistances) {
      throw Error(fmt::format(
          "{}: row {}, column {}: a resistance of 0 joins cells to one: that is what short-circuit regions are for",
          job.habitat, cell / grid.shape.columns + 1, cell % grid.shape.columns + 1));
    }
    const bool crossed = value > 0;  // not NaN either
    value = !crossed ? 0 : job.habitat_is_resistances ? 1 / value : value;
    if (std::isinf(value)) {
      throw Error(fmt::format("{}: row {}, column {}: the resistance is too small for a double's inverse", job.habitat,
                              cell / grid.shape.columns + 1, cell % grid.shape.columns + 1));
    }
  }
  if (negative > 0) {
    input.warnings.push_back(
        fmt::format("{}: {} cells have values below zero, and are taken as cells without data", job.habitat, negative));
  }
  landscape.conductance = std::move(grid.value);
}

void mask(RasterInput& input) {
  if (input.job.mask.empty()) return;
  const auto kept = read_map(input.job.mask, input.landscape.shape, input.warnings);
  bool any = false;
  for (std::size_t cell = 0; cell < kept.size(); ++cell) {
    auto& g = input.landscape.conductance[cell];
    if (!(kept[cell] > 0)) g = 0;
    any = any || g > 0;
  }
  if (!any) throw Error(fmt::format("{}: masks all cells that have data", input.job.mask));
}

/// Points that the file of pairs does not name take part in nothing.
void read_pairs(RasterInput& input) {
  const auto& job = input.job;
  if (job.included_pairs.empty()) return;
  input.pairs = parse_point_pairs(read_text_file(job.included_pairs), job.included_pairs);
  FocalPoints named;
  for (std::size_t k = 0; k < input.points.size(); ++k) {
    if (!input.pairs->number.contains(input.points.number[k])) continue;
    named.number.push_back(input.points.number[k]);
    named.cells.push_back(std::move(input.points.cells[k]));
  }
  if (named.size() < 2) {
    throw Error(fmt::format("{}: names fewer than two focal points of {}", job.included_pairs, job.points));
  }
  if (named.size() < input.points.size()) {
    input.remarks.push_back(fmt::format("{} focal points that {} does not name are left out",
                                        input.points.size() - named.size(), job.included_pairs));
  }
  input.points = std::move(named);
}

void read_sources_and_grounds(RasterInput& input) {
  const auto& job = input.job;
  const auto& shape = input.landscape.shape;
  input.source = read_map(job.sources, shape, input.warnings);
  for (auto& ampere : input.source) {
    if (std::isnan(ampere)) ampere = 0;
    if (job.unit_currents && ampere != 0) ampere = 1;
  }
  input.ground = read_map(job.grounds, shape, input.warnings);
  for (std::size_t cell = 0; cell < input.ground.size(); ++cell) {
    auto& value = input.ground[cell];
    if (value < 0) {
      const auto at = static_cast<std::int64_t>(cell);
      throw Error(fmt::format("{}: row {}, column {}: {} is less than zero", job.grounds, at / shape.columns + 1,
                              at % shape.columns + 1, value));
    }
    value = std::isnan(value) ? 0 : job.grounds_are_resistances ? 1 / value : value;
    if (job.direct_grounds && value > 0) value = std::numeric_limits<double>::infinity();
  }
}

}  // namespace

Regions RasterInput::regions() const {
  Regions regions(landscape.shape.cells());
  if (!polygon.empty()) regions.add(polygon);
  return regions;
}

RasterInput read_raster_input(RasterJob job) {
  RasterInput input;
  input.job = std::move(job);
  input.warnings = input.job.warnings;
  input.remarks = input.job.remarks;
  read_habitat(input);
  const auto& read = input.job;
  if (!read.polygons.empty()) input.polygon = read_numbers(read.polygons, input.landscape.shape, input.warnings);
  mask(input);
  if (read.scenario == RasterScenario::advanced) {
    read_sources_and_grounds(input);
    return input;
  }
  input.points = read_focal_points(read.points, input.landscape.shape, input.warnings);
  read_pairs(input);
  if (!read.strengths.empty()) input.strength = parse_strengths(read_text_file(read.strengths), read.strengths);
  return input;
}

std::string raster_hash(const RasterInput& input) {
  Hash hash;
  const auto& job = input.job;
  const auto& shape = input.landscape.shape;
  hash.add(fmt::format("raster {} {} {} {} {} {} {}", shape.rows, shape.columns, shape.x_corner, shape.y_corner,
                       shape.cell_size, shape.nodata, name_of(job.scenario)));
  hash.add(fmt::format("{} {} {}", input.landscape.diagonal, input.landscape.average_resistance,
                       static_cast<int>(job.policy)));
  hash.add(fmt::format("{} {} {} {} {} {} {} {} {}", job.voltage_maps, job.current_maps, job.cumulative_only,
                       job.maximum_map, job.null_currents_to_nodata, job.null_voltages_to_nodata,
                       job.focal_currents_to_zero, job.log_transform, job.compress));
  hash.add(std::span<const double>(input.landscape.conductance));
  const std::vector<std::int64_t> polygon(input.polygon.begin(), input.polygon.end());
  hash.add(std::span<const std::int64_t>(polygon));
  for (std::size_t k = 0; k < input.points.size(); ++k) {
    hash.add(fmt::format("point {}", input.points.number[k]));
    hash.add(std::span<const std::int64_t>(input.points.cells[k]));
  }
  if (input.pairs) {
    for (const auto& [a, b] : input.pairs->together) hash.add(fmt::format("pair {} {}", a, b));
  }
  for (const auto& [number, ampere] : input.strength) hash.add(fmt::format("strength {} {}", number, ampere));
  hash.add(std::span<const double>(input.source)).add(std::span<const double>(input.ground));
  return hash.text();
}

}  // namespace kirchhoff
