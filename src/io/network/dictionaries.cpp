// Edge lists as networkx.write_edgelist writes them by default: 0 1 {'weight': 2.5}
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "io/network/reader.hpp"
#include "kirchhoff/base/text.hpp"

namespace kirchhoff::detail {
namespace {

/// What a dictionary says of its edge.
struct DictionaryValue {
  std::string key;
  std::string_view number;
};

class DictionaryReader {
 public:
  DictionaryReader(std::string_view text, const std::string& origin, std::int64_t line)
      : rest_(text), origin_(origin), line_(line) {}

  /// The first entry with a name that values have; empty where there is none.
  std::optional<DictionaryValue> read() {
    std::optional<DictionaryValue> found;
    take('{');
    while (!next_is('}')) {
      const auto key = quoted();
      take(':');
      const auto value = next_is('\'') || next_is('"') ? quoted() : plain();
      if (!found && edge_value_name(key)) found = DictionaryValue{std::string(key), value};
      if (!next_is('}')) take(',');
    }
    take('}');
    if (!trimmed(rest_).empty()) fail_here();
    return found;
  }

 private:
  [[noreturn]] void fail_here() const {
    fail(origin_, line_, fmt::format("the dictionary is not understood at {}", in_quotes(rest_)));
  }
  bool next_is(char c) {
    rest_.remove_prefix(std::min(rest_.size(), rest_.find_first_not_of(kBlanks)));
    return rest_.starts_with(c);
  }
  void take(char c) {
    if (!next_is(c)) fail_here();
    rest_.remove_prefix(1);
  }
  std::string_view until(std::size_t end) {
    if (end == std::string_view::npos) fail_here();
    const auto text = rest_.substr(0, end);
    rest_.remove_prefix(end);
    return text;
  }
  std::string_view quoted() {
    if (!next_is('\'') && !next_is('"')) fail_here();
    const char mark = rest_.front();
    rest_.remove_prefix(1);
    const auto text = until(rest_.find(mark));
    take(mark);
    return text;
  }
  std::string_view plain() {
    const auto text = trimmed(until(rest_.find_first_of(",}{[(")));
    if (text.empty() || (!next_is(',') && !next_is('}'))) fail_here();
    return text;
  }

  std::string_view rest_;
  const std::string& origin_;
  std::int64_t line_;
};

bool is_row(std::string_view line) { return !line.empty() && line.front() != '#' && line.front() != '%'; }

}  // namespace

bool holds_dictionaries(std::string_view text) {
  while (!text.empty()) {
    const auto end = std::min(text.size(), text.find('\n'));
    const auto line = trimmed(text.substr(0, end));
    if (is_row(line)) return line.ends_with('}') && line.find('{') != std::string_view::npos;
    text.remove_prefix(std::min(text.size(), end + 1));
  }
  return false;
}

std::string without_dictionaries(std::string_view text, const std::string& origin, EdgeReading& reading) {
  std::string rows;
  std::string key;
  const auto chosen = reading.values;
  const bool unit = chosen == EdgeValues::unit;
  Lines lines(text, origin);
  for (std::string_view line; lines.next(line);) {
    const auto begin = line.find('{');
    if (!is_row(trimmed(line))) {
      rows.append(line).append("\n");
      continue;
    }
    if (begin == std::string_view::npos) fail(origin, lines.number(), "it has no dictionary, as the row before it has");
    if (trimmed(line.substr(0, begin)).empty()) fail(origin, lines.number(), "a dictionary, and no nodes before it");
    const auto found = DictionaryReader(line.substr(begin), origin, lines.number()).read();
    auto ends = line.substr(0, begin);
    if (unit) {
      ends = ends.substr(0, ends.find_last_not_of(" \t,;") + 1);
      rows.append(ends).append("\n");
      continue;
    }
    if (!found) {
      fail(origin, lines.number(),
           "the dictionary has no resistance, conductance or weight (-network_values unit: 1 ohm each)");
    }
    if (!key.empty() && key != found->key) {
      fail(origin, lines.number(),
           fmt::format("its value is called {}, and those before it {}", in_quotes(found->key), in_quotes(key)));
    }
    key = found->key;
    const auto meaning = *edge_value_name(key);
    if (meaning && chosen && *meaning != *chosen) {
      fail(origin, lines.number(),
           fmt::format("its value is called {}, but -network_values says otherwise", in_quotes(key)));
    }
    if (meaning) reading.values = meaning;
    rows.append(ends).append(found->number).append("\n");
  }
  return rows;
}

}  // namespace kirchhoff::detail
