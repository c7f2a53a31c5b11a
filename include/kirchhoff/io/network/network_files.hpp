#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kirchhoff/circuit/netlist.hpp"

namespace kirchhoff {

/// The readers below are local. They throw Error naming file and line for anything that they do not understand: an
/// element or card that would change the answer is never passed over. `origin` names the file.

/// What the first line of a SPICE file is: SPICE takes it for a title whatever it says, so that an element there is
/// lost.
enum class SpiceTitle { automatic, line, none };

/// Which nodes of a SPICE file are ground: 0, gnd, gnd! and ground, in upper or lower case; or 0 alone.
enum class GroundNames { usual, zero };

/// How a SPICE file is to be understood where it leaves that open.
struct SpiceReading {
  /// automatic: the first line is the title, with a warning where it reads like an element; line: the title; none:
  /// there is no title, and the first line is read like any other.
  SpiceTitle title = SpiceTitle::automatic;
  GroundNames ground_names = GroundNames::usual;
  /// Gives the text of a file that is included; without it none may be.
  std::function<std::string(const std::string& path)> read_file = {};
  /// Instances of subcircuits that hold more elements together are refused before they are made.
  double most_elements = 1e9;
};

/// SPICE: R, V and I elements, subcircuits, parameters and expressions, included files, models of resistors,
/// temperatures, and what C, L and sources over time are at dc; docs/networks.md lists what is read and what is
/// refused.
Netlist parse_spice(std::string_view text, const std::string& origin, const SpiceReading& reading = {});

enum class EdgeValues { resistance, conductance, unit };

/// What edges of a list that stand more than once are: resistors in parallel; one edge; or, where nothing is chosen, in
/// parallel unless all edges stand in both directions with the same value, which is refused.
enum class EdgeDuplicates { refused, parallel, once };

/// What the rows of a Laplacian sum to: conductances to ground, or rounding.
enum class RowSums { ground, ignore };

/// What the nodes of an edge list are: whole numbers or names, as its first row has them; numbers; names.
enum class NodeNames { automatic, numbers, names };

/// How a list of edges or a matrix is to be understood where it leaves that open.
struct EdgeReading {
  /// Of the values of edges; unit: every edge has 1 ohm, whatever stands there. Without: what a header says, or the
  /// format: resistances in a list, conductances in a matrix.
  std::optional<EdgeValues> values = {};
  std::int64_t first = 0;  // least number of a node of an edge list
  NodeNames nodes = NodeNames::automatic;
  EdgeDuplicates duplicates = EdgeDuplicates::refused;
  RowSums row_sums = RowSums::ground;
};

/// The lists below have one row per line and one separator for all: semicolons, commas, tabs or blanks, as the first
/// row has it. A header is a first row, or a comment right before it, of column names that are known, in any order;
/// columns that it gives other names are not read. Without a header there are no other columns than those that are
/// named here.

/// An edge list, a row an edge: two nodes and a resistance [ohm] or conductance [S]. Nodes are whole numbers, in
/// ascending order, or names, in the order of their appearance, as the first row has them; ids below `first` are
/// refused.
Netlist parse_edge_list(std::string_view text, const std::string& origin, const EdgeReading& reading = {});

/// Matrix Market, coordinate format: a Laplacian when all values off the diagonal are negative (what its rows have too
/// much joins the node to ground), conductances (or resistances) between nodes when none is. Nodes count from 1. A file
/// that announces more rows or entries than it has bytes is refused before there is memory for them.
Netlist parse_matrix_market(std::string_view text, const std::string& origin, const EdgeReading& reading = {});

/// A sparse matrix as `scipy.sparse.save_npz` writes it (coo, csr or csc; the bytes of the .npz file): a Laplacian or
/// conductances (or resistances) between nodes, as in Matrix Market, but nodes count from 0.
Netlist parse_scipy_sparse(const std::string& bytes, const std::string& origin, const EdgeReading& reading = {});

/// GraphML: edges of one graph, whose values are in the data called resistance, conductance, weight or value. Nodes are
/// called by their ids, in the order of the file. Directed graphs are read as undirected ones.
Netlist parse_graphml(std::string_view text, const std::string& origin, const EdgeReading& reading = {});

/// Says, in remarks and warnings, which parts of a network have no way to ground and how many resistors join a node to
/// itself.
void remark_structure(Netlist& netlist);

/// Adds to the netlist's note how a file beside it was understood. Local.
void add_note(Netlist& netlist, const std::string& origin, const std::string& note);

/// Adds what a file of (node, ampere) rows injects; of (node, ohm) rows joins to ground, 0 being tied to it. The node
/// "ground" comes last and exists where something is joined to it.
void add_sources(Netlist& netlist, std::string_view text, const std::string& origin);
void add_grounds(Netlist& netlist, std::string_view text, const std::string& origin);

inline constexpr double kAnyNumber = std::numeric_limits<double>::infinity();

/// Pairs of nodes: a row a pair by name; or, from a file with one name a row, every pair of them, the earlier row
/// first. A first row of words that are nodes of the network is a pair and no header. "all": every pair of nodes but
/// ground's, i < j. @param most more pairs are refused before they are made. @param note how the file was understood.
NodePairs parse_pairs(const Netlist& netlist, std::string_view text, const std::string& origin,
                      double most = kAnyNumber, std::string* note = nullptr);
NodePairs all_pairs(const Netlist& netlist, double most = kAnyNumber);
/// Every pair of the nodes of a file with one name a row.
NodePairs focal_pairs(const Netlist& netlist, std::string_view text, const std::string& origin,
                      double most = kAnyNumber, std::string* note = nullptr);
/// The two nodes of each resistor, in the netlist's order; of one that joins a node to itself, that node twice.
NodePairs edge_pairs(const Netlist& netlist, double most = kAnyNumber);

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
