#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/text_rows.hpp"
#include "kirchhoff/io/network/network_files.hpp"

namespace kirchhoff::detail {

/// @param line 0 where the file has none.
[[noreturn]] void fail(const std::string& origin, std::int64_t line, const std::string& what);

/// The conductance [S] that a resistor's value in a file means, infinite for 0 ohm. @param what begins the message:
/// "a ", or an element's name and "has ".
/// @throws Error for a value that is negative, or whose inverse cannot be represented.
double conductance(const std::string& origin, std::int64_t line, double value, EdgeValues values,
                   const std::string& what = "");

/// Whether a node of a SPICE netlist is ground: 0, and gnd, gnd! and ground in upper or lower case unless only 0 is.
bool is_ground_name(std::string_view name, GroundNames names);

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
