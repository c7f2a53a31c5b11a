// GeoTIFF, where the program is built with GDAL.
#include <fmt/format.h>

#include "kirchhoff/base/error.hpp"
#include "kirchhoff/io/raster/grid_file.hpp"

namespace kirchhoff {

Grid read_geotiff(const std::string& path) {
  throw Error(
      fmt::format("{}: this program was built without GDAL, which reads GeoTIFF: 'gdal_translate -of AAIGrid' "
                  "makes an ASCII grid of it",
                  path));
}

}  // namespace kirchhoff
