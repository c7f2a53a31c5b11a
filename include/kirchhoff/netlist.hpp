#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kirchhoff/circuit.hpp"

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
  std::string note;                // how the file was understood, where that had to be guessed; else empty
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

/// SPICE: R, V and I elements with constant values; docs/networks.md lists what is read and what is refused.
Netlist parse_spice(std::string_view text, const std::string& origin);

enum class EdgeValues { resistance, conductance };

/// An edge list, a line an edge: two whole numbers and a resistance [ohm] or conductance [S]; further columns are not
/// read. Nodes are those that are named, in ascending order. @param first ids below it are refused.
Netlist parse_edge_list(std::string_view text, const std::string& origin, EdgeValues values, std::int64_t first);

/// Matrix Market, coordinate format: a Laplacian when all values off the diagonal are negative (what its rows have too
/// much joins the node to ground), conductances (or resistances) between nodes when none is. Nodes count from 1.
Netlist parse_matrix_market(std::string_view text, const std::string& origin, EdgeValues values);

/// Adds what a file of (node ampere) lines injects; of (node ohm) lines joins to ground, 0 being tied to it. The node
/// "ground" comes last and exists where something is joined to it.
void add_sources(Netlist& netlist, std::string_view text, const std::string& origin);
void add_grounds(Netlist& netlist, std::string_view text, const std::string& origin);

using NodePairs = std::vector<std::pair<std::int64_t, std::int64_t>>;

/// Pairs of nodes: a line a pair by name; or, from a file with one name a line, every pair of them, the earlier line
/// first. "all": every pair of nodes but ground's, i < j.
NodePairs parse_pairs(const Netlist& netlist, std::string_view text, const std::string& origin);
NodePairs all_pairs(const Netlist& netlist);

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
