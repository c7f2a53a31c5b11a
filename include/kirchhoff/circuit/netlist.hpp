#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kirchhoff/circuit/circuit.hpp"

namespace kirchhoff {

/// Elements of one kind, a two-terminal branch each.
struct Branches {
  std::vector<std::int64_t> tail;  // (m) node; SPICE's first
  std::vector<std::int64_t> head;  // (m) node; SPICE's second
  std::vector<double> value;       // (m) of resistors: conductance [S], infinite for 0 ohm; volt; ampere
  std::vector<std::int64_t> line;  // (m) in the file it came from; empty when it came from none
  std::vector<std::string> names;  // (m), or empty: then they are numbered from 1

  std::size_t size() const { return tail.size(); }
  std::string name(std::size_t k) const { return names.empty() ? std::to_string(k + 1) : names[k]; }
};

/// A resistor network with ideal sources: what a file says, and nothing derived from it. Nodes are indices into
/// `nodes`.
struct Netlist {
  std::string origin;              // the file, for messages
  std::string title;               // of a SPICE file
  std::string note;                // how the files were understood: separators, headers, what a matrix is
  std::string warning;             // what its author may have meant otherwise; else empty
  std::vector<std::string> nodes;  // (n) names
  std::int64_t ground = -1;        // the node of 0 V; -1: there is none
  Branches resistors;
  Branches voltages;  // v(tail) - v(head) [V]
  Branches currents;  // [A] through the source from tail to head: taken from tail, given to head; tail may be -1: from
                      // outside, which is no node

  /// "file:line: name", for messages. @param kind 'r', 'v' or 'i'.
  std::string where(const Branches& branches, std::size_t k) const;
};

/// The readers below are local. They throw Error naming file and line for anything that they do not understand: an
/// element or card that would change the answer is never passed over. `origin` names the file.

/// What the first line of a SPICE file is: SPICE takes it for a title whatever it says, so that an element there is
/// lost.
enum class SpiceTitle { automatic, line, none };

/// SPICE: R, V and I elements with constant values; docs/networks.md lists what is read and what is refused.
/// @param title automatic: the first line, with a Netlist::warning where it reads like an element or a card; line: the
/// first line; none: there is no title, and the first line is read like any other.
Netlist parse_spice(std::string_view text, const std::string& origin, SpiceTitle title = SpiceTitle::automatic);

enum class EdgeValues { resistance, conductance };

/// The lists below have a row a line and one separator for all: semicolons, commas, tabs or blanks, as the first row
/// has it. A header is a first row, or a comment right before it, of column names that are known, in any order; columns
/// that it gives other names are not read. Without a header there are no other columns than those that are named here.

/// An edge list, a row an edge: two whole numbers and a resistance [ohm] or conductance [S]. Nodes are those that are
/// named, in ascending order. @param values of the third column; resistance when not given and no header says
/// otherwise. @param first ids below it are refused.
Netlist parse_edge_list(std::string_view text, const std::string& origin, std::optional<EdgeValues> values,
                        std::int64_t first);

/// Matrix Market, coordinate format: a Laplacian when all values off the diagonal are negative (what its rows have too
/// much joins the node to ground), conductances (or resistances) between nodes when none is. Nodes count from 1. A file
/// that announces more rows or entries than it has bytes is refused before there is memory for them.
Netlist parse_matrix_market(std::string_view text, const std::string& origin, EdgeValues values);

/// Adds what a file of (node, ampere) rows injects; of (node, ohm) rows joins to ground, 0 being tied to it. The node
/// "ground" comes last and exists where something is joined to it.
void add_sources(Netlist& netlist, std::string_view text, const std::string& origin);
void add_grounds(Netlist& netlist, std::string_view text, const std::string& origin);

using NodePairs = std::vector<std::pair<std::int64_t, std::int64_t>>;
inline constexpr double kAnyNumber = std::numeric_limits<double>::infinity();

/// Pairs of nodes: a row a pair by name; or, from a file with one name a row, every pair of them, the earlier row
/// first. A first row of words that are nodes of the network is a pair and no header. "all": every pair of nodes but
/// ground's, i < j. @param most more pairs are refused before they are made. @param note how the file was understood.
NodePairs parse_pairs(const Netlist& netlist, std::string_view text, const std::string& origin,
                      double most = kAnyNumber, std::string* note = nullptr);
NodePairs all_pairs(const Netlist& netlist, double most = kAnyNumber);

/// The layered circuit as a network: nodes "l_x", terminals as current from outside.
Netlist netlist_of(const Circuit& circuit);

/// A file that holds a netlist, or a part of it that its format keeps in files of their own.
struct NetlistFile {
  std::string suffix;  // "" for the file itself, else what replaces its extension: ".sources.txt"
  std::string text;
};

/// The texts that the readers above take back. An edge list counts nodes from 0, Matrix Market from 1, both in the
/// netlist's order, without ground.
/// @throws Error naming the element that the format has no place for.
std::vector<NetlistFile> spice_files(const Netlist& netlist);
std::vector<NetlistFile> edge_list_files(const Netlist& netlist);
std::vector<NetlistFile> matrix_market_files(const Netlist& netlist);

}  // namespace kirchhoff
