// From a landscape to its circuit.
#include "kirchhoff/raster/landscape.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "base/disjoint_sets.hpp"
#include "kirchhoff/base/error.hpp"

namespace kirchhoff {
namespace {

std::size_t index(std::int64_t k) { return static_cast<std::size_t>(k); }

double joined(const Landscape& landscape, std::int64_t a, std::int64_t b, bool diagonal) {
  const double g1 = landscape.conductance[index(a)];
  const double g2 = landscape.conductance[index(b)];
  const double longer = diagonal ? std::numbers::sqrt2 : 1.0;
  // Cells of a region may have no data: then no current crosses between cells where resistances are averaged.
  if (landscape.average_resistance) return g1 > 0 && g2 > 0 ? 2 / (longer * (1 / g1 + 1 / g2)) : 0.0;
  return (g1 + g2) / (2 * longer);
}

/// Calls visit(node, node, conductance) for every pair of neighbours that are two nodes.
template <class Visit>
void each_joint(const Landscape& landscape, const std::vector<std::int32_t>& node, Visit&& visit) {
  const auto rows = landscape.shape.rows;
  const auto columns = landscape.shape.columns;
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t c = 0; c < columns; ++c) {
      const auto cell = r * columns + c;
      const auto mine = node[index(cell)];
      if (mine < 0) continue;
      const auto meet = [&](std::int64_t down, std::int64_t right) {
        if (r + down >= rows || c + right >= columns || c + right < 0) return;
        const auto other = cell + down * columns + right;
        const auto theirs = node[index(other)];
        if (theirs < 0 || theirs == mine) return;
        const double g = joined(landscape, cell, other, down != 0 && right != 0);
        if (g > 0) visit(mine, theirs, g);
      };
      meet(0, 1);
      meet(1, 0);
      if (!landscape.diagonal) continue;
      meet(1, 1);
      meet(1, -1);
    }
  }
}

void number_nodes(const Landscape& landscape, const Regions& regions, RasterNodes& nodes) {
  const auto cells = landscape.shape.cells();
  std::vector<char> has_data(index(regions.count()), 0);
  for (std::int64_t cell = 0; cell < cells && !regions.empty(); ++cell) {
    const auto region = regions.of(cell);
    if (region >= 0 && landscape.conductance[index(cell)] > 0) has_data[index(region)] = 1;
  }
  std::vector<std::int32_t> of_region(index(regions.count()), -1);
  nodes.node.assign(index(cells), -1);
  for (std::int64_t cell = 0; cell < cells; ++cell) {
    const auto region = regions.of(cell);
    auto& mine = nodes.node[index(cell)];
    if (region < 0) {
      if (landscape.conductance[index(cell)] > 0) mine = nodes.count++;
    } else if (has_data[index(region)] != 0) {
      auto& shared = of_region[index(region)];
      if (shared < 0) shared = nodes.count++;
      mine = shared;
    }
  }
}

void find_parts(const Landscape& landscape, RasterNodes& nodes) {
  DisjointSets<std::int32_t> parts(index(nodes.count));
  each_joint(landscape, nodes.node, [&](std::int32_t a, std::int32_t b, double) { parts.join(a, b); });
  nodes.part = parts.numbers();
  nodes.parts = parts.count();
}

}  // namespace

RasterNodes raster_nodes(const Landscape& landscape, const Regions& regions) {
  if (landscape.shape.cells() >= std::numeric_limits<std::int32_t>::max()) {
    throw Error(
        fmt::format("a raster of {} x {} cells has more than 2^31 - 1", landscape.shape.rows, landscape.shape.columns));
  }
  RasterNodes nodes;
  number_nodes(landscape, regions, nodes);
  find_parts(landscape, nodes);
  return nodes;
}

RasterNetwork raster_network(const Landscape& landscape, const RasterNodes& nodes, std::span<const char> keep) {
  RasterNetwork made;
  std::vector<std::int32_t> renumbered(index(nodes.count), -1);
  made.node.assign(nodes.node.size(), -1);
  for (std::int64_t cell = 0; cell < landscape.shape.cells(); ++cell) {
    const auto node = nodes.node[index(cell)];
    if (node < 0 || keep[index(nodes.part[index(node)])] == 0) continue;
    auto& mine = renumbered[index(node)];
    if (mine < 0) {
      mine = static_cast<std::int32_t>(made.netlist.nodes.size());
      made.netlist.nodes.push_back(
          fmt::format("{}_{}", cell / landscape.shape.columns + 1, cell % landscape.shape.columns + 1));
    }
    made.node[index(cell)] = mine;
  }
  std::size_t joints = 0;
  each_joint(landscape, made.node, [&](std::int32_t, std::int32_t, double) { ++joints; });
  auto& resistors = made.netlist.resistors;
  resistors.tail.reserve(joints);
  resistors.head.reserve(joints);
  resistors.value.reserve(joints);
  each_joint(landscape, made.node, [&](std::int32_t a, std::int32_t b, double g) {
    resistors.tail.push_back(a);
    resistors.head.push_back(b);
    resistors.value.push_back(g);
  });
  return made;
}

std::vector<double> current_through_nodes(MPI_Comm comm, const Netlist& netlist, Range which,
                                          std::span<const double> current) {
  const auto n = netlist.nodes.size();
  std::vector<double> flows(2 * n, 0.0);  // in, out
  const auto& r = netlist.resistors;
  for (auto k = which.begin; k < which.end; ++k) {
    const double ampere = current[index(k - which.begin)];
    const auto from = index(ampere > 0 ? r.tail[index(k)] : r.head[index(k)]);
    const auto to = index(ampere > 0 ? r.head[index(k)] : r.tail[index(k)]);
    flows[to] += std::abs(ampere);
    flows[n + from] += std::abs(ampere);
  }
  all_sum(comm, std::span<double>(flows));
  for (std::size_t k = 0; k < n; ++k) flows[k] = std::max(flows[k], flows[n + k]);
  flows.resize(n);
  return flows;
}

}  // namespace kirchhoff
