#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace kirchhoff {

class Circuit;

/// Elements of one kind, a two-terminal branch each.
struct Branches {
  std::vector<std::int64_t> tail;  // (m) node; SPICE's first
  std::vector<std::int64_t> head;  // (m) node; SPICE's second
  std::vector<double> value;       // (m) of resistors: conductance [S], infinite for 0 ohm; volt; ampere
  std::vector<std::int64_t> line;  // (m) in the file it came from; empty when it came from none
  std::vector<std::string> names;  // (m), or empty: then they are numbered from 1
  /// (m) which of Netlist::files the line is in; an element behind its end: in the first.
  std::vector<std::int32_t> file = {};

  std::size_t size() const { return tail.size(); }
  /// @param origin_line 0 when it comes from no file. Names are not touched.
  void add(std::int64_t from, std::int64_t to, double amount, std::int64_t origin_line = 0);
  std::string name(std::size_t k) const { return names.empty() ? std::to_string(k + 1) : names[k]; }
};

/// A resistor network with ideal sources: what a file says, and nothing derived from it. Nodes are indices into
/// `nodes`.
struct Netlist {
  std::string origin;                 // the file, for messages
  std::string title;                  // of a SPICE file
  std::string note;                   // how the files were understood: separators, headers, what a matrix is
  std::vector<std::string> remarks;   // what its author may not know of it
  std::vector<std::string> warnings;  // what its author may have meant otherwise
  std::vector<std::string> files;     // of which it is made, `origin` first; empty where that is the only one
  std::vector<std::string> nodes;     // (n) names
  std::int64_t ground = -1;           // the node of 0 V; -1: there is none
  Branches resistors;
  Branches voltages;  // v(tail) - v(head) [V]
  Branches currents;  // [A] through the source from tail to head: taken from tail, given to head; tail may be -1: from
                      // outside, which is no node

  /// Appends the node "ground", which is the ground then.
  void add_ground();
  /// "file:line: name", for messages. @param kind 'r', 'v' or 'i'.
  std::string where(const Branches& branches, std::size_t k) const;
};

using NodePairs = std::vector<std::pair<std::int64_t, std::int64_t>>;

/// The layered circuit as a network: nodes "l_x", terminals as current from outside.
Netlist netlist_of(const Circuit& circuit);

}  // namespace kirchhoff
