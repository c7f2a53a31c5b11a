#include "base/text_rows.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <iterator>

#include "kirchhoff/base/error.hpp"
#include "kirchhoff/base/text.hpp"

namespace kirchhoff::detail {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

char lower_case(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool is_blank(char c) { return kBlanks.find(c) != std::string_view::npos; }

std::string_view without_blanks_before(std::string_view text) {
  return text.substr(std::min(text.size(), text.find_first_not_of(kBlanks)));
}

[[noreturn]] void fail_at(std::string_view text, std::size_t at, const std::string& origin, std::string_view what) {
  throw Error(
      fmt::format("{}:{}: {}", origin, 1 + std::count(text.begin(), text.begin() + static_cast<long>(at), '\n'), what));
}

char separator_of(std::string_view row) {
  bool quoted = false;
  std::array<bool, 256> has{};
  for (const char c : row) {
    quoted ^= c == '"';
    if (!quoted) has[static_cast<unsigned char>(c)] = true;
  }
  if (has[';']) return ';';
  if (has[',']) return ',';
  return has['\t'] && !has[' '] ? '\t' : ' ';
}

/// "4,7": a comma between digits, where it is not what separates fields.
bool has_decimal_comma(std::string_view field) {
  for (std::size_t k = 1; k + 1 < field.size(); ++k) {
    if (field[k] == ',' && std::isdigit(static_cast<unsigned char>(field[k - 1])) != 0 &&
        std::isdigit(static_cast<unsigned char>(field[k + 1])) != 0) {
      return true;
    }
  }
  return false;
}

}  // namespace

std::string_view trimmed(std::string_view text) {
  text = without_blanks_before(text);
  return text.substr(0, text.find_last_not_of(kBlanks) + 1);
}

bool alike(std::string_view text, std::string_view lower) {
  return std::equal(text.begin(), text.end(), lower.begin(), lower.end(),
                    [](char x, char y) { return lower_case(x) == y; });
}

Lines::Lines(std::string_view text, const std::string& origin) : rest_(text) {
  if (rest_.starts_with(kByteOrderMark)) rest_.remove_prefix(kByteOrderMark.size());
  const auto nul = text.find('\0');
  if (nul != std::string_view::npos) {
    fail_at(text, nul, origin, "a NUL byte: this is no text, or it is in UTF-16 and must be converted to UTF-8");
  }
  for (auto at = text.find('\r'); at != std::string_view::npos; at = text.find('\r', at + 1)) {
    const auto after = text.find_first_not_of('\r', at);
    if (after != std::string_view::npos && text[after] != '\n') {
      fail_at(text, at, origin, "a carriage return inside a line: lines end in LF or CR LF");
    }
    if (after == std::string_view::npos) return;
    at = after;
  }
}

bool Lines::next(std::string_view& line) {
  if (rest_.empty()) return false;
  const auto end = rest_.find('\n');
  line = rest_.substr(0, end);
  rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
  line = line.substr(0, line.find_last_not_of('\r') + 1);
  ++number_;
  return true;
}

Rows::Rows(std::string_view text, const std::string& origin, std::string_view comments)
    : lines_(text, origin), origin_(origin), comments_(comments) {}

bool Rows::next() {
  std::string_view line;
  while (lines_.next(line)) {
    const auto bare = trimmed(line);
    if (bare.empty()) continue;
    if (comments_.find(bare.front()) != std::string_view::npos) {
      if (separator_ == 0) {
        comment_ = trimmed(bare.substr(std::min(bare.size(), bare.find_first_not_of(comments_))));
        comment_line_ = lines_.number();
      }
      continue;
    }
    if (separator_ == 0) separator_ = separator_of(bare);
    split(separator_ == '\t' ? line : bare);
    return true;
  }
  return false;
}

std::string_view Rows::take_quoted(std::string_view& line) const {
  const auto end = line.find('"', 1);
  if (end == std::string_view::npos) fail("a quote that does not end on its line");
  const auto field = line.substr(1, end - 1);
  line.remove_prefix(end + 1);
  if (line.starts_with('"')) fail("quotes inside a quoted field are not read here");
  const auto bare = without_blanks_before(line);
  const bool ends = separator_ == ' ' ? line.empty() || is_blank(line.front())
                                      : bare.empty() || bare.front() == separator_ || line.starts_with(separator_);
  if (!ends) fail(fmt::format("{} stands behind a quoted field", in_quotes(bare)));
  return field;
}

void Rows::split(std::string_view line) {
  fields_.clear();
  quoted_.clear();
  const bool blanks = separator_ == ' ';
  const auto skip_blanks = [&] {
    while (!line.empty() && line.front() != separator_ && is_blank(line.front())) line.remove_prefix(1);
    while (blanks && !line.empty() && is_blank(line.front())) line.remove_prefix(1);
  };
  while (true) {
    skip_blanks();
    if (blanks && line.empty()) return;
    const bool quoted = line.starts_with('"');
    if (quoted) {
      fields_.push_back(trimmed(take_quoted(line)));
      skip_blanks();
    } else {
      const auto end = std::min(line.size(), blanks ? line.find_first_of(kBlanks) : line.find(separator_));
      fields_.push_back(trimmed(line.substr(0, end)));
      line.remove_prefix(end);
    }
    quoted_.push_back(quoted);
    if (blanks) continue;
    if (line.empty()) return;
    line.remove_prefix(1);  // the separator
  }
}

std::vector<std::string_view> Rows::comment_fields() const {
  if (comment_.empty() || comment_.find('"') != std::string_view::npos) return {};
  Rows one(comment_, origin_, "");
  one.separator_ = separator_;
  one.split(comment_);
  return one.fields_;
}

std::string_view Rows::separator() const {
  switch (separator_) {
    case ';':
      return "semicolons";
    case ',':
      return "commas";
    case '\t':
      return "tabs";
    default:
      return "blanks";
  }
}

void Rows::fail(const std::string& what) const { throw Error(fmt::format("{}:{}: {}", origin_, line(), what)); }

void Rows::fail(std::size_t column, std::string_view needed) const {
  const auto field = fields_[column];
  std::string hint;
  if (separator_ != ',' && has_decimal_comma(field)) {
    hint = "; a number has a decimal point, not a comma";
  } else if (field.find('{') != std::string_view::npos) {
    hint = "; a dictionary is not read: have plain columns written (networkx: data=['weight'])";
  }
  fail(fmt::format("column {} is {}: {} (columns are separated by {}{})", column + 1,
                   field.empty() ? "empty" : in_quotes(field), needed, separator(), hint));
}

int meaning_of(std::string_view name, std::span<const KnownColumn> known) {
  for (const auto& column : known) {
    for (auto rest = column.names; !rest.empty();) {
      const auto end = std::min(rest.size(), rest.find(' '));
      if (alike(name, rest.substr(0, end))) return column.meaning;
      rest.remove_prefix(std::min(rest.size(), end + 1));
    }
  }
  static constexpr std::array<std::string_view, 5> kIndex = {"", "index", "id", "unnamed: 0", "row"};
  const bool index = std::any_of(kIndex.begin(), kIndex.end(), [&](auto word) { return alike(name, word); });
  return index ? kIndexColumn : kUnknownColumn;
}

std::string listed(const std::vector<std::string_view>& names) {
  constexpr std::size_t kMost = 20;
  std::string text;
  for (const auto name : std::span(names).first(std::min(kMost, names.size()))) {
    fmt::format_to(std::back_inserter(text), "{}{}", text.empty() ? "" : ", ", in_quotes(name));
  }
  return names.size() <= kMost ? text : fmt::format("{} and {} more", text, names.size() - kMost);
}

}  // namespace kirchhoff::detail
