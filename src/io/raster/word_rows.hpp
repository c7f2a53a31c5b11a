#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/text_rows.hpp"

namespace kirchhoff::detail {

/// Goes through the rows of a text, of which blanks and tabs, however many, part the words: as Circuitscape reads its
/// lists. Empty lines and comments (#) are passed over.
class WordRows {
 public:
  WordRows(std::string_view text, const std::string& origin) : lines_(text, origin), origin_(origin) {}

  /// @return false behind the last row.
  bool next();
  const std::vector<std::string_view>& fields() const { return fields_; }
  std::int64_t line() const { return lines_.number(); }
  [[noreturn]] void fail(const std::string& what) const;

  /// The finite number in a column (from 0). @throws Error naming line and column.
  double number(std::size_t column) const;
  /// The whole number in a column. @param what it is, for messages.
  std::int32_t whole(std::size_t column, std::string_view what) const;
  /// @throws Error unless the row has so many columns. @param what they are.
  void need(std::size_t columns, std::string_view what) const;

 private:
  Lines lines_;
  const std::string& origin_;
  std::vector<std::string_view> fields_;
};

}  // namespace kirchhoff::detail
