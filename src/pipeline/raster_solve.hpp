#pragma once

#include <cstdint>

#include "kirchhoff/circuit/netlist.hpp"
#include "pipeline/raster_input.hpp"

namespace kirchhoff {

/// A cell of a focal point that is in a node, -1 where none is.
std::int64_t cell_of_point(const RasterInput& input, const RasterNodes& nodes, std::size_t point);
/// The node of a focal point, -1 where it has none.
std::int32_t node_of_point(const RasterInput& input, const RasterNodes& nodes, std::size_t point);

/// Refuses a raster's network that has no room. @note Collective.
void require_raster_memory(MPI_Comm comm, const Netlist& netlist, const NodePairs& pairs);

}  // namespace kirchhoff
