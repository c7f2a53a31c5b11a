#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kirchhoff {

enum class RasterScenario { pairwise, advanced, one_to_all, all_to_one };

/// What is done where a source and a ground of the advanced mode meet: nothing, or one of them is removed, or both.
enum class SourceOrGround { keep_all, remove_source, remove_ground, remove_all };

/// A job of Circuitscape, as its .ini file says it. Names of files are as they can be opened, "" where none is used.
struct RasterJob {
  std::string file;      // the .ini
  bool network = false;  // data_type: not a raster
  RasterScenario scenario = RasterScenario::pairwise;

  std::string habitat;
  bool habitat_is_resistances = true;
  bool four_neighbors = false;
  bool average_resistances = false;
  std::string polygons;
  std::string mask;

  std::string points;
  std::string included_pairs;
  std::string strengths;

  std::string sources;
  std::string grounds;
  bool grounds_are_resistances = true;
  bool unit_currents = false;
  bool direct_grounds = false;
  SourceOrGround policy = SourceOrGround::keep_all;

  /// What names of outputs begin with, "" where the file says none; without ".out". Relative names stand to `folder`.
  std::string output;
  std::string folder;  // that relative names in the file were found in: the file's own, or "" for the working directory
  bool voltage_maps = false;
  bool current_maps = false;
  bool cumulative_only = false;
  bool maximum_map = false;
  bool null_currents_to_nodata = false;
  bool null_voltages_to_nodata = false;
  bool focal_currents_to_zero = false;
  bool log_transform = false;
  bool compress = false;

  std::vector<std::string> warnings;
  std::vector<std::string> remarks;

  bool wants_currents() const { return current_maps || cumulative_only || maximum_map; }
};

/// "pairwise", "advanced", "one-to-all" or "all-to-one".
std::string name_of(RasterScenario scenario);

/// Whether a file's name says that it is such a job.
bool is_raster_job(const std::string& file);

/// Local. @throws Error naming the file, line and key: a value that is none, a file that is not there.
RasterJob read_raster_job(const std::string& file);
/// The same of a file that has been read. @param file its name.
RasterJob parse_raster_job(std::string_view text, const std::string& file);

}  // namespace kirchhoff
