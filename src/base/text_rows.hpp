#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kirchhoff::detail {

/// Whole numbers below this are exact in a double; from here on, two of them may become one double.
inline constexpr double kExactIntegers = 9007199254740992.0;  // 2^53

inline constexpr std::string_view kBlanks = " \t\r\v\f";

std::string_view trimmed(std::string_view text);

/// Whether the texts are the same but for upper and lower case. @param lower in lower case.
bool alike(std::string_view text, std::string_view lower);

/// Goes through a text line by line without copying it. A byte order mark before the first is passed over.
class Lines {
 public:
  /// @throws Error naming the line of a NUL byte (UTF-16, or no text at all) or of a carriage return inside a line,
  /// which other programs take for its end.
  Lines(std::string_view text, const std::string& origin);

  /// The next line, without its end. @return false behind the last one.
  bool next(std::string_view& line);
  /// Number of the line that `next` gave, from 1.
  std::int64_t number() const { return number_; }

 private:
  std::string_view rest_;
  std::int64_t number_ = 0;
};

/// Goes through the rows of a text, one row per line. One separator holds for the whole text, and its first row decides
/// it: semicolons where that has one, else commas, else single tabs where there is no other blank, else any blanks. A
/// field may stand in double quotes. Empty lines and comments are passed over.
class Rows {
 public:
  /// @param comments the characters that a comment begins with.
  Rows(std::string_view text, const std::string& origin, std::string_view comments);

  /// @return false behind the last row. @throws Error for quotes that do not pair.
  bool next();
  /// Of the row that `next` gave, without quotes and the blanks around them.
  const std::vector<std::string_view>& fields() const { return fields_; }
  bool quoted(std::size_t column) const { return quoted_[column]; }
  std::int64_t line() const { return lines_.number(); }
  /// The last comment before the first row, as fields of the same separator; empty when there is none.
  std::vector<std::string_view> comment_fields() const;
  std::int64_t comment_line() const { return comment_line_; }
  /// "commas", for messages.
  std::string_view separator() const;
  [[noreturn]] void fail(const std::string& what) const;
  /// Fails for the present row, naming a column (from 0), what its field holds and what is needed instead.
  [[noreturn]] void fail(std::size_t column, std::string_view needed) const;

 private:
  void split(std::string_view line);
  std::string_view take_quoted(std::string_view& line) const;

  Lines lines_;
  const std::string& origin_;
  std::string_view comments_;
  std::string_view comment_;
  std::int64_t comment_line_ = 0;
  char separator_ = 0;  // 0: no row yet; ' ': any blanks
  std::vector<std::string_view> fields_;
  std::vector<bool> quoted_;
};

/// Names that a column may have in a header, and what the column then is.
struct KnownColumn {
  std::string_view names;  // in lower case, a blank between them
  int meaning = 0;
};
inline constexpr int kIndexColumn = -1;    // numbers of rows, as data frames write them
inline constexpr int kUnknownColumn = -2;  // a name that says nothing to the reader
/// What a column of that name is; the names of an index column are known to all readers.
int meaning_of(std::string_view name, std::span<const KnownColumn> known);

/// "'a', 'b'"; of many the first.
std::string listed(const std::vector<std::string_view>& names);

}  // namespace kirchhoff::detail
