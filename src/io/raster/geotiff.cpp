// GeoTIFF: the first band of a TIFF, and where it lies on the map.
#include <fmt/format.h>

#include "kirchhoff/base/error.hpp"
#include "kirchhoff/io/files/text_file.hpp"
#include "kirchhoff/io/raster/grid_file.hpp"

#ifdef KIRCHHOFF_HAS_TIFF
#include <tiffio.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "kirchhoff/base/text.hpp"

namespace kirchhoff {
namespace {

/// A file's bytes, as libtiff reads them.
struct TiffBytes {
  std::string bytes;
  std::size_t at = 0;

  static TiffBytes& of(thandle_t handle) { return *static_cast<TiffBytes*>(handle); }
  static tmsize_t read(thandle_t handle, void* data, tmsize_t size) {
    auto& self = of(handle);
    const auto count =
        std::min(static_cast<std::size_t>(size), self.bytes.size() - std::min(self.at, self.bytes.size()));
    std::memcpy(data, self.bytes.data() + self.at, count);
    self.at += count;
    return static_cast<tmsize_t>(count);
  }
  static tmsize_t write(thandle_t, void*, tmsize_t) { return 0; }
  static toff_t seek(thandle_t handle, toff_t offset, int whence) {
    auto& self = of(handle);
    const std::size_t base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? self.at : self.bytes.size();
    self.at = base + static_cast<std::size_t>(offset);
    return self.at;
  }
  static int close(thandle_t) { return 0; }
  static toff_t size(thandle_t handle) { return of(handle).bytes.size(); }
};

struct TiffCloser {
  void operator()(TIFF* tiff) const { TIFFClose(tiff); }
};

struct OptionsCloser {
  void operator()(TIFFOpenOptions* options) const { TIFFOpenOptionsFree(options); }
};

class GeotiffReader {
 public:
  GeotiffReader(std::string bytes, const std::string& path) : path_(path), source_{std::move(bytes), 0} {
    TIFFSetWarningHandler(nullptr);  // tags of other programs
    TIFFSetErrorHandler(nullptr);    // what fails is said here
    const std::unique_ptr<TIFFOpenOptions, OptionsCloser> options(TIFFOpenOptionsAlloc());
    TIFFOpenOptionsSetMaxSingleMemAlloc(options.get(), static_cast<tmsize_t>(most_bytes()));
    tiff_.reset(TIFFClientOpenExt(path.c_str(), "rm", &source_, TiffBytes::read, TiffBytes::write, TiffBytes::seek,
                                  TiffBytes::close, TiffBytes::size, nullptr, nullptr, options.get()));
    if (!tiff_) fail("is no TIFF file, or damaged");
  }

  Grid read() {
    read_layout();
    read_place();
    grid_.value.assign(static_cast<std::size_t>(grid_.shape.cells()), 0);
    if (TIFFIsTiled(tiff_.get()) != 0) {
      read_tiles();
    } else {
      read_lines();
    }
    return std::move(grid_);
  }

 private:
  [[noreturn]] void fail(const std::string& what) const { throw Error(fmt::format("{}: {}", path_, what)); }

  /// What a file of some bytes announces is not believed without bounds: compressions of TIFF gain 1032 at most.
  double most_bytes() const {
    constexpr double kGain = 2000;
    constexpr double kAny = 1 << 20;  // tiles and tables of a small file
    return std::max(kAny, kGain * static_cast<double>(source_.bytes.size()));
  }

  /// Room for what is read at once: a row, or a tile of some rows, of this many cells each.
  std::vector<char> buffer(tmsize_t size, std::int64_t rows, std::int64_t columns) const {
    const double needed =
        static_cast<double>(rows) * static_cast<double>(columns) * static_cast<double>(bits_) / 8 * bands_;
    // Rows of JPEG may hold colours of every second cell only.
    if (size <= 0 || static_cast<double>(size) < needed) fail("its rows or tiles do not hold a value for every cell");
    if (static_cast<double>(size) > most_bytes()) {
      fail(fmt::format("a row or tile of {} bytes does not fit into its {} bytes", size, source_.bytes.size()));
    }
    return std::vector<char>(static_cast<std::size_t>(size));
  }

  void read_layout() {
    std::uint32_t width = 0;
    std::uint32_t length = 0;
    TIFFGetField(tiff_.get(), TIFFTAG_IMAGEWIDTH, &width);
    TIFFGetField(tiff_.get(), TIFFTAG_IMAGELENGTH, &length);
    TIFFGetFieldDefaulted(tiff_.get(), TIFFTAG_BITSPERSAMPLE, &bits_);
    TIFFGetFieldDefaulted(tiff_.get(), TIFFTAG_SAMPLEFORMAT, &format_);
    TIFFGetFieldDefaulted(tiff_.get(), TIFFTAG_SAMPLESPERPIXEL, &bands_);
    std::uint16_t planes = PLANARCONFIG_CONTIG;
    TIFFGetFieldDefaulted(tiff_.get(), TIFFTAG_PLANARCONFIG, &planes);
    if (planes == PLANARCONFIG_SEPARATE) bands_ = 1;  // the first lies by itself
    const bool whole = bits_ == 8 || bits_ == 16 || bits_ == 32;
    const bool real = format_ == SAMPLEFORMAT_IEEEFP && (bits_ == 32 || bits_ == 64);
    if (!real && !(whole && (format_ == SAMPLEFORMAT_UINT || format_ == SAMPLEFORMAT_INT))) {
      fail(fmt::format("values of {} bits in format {} are not read", bits_, format_));
    }
    if (width == 0 || length == 0 || width > std::numeric_limits<std::int32_t>::max() / length) {
      fail(fmt::format("{} x {} cells are none, or more than 2^31 - 1", length, width));
    }
    if (static_cast<double>(width) * length * bits_ / 8 > most_bytes()) {
      fail(fmt::format("{} x {} cells do not fit into its {} bytes", length, width, source_.bytes.size()));
    }
    grid_.shape.columns = width;
    grid_.shape.rows = length;
  }

  /// The entries of a tag that libtiff does not know by itself, and takes as the file has them.
  template <class T>
  std::span<const T> entries(std::uint32_t tag, TIFFDataType type) const {
    std::uint32_t count = 0;
    T* data = nullptr;
    const auto* field = TIFFFindField(tiff_.get(), tag, TIFF_ANY);
    if (field == nullptr || TIFFGetField(tiff_.get(), tag, &count, &data) == 0 || data == nullptr) return {};
    if (TIFFFieldDataType(field) != type) fail(fmt::format("tag {} is not of the type that GeoTIFF says", tag));
    return {data, count};
  }
  std::span<const double> numbers(std::uint32_t tag, std::size_t least) const {
    const auto found = entries<double>(tag, TIFF_DOUBLE);
    return found.size() < least ? std::span<const double>() : found;
  }

  void read_place() {
    constexpr std::uint32_t kPixelScale = 33550;  // GeoTIFF 1.1, 7.4 and 7.1
    constexpr std::uint32_t kTiepoint = 33922;
    constexpr std::uint32_t kTransformation = 34264;
    constexpr std::uint32_t kNodataText = 42113;  // GDAL's
    auto& shape = grid_.shape;
    double height = 1;
    double top = static_cast<double>(shape.rows);
    const auto scale = numbers(kPixelScale, 2);
    const auto tie = numbers(kTiepoint, 6);
    const auto matrix = numbers(kTransformation, 8);
    if (!scale.empty() && !tie.empty()) {
      shape.cell_size = scale[0];
      height = scale[1];
      shape.x_corner = tie[3] - tie[0] * scale[0];
      top = tie[4] + tie[1] * scale[1];
    } else if (!matrix.empty()) {
      if (matrix[1] != 0 || matrix[4] != 0) fail("its rows do not run from west to east");
      shape.cell_size = matrix[0];
      height = -matrix[5];
      shape.x_corner = matrix[3];
      top = matrix[7];
    }
    constexpr double kSquare = 1e-6;
    if (!(shape.cell_size > 0) || !(std::abs(height / shape.cell_size - 1) < kSquare)) {
      fail(fmt::format("its cells of {} x {} are not square", shape.cell_size, height));
    }
    shape.y_corner = top - static_cast<double>(shape.rows) * height;
    if (!std::isfinite(shape.cell_size) || !std::isfinite(shape.x_corner) || !std::isfinite(shape.y_corner)) {
      fail("its place on the map is not finite");
    }
    const auto text = entries<char>(kNodataText, TIFF_ASCII);
    auto number = std::string_view(text.data(), text.size());
    number = number.substr(0, number.find('\0'));
    while (number.ends_with(' ')) number.remove_suffix(1);
    nodata_ = to_number(number);
  }

  double value(const char* at) const {
    const auto as = [&]<class T>(T number) {
      std::memcpy(&number, at, sizeof(T));
      return static_cast<double>(number);
    };
    if (format_ == SAMPLEFORMAT_IEEEFP) return bits_ == 64 ? as(double{}) : as(float{});
    const bool plus = format_ == SAMPLEFORMAT_UINT;
    if (bits_ == 8) return plus ? as(std::uint8_t{}) : as(std::int8_t{});
    if (bits_ == 16) return plus ? as(std::uint16_t{}) : as(std::int16_t{});
    return plus ? as(std::uint32_t{}) : as(std::int32_t{});
  }

  /// Values of one row from a buffer's place on. @param column the first.
  void take(const char* data, std::int64_t row, std::int64_t column, std::int64_t count) {
    constexpr double kUsual = -9999;
    const std::size_t step = static_cast<std::size_t>(bits_) / 8 * bands_;
    for (std::int64_t k = 0; k < count; ++k) {
      double number = value(data + static_cast<std::size_t>(k) * step);
      if (number == kUsual || (nodata_ && number == *nodata_)) number = std::numeric_limits<double>::quiet_NaN();
      if (std::isinf(number)) fail(fmt::format("row {}, column {}: not finite", row + 1, column + k + 1));
      grid_.value[static_cast<std::size_t>(row * grid_.shape.columns + column + k)] = number;
    }
  }

  void read_lines() {
    auto line = buffer(TIFFScanlineSize(tiff_.get()), 1, grid_.shape.columns);
    for (std::int64_t row = 0; row < grid_.shape.rows; ++row) {
      if (TIFFReadScanline(tiff_.get(), line.data(), static_cast<std::uint32_t>(row), 0) < 0) {
        fail(fmt::format("row {} cannot be read", row + 1));
      }
      take(line.data(), row, 0, grid_.shape.columns);
    }
  }

  void read_tiles() {
    std::uint32_t width = 0;
    std::uint32_t length = 0;
    TIFFGetField(tiff_.get(), TIFFTAG_TILEWIDTH, &width);
    TIFFGetField(tiff_.get(), TIFFTAG_TILELENGTH, &length);
    if (width == 0 || length == 0) fail("its tiles have no size");
    const auto line = TIFFTileRowSize(tiff_.get());
    buffer(line, 1, width);
    auto tile = buffer(TIFFTileSize(tiff_.get()), length, width);
    for (std::int64_t top = 0; top < grid_.shape.rows; top += length) {
      for (std::int64_t left = 0; left < grid_.shape.columns; left += width) {
        if (TIFFReadTile(tiff_.get(), tile.data(), static_cast<std::uint32_t>(left), static_cast<std::uint32_t>(top), 0,
                         0) < 0) {
          fail(fmt::format("the tile at row {}, column {} cannot be read", top + 1, left + 1));
        }
        const auto rows = std::min<std::int64_t>(length, grid_.shape.rows - top);
        for (std::int64_t row = 0; row < rows; ++row) {
          take(tile.data() + row * line, top + row, left, std::min<std::int64_t>(width, grid_.shape.columns - left));
        }
      }
    }
  }

  const std::string& path_;
  TiffBytes source_;
  std::unique_ptr<TIFF, TiffCloser> tiff_;
  Grid grid_;
  std::uint16_t bits_ = 0;
  std::uint16_t format_ = SAMPLEFORMAT_UINT;
  std::uint16_t bands_ = 1;
  std::optional<double> nodata_;
};

}  // namespace

Grid parse_geotiff(std::string bytes, const std::string& origin) {
  return GeotiffReader(std::move(bytes), origin).read();
}

}  // namespace kirchhoff

#else

namespace kirchhoff {

Grid parse_geotiff(std::string /*bytes*/, const std::string& origin) {
  throw Error(
      fmt::format("{}: this program was built without libtiff, which reads GeoTIFF; gdal_translate -of AAIGrid "
                  "makes an ASCII grid of it",
                  origin));
}

}  // namespace kirchhoff

#endif

kirchhoff::Grid kirchhoff::read_geotiff(const std::string& path) { return parse_geotiff(read_text_file(path), path); }
