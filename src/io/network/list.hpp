#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "io/network/reader.hpp"
#include "kirchhoff/base/text.hpp"

namespace kirchhoff::detail {

/// What a column of a list is.
enum Meaning { kNode, kTail, kHead, kValue, kOhm, kSiemens, kAmpere };

/// The names of such columns, in each kind of list.
extern const std::span<const KnownColumn> kEdgeColumns;
extern const std::span<const KnownColumn> kPairColumns;
extern const std::span<const KnownColumn> kSourceColumns;
extern const std::span<const KnownColumn> kGroundColumns;

inline bool is_number(std::string_view field) { return to_number(field).has_value(); }

/// A node's number: "43", or "4.3e+01" as numpy writes it. Nothing for any other text.
std::optional<std::int64_t> whole_number(std::string_view text);

/// A text of rows with what its header says, if it has one: a first row, or a comment right before it, of names that
/// the reader knows. What such a row looks like alone never makes it a header.
class List {
 public:
  /// @param least the fewest columns that a comment can name. @param is_data whether a field shows that its row is one
  /// of the list itself.
  template <class IsData>
  List(std::string_view text, const std::string& origin, std::span<const KnownColumn> known, std::size_t least,
       IsData&& is_data)
      : rows_(text, origin, "#%"), origin_(origin) {
    waiting_ = rows_.next();
    if (!waiting_) return;
    width_ = rows_.fields().size();
    first_line_ = rows_.line();
    // One word alone is rather a node, or a number misspelt.
    const auto words = std::min<std::size_t>(2, least);
    take_header(rows_.fields(), known, words, rows_.line());
    if (has_header() && std::any_of(rows_.fields().begin(), rows_.fields().end(), is_data)) {
      row_of_words_ = true;
      forget_header();
    }
    if (has_header()) {
      waiting_ = rows_.next();
      return;
    }
    const auto comment = rows_.comment_fields();
    if (comment.size() == width_ && width_ >= least) take_header(comment, known, words, rows_.comment_line());
    if (std::find(meanings_.begin(), meanings_.end(), kUnknownColumn) != meanings_.end()) forget_header();
  }

  bool next() {
    if (!std::exchange(waiting_, false) && !rows_.next()) return false;
    const auto count = rows_.fields().size();
    if (count == width_) return true;
    const auto found = fmt::format("{} {}, but line {} has {} (columns are separated by {})", count,
                                   count == 1 ? "column" : "columns", first_line_, width_, rows_.separator());
    rows_.fail(count < width_ ? fmt::format("column {} is missing: {}", count + 1, found) : found);
  }
  bool has_header() const { return header_line_ > 0; }
  std::size_t width() const { return width_; }
  std::int64_t line() const { return rows_.line(); }
  std::int64_t first_line() const { return first_line_; }
  std::string_view separator() const { return rows_.separator(); }

  /// The only column that means one of these. @return nothing when there is none. @throws Error when there are more.
  std::optional<std::size_t> column(std::initializer_list<int> meanings, std::string_view what) const {
    std::vector<std::size_t> found;
    for (std::size_t c = 0; c < meanings_.size(); ++c) {
      if (std::find(meanings.begin(), meanings.end(), meanings_[c]) != meanings.end()) found.push_back(c);
    }
    if (found.size() > 1) {
      fail_header(fmt::format("columns {} and {} could both be {}", found[0] + 1, found[1] + 1, what));
    }
    return found.empty() ? std::nullopt : std::optional(found[0]);
  }
  std::vector<std::size_t> all_of(int meaning) const {
    std::vector<std::size_t> found;
    for (std::size_t c = 0; c < meanings_.size(); ++c) {
      if (meanings_[c] == meaning) found.push_back(c);
    }
    return found;
  }
  int meaning(std::size_t column) const { return meanings_[column]; }
  [[noreturn]] void fail_header(const std::string& what) const {
    detail::fail(origin_, header_line_, fmt::format("the header {}: {}", listed(names_), what));
  }
  [[noreturn]] void fail(const std::string& what) const { rows_.fail(what); }
  /// How the text was understood. @param used the columns that were read.
  std::string note(const std::vector<std::size_t>& used) const {
    auto text = width_ == 1 ? std::string() : fmt::format("columns separated by {}", separator());
    if (row_of_words_) {
      text += fmt::format("{}line {} is a row, not a header", text.empty() ? "" : ", ", first_line_);
    }
    if (!has_header()) return text;
    std::vector<std::string_view> read;
    std::vector<std::string_view> unread;
    for (std::size_t c = 0; c < names_.size(); ++c) {
      (std::find(used.begin(), used.end(), c) != used.end() ? read : unread).push_back(names_[c]);
    }
    text += fmt::format("{}line {} names them: {}", text.empty() ? "" : ", ", header_line_, listed(read));
    return unread.empty() ? text : text + fmt::format("; not read: {}", listed(unread));
  }

  std::string_view field(std::size_t column, std::string_view needed) const {
    if (rows_.fields()[column].empty()) rows_.fail(column, needed);
    return rows_.fields()[column];
  }
  std::int64_t node(std::size_t column) const {
    constexpr std::string_view needed = "a node is a whole number (-network_nodes names: any name)";
    const auto id = whole_number(field(column, needed));
    if (!id) rows_.fail(column, needed);
    return *id;
  }
  std::string_view name(std::size_t column, bool numbers_too) const {
    const auto text = field(column, "a node is needed");
    if (!numbers_too && whole_number(text)) {
      rows_.fail(column,
                 fmt::format("nodes are names since line {} (-network_nodes names: this is one too)", first_line_));
    }
    const auto plain = [](unsigned char c) { return c >= 0x20 && c != 0x7f; };
    if (!std::all_of(text.begin(), text.end(), plain)) rows_.fail(column, "a name has no control characters");
    return text;
  }
  bool is_node_number(std::size_t column) const {
    return column < rows_.fields().size() && whole_number(rows_.fields()[column]).has_value();
  }
  double number(std::size_t column) const {
    const auto value = to_number(rows_.fields()[column]);
    if (!value || !std::isfinite(*value)) rows_.fail(column, "a finite number is needed");
    return *value;
  }

 private:
  void take_header(const std::vector<std::string_view>& fields, std::span<const KnownColumn> known, std::size_t words,
                   std::int64_t line) {
    std::vector<int> meanings;
    meanings.reserve(fields.size());
    for (const auto name : fields) meanings.push_back(meaning_of(name, known));
    const auto said = std::count_if(meanings.begin(), meanings.end(), [](int m) { return m >= 0; });
    if (static_cast<std::size_t>(said) < words) return;
    meanings_ = std::move(meanings);
    names_ = fields;
    header_line_ = line;
  }
  void forget_header() {
    meanings_.clear();
    names_.clear();
    header_line_ = 0;
  }

  Rows rows_;
  const std::string& origin_;
  bool waiting_ = false;  // a row has been read and not been given
  std::size_t width_ = 0;
  std::int64_t first_line_ = 0;
  std::int64_t header_line_ = 0;  // 0: there is none
  bool row_of_words_ = false;     // the first row has words of a header, and is none
  std::vector<int> meanings_;     // of the columns, by the header
  std::vector<std::string_view> names_;
};

/// The columns of the two ends of an edge or a pair, by the header.
std::pair<std::size_t, std::size_t> ends_of(const List& list);

inline constexpr std::size_t kNoColumn = std::string_view::npos;

struct ValueColumn {
  std::size_t column = kNoColumn;  // none: there are no values
  EdgeValues values = EdgeValues::resistance;
};

/// The column of resistances or conductances by the header. @param chosen by the user; what contradicts it is refused.
ValueColumn value_of(const List& list, std::optional<EdgeValues> chosen);

/// Without a header only a list of so many columns is understood. @param names of them, for the message.
void require_width(const List& list, std::size_t width, std::string_view names);

}  // namespace kirchhoff::detail
