// Matrix Market's coordinate format: https://math.nist.gov/MatrixMarket/formats.html
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "io/network/matrix.hpp"
#include "io/network/reader.hpp"
#include "kirchhoff/base/error.hpp"
#include "kirchhoff/base/text.hpp"
#include "kirchhoff/io/network/network_files.hpp"

namespace kirchhoff {
namespace {

class MatrixReader {
 public:
  MatrixReader(std::string_view text, const std::string& origin)
      : lines_(text, origin), origin_(origin), bytes_(static_cast<std::int64_t>(text.size())) {
    matrix_.origin = origin;
    matrix_.first = 1;
  }

  detail::NodeMatrix read() {
    read_banner();
    read_sizes();
    std::int64_t read = 0;
    while (next()) {
      if (read == expected_) fail(fmt::format("more entries than the {} that were announced", expected_));
      read_entry();
      ++read;
    }
    if (read != expected_) throw Error(fmt::format("{}: {} entries, but {} were announced", origin_, read, expected_));
    return std::move(matrix_);
  }

 private:
  [[noreturn]] void fail(const std::string& what) const { detail::fail(origin_, lines_.number(), what); }

  bool next() {
    while (lines_.next(line_)) {
      line_ = detail::trimmed(line_);
      if (!line_.empty() && line_.front() != '%') return true;
    }
    return false;
  }
  std::string_view take() { return detail::take_field(line_, ""); }

  void read_banner() {
    if (!lines_.next(line_) || !line_.starts_with("%%MatrixMarket"))
      detail::fail(origin_, 1, "not a Matrix Market file");
    std::array<std::string_view, 5> words;  // the banner, object, format, field, symmetry
    for (auto& word : words) word = take();
    const auto is = [&](std::size_t k, std::initializer_list<std::string_view> known) {
      return std::any_of(known.begin(), known.end(), [&](auto word) { return detail::alike(words[k], word); });
    };
    if (!is(1, {"matrix"}) || !is(2, {"coordinate"})) fail("a matrix in coordinate format is needed");
    const bool real = is(3, {"real", "double", "integer", "pattern"});
    if (!real || !is(4, {"general", "symmetric"}) || !take().empty()) {
      fail(fmt::format("a real matrix, symmetric or general, is needed, not {} {}", in_quotes(words[3]),
                       in_quotes(words[4])));
    }
    pattern_ = is(3, {"pattern"});
    matrix_.symmetric = is(4, {"symmetric"});
  }

  void read_sizes() {
    if (!next()) throw Error(fmt::format("{}: the sizes are missing", origin_));
    const auto rows = whole("the number of rows");
    const auto columns = whole("the number of columns");
    expected_ = whole("the number of entries");
    nothing_left();
    if (rows != columns || rows < 1) fail("the matrix must be square");
    if (expected_ < 0) fail("the number of entries is negative");
    // A row takes more than a byte, if it is to be joined to anything.
    for (const auto& [count, what] : {std::pair{rows, "rows"}, std::pair{expected_, "entries"}}) {
      if (count > bytes_) fail(fmt::format("{} {} are announced, in a file of {} bytes", count, what, bytes_));
    }
    matrix_.order = rows;
    matrix_.size_line = lines_.number();
    matrix_.diagonal.assign(static_cast<std::size_t>(rows), 0);
  }

  void read_entry() {
    const auto row = whole("the row");
    const auto column = whole("the column");
    if (std::min(row, column) < 1 || std::max(row, column) > matrix_.order) {
      fail(fmt::format("entry ({}, {}) is outside 1..{}", row, column, matrix_.order));
    }
    const auto field = pattern_ ? std::string_view("1") : take();
    const auto value = to_number(field);
    if (!value || !std::isfinite(*value)) fail(fmt::format("value {} is not a finite number", in_quotes(field)));
    nothing_left();
    matrix_.add(row - 1, column - 1, *value, lines_.number());
  }

  std::int64_t whole(std::string_view what) {
    const auto field = take();
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value);
    if (error != std::errc() || end != field.data() + field.size()) {
      fail(fmt::format("{} is {}: a whole number is needed", what, in_quotes(field)));
    }
    return value;
  }
  void nothing_left() {
    const auto field = take();
    if (!field.empty()) fail(fmt::format("{} stands behind what this line holds", in_quotes(field)));
  }

  detail::Lines lines_;
  const std::string& origin_;
  std::int64_t bytes_;
  std::string_view line_;
  std::int64_t expected_ = 0;
  bool pattern_ = false;
  detail::NodeMatrix matrix_;
};

}  // namespace

Netlist parse_matrix_market(std::string_view text, const std::string& origin, const EdgeReading& reading) {
  return detail::network_of(MatrixReader(text, origin).read(), reading);
}

}  // namespace kirchhoff
