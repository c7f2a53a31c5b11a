// Jobs of Circuitscape.
#include "kirchhoff/io/raster/job_file.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <system_error>

#include "io/raster/ini.hpp"
#include "kirchhoff/base/error.hpp"
#include "kirchhoff/base/text.hpp"
#include "kirchhoff/io/files/text_file.hpp"

namespace kirchhoff {
namespace {

namespace fs = std::filesystem;

/// Keys that say how Circuitscape works, which changes no result here.
const std::vector<std::string>& idle_keys() {
  static const std::vector<std::string> keys = {
      "version",
      "low_memory_mode",
      "preemptive_memory_release",
      "parallelize",
      "max_parallel",
      "print_timings",
      "print_rusages",
      "solver",
      "precision",
      "cholmod_batch_size",
      "log_level",
      "log_file",
      "profiler_log_file",
      "screenprint_log",
      "use_64bit_indexing",
      "suppress_messages",
      "reclass_file",
  };
  return keys;
}

const std::vector<std::string>& known_keys() {
  static const std::vector<std::string> keys = {"data_type",
                                                "scenario",
                                                "habitat_file",
                                                "habitat_map_is_resistances",
                                                "connect_four_neighbors_only",
                                                "connect_using_avg_resistances",
                                                "use_polygons",
                                                "polygon_file",
                                                "use_mask",
                                                "mask_file",
                                                "point_file",
                                                "use_included_pairs",
                                                "included_pairs_file",
                                                "use_variable_source_strengths",
                                                "variable_source_file",
                                                "source_file",
                                                "ground_file",
                                                "ground_file_is_resistances",
                                                "use_unit_currents",
                                                "use_direct_grounds",
                                                "remove_src_or_gnd",
                                                "output_file",
                                                "write_volt_maps",
                                                "write_cur_maps",
                                                "write_cum_cur_map_only",
                                                "write_max_cur_maps",
                                                "set_null_currents_to_nodata",
                                                "set_null_voltages_to_nodata",
                                                "set_focal_node_currents_to_zero",
                                                "log_transform_maps",
                                                "compress_grids",
                                                "use_reclass_table"};
  return keys;
}

/// A name that is no file's, as one that is too long, is of none.
bool is_there(const fs::path& path) {
  std::error_code unknown;
  return fs::exists(path, unknown);
}

class JobReader {
 public:
  JobReader(std::string_view text, const std::string& file) : ini_(text, file) {
    job_.file = file;
    job_.warnings = ini_.warnings();
  }

  RasterJob read() {
    check_keys();
    job_.network = ini_.choice("data_type", {"raster", "network"}, 0) == 1;
    if (!ini_.has("scenario")) ini_.fail("scenario", "is missing: pairwise, advanced, one-to-all or all-to-one");
    job_.scenario = static_cast<RasterScenario>(ini_.choice(
        "scenario", {"pairwise", "advanced", "one-to-all one_to_all onetoall", "all-to-one all_to_one alltoone"}, 0));
    read_landscape();
    read_scenario();
    read_output();
    if (found_[1] > 0) {
      job_.folder = fs::path(job_.file).parent_path().string();
      job_.remarks.emplace_back("names of files are relative to the folder of the .ini file");
    } else if (found_[0] > 0) {
      job_.remarks.emplace_back("names of files are relative to the working directory");
    }
    return std::move(job_);
  }

 private:
  void check_keys() {
    auto all = known_keys();
    all.insert(all.end(), idle_keys().begin(), idle_keys().end());
    for (const auto& [key, entry] : ini_.entries()) {
      if (std::find(all.begin(), all.end(), key) != all.end()) continue;
      job_.warnings.push_back(fmt::format("{}:{}: the key {} is not known and not used{}", job_.file, entry.line,
                                          in_quotes(key), did_you_mean(key, all)));
    }
    if (ini_.flag("use_reclass_table", false)) {
      ini_.fail("use_reclass_table", "reclassification is not done here: give the reclassified habitat_file");
    }
  }

  /// A file that a key names: relative to the .ini file's folder, or else to the working directory.
  std::string file_of(const std::string& key) {
    auto name = ini_.text(key);
    const fs::path path(name);
    if (name.empty() || name == "None" || name.front() == '(') ini_.fail(key, "a file is needed");
    if (path.is_absolute()) {
      if (!is_there(path)) ini_.fail(key, fmt::format("no file {}", in_quotes(name)));
      return name;
    }
    const auto beside = fs::path(job_.file).parent_path() / path;
    if (is_there(beside)) {
      ++found_[fs::path(job_.file).parent_path().empty() ? 0 : 1];
      return beside.string();
    }
    if (!is_there(path)) {
      ini_.fail(key, fmt::format("no file {}, neither in the folder of the .ini file nor in the working directory",
                                 in_quotes(name)));
    }
    ++found_[0];
    return name;
  }
  std::string file_if(const std::string& flag, const std::string& key) {
    return ini_.flag(flag, false) ? file_of(key) : "";
  }

  void read_landscape() {
    job_.habitat = file_of("habitat_file");
    job_.habitat_is_resistances = ini_.flag("habitat_map_is_resistances", true);
    job_.four_neighbors = ini_.flag("connect_four_neighbors_only", false);
    job_.average_resistances = ini_.flag("connect_using_avg_resistances", false);
    if (job_.network) return;
    job_.polygons = file_if("use_polygons", "polygon_file");
    job_.mask = file_if("use_mask", "mask_file");
  }

  void read_scenario() {
    if (job_.scenario == RasterScenario::advanced) {
      job_.sources = file_of("source_file");
      job_.grounds = file_of("ground_file");
      job_.grounds_are_resistances = ini_.flag("ground_file_is_resistances", true);
      job_.unit_currents = ini_.flag("use_unit_currents", false);
      job_.direct_grounds = ini_.flag("use_direct_grounds", false);
      const auto policy = ini_.text("remove_src_or_gnd");
      if (policy != "not entered" && !policy.empty()) {
        job_.policy =
            static_cast<SourceOrGround>(ini_.choice("remove_src_or_gnd", {"keepall", "rmvsrc", "rmvgnd", "rmvall"}, 0));
      }
      return;
    }
    if (job_.network && job_.scenario != RasterScenario::pairwise) {
      ini_.fail("scenario", "a network is solved pairwise or advanced");
    }
    job_.points = file_of("point_file");
    job_.included_pairs = file_if("use_included_pairs", "included_pairs_file");
    if (job_.scenario != RasterScenario::pairwise) {
      job_.strengths = file_if("use_variable_source_strengths", "variable_source_file");
    }
  }

  void read_output() {
    const auto output = ini_.text("output_file");
    if (!output.empty() && output.front() != '(' && output != "None") {
      job_.output = output.ends_with(".out") ? output.substr(0, output.size() - 4) : output;
    }
    job_.voltage_maps = ini_.flag("write_volt_maps", false);
    job_.current_maps = ini_.flag("write_cur_maps", false);
    job_.cumulative_only = ini_.flag("write_cum_cur_map_only", false);
    job_.maximum_map = ini_.flag("write_max_cur_maps", false);
    job_.null_currents_to_nodata = ini_.flag("set_null_currents_to_nodata", false);
    job_.null_voltages_to_nodata = ini_.flag("set_null_voltages_to_nodata", false);
    job_.focal_currents_to_zero = ini_.flag("set_focal_node_currents_to_zero", false);
    job_.log_transform = ini_.flag("log_transform_maps", false);
    job_.compress = ini_.flag("compress_grids", false);
  }

  detail::IniFile ini_;
  RasterJob job_;
  std::array<int, 2> found_{};  // files relative to the working directory, and to the .ini file's folder
};

}  // namespace

std::string name_of(RasterScenario scenario) {
  static constexpr std::array<const char*, 4> kNames = {"pairwise", "advanced", "one-to-all", "all-to-one"};
  return kNames[static_cast<std::size_t>(scenario)];
}

bool is_raster_job(const std::string& file) {
  const auto extension = fs::path(file).extension().string();
  return extension == ".ini" || extension == ".INI";
}

RasterJob read_raster_job(const std::string& file) {
  if (!is_there(file)) throw Error(fmt::format("no file '{}'", file));
  return parse_raster_job(read_text_file(file), file);
}

RasterJob parse_raster_job(std::string_view text, const std::string& file) { return JobReader(text, file).read(); }

}  // namespace kirchhoff
