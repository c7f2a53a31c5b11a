#include "kirchhoff/io/table/holes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "io/table/raw_table.hpp"
#include "io/table/records.hpp"
#include "kirchhoff/base/error.hpp"
#include "kirchhoff/base/text.hpp"

namespace kirchhoff {
namespace {

/// Reads the rows of one file, column by column.
class HoleReader {
 public:
  HoleReader(const std::string& file, const Schema& schema) : file_(file), schema_(schema) {
    TableRequest request;
    request.separator = schema.separator;
    request.header = schema.header;
    const std::array files = {file};
    raw_ = detail::read_raw_table(files, request, schema.missing_words);
    if (!schema.header && raw_.words.size() != schema.file_names.size()) {
      throw Error(
          fmt::format("{}: {} columns, but the table has {}", file, raw_.words.size(), schema.file_names.size()));
    }
  }

  HoleTable read() {
    HoleTable table;
    table.count = raw_.files[0].rows;
    const auto d = schema_.columns.size();
    table.rows.assign(static_cast<std::size_t>(table.count) * d, kHole);
    std::vector<std::pair<std::size_t, HoleTable::Field>> placed;
    for (std::size_t j = 0; j < d; ++j) {
      const auto& column = schema_.columns[j];
      std::vector<std::size_t> places;
      places.reserve(column.places.size());
      for (const auto place : column.places) places.push_back(place_of(static_cast<std::size_t>(place)));
      if (column.one_hot()) {
        take_block(table, j, places);
      } else {
        take_column(table, j, places.at(0));
      }
      for (std::size_t k = 0; k < places.size(); ++k) placed.emplace_back(places[k], field_of(j, k, places[k]));
    }
    std::sort(placed.begin(), placed.end(), [](const auto& x, const auto& y) { return x.first < y.first; });
    for (auto& [place, field] : placed) table.fields.push_back(std::move(field));
    return table;
  }

 private:
  std::size_t place_of(std::size_t place) const {
    if (!schema_.header) return place;
    const auto& name = schema_.file_names.at(place);
    const auto found = std::find(raw_.names.begin(), raw_.names.end(), name);
    if (found == raw_.names.end()) {
      throw Error(fmt::format("{}: there is no column {}: a column that is not known at all has empty entries{}", file_,
                              in_quotes(name), did_you_mean(name, raw_.names)));
    }
    return static_cast<std::size_t>(found - raw_.names.begin());
  }

  HoleTable::Field field_of(std::size_t coordinate, std::size_t bit, std::size_t place) {
    HoleTable::Field field{coordinate, bit, raw_.names[place], {}, raw_.files[0].ids[place]};
    for (const auto& word : raw_.words[place].words()) field.words.emplace_back(word.text);
    return field;
  }

  [[noreturn]] void refuse(std::size_t place, const detail::WordTable::Word& word, const std::string& needed) const {
    throw Error(fmt::format("{}{}{}: {} is {}: {}", file_, raw_.files[0].text ? ":" : " row ", word.line,
                            detail::column_label(static_cast<std::int64_t>(place), raw_.names[place]),
                            in_quotes(word.text), needed));
  }

  void take_column(HoleTable& table, std::size_t j, std::size_t place) const {
    const auto& column = schema_.columns[j];
    const FieldCodes known(schema_, column);
    std::vector<std::uint16_t> codes;
    for (const auto& word : raw_.words[place].words()) {
      auto& code = codes.emplace_back(kHole);
      if (word.count == 0 || known.missing(word.text)) continue;
      const auto found = known.code(word.text);
      if (!found) {
        if (column.binned()) refuse(place, word, "a number is needed");
        refuse(place, word,
               fmt::format("the table has no such word in this column{}",
                           did_you_mean(std::string(word.text), column.words)));
      }
      if (*found == kHole) refuse(place, word, "columns of 65,536 categories cannot be imputed");
      code = *found;
    }
    const auto& ids = raw_.files[0].ids[place];
    for (std::size_t i = 0; i < ids.size(); ++i) table.rows[i * schema_.columns.size() + j] = codes[ids[i]];
  }

  /// A block of bits: known where one bit is 1. Bits of a hole are 0 or missing.
  void take_block(HoleTable& table, std::size_t j, const std::vector<std::size_t>& places) const {
    const auto& missing = schema_.missing_words;
    for (std::size_t i = 0; i < static_cast<std::size_t>(table.count); ++i) {
      auto& code = table.rows[i * schema_.columns.size() + j];
      bool hole = false;
      for (std::size_t k = 0; k < places.size(); ++k) {
        const auto& word = raw_.words[places[k]].words()[raw_.files[0].ids[places[k]][i]];
        const auto value = to_number(word.text, schema_.point);
        const bool absent = std::find(missing.begin(), missing.end(), word.text) != missing.end();
        if (!absent && value != 0.0 && value != 1.0) refuse(places[k], word, "a bit is needed, 0 or 1");
        hole = hole || absent;
        if (absent || value == 0.0) continue;
        if (code != kHole) refuse_bits(i, j, "more than one 1");
        code = static_cast<std::uint16_t>(k);
      }
      if (code == kHole && !hole) refuse_bits(i, j, "no 1");
    }
  }

  [[noreturn]] void refuse_bits(std::size_t row, std::size_t j, const char* what) const {
    throw Error(fmt::format("{}: row {}: the one-hot bits {} have {}", file_, row + 1,
                            in_quotes(schema_.columns[j].name), what));
  }

  const std::string& file_;
  const Schema& schema_;
  detail::RawTable raw_;
};

}  // namespace

HoleTable read_holes(const std::string& file, const Schema& schema) { return HoleReader(file, schema).read(); }

std::string completed_text(const Schema& schema, const HoleTable& table, std::span<const std::uint16_t> rows, int draws,
                           std::uint64_t seed) {
  const auto d = schema.columns.size();
  std::string text;
  if (schema.header) {
    text = fmt::format("row{}draw", schema.separator);
    for (const auto& field : table.fields) text += schema.separator + detail::as_field(field.name, schema.separator);
    text += '\n';
  }
  for (std::int64_t line = 0; line < table.count * draws; ++line) {
    const auto row = static_cast<std::size_t>(line / draws);
    text += fmt::format("{}{}{}", row + 1, schema.separator, line % draws + 1);
    for (const auto& field : table.fields) {
      const auto j = field.coordinate;
      const auto& column = schema.columns[j];
      const auto code = rows[static_cast<std::size_t>(line) * d + j];
      std::string own;
      if (column.one_hot()) {
        own = code == field.bit ? "1" : "0";
      } else if (!is_hole(table.rows[row * d + j], column.categories())) {
        own = field.words[field.ids[row]];
      } else {
        own = drawn_text(schema, j, code, seed, line);
      }
      text += schema.separator + detail::as_field(own, schema.separator);
    }
    text += '\n';
  }
  return text;
}

}  // namespace kirchhoff
