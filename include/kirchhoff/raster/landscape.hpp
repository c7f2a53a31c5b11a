#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "kirchhoff/circuit/netlist.hpp"
#include "kirchhoff/parallel/parallel.hpp"
#include "kirchhoff/raster/grid.hpp"

namespace kirchhoff {

/// What current crosses: conductances of cells, and which neighbours of a cell are joined to it how.
///
/// A cell of conductance g is a square sheet. With average resistances neighbours r1 and r2 are joined by
/// (r1 + r2) / 2, with average conductances by (g1 + g2) / 2; diagonal neighbours are farther by sqrt(2). The
/// definitions are Circuitscape's (McRae et al., 2008, Ecology 89:2712).
struct Landscape {
  GridShape shape;
  std::vector<double> conductance;  // (cells) [S]; 0: no data, not crossed
  bool diagonal = true;             // eight neighbours, not four
  bool average_resistance = false;  // else conductance
};

/// Cells that are short-circuited: sets of cells, which become one where they overlap.
class Regions {
 public:
  explicit Regions(std::int64_t cells) : cells_(cells) {}

  /// Cells of the same number that is not 0 are one region. @param number (cells).
  void add(std::span<const std::int32_t> number);
  /// These cells are one region.
  void join(std::span<const std::int64_t> cells);

  bool empty() const { return label_.empty(); }
  /// The region of a cell, a number below `count`; -1: none.
  std::int32_t of(std::int64_t cell) const;
  std::int32_t count() const { return static_cast<std::int32_t>(parent_.size()); }

 private:
  void put(std::int64_t cell, std::int32_t label);
  std::int32_t root(std::int32_t label) const;

  std::int64_t cells_;
  std::vector<std::int32_t> label_;  // (cells), empty while there is no region
  std::vector<std::int32_t> parent_;
};

/// Nodes of the circuit: a cell with data, or a region of which one cell at least has data, all its cells included.
struct RasterNodes {
  std::vector<std::int32_t> node;  // (cells); -1: none
  std::int32_t count = 0;
  std::vector<std::int32_t> part;  // (count) which connected part of the landscape, from 0
  std::int32_t parts = 0;
};
/// Local. @throws Error when there are more cells than 2^31 - 1.
RasterNodes raster_nodes(const Landscape& landscape, const Regions& regions);

/// The circuit of some parts of a landscape.
struct RasterNetwork {
  Netlist netlist;                 // nodes are called "row_column" by their first cell, counted from 1
  std::vector<std::int32_t> node;  // (cells) index in the netlist; -1: none
};
/// @param keep (parts) whether a part is in the circuit. Local.
RasterNetwork raster_network(const Landscape& landscape, const RasterNodes& nodes, std::span<const char> keep);

/// Current through each node: the sum of all that flows in through resistors, or of all that flows out, whichever is
/// larger (at sources and sinks they differ).
/// @param current [A] of the resistors `which`, from tail to head; those of all ranks make up all resistors.
/// @return (n) [A]. @note Collective.
std::vector<double> current_through_nodes(MPI_Comm comm, const Netlist& netlist, Range which,
                                          std::span<const double> current);

}  // namespace kirchhoff
