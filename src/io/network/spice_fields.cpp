// Cards of SPICE taken apart.
#include "io/network/spice_fields.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <limits>

#include "base/text_rows.hpp"

namespace kirchhoff::detail {
namespace {

/// Whether a character is one of some, by a table.
class OneOf {
 public:
  constexpr explicit OneOf(std::string_view characters) {
    for (const char c : characters) is_[static_cast<unsigned char>(c)] = true;
  }
  constexpr bool operator()(char c) const { return is_[static_cast<unsigned char>(c)]; }

 private:
  std::array<bool, 256> is_{};
};

constexpr OneOf kEndsField(" \t\r\v\f,()=");
constexpr OneOf kIsBlank(kBlanks);

bool is_letter(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; }

}  // namespace

std::string lower_case(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return lower;
}

std::optional<double> take_scaled_number(std::string_view& text) {
  struct Scale {
    std::string_view suffix;
    double factor;
  };
  // The longer ones first. Without a: it is atto to some programs and ampere to others, and ngspice takes it for none.
  static constexpr std::array<Scale, 10> kScales = {{{"meg", 1e6},
                                                     {"mil", 25.4e-6},
                                                     {"t", 1e12},
                                                     {"g", 1e9},
                                                     {"k", 1e3},
                                                     {"m", 1e-3},
                                                     {"u", 1e-6},
                                                     {"n", 1e-9},
                                                     {"p", 1e-12},
                                                     {"f", 1e-15}}};
  auto rest = text;
  if (rest.size() > 1 && rest.front() == '+' && rest[1] != '-') rest.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
  if (error == std::errc::invalid_argument || is_letter(end[-1])) return std::nullopt;  // neither nan nor inf
  if (error == std::errc::result_out_of_range) value = std::numeric_limits<double>::infinity();
  rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
  const auto unit =
      rest.substr(0, static_cast<std::size_t>(std::find_if_not(rest.begin(), rest.end(), is_letter) - rest.begin()));
  for (const auto& scale : kScales) {
    if (unit.size() < scale.suffix.size() || !alike(unit.substr(0, scale.suffix.size()), scale.suffix)) continue;
    value *= scale.factor;
    break;
  }
  text = rest.substr(unit.size());
  return value;
}

std::optional<double> scaled_number(std::string_view text) {
  const auto value = take_scaled_number(text);
  return text.empty() ? value : std::nullopt;
}

std::size_t enclosed(std::string_view text) {
  if (text.empty()) return 0;
  if (text.front() == '\'' || text.front() == '"') {
    const auto end = text.find(text.front(), 1);
    return end == std::string_view::npos ? 0 : end + 1;
  }
  if (text.front() != '{') return 0;
  int depth = 0;
  for (std::size_t k = 0; k < text.size(); ++k) {
    if (text[k] == '{') ++depth;
    if (text[k] == '}' && --depth == 0) return k + 1;
  }
  return 0;
}

std::string_view without_braces(std::string_view field) {
  return enclosed(field) == field.size() && !field.empty() ? field.substr(1, field.size() - 2) : field;
}

std::string_view SpiceFields::take(std::size_t characters) {
  const auto field = rest_.substr(0, characters);
  rest_.remove_prefix(field.size());
  return field;
}

void SpiceFields::skip_blanks() {
  std::size_t begin = 0;
  while (begin < rest_.size() && kIsBlank(rest_[begin])) ++begin;
  rest_.remove_prefix(begin);
}

std::string_view SpiceFields::next() {
  std::size_t begin = 0;
  while (begin < rest_.size() && kEndsField(rest_[begin])) ++begin;
  rest_.remove_prefix(begin);
  if (const auto size = enclosed(rest_); size > 0) return take(size);
  std::size_t end = 0;
  while (end < rest_.size() && !kEndsField(rest_[end])) ++end;
  return take(end);
}

bool SpiceFields::assigned() {
  const auto at = rest_.find_first_not_of(kBlanks);
  if (at == std::string_view::npos || rest_[at] != '=' || rest_.substr(at).starts_with("==")) return false;
  rest_.remove_prefix(at + 1);
  return true;
}

std::string_view SpiceFields::value() {
  skip_blanks();
  if (const auto size = enclosed(rest_); size > 0) return take(size);
  int depth = 0;
  std::size_t end = 0;
  for (; end < rest_.size(); ++end) {
    const char c = rest_[end];
    if (depth == 0 && (c == ')' || c == ',' || kIsBlank(c))) break;
    depth += c == '(' ? 1 : c == ')' ? -1 : 0;
  }
  return take(end);
}

std::optional<std::string_view> SpiceFields::parentheses() {
  const auto at = rest_.find_first_not_of(kBlanks);
  if (at == std::string_view::npos || rest_[at] != '(') return std::nullopt;
  int depth = 0;
  for (std::size_t k = at; k < rest_.size(); ++k) {
    depth += rest_[k] == '(' ? 1 : rest_[k] == ')' ? -1 : 0;
    if (depth > 0) continue;
    const auto inside = rest_.substr(at + 1, k - at - 1);
    rest_.remove_prefix(k + 1);
    return inside;
  }
  return std::nullopt;
}

}  // namespace kirchhoff::detail
