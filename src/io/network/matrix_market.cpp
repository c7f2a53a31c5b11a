// Matrix Market's coordinate format: https://math.nist.gov/MatrixMarket/formats.html
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <tuple>

#include "io/network/reader.hpp"
#include "kirchhoff/base/error.hpp"
#include "kirchhoff/base/text.hpp"
#include "kirchhoff/io/network/network_files.hpp"

namespace kirchhoff {
namespace {

struct Entry {
  std::int64_t low;
  std::int64_t high;
  bool lower;  // row > column
  double value;
  std::int64_t line;
};

/// What the file says, entry by entry.
struct Matrix {
  bool symmetric = false;
  std::int64_t order = 0;
  std::int64_t size_line = 0;
  std::vector<Entry> entries;    // off the diagonal
  std::vector<double> diagonal;  // (order)
  double least = 0;              // of the entries
  double most = 0;
};

class MatrixReader {
 public:
  MatrixReader(std::string_view text, const std::string& origin)
      : lines_(text, origin), origin_(origin), bytes_(static_cast<std::int64_t>(text.size())) {}

  Matrix read() {
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
    if (row == column) {
      auto& sum = matrix_.diagonal[static_cast<std::size_t>(row) - 1];
      sum += *value;
      if (!std::isfinite(sum)) fail(fmt::format("the entries at ({}, {}) add up to no finite number", row, row));
      return;
    }
    matrix_.least = std::min(matrix_.least, *value);
    matrix_.most = std::max(matrix_.most, *value);
    matrix_.entries.push_back(
        {std::min(row, column) - 1, std::max(row, column) - 1, row > column, *value, lines_.number()});
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
  Matrix matrix_;
};

/// Joins pairs of nodes by the entries off the diagonal. @return what they add up to in each row.
std::vector<double> add_entries(Netlist& netlist, Matrix& matrix, bool laplacian, EdgeValues values) {
  const auto& origin = netlist.origin;
  auto& entries = matrix.entries;
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::tie(a.low, a.high, a.lower, a.line) < std::tie(b.low, b.high, b.lower, b.line);
  });
  std::vector<double> off_diagonal(matrix.diagonal.size(), 0);
  for (std::size_t at = 0; at < entries.size();) {
    const auto& entry = entries[at];
    double sum[2] = {0, 0};  // above and below the diagonal: entries that stand twice add up
    bool stands[2] = {false, false};
    for (; at < entries.size() && entries[at].low == entry.low && entries[at].high == entry.high; ++at) {
      sum[entries[at].lower ? 1 : 0] += std::abs(entries[at].value);
      stands[entries[at].lower ? 1 : 0] = true;
    }
    if (matrix.symmetric && stands[0] && stands[1]) {
      detail::fail(origin, entry.line,
                   fmt::format("({}, {}) stands above and below the diagonal of a symmetric matrix", entry.low + 1,
                               entry.high + 1));
    }
    const bool one_sided = stands[0] != stands[1] && (matrix.symmetric || !laplacian);
    if (!one_sided && sum[0] != sum[1]) {
      detail::fail(origin, entry.line,
                   fmt::format("the matrix is not symmetric at ({}, {})", entry.low + 1, entry.high + 1));
    }
    const double value = std::max(sum[0], sum[1]);
    off_diagonal[static_cast<std::size_t>(entry.low)] += value;
    off_diagonal[static_cast<std::size_t>(entry.high)] += value;
    netlist.resistors.add(entry.low, entry.high,
                          detail::conductance(origin, entry.line, value, laplacian ? EdgeValues::conductance : values),
                          entry.line);
  }
  return off_diagonal;
}

/// What a row of a Laplacian has too much joins its node to ground.
void add_excess(Netlist& netlist, const Matrix& matrix, const std::vector<double>& off_diagonal) {
  constexpr double kRounding = 1e-12;  // of the sum, as whoever wrote the file made it
  for (std::size_t k = 0; k < matrix.diagonal.size(); ++k) {
    const double excess = matrix.diagonal[k] - off_diagonal[k];
    if (std::abs(excess) <= kRounding * off_diagonal[k] && std::isfinite(off_diagonal[k])) continue;
    if (!(excess >= 0)) {
      throw Error(fmt::format("{}: row {} sums to {}: a Laplacian's rows sum to zero, or more where a node is grounded",
                              netlist.origin, k + 1, excess));
    }
    if (netlist.ground < 0) {
      netlist.ground = matrix.order;
      netlist.nodes.emplace_back("ground");
    }
    netlist.resistors.add(static_cast<std::int64_t>(k), netlist.ground,
                          detail::conductance(netlist.origin, matrix.size_line, excess, EdgeValues::conductance), 0);
  }
}

}  // namespace

Netlist parse_matrix_market(std::string_view text, const std::string& origin, EdgeValues values) {
  auto matrix = MatrixReader(text, origin).read();
  if (matrix.least < 0 && matrix.most > 0) {
    throw Error(fmt::format("{}: off the diagonal a Laplacian is negative and conductances are positive; here are both",
                            origin));
  }
  const bool laplacian = matrix.least < 0;
  if (laplacian && values == EdgeValues::resistance) {
    throw Error(
        fmt::format("{}: its values are negative off the diagonal: a Laplacian, which holds conductances, but "
                    "-network_values says resistance",
                    origin));
  }
  Netlist netlist;
  netlist.origin = origin;
  netlist.note = laplacian                           ? "taken as a Laplacian"
                 : values == EdgeValues::conductance ? "taken as conductances between nodes"
                                                     : "taken as resistances between nodes";
  for (std::int64_t k = 1; k <= matrix.order; ++k) netlist.nodes.push_back(std::to_string(k));
  const auto off_diagonal = add_entries(netlist, matrix, laplacian, values);
  if (laplacian) {
    add_excess(netlist, matrix, off_diagonal);
    return netlist;
  }
  for (std::size_t k = 0; k < matrix.diagonal.size(); ++k) {
    if (matrix.diagonal[k] == 0) continue;
    throw Error(fmt::format("{}: conductances between nodes have nothing on the diagonal, but ({}, {}) is {}", origin,
                            k + 1, k + 1, matrix.diagonal[k]));
  }
  return netlist;
}

}  // namespace kirchhoff
