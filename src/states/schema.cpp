#include "kirchhoff/states/schema.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <unordered_map>
#include <utility>

#include "kirchhoff/base/error.hpp"
#include "kirchhoff/base/random.hpp"
#include "kirchhoff/base/text.hpp"

namespace kirchhoff {
namespace {

/// A number as a file with that point has it.
std::string number_text(double value, int decimals, char point) {
  auto text = decimals < 0 ? fmt::format("{:.9g}", value) : fmt::format("{:.{}f}", value, decimals);
  if (point != '.') std::replace(text.begin(), text.end(), '.', point);
  return text;
}

/// A value at `share` of a bin's width. Values of a file with few decimals lie on a grid, and so do those drawn.
double value_in(const Column& column, std::size_t bin, double share) {
  const double low = column.edges[bin];
  const double high = column.edges[bin + 1];
  if (column.decimals < 0) return low + share * (high - low);
  const double unit = std::pow(10.0, column.decimals);
  const double first = std::round(low * unit);
  const double points = std::max(1.0, std::round(high * unit) - first);
  return (first + std::min(std::floor(share * points), points - 1)) / unit;
}

}  // namespace

std::vector<int> Schema::categories() const {
  std::vector<int> all;
  all.reserve(columns.size());
  for (const auto& column : columns) all.push_back(column.categories());
  return all;
}

StateSpace Schema::state_space() const {
  if (columns.empty()) throw Error("a table without a column has no states");
  return StateSpace(categories());
}

int Schema::find(std::string_view name) const {
  const auto it = std::find_if(columns.begin(), columns.end(), [&](const auto& column) { return column.name == name; });
  return it == columns.end() ? -1 : static_cast<int>(it - columns.begin());
}

std::vector<std::string> Schema::names() const {
  std::vector<std::string> all;
  all.reserve(columns.size());
  for (const auto& column : columns) all.push_back(column.name);
  return all;
}

std::string Schema::digest() const {
  std::string text;
  const auto out = std::back_inserter(text);
  for (const auto& column : columns) {
    fmt::format_to(out, "{}:{} {} {}", column.name.size(), column.name, static_cast<int>(column.kind), column.missing);
    for (const auto& word : column.words) fmt::format_to(out, " {}:{}", word.size(), word);
    for (const double edge : column.edges) fmt::format_to(out, " {}", edge);
    text += '\n';
  }
  return text;
}

struct FieldCodes::Index {
  const Schema& schema;
  const Column& column;
  std::unordered_map<std::string_view, std::uint16_t> words;
  std::vector<std::pair<double, std::uint16_t>> values;  // of numeric words, ascending
};

FieldCodes::FieldCodes(const Schema& schema, const Column& column) {
  auto index = std::make_unique<Index>(Index{schema, column, {}, {}});
  for (int code = 0; code < column.categories(); ++code) {
    if (code == column.missing || column.binned()) continue;
    const auto& word = column.words[static_cast<std::size_t>(code)];
    index->words.emplace(word, static_cast<std::uint16_t>(code));
    const auto value = column.numeric ? to_number(word, schema.point) : std::nullopt;
    if (value) index->values.emplace_back(*value, static_cast<std::uint16_t>(code));
  }
  std::sort(index->values.begin(), index->values.end());
  index_ = std::move(index);
}

FieldCodes::FieldCodes(FieldCodes&&) noexcept = default;
FieldCodes::~FieldCodes() = default;

bool FieldCodes::missing(std::string_view field) const {
  const auto& words = index_->schema.missing_words;
  return !index_->words.contains(field) && std::find(words.begin(), words.end(), field) != words.end();
}

std::optional<std::uint16_t> FieldCodes::code(std::string_view field) const {
  const auto& column = index_->column;
  if (const auto word = index_->words.find(field); word != index_->words.end()) return word->second;
  if (missing(field)) {
    return column.missing < 0 ? std::nullopt : std::optional(static_cast<std::uint16_t>(column.missing));
  }
  if (!column.binned() && !column.numeric) return std::nullopt;
  const auto value = to_number(field, index_->schema.point);
  if (!value || !std::isfinite(*value)) return std::nullopt;
  if (column.binned()) return bin_of(column.edges, *value);
  const auto& values = index_->values;
  const auto at = std::lower_bound(values.begin(), values.end(), std::pair(*value, std::uint16_t{0}));
  return at == values.end() || at->first != *value ? std::nullopt : std::optional(at->second);
}

std::string field_text(const Schema& schema, const Column& column, std::uint16_t code, double share) {
  if (code >= column.categories()) {
    throw Error(fmt::format("column {}: code {} is not below {}", in_quotes(column.name), code, column.categories()));
  }
  if (code == column.missing) return schema.missing_words.empty() ? "" : schema.missing_words.front();
  if (column.binned()) return number_text(value_in(column, code, share), column.decimals, schema.point);
  return column.words[code];
}

std::string drawn_text(const Schema& schema, std::size_t coordinate, std::uint16_t code, std::uint64_t seed,
                       std::int64_t row) {
  Random random(seed, Stream::jitter, static_cast<std::uint64_t>(row) * schema.columns.size() + coordinate);
  return field_text(schema, schema.columns[coordinate], code, random.uniform());
}

std::uint16_t bin_of(const std::vector<double>& edges, double value) {
  const auto above = std::upper_bound(edges.begin() + 1, edges.end() - 1, value);
  return static_cast<std::uint16_t>(above - edges.begin() - 1);
}

std::optional<double> to_number(std::string_view text, char point) {
  if (point == '.') return to_number(text);
  if (text.find('.') != std::string_view::npos) return std::nullopt;
  std::string with_point(text);
  const auto comma = with_point.find(point);
  if (comma != std::string::npos) with_point[comma] = '.';
  return to_number(with_point);
}

}  // namespace kirchhoff
