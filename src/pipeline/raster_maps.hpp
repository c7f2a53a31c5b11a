#pragma once

#include <span>
#include <string>
#include <vector>

#include "kirchhoff/io/raster/job_file.hpp"
#include "kirchhoff/raster/landscape.hpp"

namespace kirchhoff {

/// What Circuitscape writes, under its names. Of one rank. Files are whole or not there.
class RasterMaps {
 public:
  /// @param stem what names begin with: folder and name. All must outlive it.
  RasterMaps(const RasterJob& job, const Landscape& landscape, std::string stem)
      : job_(job), landscape_(landscape), stem_(std::move(stem)) {}

  /// STEM_voltmap_1_2.asc. @param name "_1_2", or "". @param volt (cells).
  void write_potential(const std::string& name, std::vector<double> volt) const;
  /// STEM_curmap_1_2.asc. @param kind "curmap", "cum_curmap" or "max_curmap".
  void write_current(const std::string& kind, const std::string& name, std::vector<double> ampere) const;
  /// STEM_resistances.out and STEM_resistances_3columns.out: of all pairs. @param ohm (k * k) rows, the diagonal 0.
  void write_resistances(const std::vector<std::int32_t>& number, std::span<const double> ohm) const;
  /// STEM_resistances.out: one value a point.
  void write_resistances_of_points(const std::vector<std::int32_t>& number, std::span<const double> ohm) const;

 private:
  void write(const std::string& name, std::vector<double> value) const;

  const RasterJob& job_;
  const Landscape& landscape_;
  std::string stem_;
};

}  // namespace kirchhoff
