// What was understood of a table, for people: an aligned table.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "kirchhoff/io/table/typed_table.hpp"

namespace kirchhoff {
namespace {

constexpr std::size_t kMostLines = 40;   // of columns, before those of one kind are summed up
constexpr std::size_t kWordsWidth = 48;  // of the examples
constexpr std::size_t kNameWidth = 28;

/// Characters of a UTF-8 text: how wide it is, but for letters that are wide or none.
std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

/// The first `width` characters at most, on one line.
std::string shortened(std::string_view text, std::size_t width) {
  std::string shown;
  std::size_t characters = 0;
  for (std::size_t k = 0; k < text.size(); ++k) {
    const bool begins = (static_cast<unsigned char>(text[k]) & 0xC0U) != 0x80U;
    if (begins && ++characters > width - 2 && width_of(text) > width) return shown + "..";
    const auto byte = static_cast<unsigned char>(text[k]);
    shown += byte < 0x20 || byte == 0x7F ? '?' : text[k];
  }
  return shown;
}

std::string type_of(const Column& column) {
  if (column.binned()) return fmt::format("real, in {} bins", column.present());
  if (column.one_hot()) return "one-hot bits";
  if (column.present() <= 1) return "constant";
  if (column.present() == 2) return "binary";
  return column.kind == Column::ordinal ? "ordinal" : "nominal";
}

/// The first words, in the order of their codes.
std::string examples(const Column& column) {
  const auto count = static_cast<std::size_t>(column.present());
  if (count == 0) return "nothing but missing entries";
  std::string text = column.words[0];
  const bool ranks = column.kind == Column::ordinal;
  for (std::size_t k = 1; k < count; ++k) {
    const auto next = text + (ranks ? " < " : ", ") + column.words[k];
    const auto tail = fmt::format(" {}.. {}", ranks ? "< " : "", column.words[count - 1]);
    if (width_of(next) + (k + 1 < count ? width_of(tail) : 0) > kWordsWidth) return shortened(text + tail, kWordsWidth);
    text = next;
  }
  return shortened(text, kWordsWidth);
}

using Cells = std::array<std::string, 5>;

/// Columns of one line: alike in all but their names and missing entries.
struct LineGroup {
  Cells cells;
  std::vector<std::size_t> columns;
};

std::vector<LineGroup> groups_of(const TypedTable& table) {
  std::vector<LineGroup> groups;
  const bool summed = table.schema.columns.size() > kMostLines;
  for (std::size_t d = 0; d < table.schema.columns.size(); ++d) {
    const auto& column = table.schema.columns[d];
    Cells cells = {column.name, type_of(column), std::to_string(column.categories()), examples(column),
                   table.missing[d] > 0 ? std::to_string(table.missing[d]) : ""};
    const auto alike = [&](const LineGroup& group) {
      return group.cells[1] == cells[1] && group.cells[2] == cells[2] && group.cells[3] == cells[3];
    };
    const auto group = summed ? std::find_if(groups.begin(), groups.end(), alike) : groups.end();
    if (group == groups.end()) {
      groups.push_back({std::move(cells), {d}});
    } else {
      group->columns.push_back(d);
    }
  }
  return groups;
}

}  // namespace

std::vector<std::string> TypedTable::lines() const {
  auto groups = groups_of(*this);
  std::vector<Cells> cells = {{"column", "type", "S", "categories", "missing"}};
  for (auto& group : groups) {
    const auto count = group.columns.size();
    if (count > 1) {
      std::int64_t entries = 0;
      for (const auto d : group.columns) entries += missing[d];
      group.cells[0] = fmt::format("{} columns: {} .. {}", count, schema.columns[group.columns.front()].name,
                                   schema.columns[group.columns.back()].name);
      group.cells[4] = entries > 0 ? std::to_string(entries) : "";
    }
    group.cells[0] = shortened(group.cells[0], kNameWidth);
    cells.push_back(group.cells);
  }
  std::array<std::size_t, 5> widths{};
  for (const auto& line : cells) {
    for (std::size_t k = 0; k < line.size(); ++k) widths[k] = std::max(widths[k], width_of(line[k]));
  }
  std::vector<std::string> lines;
  for (const auto& line : cells) {
    std::string text;
    for (std::size_t k = 0; k < line.size(); ++k) {
      const std::string gap(widths[k] - width_of(line[k]), ' ');
      const bool right = k == 2 || k == 4;
      text += (k == 0 ? "" : "  ") + (right ? gap + line[k] : line[k] + gap);
    }
    text.erase(text.find_last_not_of(' ') + 1);
    lines.push_back(std::move(text));
  }
  return lines;
}

}  // namespace kirchhoff
