// What a column of words and numbers means: docs/tables.md says the rules.
#include "io/table/understand.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

#include "base/text_rows.hpp"
#include "kirchhoff/base/error.hpp"
#include "kirchhoff/base/text.hpp"

namespace kirchhoff::detail {
namespace {

constexpr std::int64_t kMostCategories = 65536;  // codes are 16 bits
constexpr std::size_t kFewNumbers = 12;          // so many different ones are ranks, however few the rows are
constexpr std::size_t kManyNumbers = 32;         // more than these are binned
constexpr std::int64_t kRowsPerNumber = 4;       // between the two: ranks when they occur as often
constexpr int kBins = 16;
constexpr std::int64_t kRowsPerBin = 10;
constexpr std::int64_t kFewRows = 10;     // all different among fewer says nothing
constexpr std::size_t kManyWords = 1000;  // text, where more than half of the rows have words of their own

struct WordInUse {
  std::uint32_t id;
  const WordTable::Word* word;
  std::optional<double> value;  // of a number
};

class ColumnReading {
 public:
  ColumnReading(const RawColumn& raw, const ColumnRequest& wish, const TableFacts& facts);
  UnderstoodColumn read();

 private:
  [[noreturn]] void fail(const std::string& what) const;
  [[noreturn]] void fail_at(const WordInUse& word, const std::string& what) const;
  std::string way_out(const std::string& what) const;

  bool numbers() const { return number_count_ == words_.size(); }
  std::size_t different_numbers() const;
  std::string inferred() const;
  void refuse_identifier() const;
  void refuse_stray_words() const;
  bool counts_rows() const;

  void take_words(bool by_value);
  void take_ranges();
  void take_order();
  void take_bins();
  void take_given_codes(int categories);
  void take_missing();

  const RawColumn& raw_;
  const ColumnRequest& wish_;
  const TableFacts& facts_;
  std::vector<WordInUse> words_;  // no missing ones
  std::vector<WordInUse> missing_;
  std::size_t number_count_ = 0;
  std::int64_t entries_ = 0;  // of the first file, without missing ones
  UnderstoodColumn out_;
};

ColumnReading::ColumnReading(const RawColumn& raw, const ColumnRequest& wish, const TableFacts& facts)
    : raw_(raw), wish_(wish), facts_(facts) {
  const auto& all = raw.words.words();
  for (std::uint32_t id = 0; id < all.size(); ++id) {
    const auto& word = all[id];
    if (word.count + word.others == 0) continue;
    const bool named = std::find(wish.order.begin(), wish.order.end(), word.text) != wish.order.end();
    if (!named && is_missing_word(facts, word.text)) {
      missing_.push_back({id, &word, std::nullopt});
      out_.missing += word.count;
      continue;
    }
    auto value = to_number(word.text, facts.point);
    if (value && !std::isfinite(*value)) value.reset();
    number_count_ += value ? 1 : 0;
    entries_ += word.count;
    words_.push_back({id, &word, value});
  }
  out_.codes.assign(all.size(), -1);
  out_.column.name = raw.name;
  out_.column.places = {raw.place};
}

void ColumnReading::fail(const std::string& what) const {
  throw Error(fmt::format("{}: {}: {}", facts_.file, column_label(raw_.place, raw_.name), what));
}

void ColumnReading::fail_at(const WordInUse& word, const std::string& what) const {
  throw Error(fmt::format("{}: {}: {} {}", facts_.where(*word.word), column_label(raw_.place, raw_.name),
                          in_quotes(word.word->text), what));
}

/// "target: {schema: {age: {type: nominal}}}"
std::string ColumnReading::way_out(const std::string& what) const {
  return fmt::format("{}: {{schema: {{{}: {{{}}}}}}}", facts_.request.option, raw_.name, what);
}

std::size_t ColumnReading::different_numbers() const {
  std::vector<double> values;
  values.reserve(words_.size());
  for (const auto& word : words_) values.push_back(word.value.value_or(0));
  std::sort(values.begin(), values.end());
  return static_cast<std::size_t>(std::unique(values.begin(), values.end()) - values.begin());
}

/// Key of the rank of a word such as "18-24", "<18", "75+" or "10 to 20": nothing when it is no range.
struct RangeKey {
  double number = 0;
  int side = 0;        // below it, from it on, above it
  bool plain = false;  // a number alone
  bool operator<(const RangeKey& other) const { return std::pair(number, side) < std::pair(other.number, other.side); }
  bool operator==(const RangeKey& other) const { return number == other.number && side == other.side; }
};

/// Takes the number that a text begins with.
std::optional<double> take_number(std::string_view& text) {
  text = trimmed(text);
  const auto end = std::min(text.size(), text.find_first_not_of("0123456789."));
  const auto number = to_number(text.substr(0, end));
  if (number) text = trimmed(text.substr(end));
  return number;
}

std::optional<RangeKey> range_key(std::string_view text) {
  RangeKey key;
  const auto take = [&](std::string_view word) {
    const bool there = text.starts_with(word);
    if (there) text = trimmed(text.substr(word.size()));
    return there;
  };
  if (take("<=") || take("<") || take("\xE2\x89\xA4"))
    key.side = -1;
  else if (take(">=") || take(">") || take("\xE2\x89\xA5"))
    key.side = 1;
  const bool signed_side = key.side != 0;
  const auto number = take_number(text);
  if (!number) return std::nullopt;
  key.number = *number;
  key.plain = text.empty() && !signed_side;
  if (text.empty()) return key;
  if (signed_side) return std::nullopt;
  if (text == "+") {
    key.side = 1;
    return key;
  }
  if (!take("-") && !take("\xE2\x80\x93") && !take("to ")) return std::nullopt;
  const auto last = take_number(text);
  if (!last || !text.empty() || *last < *number) return std::nullopt;
  return key;
}

/// Keys of all words, where they are ranges of numbers that can be put in order.
std::optional<std::vector<RangeKey>> range_keys(const std::vector<WordInUse>& words) {
  std::vector<RangeKey> keys;
  for (const auto& word : words) {
    const auto key = range_key(word.word->text);
    if (!key) return std::nullopt;
    keys.push_back(*key);
  }
  auto sorted = keys;
  std::sort(sorted.begin(), sorted.end());
  const bool distinct = std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end();
  const bool plain = std::all_of(keys.begin(), keys.end(), [](const auto& key) { return key.plain; });
  if (!distinct || plain || keys.size() < 3) return std::nullopt;
  return keys;
}

/// Whole numbers one after the other, each once: the rows' numbers.
bool ColumnReading::counts_rows() const {
  if (static_cast<std::int64_t>(words_.size()) != entries_ || entries_ < kFewRows) return false;
  double least = std::numeric_limits<double>::infinity();
  double most = -least;
  for (const auto& word : words_) {
    if (!word.value || *word.value != std::floor(*word.value)) return false;
    least = std::min(least, *word.value);
    most = std::max(most, *word.value);
  }
  const bool named =
      meaning_of(raw_.name, {}) == kIndexColumn || raw_.name.ends_with("_id") || raw_.name.ends_with("_ID");
  return named || most - least + 1 == static_cast<double>(entries_);
}

void ColumnReading::refuse_identifier() const {
  const auto count = static_cast<std::int64_t>(words_.size());
  const bool all = count == entries_ && entries_ >= kFewRows;
  const bool most = words_.size() > kManyWords && 2 * count > entries_;
  if (!all && !most) return;
  const auto& first = *std::min_element(words_.begin(), words_.end(), [](const auto& a, const auto& b) {
    return std::pair(a.word->file, a.word->line) < std::pair(b.word->file, b.word->line);
  });
  fail_at(first, fmt::format("and {} other words in {} rows: a column with another word in {} row names the rows, and "
                             "nothing can be learned of it; leave it out: {} (or keep it: {})",
                             count - 1, entries_, all ? "every" : "almost every", way_out("type: skip"),
                             way_out("type: nominal")));
}

/// Many numbers and a few words: most likely a typing mistake, or a word for a missing entry.
void ColumnReading::refuse_stray_words() const {
  constexpr std::size_t kShare = 10;  // one word for nine numbers
  if (number_count_ <= kManyNumbers || words_.size() > kShare * number_count_ / (kShare - 1)) return;
  const auto stray = std::find_if(words_.begin(), words_.end(), [](const auto& word) { return !word.value; });
  if (stray == words_.end()) return;
  fail_at(*stray, fmt::format("is not a number, as {} other entries are: correct it, name it as a word for a missing "
                              "entry ({}: {{missing: [NA, {}]}}), or take all as words ({})",
                              number_count_, facts_.request.option, stray->word->text, way_out("type: nominal")));
}

std::string ColumnReading::inferred() const {
  if (!wish_.order.empty()) return "ordinal";
  if (wish_.bins > 0) return "real";
  if (words_.empty()) return "nominal";
  if (!numbers()) {
    if (range_keys(words_)) return "ordinal";
    refuse_stray_words();
    refuse_identifier();
    return "nominal";
  }
  const auto count = different_numbers();
  if (count <= 2) return "nominal";
  if (counts_rows()) refuse_identifier();
  const bool often = kRowsPerNumber * static_cast<std::int64_t>(count) <= entries_;
  return count <= kFewNumbers || (count <= kManyNumbers && often) ? "ordinal" : "real";
}

UnderstoodColumn ColumnReading::read() {
  auto& column = out_.column;
  const auto& given = facts_.request.categories;
  if (!given.empty()) {
    take_given_codes(given[raw_.coordinate]);
    return std::move(out_);
  }
  const auto type = wish_.type.empty() ? inferred() : wish_.type;
  column.kind = type == "ordinal" || type == "real" ? Column::ordinal : Column::nominal;
  if (type == "binary" && (numbers() ? different_numbers() : words_.size()) > 2) {
    fail(fmt::format("{} different entries, but it is said to be binary", words_.size()));
  }
  if (type == "real") {
    take_bins();
  } else if (!wish_.order.empty()) {
    take_order();
  } else if (type == "ordinal" && !numbers()) {
    take_ranges();
  } else {
    take_words(numbers() && wish_.type != "nominal");
  }
  take_missing();
  return std::move(out_);
}

/// @param by_value numbers that are equal are one word, as it is first written.
void ColumnReading::take_words(bool by_value) {
  auto& column = out_.column;
  column.numeric = by_value && !words_.empty();
  auto sorted = words_;
  const auto key = [](const WordInUse& w) {
    return std::tuple(!w.value, w.value.value_or(0), std::pair(w.word->file, w.word->line));
  };
  std::sort(sorted.begin(), sorted.end(), [&](const auto& a, const auto& b) {
    if (!a.value && !b.value) return a.word->text < b.word->text;
    return key(a) < key(b);
  });
  for (std::size_t k = 0; k < sorted.size(); ++k) {
    const bool same = by_value && k > 0 && sorted[k].value == sorted[k - 1].value;
    if (!same) column.words.emplace_back(sorted[k].word->text);
    out_.codes[sorted[k].id] = static_cast<int>(column.words.size()) - 1;
  }
}

void ColumnReading::take_ranges() {
  const auto keys = range_keys(words_);
  if (!keys) {
    std::vector<std::string_view> texts;
    texts.reserve(words_.size());
    for (const auto& word : words_) texts.push_back(word.word->text);
    fail(fmt::format("words have no order of their own: give it, from low to high: {} ({} words: {})",
                     way_out("order: [low, mid, high]"), texts.size(), listed(texts)));
  }
  std::vector<std::size_t> order(words_.size());
  for (std::size_t k = 0; k < order.size(); ++k) order[k] = k;
  std::sort(order.begin(), order.end(), [&](auto a, auto b) { return (*keys)[a] < (*keys)[b]; });
  for (const auto k : order) {
    out_.codes[words_[k].id] = static_cast<int>(out_.column.words.size());
    out_.column.words.emplace_back(words_[k].word->text);
  }
}

void ColumnReading::take_order() {
  auto& column = out_.column;
  column.words = wish_.order;
  std::map<std::string_view, int> codes;
  std::map<double, int> values;
  for (std::size_t k = 0; k < column.words.size(); ++k) {
    if (!codes.emplace(column.words[k], static_cast<int>(k)).second) {
      fail(fmt::format("its order has {} twice", in_quotes(column.words[k])));
    }
    if (const auto value = to_number(column.words[k], facts_.point)) values.emplace(*value, static_cast<int>(k));
  }
  column.numeric = values.size() == column.words.size();
  for (const auto& word : words_) {
    const auto found = codes.find(word.word->text);
    const auto equal = word.value && column.numeric ? values.find(*word.value) : values.end();
    if (found == codes.end() && equal == values.end()) {
      fail_at(word, fmt::format("is not in its order [{}]", fmt::join(column.words, ", ")));
    }
    out_.codes[word.id] = found != codes.end() ? found->second : equal->second;
  }
}

void ColumnReading::take_bins() {
  auto& column = out_.column;
  std::map<double, std::int64_t> counts;
  std::vector<std::string_view> texts;
  for (const auto& word : words_) {
    if (!word.value)
      fail_at(word, fmt::format("is not a number{}", wish_.type.empty() ? "" : ", but the column is said to be real"));
    if (word.word->count > 0) counts[*word.value] += word.word->count;
    texts.push_back(word.word->text);
  }
  if (counts.empty()) return;
  column.decimals = decimals_of(texts, facts_.point);
  const auto by_rows = static_cast<int>(std::clamp<std::int64_t>(entries_ / kRowsPerBin, 2, kBins));
  const int bins = wish_.bins > 0 ? wish_.bins : facts_.request.bins > 0 ? facts_.request.bins : by_rows;
  if (bins > kMostCategories - 1) fail(fmt::format("{} bins: at most {} are possible", bins, kMostCategories - 1));
  column.edges = quantile_edges({counts.begin(), counts.end()}, bins, column.decimals);
  const int digits = column.decimals;
  const double unit = digits < 0 ? 0 : std::pow(10.0, -digits);
  const auto text = [&](double v) { return digits < 0 ? fmt::format("{:.6g}", v) : fmt::format("{:.{}f}", v, digits); };
  for (std::size_t k = 0; k + 1 < column.edges.size(); ++k) {
    const auto low = text(column.edges[k]);
    const auto high = text(column.edges[k + 1] - unit);
    column.words.push_back(digits < 0    ? fmt::format("[{}, {})", low, high)
                           : low == high ? low
                                         : fmt::format("{}..{}", low, high));
  }
  for (const auto& word : words_) out_.codes[word.id] = bin_of(column.edges, *word.value);
}

void ColumnReading::take_given_codes(int categories) {
  auto& column = out_.column;
  for (int c = 0; c < categories; ++c) column.words.push_back(std::to_string(c));
  column.numeric = true;
  if (wish_.type == "ordinal") column.kind = Column::ordinal;
  const auto needed = fmt::format("is not one of its categories 0..{}", categories - 1);
  if (!missing_.empty()) fail_at(missing_.front(), needed);
  for (const auto& word : words_) {
    const bool fits =
        word.value && *word.value == std::floor(*word.value) && *word.value >= 0 && *word.value < categories;
    if (!fits) fail_at(word, needed);
    out_.codes[word.id] = static_cast<int>(*word.value);
  }
}

void ColumnReading::take_missing() {
  auto& column = out_.column;
  if (!missing_.empty()) {
    column.missing = column.categories();
    column.words.emplace_back("missing");
    for (const auto& word : missing_) out_.codes[word.id] = column.missing;
  }
  if (static_cast<std::int64_t>(column.words.size()) > kMostCategories) {
    fail(fmt::format("{} different entries: at most {} categories are possible; leave it out: {}", column.words.size(),
                     kMostCategories, way_out("type: skip")));
  }
}

/// The least value above v that a file of so many decimals can have.
double above(double v, int decimals) {
  if (decimals < 0) return std::nextafter(v, std::numeric_limits<double>::infinity());
  const double unit = std::pow(10.0, decimals);
  return (std::round(v * unit) + 1) / unit;
}

}  // namespace

bool is_missing_word(const TableFacts& facts, std::string_view text) {
  return text.empty() || std::find(facts.missing.begin(), facts.missing.end(), text) != facts.missing.end();
}

std::string column_label(std::int64_t place, const std::string& name) {
  return fmt::format("column {}, {}", place + 1, in_quotes(name));
}

UnderstoodColumn understand(const RawColumn& raw, const ColumnRequest& wish, const TableFacts& facts) {
  return ColumnReading(raw, wish, facts).read();
}

std::vector<double> quantile_edges(const std::vector<std::pair<double, std::int64_t>>& values, int bins, int decimals) {
  std::int64_t left = 0;  // entries that are in no finished bin
  for (const auto& [value, count] : values) left += count;
  std::vector<double> edges = {values.front().first};
  std::int64_t inside = 0;  // of the bin at hand
  int bins_left = bins;
  const auto close = [&](double edge) {
    edges.push_back(edge);
    left -= inside;
    inside = 0;
    --bins_left;
  };
  for (std::size_t k = 0; k < values.size(); ++k) {
    const auto [value, count] = values[k];
    const auto full = [&] { return static_cast<double>(left) / bins_left; };
    const auto after = static_cast<double>(inside + count);
    const bool fills = static_cast<double>(count) >= full();
    if (inside > 0 && bins_left > 1 && (fills || after - full() > full() - static_cast<double>(inside))) close(value);
    inside += count;
    const bool alone = static_cast<double>(count) >= full() && inside == count;
    if (alone && bins_left > 1 && k + 1 < values.size()) close(above(value, decimals));
  }
  edges.push_back(above(values.back().first, decimals));
  return edges;
}

int decimals_of(const std::vector<std::string_view>& words, char point) {
  constexpr std::size_t kMost = 15;
  std::size_t decimals = 0;
  double largest = 0;
  for (const auto word : words) {
    if (word.find_first_of("eE") != std::string_view::npos) return -1;
    const auto at = word.find(point);
    if (at != std::string_view::npos) decimals = std::max(decimals, word.size() - at - 1);
    largest = std::max(largest, std::abs(to_number(word, point).value_or(0)));
  }
  if (decimals > kMost || largest * std::pow(10.0, static_cast<double>(decimals)) >= kExactIntegers) return -1;
  return static_cast<int>(decimals);
}

}  // namespace kirchhoff::detail
