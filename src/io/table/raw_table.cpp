#include "io/table/raw_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include "base/text_rows.hpp"
#include "io/files/file_kind.hpp"
#include "io/table/records.hpp"
#include "kirchhoff/base/error.hpp"
#include "kirchhoff/base/text.hpp"
#include "kirchhoff/io/files/text_file.hpp"
#include "kirchhoff/io/table/table.hpp"

namespace kirchhoff::detail {
namespace {

bool is_text_table(const std::string& path) {
  const auto& extension = kind_of(path).extension;
  return extension == ".csv" || extension == ".tsv" || extension == ".txt" || extension == ".data";
}

bool reads_as_number(std::string_view text, char point) {
  const auto value = to_number(text, point);
  return value && std::isfinite(*value);
}

/// What the first row tells about itself.
struct FirstRow {
  bool header = false;
  std::string why;
};

class HeaderQuestion {
 public:
  HeaderQuestion(const RawTable& table, const std::vector<std::string>& missing) : table_(table), missing_(missing) {
    const bool comma = table.separator != ',';
    for (std::size_t c = 0; c < table.words.size(); ++c) {
      const auto& ids = table.files[0].ids[c];
      const auto& words = table.words[c].words();
      auto& column = columns_.emplace_back();
      column.text = words[ids[0]].text;
      column.recurs = words[ids[0]].count > 1;
      column.number = number(column.text, comma);
      for (const auto& word : words) {
        const bool only_first = word.text == column.text && !column.recurs;
        if (only_first || is_missing(word.text)) continue;
        ++column.others;
        column.numbers_below &= number(word.text, comma);
      }
    }
  }

  FirstRow answer() const {
    if (table_.files[0].rows == 1) return alone();
    bool numbers_fit = false;
    for (std::size_t c = 0; c < columns_.size(); ++c) {
      const auto& column = columns_[c];
      if (column.others == 0 || !column.numbers_below) continue;
      if (!column.number && !is_missing(column.text)) {
        return {true, fmt::format("no number in column {}, where numbers follow", c + 1)};
      }
      numbers_fit |= column.number;
    }
    if (counts_columns()) return {true, "it numbers the columns"};
    if (numbers_fit) return {false, "its entries fit the columns"};
    for (std::size_t c = 0; c < columns_.size(); ++c) {
      if (columns_[c].recurs && !is_missing(columns_[c].text)) {
        return {false, fmt::format("{} occurs again in column {}", in_quotes(columns_[c].text), c + 1)};
      }
    }
    return {true, "none of its words occurs again below"};
  }

 private:
  struct FirstField {
    std::string_view text;
    bool recurs = false;  // in its column
    bool number = false;
    bool numbers_below = true;
    std::size_t others = 0;  // different words below, without missing entries
  };

  static bool number(std::string_view text, bool comma) {
    return reads_as_number(text, '.') || (comma && reads_as_number(text, ','));
  }
  bool is_missing(std::string_view text) const {
    return text.empty() || std::find(missing_.begin(), missing_.end(), text) != missing_.end();
  }

  /// One row: of names, or of a table of one row.
  FirstRow alone() const {
    const bool any = std::any_of(columns_.begin(), columns_.end(), [](const auto& column) { return column.number; });
    return {!any, any ? "its entries are numbers" : "it is the only row, of words"};
  }

  /// 0, 1, 2, ... or 1, 2, 3, ... as data frames name columns, where most of these never occur below.
  bool counts_columns() const {
    constexpr std::size_t kFewest = 5;
    if (columns_.size() < kFewest) return false;
    const auto first = to_number(columns_[0].text);
    if (!first || (*first != 0 && *first != 1)) return false;
    std::size_t unseen = 0;
    for (std::size_t c = 0; c < columns_.size(); ++c) {
      if (to_number(columns_[c].text) != *first + static_cast<double>(c)) return false;
      unseen += columns_[c].recurs ? 0 : 1;
    }
    return 2 * unseen > columns_.size();
  }

  const RawTable& table_;
  const std::vector<std::string>& missing_;
  std::vector<FirstField> columns_;
};

class RawReader {
 public:
  RawReader(const TableRequest& request, const std::vector<std::string>& missing)
      : request_(request), missing_(missing) {}

  RawTable read(std::span<const std::string> files) {
    for (std::size_t k = 0; k < files.size(); ++k) {
      table_.files.push_back({files[k], is_text_table(files[k]), {}, 0});
      if (table_.files.back().text) {
        read_text(k);
      } else {
        read_numbers(k);
      }
      if (table_.files[k].rows == 0) throw Error(fmt::format("{}: there is no row of data in it", files[k]));
    }
    return std::move(table_);
  }

 private:
  void begin(std::size_t columns) {
    table_.words.resize(columns);
    table_.names.assign(columns, "");
  }

  void read_text(std::size_t k) {
    auto& file = table_.files[k];
    const auto content = read_text_file(file.path);
    const auto text = checked_text(content, file.path);
    const char separator = request_.separator != 0 ? request_.separator : separator_of_records(text);
    Records records(text, file.path, separator);
    if (!records.next()) throw Error(fmt::format("{}: the file is empty", file.path));
    const auto first_line = records.line();
    const std::vector<std::string> first(records.fields().begin(), records.fields().end());
    const auto width = first.size();
    if (k == 0) {
      table_.separator = separator;
      begin(width);
    }
    const auto places = k == 0 ? identity(width) : places_in(records);
    file.ids.resize(table_.words.size());
    const bool skip_first = k > 0 && other_has_header_;
    bool more = !skip_first || records.next();
    for (; more; more = records.next()) {
      const auto& fields = records.fields();
      if (fields.size() != width) refuse_ragged(records, first_line, first);
      for (std::size_t c = 0; c < table_.words.size(); ++c) {
        file.ids[c].push_back(table_.words[c].add(fields[places[c]], static_cast<std::int32_t>(k), records.line()));
      }
      ++file.rows;
    }
    if (k == 0) decide_header(first_line);
  }

  [[noreturn]] static void refuse_ragged(const Records& records, std::int64_t first_line,
                                         const std::vector<std::string>& first) {
    const auto count = records.fields().size();
    const auto all =
        fmt::format("{} {}, but line {} has {}", count, count == 1 ? "field" : "fields", first_line, first.size());
    if (count > first.size()) {
      records.fail(records.line(), fmt::format("{}: column {}, {}, is one too many (a field that holds the separator "
                                               "stands in quotes)",
                                               all, first.size() + 1, in_quotes(records.fields()[first.size()])));
    }
    records.fail(records.line(), fmt::format("{}: column {}, {}, is missing", all, count + 1, in_quotes(first[count])));
  }

  static std::vector<std::size_t> identity(std::size_t count) {
    std::vector<std::size_t> places(count);
    for (std::size_t c = 0; c < count; ++c) places[c] = c;
    return places;
  }

  void decide_header(std::int64_t line) {
    auto& file = table_.files[0];
    auto first =
        request_.header ? FirstRow{*request_.header, "as the case says"} : HeaderQuestion(table_, missing_).answer();
    table_.header = first.header;
    table_.account = fmt::format("separated by {}; line {} is {} ({})", separator_name(table_.separator), line,
                                 first.header ? "the header" : "data", first.why);
    if (!first.header) return;
    for (std::size_t c = 0; c < table_.words.size(); ++c) {
      auto& ids = file.ids[c];
      table_.names[c] = table_.words[c].words()[ids[0]].text;
      table_.words[c].take_back(ids[0]);
      ids.erase(ids.begin());
    }
    if (--file.rows == 0) {
      throw Error(fmt::format("{}: line {} is taken for the header ({}), and no row of data follows", file.path, line,
                              first.why));
    }
    for (std::size_t c = 0; c < table_.names.size(); ++c) {
      const auto& name = table_.names[c];
      const auto before = std::find(table_.names.begin(), table_.names.begin() + static_cast<std::ptrdiff_t>(c), name) -
                          table_.names.begin();
      if (name.empty() || static_cast<std::size_t>(before) == c) continue;
      throw Error(fmt::format("{}:{}: columns {} and {} have the same name, {}: names must differ", file.path, line,
                              before + 1, c + 1, in_quotes(name)));
    }
  }

  /// Where the first file's columns are in another file: by name where its first row has the names, else the same.
  std::vector<std::size_t> places_in(const Records& records) {
    const auto& fields = records.fields();
    const auto place_of = [&](const std::string& name) {
      return static_cast<std::size_t>(std::find(fields.begin(), fields.end(), name) - fields.begin());
    };
    std::size_t found = 0;
    for (const auto& name : table_.names) found += place_of(name) < fields.size() ? 1 : 0;
    other_has_header_ = table_.header && 2 * found > table_.names.size();
    if (!other_has_header_) {
      if (fields.size() != table_.words.size()) {
        records.fail(records.line(), fmt::format("{} fields, but {} has {} columns", fields.size(),
                                                 table_.files[0].path, table_.words.size()));
      }
      return identity(fields.size());
    }
    std::vector<std::size_t> places;
    for (const auto& name : table_.names) {
      places.push_back(place_of(name));
      if (places.back() == fields.size()) {
        records.fail(records.line(),
                     fmt::format("there is no column {}, which {} has", in_quotes(name), table_.files[0].path));
      }
    }
    return places;
  }

  /// An array of numbers: .npy, .npz, .h5.
  void read_numbers(std::size_t k) {
    auto& file = table_.files[k];
    const auto numbers = read_table(file.path, request_.dataset);
    const auto columns = static_cast<std::size_t>(numbers.columns);
    if (k == 0) {
      begin(columns);
      table_.account = "numbers";
    }
    if (columns != table_.words.size()) {
      throw Error(fmt::format("{} has {} columns, but {} has {}", file.path, columns, table_.files[0].path,
                              table_.words.size()));
    }
    file.ids.resize(columns);
    file.rows = numbers.rows;
    for (std::size_t i = 0; i < numbers.values.size(); ++i) {
      const auto text = fmt::format("{}", numbers.values[i] + 0.0);  // + 0.0: no -0
      const auto row = static_cast<std::int64_t>(i / columns) + 1;
      file.ids[i % columns].push_back(table_.words[i % columns].add(text, static_cast<std::int32_t>(k), row));
    }
  }

  const TableRequest& request_;
  const std::vector<std::string>& missing_;
  RawTable table_;
  bool other_has_header_ = false;
};

}  // namespace

RawTable read_raw_table(std::span<const std::string> files, const TableRequest& request,
                        const std::vector<std::string>& missing) {
  return RawReader(request, missing).read(files);
}

}  // namespace kirchhoff::detail
