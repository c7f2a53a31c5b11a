// Tables of numbers as text: one row per line.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text_rows.hpp"
#include "io/table/table_formats.hpp"
#include "kirchhoff/base/error.hpp"
#include "kirchhoff/base/text.hpp"

namespace kirchhoff {

namespace {

/// Whether a word is what a value that is missing, or a truth value, is written as.
bool stands_for_a_value(std::string_view word) {
  static constexpr std::array<std::string_view, 10> kWords = {"na",   "n/a",     "nan",  "null",  "nil",
                                                              "none", "missing", "true", "false", "unknown"};
  return std::any_of(kWords.begin(), kWords.end(), [&](auto known) { return detail::alike(word, known); });
}

/// Whether a word can be a column's name, and no value that was misspelt: it begins with a letter, and is not one of
/// those letters alone that are taken for 0 and 1.
bool can_be_a_name(std::string_view word) {
  if (word.empty() || stands_for_a_value(word)) return false;
  const auto first = static_cast<unsigned char>(word.front());
  return std::isalpha(first) != 0 || first == '_' || first >= 0x80;
}

bool looks_like_a_digit(std::string_view word) {
  return word.size() == 1 && std::string_view("OolI").find(word.front()) != std::string_view::npos;
}

/// A first row is a header where every field can be a name (the first may also be empty: data frames have no name for
/// the numbers of their rows), no name stands twice, and not all look like digits. Else it is a row of numbers, and
/// what is no number there is refused.
bool is_header(const std::vector<std::string_view>& fields) {
  for (std::size_t k = 0; k < fields.size(); ++k) {
    const bool index = k == 0 && fields.size() > 1 && fields[k].empty();
    if (!index && !can_be_a_name(fields[k])) return false;
  }
  if (std::all_of(fields.begin(), fields.end(), looks_like_a_digit)) return false;
  auto sorted = fields;
  std::sort(sorted.begin(), sorted.end());
  return std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end();
}

}  // namespace

Table detail::parse_text_table(const std::string& path, const std::string& text) {
  Table table;
  Rows rows(text, path, "#");
  bool first = true;
  std::int64_t first_line = 0;  // whose number of fields all must have
  while (rows.next()) {
    const auto& fields = rows.fields();
    const auto line = rows.line();
    const auto count = static_cast<std::int64_t>(fields.size());
    if (std::exchange(first, false)) {
      table.columns = count;
      first_line = line;
      if (is_header(fields)) {
        table.header.assign(fields.begin(), fields.end());
        table.header_line = line;
        table.note = fmt::format("line {} is the header: {}", line, listed(fields));
        continue;
      }
    }
    for (std::size_t k = 0; k < fields.size(); ++k) {
      const auto value = to_number(fields[k]);
      if (!value || !std::isfinite(*value)) {
        throw Error(fmt::format("{} line {}: field {}, {}, is not a {}number", path, line, k + 1, in_quotes(fields[k]),
                                value ? "finite " : ""));
      }
      table.values.push_back(*value);
    }
    if (count != table.columns) {
      throw Error(fmt::format("{} line {}: {} {}, but line {} has {}", path, line, count,
                              count == 1 ? "field" : "fields", first_line, table.columns));
    }
    ++table.rows;
  }
  return table;
}

}  // namespace kirchhoff
