#include "io/table/records.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "base/text_rows.hpp"
#include "kirchhoff/base/error.hpp"
#include "kirchhoff/base/text.hpp"

namespace kirchhoff::detail {
namespace {

constexpr std::size_t kRecordsLookedAt = 200;  // to find the separator

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f'; }

std::int64_t line_at(std::string_view text, std::size_t at) {
  return 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n');
}

/// Bytes of the UTF-8 character that begins here, 0 when none does (RFC 3629).
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t k) { return k < text.size() ? static_cast<unsigned char>(text[k]) : 0U; };
  const auto follows = [&](std::size_t k) { return (byte(k) & 0xC0U) == 0x80U; };
  const auto first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first < 0xE0) return follows(1) ? 2 : 0;
  if (first >= 0xE0 && first < 0xF0) {
    const bool overlong = first == 0xE0 && byte(1) < 0xA0;
    const bool surrogate = first == 0xED && byte(1) >= 0xA0;
    return follows(1) && follows(2) && !overlong && !surrogate ? 3 : 0;
  }
  if (first >= 0xF0 && first < 0xF5) {
    const bool outside = (first == 0xF0 && byte(1) < 0x90) || (first == 0xF4 && byte(1) >= 0x90);
    return follows(1) && follows(2) && follows(3) && !outside ? 4 : 0;
  }
  return 0;
}

/// Where the first byte is that is no UTF-8; npos when all are.
std::size_t not_utf8(std::string_view text) {
  constexpr std::uint64_t kHighBits = 0x8080808080808080U;
  for (std::size_t at = 0; at < text.size();) {
    std::uint64_t eight = kHighBits;
    if (at + sizeof(eight) <= text.size()) std::memcpy(&eight, text.data() + at, sizeof(eight));
    if ((eight & kHighBits) == 0) {
      at += sizeof(eight);
      continue;
    }
    const auto length = utf8_length(text.substr(at));
    if (length == 0) return at;
    at += length;
  }
  return std::string_view::npos;
}

/// The first records as lines, those ends that stand in quotes not counting.
std::vector<std::string_view> first_records(std::string_view text) {
  std::vector<std::string_view> records;
  bool quoted = false;
  std::size_t begin = 0;
  for (std::size_t at = 0; at < text.size() && records.size() < kRecordsLookedAt; ++at) {
    quoted ^= text[at] == '"';
    const bool last = at + 1 == text.size();
    if (!last && (quoted || text[at] != '\n')) continue;
    const auto end = text[at] == '\n' ? at : at + 1;
    const auto record = trimmed(text.substr(begin, end - begin));
    begin = at + 1;
    const bool comment = records.empty() && record.starts_with('#');
    if (!record.empty() && !comment) records.push_back(record);
  }
  return records;
}

std::size_t count_outside_quotes(std::string_view record, char c) {
  bool quoted = false;
  std::size_t count = 0;
  for (const char x : record) {
    quoted ^= x == '"';
    count += !quoted && x == c ? 1 : 0;
  }
  return count;
}

/// How many of the records have the separator as often as most of them do, which is at least once.
std::size_t records_that_agree(const std::vector<std::string_view>& records, char separator) {
  std::vector<std::size_t> counts;
  counts.reserve(records.size());
  for (const auto record : records) counts.push_back(count_outside_quotes(record, separator));
  std::size_t most = 0;
  for (const auto count : counts) {
    if (count > 0) most = std::max(most, static_cast<std::size_t>(std::count(counts.begin(), counts.end(), count)));
  }
  return most;
}

/// Whether blanks separate numbers, as many in all records; the first may be a header.
bool has_blank_columns(const std::vector<std::string_view>& records) {
  std::size_t columns = 0;
  for (std::size_t k = 0; k < records.size(); ++k) {
    std::size_t fields = 0;
    for (auto rest = records[k]; !rest.empty(); ++fields) {
      const auto end = std::min(rest.size(), rest.find_first_of(kBlanks));
      const auto number = to_number(rest.substr(0, end));
      if (k > 0 && !number) return false;
      rest = trimmed(rest.substr(end));
    }
    if (k == 0) columns = fields;
    if (fields != columns) return false;
  }
  return columns > 1 && (records.size() > 1 || to_number(records[0].substr(0, records[0].find_first_of(kBlanks))));
}

}  // namespace

std::string_view checked_text(std::string_view text, const std::string& origin) {
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) {
    throw Error(fmt::format("{}: the file is in UTF-16: convert it to UTF-8 (iconv -f UTF-16 -t UTF-8)", origin));
  }
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  if (const auto nul = text.find('\0'); nul != std::string_view::npos) {
    throw Error(fmt::format("{}:{}: a NUL byte: this is no text, or it is in UTF-16 and must be converted to UTF-8",
                            origin, line_at(text, nul)));
  }
  if (const auto wrong = not_utf8(text); wrong != std::string_view::npos) {
    throw Error(fmt::format("{}:{}: byte {:#04x} is not UTF-8: convert the file (iconv -f ISO-8859-1 -t UTF-8)", origin,
                            line_at(text, wrong), static_cast<unsigned>(static_cast<unsigned char>(text[wrong]))));
  }
  return text;
}

char separator_of_records(std::string_view text) {
  const auto records = first_records(text);
  char best = ',';
  std::size_t most = 0;
  for (const char candidate : {';', ',', '\t', '|'}) {
    const auto agree = records_that_agree(records, candidate);
    if (agree > most) {
      most = agree;
      best = candidate;
    }
  }
  if (most == 0 && !records.empty() && has_blank_columns(records)) return ' ';
  return best;
}

std::string_view separator_name(char separator) {
  switch (separator) {
    case ';':
      return "semicolons";
    case '\t':
      return "tabs";
    case '|':
      return "bars";
    case ' ':
      return "blanks";
    default:
      return "commas";
  }
}

Records::Records(std::string_view text, const std::string& origin, char separator)
    : at_(text.data()), end_(text.data() + text.size()), origin_(origin), separator_(separator) {}

void Records::fail(std::int64_t line, std::string_view what) const {
  throw Error(fmt::format("{}:{}: {}", origin_, line, what));
}

void Records::skip_blanks() {
  while (at_ < end_ && is_space(*at_) && *at_ != separator_) ++at_;
}

/// Empty lines, and before the first record comments.
void Records::skip_lines_of_nothing() {
  while (at_ < end_) {
    const auto* line_end = static_cast<const char*>(std::memchr(at_, '\n', static_cast<std::size_t>(end_ - at_)));
    if (line_end == nullptr) line_end = end_;
    const auto* first = std::find_if_not(at_, line_end, is_space);
    const bool bare_tabs = separator_ == '\t' && std::find(at_, line_end, '\t') != line_end;
    const bool comment = !begun_ && first != line_end && *first == '#';
    if (!comment && (first != line_end || bare_tabs)) return;
    at_ = line_end < end_ ? line_end + 1 : end_;
    ++next_line_;
  }
}

bool Records::next() {
  skip_lines_of_nothing();
  fields_.clear();
  unquoted_.clear();
  if (at_ == end_) return false;
  begun_ = true;
  line_ = next_line_;
  while (true) {
    skip_blanks();
    if (separator_ == ' ') {
      while (at_ < end_ && is_space(*at_)) ++at_;
      if (at_ < end_ && *at_ != '\n') take_field();
      while (at_ < end_ && is_space(*at_)) ++at_;
    } else {
      take_field();
    }
    if (at_ == end_) return true;
    const char c = *at_;
    if (separator_ != ' ' || c == '\n') ++at_;
    if (c == '\n') break;
    if (separator_ != ' ' && at_ == end_) {  // a separator ends the file: an empty field is behind it
      fields_.emplace_back();
      return true;
    }
  }
  ++next_line_;
  return true;
}

/// Leaves `at_` at the separator, the line's end or the text's.
void Records::take_field() {
  if (at_ < end_ && *at_ == '"') return take_quoted();
  const auto* begin = at_;
  while (at_ < end_ && !ends_field(*at_) && !(separator_ == ' ' && is_space(*at_))) ++at_;
  const auto* last = at_;
  while (last > begin && is_space(last[-1])) --last;
  const auto* inner = static_cast<const char*>(std::memchr(begin, '\r', static_cast<std::size_t>(last - begin)));
  if (inner != nullptr) fail(line_, "a carriage return inside a line: lines end in LF or CR LF");
  fields_.emplace_back(begin, static_cast<std::size_t>(last - begin));
}

void Records::take_quoted() {
  const auto opened = next_line_;
  const auto* begin = ++at_;
  bool doubled = false;
  while (true) {
    const auto* quote = static_cast<const char*>(std::memchr(at_, '"', static_cast<std::size_t>(end_ - at_)));
    if (quote == nullptr) {
      fail(opened, fmt::format("column {}: a quote that does not end", fields_.size() + 1));
    }
    next_line_ += std::count(at_, quote, '\n');
    at_ = quote + 1;
    if (at_ == end_ || *at_ != '"') break;
    doubled = true;
    ++at_;
  }
  std::string_view field(begin, static_cast<std::size_t>(at_ - 1 - begin));
  if (doubled) {
    auto& text = unquoted_.emplace_back();
    for (std::size_t k = 0; k < field.size(); ++k) {
      text += field[k];
      if (field[k] == '"') ++k;
    }
    field = text;
  }
  fields_.push_back(field);
  skip_blanks();
  if (at_ < end_ && !ends_field(*at_) && separator_ != ' ') {
    const auto* stop = std::find_if(at_, end_, [&](char c) { return ends_field(c); });
    fail(next_line_, fmt::format("column {}: {} stands behind a quoted field", fields_.size(),
                                 in_quotes({at_, static_cast<std::size_t>(stop - at_)})));
  }
}

std::string as_field(std::string_view text, char separator) {
  const auto special = [&](char c) { return c == separator || c == '"' || c == '\n' || c == '\r'; };
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\v' || c == '\f'; };
  const bool inner =
      std::any_of(text.begin(), text.end(), [&](char c) { return special(c) || (separator == ' ' && blank(c)); });
  const bool outer = !text.empty() && (blank(text.front()) || blank(text.back()) || text.front() == '#');
  const bool nothing = text.empty() && separator == ' ';
  if (!inner && !outer && !nothing) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

}  // namespace kirchhoff::detail
