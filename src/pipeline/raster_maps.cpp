#include "pipeline/raster_maps.hpp"

#include <fmt/format.h>

#include <cmath>
#include <iterator>
#include <limits>

#include "kirchhoff/io/files/text_file.hpp"
#include "kirchhoff/io/raster/grid_file.hpp"

namespace kirchhoff {
namespace {

constexpr double kNodata = std::numeric_limits<double>::quiet_NaN();

void clear_null(const std::vector<double>& conductance, std::vector<double>& value) {
  for (std::size_t cell = 0; cell < value.size(); ++cell) {
    if (conductance[cell] == 0) value[cell] = kNodata;
  }
}

}  // namespace

void RasterMaps::write(const std::string& name, std::vector<double> value) const {
  const auto text = ascii_grid_text({landscape_.shape, std::move(value)});
  if (job_.compress) {
    write_gzip_file(stem_ + name + ".asc.gz", text);
  } else {
    write_text_file(stem_ + name + ".asc", text);
  }
}

void RasterMaps::write_potential(const std::string& name, std::vector<double> volt) const {
  if (job_.null_voltages_to_nodata) clear_null(landscape_.conductance, volt);
  write("_voltmap" + name, std::move(volt));
}

void RasterMaps::write_current(const std::string& kind, const std::string& name, std::vector<double> ampere) const {
  if (job_.log_transform) {
    for (auto& value : ampere) value = value > 0 ? std::log10(value) : kNodata;
  }
  if (job_.null_currents_to_nodata) clear_null(landscape_.conductance, ampere);
  write("_" + kind + name, std::move(ampere));
}

void RasterMaps::write_resistances(const std::vector<std::int32_t>& number, std::span<const double> ohm) const {
  const auto k = number.size();
  std::string matrix = "0";
  std::string columns;
  for (const auto id : number) matrix += fmt::format(" {}", id);
  for (std::size_t a = 0; a < k; ++a) {
    fmt::format_to(std::back_inserter(matrix), "\n{}", number[a]);
    for (std::size_t b = 0; b < k; ++b) {
      fmt::format_to(std::back_inserter(matrix), " {:.15g}", ohm[a * k + b]);
      if (b > a) fmt::format_to(std::back_inserter(columns), "{} {} {:.15g}\n", number[a], number[b], ohm[a * k + b]);
    }
  }
  write_text_file(stem_ + "_resistances.out", matrix + "\n");
  write_text_file(stem_ + "_resistances_3columns.out", columns);
}

void RasterMaps::write_resistances_of_points(const std::vector<std::int32_t>& number,
                                             std::span<const double> ohm) const {
  std::string text;
  for (std::size_t k = 0; k < number.size(); ++k) text += fmt::format("{} {:.15g}\n", number[k], ohm[k]);
  write_text_file(stem_ + "_resistances.out", text);
}

}  // namespace kirchhoff
