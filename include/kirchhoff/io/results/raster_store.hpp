#pragma once

#include <mpi.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "kirchhoff/io/results/store.hpp"
#include "kirchhoff/raster/grid.hpp"
#include "kirchhoff/solve/solve.hpp"

namespace kirchhoff {

/// What is known of a raster, the same on every rank: the solves that are done, and the maps of them together.
struct RasterResult {
  GridShape shape;
  std::string scenario;
  std::vector<std::pair<std::int64_t, std::int64_t>> points;  // (k) what each solve is of: focal points, 0 for none
  std::vector<double> resistance;                             // (k) [ohm]; -1: not connected; NaN: not solved yet
  // Maps, (cells) each, empty where they are not asked for; 0 where there is no node.
  std::vector<double> potential;   // [V], of the advanced mode
  std::vector<double> current;     // [A], likewise
  std::vector<double> cumulative;  // [A] sum of the currents of all solves
  std::vector<double> maximum;     // [A] the largest of them
  SolveReport report;              // the worst of all solves
  double refined_residual = 0;

  std::size_t solved() const;
};

/// solution.h5 of a raster. @note Collective.
void write_raster(MPI_Comm comm, const std::string& path, RasterResult& result, const Provenance& provenance);
/// Takes what such a file holds of `result`, whose shape, scenario, points and kinds of maps are those of the problem.
/// @note Collective. @throws Error when the file is not of them, or damaged.
void read_raster(MPI_Comm comm, const std::string& path, RasterResult& result);

}  // namespace kirchhoff
