#include "kirchhoff/table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <optional>
#include <string_view>
#include <system_error>

#include "kirchhoff/error.hpp"
#include "kirchhoff/text.hpp"
#include "store/table_formats.hpp"

namespace kirchhoff {

namespace {

constexpr std::string_view kBlanks = " \t\r\v\f";

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) + 1 - begin);
}

/// Splits a line at semicolons if it has one, else at commas if it has one, else at blanks.
void split(std::string_view line, std::vector<std::string_view>& fields) {
  fields.clear();
  const char separator = line.find(';') != std::string_view::npos ? ';' : ',';
  if (line.find(separator) != std::string_view::npos) {
    while (true) {
      const auto end = line.find(separator);
      fields.push_back(trimmed(line.substr(0, end)));
      if (end == std::string_view::npos) return;
      line.remove_prefix(end + 1);
    }
  }
  while (!line.empty()) {
    const auto end = std::min(line.find_first_of(kBlanks), line.size());
    fields.push_back(line.substr(0, end));
    line.remove_prefix(end);
    line.remove_prefix(std::min(line.find_first_not_of(kBlanks), line.size()));
  }
}

bool is_header(const std::vector<std::string_view>& fields) {
  return std::none_of(fields.begin(), fields.end(), [](auto field) { return to_number(field).has_value(); });
}

/// Checks that every value is finite, and finds out whether all are whole numbers.
Table finish(const std::string& path, Table table) {
  if (table.values.empty()) throw Error(fmt::format("{} holds no numbers", path));
  table.integral = true;
  for (std::size_t k = 0; k < table.values.size(); ++k) {
    const double value = table.values[k];
    if (!std::isfinite(value)) {
      const auto columns = static_cast<std::size_t>(table.columns);
      throw Error(fmt::format("{} row {}, column {}: {} is not a finite number", path, k / columns + 1, k % columns + 1,
                              value));
    }
    if (value != std::floor(value)) table.integral = false;
  }
  return table;
}

/// A whole number in a list of columns.
std::size_t to_column(std::string_view text, const std::string& list) {
  std::size_t column = 0;
  text = trimmed(text);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), column);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) {
    throw Error(fmt::format("columns {}: {} is not a column (expected a list like 0-63 or 0,2,5-7)", in_quotes(list),
                            in_quotes(text)));
  }
  return column;
}

}  // namespace

Table detail::parse_text_table(const std::string& path, const std::string& text) {
  Table table;
  std::string_view rest = text;
  if (rest.substr(0, 3) == "\xEF\xBB\xBF") rest.remove_prefix(3);  // the byte order mark that some editors write
  std::vector<std::string_view> fields;
  std::int64_t line_number = 0;
  std::int64_t first_line = 0;  // of numbers
  bool may_be_header = true;
  while (!rest.empty()) {
    const auto end = rest.find('\n');
    const auto line = trimmed(rest.substr(0, end));
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    ++line_number;
    if (line.empty() || line.front() == '#') continue;

    split(line, fields);
    if (may_be_header && is_header(fields)) {
      may_be_header = false;
      continue;
    }
    may_be_header = false;
    const auto count = static_cast<std::int64_t>(fields.size());
    if (table.rows == 0) {
      table.columns = count;
      first_line = line_number;
    }
    for (std::size_t k = 0; k < fields.size(); ++k) {
      const auto value = to_number(fields[k]);
      if (!value || !std::isfinite(*value)) {
        throw Error(fmt::format("{} line {}: field {}, {}, is not a {}number", path, line_number, k + 1,
                                in_quotes(fields[k]), value ? "finite " : ""));
      }
      table.values.push_back(*value);
    }
    if (count != table.columns) {
      throw Error(fmt::format("{} line {}: {} {}, but line {} has {}", path, line_number, count,
                              count == 1 ? "field" : "fields", first_line, table.columns));
    }
    ++table.rows;
  }
  return table;
}

void detail::require_exact_integers(const std::string& path, const Table& table) {
  const auto wide =
      std::find_if(table.values.begin(), table.values.end(), [](double v) { return std::abs(v) >= kExactIntegers; });
  if (wide == table.values.end()) return;
  const auto at = wide - table.values.begin();
  throw Error(fmt::format("{} row {}, column {}: the integer {:.0f} is not below 2^53, where doubles stop being exact",
                          path, at / table.columns + 1, at % table.columns + 1, *wide));
}

Table read_table(const std::string& path, const std::string& dataset) {
  const auto& extension = detail::kind_of(path).extension;
  if (extension == ".h5" || extension == ".hdf5") return finish(path, detail::read_hdf5_table(path, dataset));
  if (extension == ".npy") return finish(path, detail::parse_npy(path, read_text_file(path)));
  if (extension == ".csv" || extension == ".txt" || extension == ".data" || extension == ".tsv") {
    return finish(path, detail::parse_text_table(path, read_text_file(path)));
  }
  throw Error(
      fmt::format("cannot read {}: unknown kind of table, expected .csv .txt .data .tsv .npy .h5 .hdf5, maybe with "
                  ".gz or .bz2 after it",
                  path));
}

std::vector<std::size_t> parse_columns(const std::string& text, std::size_t columns) {
  std::vector<std::size_t> chosen;
  std::vector<bool> named(columns, false);
  const auto add = [&](std::size_t first, std::size_t last) {
    if (first > last) throw Error(fmt::format("columns {}: {}-{} runs backwards", in_quotes(text), first, last));
    if (last >= columns) {
      throw Error(fmt::format("columns {}: there is no column {}, the last of {} is {}", in_quotes(text), last, columns,
                              static_cast<std::int64_t>(columns) - 1));
    }
    for (std::size_t column = first; column <= last; ++column) {
      if (named[column]) throw Error(fmt::format("columns {}: column {} is named twice", in_quotes(text), column));
      named[column] = true;
      chosen.push_back(column);
    }
  };
  if (trimmed(text).empty()) {
    if (columns > 0) add(0, columns - 1);
    return chosen;
  }
  std::string_view rest = text;
  while (true) {
    const auto end = rest.find(',');
    const auto item = rest.substr(0, end);
    const auto dash = item.find('-');
    const std::size_t first = to_column(item.substr(0, dash), text);
    add(first, dash == std::string_view::npos ? first : to_column(item.substr(dash + 1), text));
    if (end == std::string_view::npos) return chosen;
    rest.remove_prefix(end + 1);
  }
}

}  // namespace kirchhoff
