#pragma once

#include <cstdint>
#include <functional>
#include <optional>
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

/// Whether the first row of an edge list ends in a dictionary, as networkx.write_edgelist writes them.
bool holds_dictionaries(std::string_view text);
/// The same lines, with the value that a dictionary has in place of the dictionary, and nothing where edges have no
/// values. @param reading values: what the key says that they are. @throws Error naming the line.
std::string without_dictionaries(std::string_view text, const std::string& origin, EdgeReading& reading);

/// What the name of an edge's value says that it is, "weight" leaving it open (empty inside); empty for other names.
std::optional<std::optional<EdgeValues>> edge_value_name(std::string_view name);

/// Counts the edges of a list that stand twice or in both directions, and takes them as chosen.
/// @throws Error where nothing is chosen and all stand in both directions with the same value, or where edges that are
/// to be taken once have different values.
void settle_duplicates(Netlist& netlist, EdgeDuplicates choice);

/// Which node is called what in a file that calls them otherwise: rows of the file's name and the netlist's.
/// @param called the file's name of a node.
NetlistFile name_file(const Netlist& netlist, const std::function<std::string(std::int64_t)>& called);

/// Takes the first field off a line; fields end at blanks or one of `separators`. Empty when there is none left.
std::string_view take_field(std::string_view& line, std::string_view separators);

/// Names to indices, in the order of their first appearance.
class NameTable {
 public:
  /// @param exact upper and lower case differ; without it they are the same.
  explicit NameTable(bool exact = false) : exact_(exact) {}
  /// @return the index of `name`, which is new to `names` if it is not there yet.
  std::int64_t index(std::string_view name, std::vector<std::string>& names);
  /// @return the index, or -1.
  std::int64_t find(std::string_view name, const std::vector<std::string>& names) const;

 private:
  /// What is known of a name without going to it: part of its hash, by which its place is chosen too.
  struct Slot {
    std::uint32_t hash = 0;
    std::uint32_t index = 0;  // + 1; 0 where free
  };

  std::size_t slot(std::string_view name, std::uint32_t hash, const std::vector<std::string>& names) const;
  void grow();

  bool exact_;
  std::size_t used_ = 0;
  std::vector<Slot> slots_;  // a power of two of them
};

/// A hash of the name in lower case.
std::uint64_t hash_of(std::string_view name);

/// Whether two names are the same but for upper and lower case.
bool same_name(std::string_view a, std::string_view b);

}  // namespace kirchhoff::detail
