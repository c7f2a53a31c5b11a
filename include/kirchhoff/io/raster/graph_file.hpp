#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kirchhoff/circuit/netlist.hpp"

namespace kirchhoff {

/// The lists of Circuitscape's networks: rows of words between blanks, without headers; nodes are whole numbers from 0
/// on, also written as 1.0e+00. Local. @throws Error naming file, line and column.

/// Rows `node node value`: a graph. Edges between the same nodes are one, in parallel. Nodes are called by their
/// numbers, in ascending order; those of edges that conduct nothing are there too.
/// @param resistances what values are; else conductances.
Netlist parse_graph(std::string_view text, const std::string& origin, bool resistances);

/// A node a row. @return indices in the netlist, in the order of the file.
std::vector<std::int64_t> parse_focal_nodes(std::string_view text, const std::string& origin, const Netlist& netlist);

/// Rows `node value`. @return (index in the netlist, value).
std::vector<std::pair<std::int64_t, double>> parse_node_values(std::string_view text, const std::string& origin,
                                                               const Netlist& netlist);

}  // namespace kirchhoff
