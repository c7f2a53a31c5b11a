// ESRI ASCII grids.
#include "kirchhoff/io/raster/grid_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <iterator>
#include <limits>
#include <optional>

#include "base/text_rows.hpp"
#include "io/files/file_kind.hpp"
#include "kirchhoff/base/error.hpp"
#include "kirchhoff/base/text.hpp"
#include "kirchhoff/io/files/text_file.hpp"

namespace kirchhoff {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
constexpr double kUsualNodata = -9999;

/// Takes the first word off a line; empty when there is none left.
std::string_view take_word(std::string_view& line) {
  const auto begin = std::min(line.find_first_not_of(detail::kBlanks), line.size());
  const auto end = std::min(line.find_first_of(detail::kBlanks, begin), line.size());
  const auto word = line.substr(begin, end - begin);
  line.remove_prefix(end);
  return word;
}

/// Words of the header, and their places in `found_`.
struct HeaderWord {
  enum Place : std::size_t { columns, rows, x_corner, y_corner, x_center, y_center, cell_size, nodata };
};
constexpr std::array<std::string_view, 8> kHeader = {"ncols",     "nrows",     "xllcorner", "yllcorner",
                                                     "xllcenter", "yllcenter", "cellsize",  "nodata_value"};

std::optional<std::size_t> header_word(std::string_view word) {
  for (std::size_t k = 0; k < kHeader.size(); ++k) {
    if (detail::alike(word, kHeader[k])) return k;
  }
  return std::nullopt;
}

/// Reads a text line by line: its header, then its rows.
class GridReader {
 public:
  GridReader(std::string_view text, const std::string& origin)
      : lines_(text, origin), origin_(origin), most_values_(text.size() / 2 + 1) {}

  Grid read() {
    std::string_view line;
    bool more = next(line);
    for (; more; more = next(line)) {
      auto rest = line;
      const auto known = header_word(take_word(rest));
      if (!known) break;
      take_header(*known, rest);
    }
    finish_header();
    Grid grid{shape_, {}};
    grid.value.reserve(std::min(static_cast<std::size_t>(shape_.cells()), most_values_));
    for (std::int64_t row = 0; row < shape_.rows; ++row, more = next(line)) {
      if (!more) {
        throw Error(fmt::format("{}: the grid ends after {} of its {} rows", origin_, row, shape_.rows));
      }
      take_row(line, grid.value);
    }
    if (more) fail(fmt::format("there are more rows than nrows says, {}", shape_.rows));
    return grid;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(fmt::format("{}:{}: {}", origin_, lines_.number(), what));
  }

  /// The next line that is not empty.
  bool next(std::string_view& line) {
    while (lines_.next(line)) {
      if (line.find_first_not_of(detail::kBlanks) != std::string_view::npos) return true;
    }
    return false;
  }

  void take_header(std::size_t which, std::string_view rest) {
    const auto text = take_word(rest);
    const auto number = to_number(text);
    if (!number || std::isinf(*number) || (std::isnan(*number) && which != HeaderWord::nodata)) {
      fail(fmt::format("{} needs a number, not {}", kHeader[which], in_quotes(text)));
    }
    if (!take_word(rest).empty()) fail(fmt::format("{} has more than one value", kHeader[which]));
    if (found_[which]) fail(fmt::format("{} stands twice", kHeader[which]));
    found_[which] = *number;
    if ((which == HeaderWord::columns || which == HeaderWord::rows) &&
        (*number < 1 || *number > std::numeric_limits<std::int32_t>::max() || *number != std::floor(*number))) {
      fail(fmt::format("{} needs a whole number above 0, not {}", kHeader[which], in_quotes(text)));
    }
    if (which == HeaderWord::cell_size && *number <= 0) fail(fmt::format("cellsize {} is not above 0", text));
  }

  void finish_header() {
    const auto need = [&](HeaderWord::Place which) {
      if (!found_[which]) throw Error(fmt::format("{}: the header has no {}", origin_, kHeader[which]));
      return *found_[which];
    };
    shape_.columns = static_cast<std::int64_t>(need(HeaderWord::columns));
    shape_.rows = static_cast<std::int64_t>(need(HeaderWord::rows));
    shape_.cell_size = need(HeaderWord::cell_size);
    const auto corner = [&](HeaderWord::Place at_corner, HeaderWord::Place at_center) {
      return found_[at_center] ? *found_[at_center] - shape_.cell_size / 2 : need(at_corner);
    };
    shape_.x_corner = corner(HeaderWord::x_corner, HeaderWord::x_center);
    shape_.y_corner = corner(HeaderWord::y_corner, HeaderWord::y_center);
    if (!std::isfinite(shape_.x_corner) || !std::isfinite(shape_.y_corner)) {
      throw Error(fmt::format("{}: the corner of the map is not finite", origin_));
    }
    shape_.nodata = found_[HeaderWord::nodata].value_or(kUsualNodata);
    if (shape_.columns > std::numeric_limits<std::int32_t>::max() / shape_.rows) {
      throw Error(fmt::format("{}: {} x {} cells are more than 2^31 - 1", origin_, shape_.rows, shape_.columns));
    }
  }

  void take_row(std::string_view line, std::vector<double>& values) {
    std::int64_t column = 0;
    for (auto word = take_word(line); !word.empty(); word = take_word(line)) {
      if (++column > shape_.columns) fail(fmt::format("the row has more than {} values", shape_.columns));
      double value = 0;
      const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
      if (error != std::errc() || end != word.data() + word.size()) {
        const auto number = to_number(word);  // "+1", and what no double can hold
        if (!number) fail(fmt::format("column {}: {} is no number", column, in_quotes(word)));
        value = *number;
      }
      if (std::isinf(value)) fail(fmt::format("column {}: {} is not finite", column, in_quotes(word)));
      values.push_back(value == shape_.nodata || value == kUsualNodata ? kNone : value);
    }
    if (column < shape_.columns) fail(fmt::format("the row has {} of {} values", column, shape_.columns));
  }

  detail::Lines lines_;
  const std::string& origin_;
  std::size_t most_values_;  // that a text of this length can hold, whatever its header says
  std::array<std::optional<double>, kHeader.size()> found_;
  GridShape shape_;
};

}  // namespace

bool is_ascii_grid(std::string_view text) {
  const auto begin = std::min(text.find_first_not_of(" \t\r\n\xef\xbb\xbf"), text.size());
  auto rest = text.substr(begin, 100);
  rest = rest.substr(0, rest.find_first_of("\r\n"));
  return header_word(take_word(rest)).has_value();
}

Grid parse_ascii_grid(std::string_view text, const std::string& origin) { return GridReader(text, origin).read(); }

bool is_geotiff(const std::string& path) {
  const auto extension = detail::kind_of(path).extension;
  return extension == ".tif" || extension == ".tiff";
}

Grid read_grid(const std::string& path) {
  if (is_geotiff(path)) return read_geotiff(path);
  return parse_ascii_grid(read_text_file(path), path);
}

std::string ascii_grid_text(const Grid& grid, int digits) {
  const auto& shape = grid.shape;
  auto text = fmt::format(
      "ncols         {}\nnrows         {}\nxllcorner     {}\nyllcorner     {}\ncellsize      {}\nNODATA_value  {}\n",
      shape.columns, shape.rows, shape.x_corner, shape.y_corner, shape.cell_size, shape.nodata);
  for (std::int64_t cell = 0; cell < shape.cells(); ++cell) {
    const double value = grid.value[static_cast<std::size_t>(cell)];
    fmt::format_to(std::back_inserter(text), "{:.{}g}{}", std::isnan(value) ? shape.nodata : value, digits,
                   (cell + 1) % shape.columns == 0 ? '\n' : ' ');
  }
  return text;
}

}  // namespace kirchhoff
