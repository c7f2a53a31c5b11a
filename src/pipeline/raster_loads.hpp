#pragma once

#include <cstdint>
#include <vector>

#include "kirchhoff/circuit/netlist.hpp"
#include "kirchhoff/io/raster/job_file.hpp"

namespace kirchhoff {

/// What is joined to nodes in Circuitscape's advanced mode.
struct Loads {
  std::vector<double> source;  // (nodes) [A]
  std::vector<double> ground;  // (nodes) [S], infinite: tied to ground
  std::vector<char> keep;      // (parts) whether there are both
};

/// Does what is wanted where a source and a ground meet, and finds the parts that are driven. The order of it, and what
/// it leaves, are Circuitscape's. @param part (nodes) which connected part, of `parts`.
/// @return how many grounds of finite conductance `remove_ground` has left beside sources.
std::int64_t settle_loads(SourceOrGround policy, const std::vector<std::int32_t>& part, std::int32_t parts,
                          Loads& loads);

/// Joins a node to a source [A] and to ground [S], where they are not 0.
void join_loads(Netlist& netlist, std::int64_t node, double source, double ground);

/// Keeps the parts that have both sources and grounds. @param ground those that count. @return whether there is one.
bool keep_driven(const std::vector<std::int32_t>& part, std::int32_t parts, const std::vector<double>& ground,
                 Loads& loads);

}  // namespace kirchhoff
