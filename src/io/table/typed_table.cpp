#include "kirchhoff/io/table/typed_table.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "base/text_rows.hpp"
#include "io/table/one_hot.hpp"
#include "io/table/raw_table.hpp"
#include "io/table/understand.hpp"
#include "kirchhoff/base/error.hpp"
#include "kirchhoff/base/text.hpp"
#include "kirchhoff/io/table/table.hpp"

namespace kirchhoff {
namespace {

using detail::RawTable;

/// The usual words for a missing entry; no word that people also answer with ("none").
const std::vector<std::string> kUsualMissing = {"NA", "NaN", "nan", "?"};

std::vector<std::string> split_names(std::string_view text) {
  std::vector<std::string> parts;
  while (true) {
    const auto end = std::min(text.size(), text.find(','));
    parts.emplace_back(detail::trimmed(text.substr(0, end)));
    if (end == text.size()) return parts;
    text.remove_prefix(end + 1);
  }
}

/// Columns by name, or by number from 0.
std::vector<std::size_t> chosen_columns(const std::string& text, const std::vector<std::string>& names) {
  if (detail::trimmed(text).empty()) return parse_columns("", names.size());
  std::vector<std::size_t> chosen;
  for (const auto& part : split_names(text)) {
    const auto named = std::find(names.begin(), names.end(), part);
    if (named != names.end()) {
      chosen.push_back(static_cast<std::size_t>(named - names.begin()));
      continue;
    }
    const bool number = !part.empty() && part.find_first_not_of("0123456789-") == std::string::npos;
    if (!number) {
      throw Error(fmt::format("columns {}: there is no column {}{}", in_quotes(text), in_quotes(part),
                              did_you_mean(part, names)));
    }
    const auto more = parse_columns(part, names.size());
    chosen.insert(chosen.end(), more.begin(), more.end());
  }
  auto sorted = chosen;
  std::sort(sorted.begin(), sorted.end());
  const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
  if (twice != sorted.end()) {
    throw Error(fmt::format("columns {}: column {} is named twice", in_quotes(text), *twice));
  }
  return chosen;
}

class TypedReader {
 public:
  explicit TypedReader(const TableRequest& request) : request_(request) {}

  TypedTable read(std::span<const std::string> files);

 private:
  std::vector<std::string> column_names() const;
  ColumnRequest wish_of(const std::string& name) const;
  void refuse_wrong_wishes(const std::vector<std::string>& names) const;
  detail::TableFacts facts() const;
  void choose_point();
  void take_column(std::size_t c, const std::vector<std::string>& names, const detail::TableFacts& facts);
  void take_block(const detail::OneHotBlock& block, const std::vector<std::string>& names);
  void put_rows(std::size_t coordinates);
  void first_missing_word();

  /// How a coordinate's codes come from the raw columns: of one column, or of a block.
  struct Coding {
    std::vector<std::size_t> columns;
    std::vector<int> codes;           // of the words of the one column
    std::vector<std::uint32_t> ones;  // of a block: which word is 1
  };

  const TableRequest& request_;
  RawTable raw_;
  std::vector<std::string> missing_words_;
  char point_ = '.';
  TypedTable out_;
  std::vector<Coding> codings_;
};

std::vector<std::string> TypedReader::column_names() const {
  auto names = raw_.names;
  for (std::size_t c = 0; c < names.size(); ++c) {
    if (names[c].empty()) names[c] = fmt::format("c{}", c + 1);
  }
  return names;
}

ColumnRequest TypedReader::wish_of(const std::string& name) const {
  const auto own = request_.schema.find(name);
  if (own != request_.schema.end()) return own->second;
  const auto others = request_.schema.find("*");
  return others != request_.schema.end() ? others->second : ColumnRequest{};
}

void TypedReader::refuse_wrong_wishes(const std::vector<std::string>& names) const {
  for (const auto& [name, wish] : request_.schema) {
    if (name != "*" && std::find(names.begin(), names.end(), name) == names.end()) {
      throw Error(fmt::format("{}_schema: {} has no column {}{}", request_.option, raw_.files[0].path, in_quotes(name),
                              did_you_mean(name, names)));
    }
    const auto types = column_types();
    if (!wish.type.empty() && std::find(types.begin(), types.end(), wish.type) == types.end()) {
      throw Error(fmt::format("{}_schema: the type of {} is {}: it must be one of {}{}", request_.option,
                              in_quotes(name), in_quotes(wish.type), fmt::join(types, ", "),
                              did_you_mean(wish.type, types)));
    }
  }
}

/// Decimals stand behind a comma where some column has numbers only so, and none has numbers with a point.
void TypedReader::choose_point() {
  if (raw_.separator == ',') return;
  bool comma = false;
  bool point = false;
  for (const auto& words : raw_.words) {
    bool with_comma = true;
    bool with_point = true;
    bool any_comma = false;
    bool any_point = false;
    for (const auto& word : words.words()) {
      if (word.count + word.others == 0) continue;
      if (word.text.empty() ||
          std::find(missing_words_.begin(), missing_words_.end(), word.text) != missing_words_.end())
        continue;
      any_comma |= word.text.find(',') != std::string_view::npos;
      any_point |= word.text.find('.') != std::string_view::npos;
      with_comma = with_comma && to_number(word.text, ',').has_value();
      with_point = with_point && to_number(word.text, '.').has_value();
    }
    comma |= with_comma && any_comma;
    point |= with_point && any_point;
  }
  if (comma && !point) point_ = ',';
}

detail::TableFacts TypedReader::facts() const {
  const auto where = [this](const detail::WordTable::Word& word) {
    const auto& file = raw_.files[static_cast<std::size_t>(word.file)];
    return fmt::format("{}{}{}", file.path, file.text ? ":" : " row ", word.line);
  };
  return {request_, missing_words_, point_, raw_.files[0].rows, where, raw_.files[0].path};
}

void TypedReader::take_column(std::size_t c, const std::vector<std::string>& names, const detail::TableFacts& facts) {
  detail::RawColumn column{names[c], static_cast<std::int64_t>(c), codings_.size(), std::move(raw_.words[c])};
  auto understood = detail::understand(column, wish_of(names[c]), facts);
  raw_.words[c] = std::move(column.words);
  out_.schema.columns.push_back(std::move(understood.column));
  out_.missing.push_back(understood.missing);
  codings_.push_back({{c}, std::move(understood.codes), {}});
}

void TypedReader::take_block(const detail::OneHotBlock& block, const std::vector<std::string>& names) {
  Column column;
  column.name = block.name;
  column.words = block.words;
  column.places.assign(block.columns.begin(), block.columns.end());
  out_.notes.push_back(fmt::format(
      "columns {} to {} are one-hot bits, exactly one of {} is 1 in every row: they are taken as one column of {} "
      "categories, and written as bits again ({}: {{one_hot: keep}} keeps them apart)",
      in_quotes(names[block.columns.front()]), in_quotes(names[block.columns.back()]), block.columns.size(),
      block.columns.size(), request_.option));
  out_.schema.columns.push_back(std::move(column));
  out_.missing.push_back(0);
  codings_.push_back({block.columns, {}, block.ones});
}

void TypedReader::put_rows(std::size_t coordinates) {
  for (const auto& file : raw_.files) {
    auto& rows = out_.rows.emplace_back(static_cast<std::size_t>(file.rows) * coordinates);
    for (std::size_t d = 0; d < coordinates; ++d) {
      const auto& coding = codings_[d];
      for (std::size_t k = 0; k < coding.columns.size(); ++k) {
        const auto& ids = file.ids[coding.columns[k]];
        for (std::size_t i = 0; i < ids.size(); ++i) {
          auto& code = rows[i * coordinates + d];
          if (coding.ones.empty()) {
            code = static_cast<std::uint16_t>(coding.codes[ids[i]]);
          } else if (ids[i] == coding.ones[k]) {
            code = static_cast<std::uint16_t>(k);
          }
        }
      }
    }
  }
}

/// The word that the first file has first for a missing entry is the one that is written.
void TypedReader::first_missing_word() {
  const detail::WordTable::Word* first = nullptr;
  for (const auto& coding : codings_) {
    for (const auto column : coding.columns) {
      for (const auto& word : raw_.words[column].words()) {
        const bool missing = word.text.empty() ||
                             std::find(missing_words_.begin(), missing_words_.end(), word.text) != missing_words_.end();
        if (!missing || word.count + word.others == 0) continue;
        if (first == nullptr || std::pair(word.file, word.line) < std::pair(first->file, first->line)) first = &word;
      }
    }
  }
  auto& words = out_.schema.missing_words;
  words = missing_words_;
  if (std::find(words.begin(), words.end(), "") == words.end()) words.insert(words.begin(), "");
  if (first == nullptr) return;
  const std::string text(first->text);
  std::erase(words, text);
  words.insert(words.begin(), text);
}

TypedTable TypedReader::read(std::span<const std::string> files) {
  missing_words_ = request_.missing.value_or(kUsualMissing);
  raw_ = detail::read_raw_table(files, request_, missing_words_);
  const auto names = column_names();
  refuse_wrong_wishes(names);
  auto chosen = chosen_columns(request_.columns, names);
  std::erase_if(chosen, [&](auto c) { return wish_of(names[c]).type == "skip"; });
  if (chosen.empty()) throw Error(fmt::format("{}: no column is left", files[0]));
  if (!request_.categories.empty() && request_.categories.size() != chosen.size()) {
    throw Error(fmt::format("{}: {} columns are used, but space_categories has {}", files[0], chosen.size(),
                            request_.categories.size()));
  }
  choose_point();
  const auto known = facts();
  const bool recode = !request_.keep_one_hot && request_.categories.empty();
  const auto blocks =
      recode ? detail::one_hot_blocks(raw_, chosen, names, [&](auto c) { return request_.schema.contains(names[c]); })
             : std::vector<detail::OneHotBlock>{};
  std::set<std::size_t> in_block;
  for (const auto c : chosen) {
    const auto block =
        std::find_if(blocks.begin(), blocks.end(), [&](const auto& b) { return b.columns.front() == c; });
    if (block != blocks.end()) {
      take_block(*block, names);
      in_block.insert(block->columns.begin(), block->columns.end());
    } else if (!in_block.contains(c)) {
      take_column(c, names, known);
    }
  }
  auto& schema = out_.schema;
  schema.separator = raw_.separator;
  schema.point = point_;
  schema.header = raw_.header;
  schema.file_names = raw_.names;
  first_missing_word();
  put_rows(schema.columns.size());
  std::string skipped;
  if (chosen.size() < names.size()) skipped = fmt::format(" of {}", names.size());
  out_.account =
      fmt::format("{}: {} rows, {}{} columns, {}", files[0], raw_.files[0].rows, chosen.size(), skipped, raw_.account);
  if (point_ == ',') out_.notes.emplace_back("numbers have a decimal comma");
  return std::move(out_);
}

}  // namespace

std::span<const std::string> column_types() {
  static const std::vector<std::string> types = {"nominal", "ordinal", "binary", "real", "skip"};
  return types;
}

TypedTable read_typed_table(std::span<const std::string> files, const TableRequest& request) {
  return TypedReader(request).read(files);
}

}  // namespace kirchhoff
