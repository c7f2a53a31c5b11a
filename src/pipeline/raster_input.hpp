#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "kirchhoff/io/raster/focal_points.hpp"
#include "kirchhoff/io/raster/job_file.hpp"
#include "kirchhoff/raster/landscape.hpp"

namespace kirchhoff {

/// All that the files of a raster's job say.
struct RasterInput {
  RasterJob job;
  Landscape landscape;
  std::vector<std::int32_t> polygon;  // (cells) short-circuited regions by number, 0: none; empty without a file
  FocalPoints points;
  std::optional<PointPairs> pairs;
  std::map<std::int32_t, double> strength;  // [A] of sources, where it is not 1
  std::vector<double> source;               // (cells) [A], of the advanced mode
  std::vector<double> ground;               // (cells) [S] to ground, infinite: tied to it; likewise
  std::vector<std::string> warnings;
  std::vector<std::string> remarks;

  /// Of a focal point's source [A].
  double strength_of(std::size_t point) const {
    const auto found = strength.find(points.number[point]);
    return found == strength.end() ? 1.0 : found->second;
  }
  /// Regions of the polygons alone.
  Regions regions() const;
  /// Whether a pair of focal points (by index) is to be solved.
  bool solved(std::size_t a, std::size_t b) const {
    return !pairs || pairs->solved(points.number[a], points.number[b]);
  }
  /// Whether a focal point takes part in another one's solve, of one-to-all and all-to-one.
  bool meets(std::size_t point, std::size_t other) const {
    return point == other || !pairs || pairs->meets(points.number[point], points.number[other]);
  }
};

/// Local. @throws Error naming the file, and line, column, row or key.
RasterInput read_raster_input(RasterJob job);

/// Of all that changes results or which of them there are.
std::string raster_hash(const RasterInput& input);

}  // namespace kirchhoff
