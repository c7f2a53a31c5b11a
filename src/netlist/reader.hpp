#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kirchhoff::detail {

inline constexpr std::string_view kBlanks = " \t\r\v\f";

/// Goes through a text line by line without copying it.
class Lines {
 public:
  explicit Lines(std::string_view text) : rest_(text) {}

  /// The next line, without its end and blanks around it. @return false behind the last one.
  bool next(std::string_view& line);
  /// Number of the line that `next` gave, from 1.
  std::int64_t number() const { return number_; }

 private:
  std::string_view rest_;
  std::int64_t number_ = 0;
};

/// Takes the first field off a line; fields end at blanks or one of `separators`. Empty when there is none left.
std::string_view take_field(std::string_view& line, std::string_view separators);

/// Names to indices, in the order of their first appearance; upper and lower case are the same.
class NameTable {
 public:
  /// @return the index of `name`, which is new to `names` if it is not there yet.
  std::int64_t index(std::string_view name, std::vector<std::string>& names);
  /// @return the index, or -1.
  std::int64_t find(std::string_view name, const std::vector<std::string>& names) const;

 private:
  std::size_t slot(std::string_view name, const std::vector<std::string>& names) const;
  void grow(const std::vector<std::string>& names);

  std::vector<std::int64_t> slots_;  // index + 1, 0 where free
};

/// A hash of the name in lower case.
std::uint64_t hash_of(std::string_view name);

}  // namespace kirchhoff::detail
