#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace kirchhoff::detail {

/// The text without its byte order mark. @throws Error naming the line of a NUL byte or of one that is not UTF-8, or
/// saying that the file is in UTF-16.
std::string_view checked_text(std::string_view text, const std::string& origin);

/// What separates fields: the candidate of ; , tab | that the first records have equally often, or any blanks where
/// these are numbers; a table of one column has commas. @return ' ' for any blanks.
char separator_of_records(std::string_view text);
/// "commas", for messages.
std::string_view separator_name(char separator);

/// Goes through the records of a text without copying it, by RFC 4180: a field in double quotes may hold separators,
/// line ends, and quotes that are doubled. Beyond it, blanks around fields are passed over, and so are empty lines and
/// lines before the first record that begin with #.
class Records {
 public:
  /// @param text checked_text, which must outlive this.
  Records(std::string_view text, const std::string& origin, char separator);

  /// @return false behind the last record. @throws Error naming the line: a quote that does not end, text behind a
  /// quoted field, a carriage return within a line.
  bool next();
  /// Of the record that `next` gave, until it is called again.
  const std::vector<std::string_view>& fields() const { return fields_; }
  /// The line that the record begins on, from 1.
  std::int64_t line() const { return line_; }
  [[noreturn]] void fail(std::int64_t line, std::string_view what) const;

 private:
  void take_field();
  void take_quoted();
  bool ends_field(char c) const { return c == '\n' || c == separator_; }
  void skip_blanks();
  void skip_lines_of_nothing();

  const char* at_;
  const char* end_;
  const std::string& origin_;
  char separator_;
  std::int64_t line_ = 0;
  std::int64_t next_line_ = 1;
  bool begun_ = false;
  std::vector<std::string_view> fields_;
  std::deque<std::string> unquoted_;
};

/// A field as RFC 4180 has it: in quotes where it would be read as something else without them.
std::string as_field(std::string_view text, char separator);

}  // namespace kirchhoff::detail
