// Rasters: solution.h5 of one, finished or not.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "io/hdf5/schema.hpp"
#include "io/results/provenance.hpp"
#include "kirchhoff/base/error.hpp"
#include "kirchhoff/io/results/raster_store.hpp"
#include "kirchhoff/parallel/agree.hpp"
#include "kirchhoff/parallel/parallel.hpp"

namespace kirchhoff {
namespace {

struct MapPath {
  const char* path;
  std::vector<double> RasterResult::*map;
  const char* unit;
};
constexpr std::array kMaps = {MapPath{schema::kMapPotential, &RasterResult::potential, "volt"},
                              MapPath{schema::kMapCurrent, &RasterResult::current, "ampere"},
                              MapPath{schema::kMapCumulative, &RasterResult::cumulative, "ampere"},
                              MapPath{schema::kMapMaximum, &RasterResult::maximum, "ampere"}};

Slab rows_of(MPI_Comm comm, std::int64_t rows, std::int64_t columns) {
  const auto mine = partition(rows, size_of(comm), rank_of(comm));
  return rows_slab(rows, mine.begin, mine.size(), columns);
}

std::vector<std::int64_t> flat(const RasterResult& result) {
  std::vector<std::int64_t> numbers;
  for (const auto& [a, b] : result.points) {
    numbers.push_back(a);
    numbers.push_back(b);
  }
  return numbers;
}

}  // namespace

std::size_t RasterResult::solved() const {
  return static_cast<std::size_t>(
      std::count_if(resistance.begin(), resistance.end(), [](double ohm) { return !std::isnan(ohm); }));
}

void write_raster(MPI_Comm comm, const std::string& path, RasterResult& result, const Provenance& provenance) {
  const double begin = wall_time();
  Hdf5Writer file(comm, path);
  const auto& shape = result.shape;
  const std::array<double, 4> place = {shape.x_corner, shape.y_corner, shape.cell_size, shape.nodata};
  file.write_replicated(schema::kPlace, place);
  const auto k = static_cast<std::int64_t>(result.points.size());
  const auto numbers = flat(result);
  const auto solves = rows_of(comm, k, 2);
  const auto first = partition(k, size_of(comm), rank_of(comm)).begin;
  file.write(schema::kSolvePoints, solves, numbers.data() + 2 * first);
  file.write(schema::kSolveResistance, rows_of(comm, k, 0), result.resistance.data() + first, "ohm");
  for (const auto& map : kMaps) {
    const auto& values = result.*map.map;
    if (values.empty()) continue;
    const auto row = partition(shape.rows, size_of(comm), rank_of(comm)).begin;
    file.write(map.path, rows_of(comm, shape.rows, shape.columns), values.data() + row * shape.columns, map.unit);
  }
  write_root(file, schema::kRaster, provenance);
  file.attribute(schema::kScenario, result.scenario);
  file.attribute(schema::kSolves, k);
  file.attribute(schema::kSolved, static_cast<std::int64_t>(result.solved()));
  file.attribute(schema::kRefinedResidual, result.refined_residual);
  file.write_arrays();
  result.report.seconds_write = all_max(comm, wall_time() - begin);
  write_figures(file, result.report);
  file.commit();
}

void read_raster(MPI_Comm comm, const std::string& path, RasterResult& result) {
  expect(file_status(comm, path, Check::all), path, schema::kRaster);
  agree(comm, [&] {
    const Hdf5Reader file(path);
    const auto& shape = result.shape;
    auto resistance = file.values(schema::kSolveResistance);
    const auto k = static_cast<std::int64_t>(result.points.size());
    bool same = file.text(schema::kScenario) == result.scenario && resistance.size() == result.points.size();
    same = same && file.shape(schema::kSolvePoints) == rows_slab(k, 0, k, 2).shape;
    std::vector<std::int64_t> numbers(same ? 2 * result.points.size() : 0);
    if (same) file.read(schema::kSolvePoints, rows_slab(k, 0, k, 2), numbers.data());
    if (!same || numbers != flat(result)) throw Error(fmt::format("{}: holds other solves", path));
    result.resistance = std::move(resistance);
    for (const auto& map : kMaps) {
      auto& values = result.*map.map;
      if (values.empty()) continue;
      const auto whole = rows_slab(shape.rows, 0, shape.rows, shape.columns);
      if (file.shape(map.path) != whole.shape) {
        throw Error(fmt::format("{}: {} is not of this raster", path, map.path));
      }
      file.read(map.path, whole, values.data());
    }
    result.refined_residual = file.number(schema::kRefinedResidual);
    read_figures(file, result.report);
  });
}

}  // namespace kirchhoff
