#include "kirchhoff/io/table/table.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <optional>
#include <string_view>
#include <system_error>
#include <vector>

#include "base/text_rows.hpp"
#include "io/files/file_kind.hpp"
#include "io/files/zip.hpp"
#include "io/table/table_formats.hpp"
#include "kirchhoff/base/error.hpp"
#include "kirchhoff/base/text.hpp"
#include "kirchhoff/io/files/text_file.hpp"

namespace kirchhoff {

namespace {

using detail::trimmed;

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

/// A file format of tables: all that depends on it.
struct TableFormat {
  std::vector<std::string_view> extensions;  // in lower case
  Table (*read)(const std::string& path, const std::string& dataset);
};

/// The array of that name in NumPy's archive of arrays, or its only one.
Table read_npz(const std::string& path, const std::string& dataset) {
  const auto bytes = read_text_file(path);
  const detail::ZipArchive archive(bytes, path);
  auto names = archive.names();
  std::erase_if(names, [](const auto& name) { return !name.ends_with(".npy"); });
  for (auto& name : names) name.resize(name.size() - std::string_view(".npy").size());
  if (names.empty()) throw Error(fmt::format("{} holds no array", path));
  const auto chosen = dataset.empty() && names.size() == 1 ? names.front() : dataset;
  if (std::find(names.begin(), names.end(), chosen) == names.end()) {
    throw Error(chosen.empty()
                    ? fmt::format("{} has {} arrays, say which: {}", path, names.size(), fmt::join(names, ", "))
                    : fmt::format("{} has no array {}{} (arrays: {})", path, in_quotes(chosen),
                                  did_you_mean(chosen, names), fmt::join(names, ", ")));
  }
  return detail::parse_npy(path, archive.member(chosen + ".npy"));
}

const std::vector<TableFormat> kTableFormats = {
    {{".csv", ".txt", ".data", ".tsv"},
     [](const std::string& path, const std::string&) { return detail::parse_text_table(path, read_text_file(path)); }},
    {{".npy"},
     [](const std::string& path, const std::string&) { return detail::parse_npy(path, read_text_file(path)); }},
    {{".npz"}, read_npz},
    {{".h5", ".hdf5"}, detail::read_hdf5_table},
};

}  // namespace

Table read_table(const std::string& path, const std::string& dataset) {
  const auto& extension = detail::kind_of(path).extension;
  for (const auto& format : kTableFormats) {
    for (const auto known : format.extensions) {
      if (extension == known) return finish(path, format.read(path, dataset));
    }
  }
  std::vector<std::string_view> all;
  for (const auto& format : kTableFormats) all.insert(all.end(), format.extensions.begin(), format.extensions.end());
  throw Error(fmt::format("cannot read {}: unknown kind of table, expected {}, maybe with .gz or .bz2 after it", path,
                          fmt::join(all, " ")));
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
