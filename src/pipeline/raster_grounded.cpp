// Rasters with sources and grounds: the advanced mode, one-to-all and all-to-one.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "kirchhoff/parallel/agree.hpp"
#include "kirchhoff/parallel/parallel.hpp"
#include "kirchhoff/parallel/stop.hpp"
#include "parallel/memory_limit.hpp"
#include "pipeline/job_memory.hpp"
#include "pipeline/raster_loads.hpp"
#include "pipeline/raster_run.hpp"
#include "pipeline/raster_solve.hpp"

namespace kirchhoff {

std::int64_t cell_of_point(const RasterInput& input, const RasterNodes& nodes, std::size_t point) {
  for (const auto cell : input.points.cells[point]) {
    if (nodes.node[static_cast<std::size_t>(cell)] >= 0) return cell;
  }
  return -1;
}

std::int32_t node_of_point(const RasterInput& input, const RasterNodes& nodes, std::size_t point) {
  const auto cell = cell_of_point(input, nodes, point);
  return cell < 0 ? -1 : nodes.node[static_cast<std::size_t>(cell)];
}

void require_raster_memory(MPI_Comm comm, const Netlist& netlist, const NodePairs& pairs) {
  auto need = network_memory(netlist, {{}, NodePairs(1), {}}, size_of(comm));  // one at a time
  std::vector<std::int64_t> ends;
  for (const auto& [i, j] : pairs) ends.insert(ends.end(), {i, j});
  std::sort(ends.begin(), ends.end());
  const auto points = static_cast<double>(std::unique(ends.begin(), ends.end()) - ends.begin());
  if (points < static_cast<double>(pairs.size())) {
    constexpr double kTwoDoubles = 16;  // potentials of each point, kept until the last pair is done
    need.each += kTwoDoubles * points * static_cast<double>(netlist.nodes.size());
  }
  require_memory(comm, "solving the raster", need);
}

namespace {

constexpr double kInfinite = std::numeric_limits<double>::infinity();

std::size_t index(std::int64_t k) { return static_cast<std::size_t>(k); }

Loads no_loads(const RasterNodes& nodes) {
  return {std::vector<double>(index(nodes.count), 0), std::vector<double>(index(nodes.count), 0),
          std::vector<char>(index(nodes.parts), 0)};
}

/// The circuit with its sources and grounds; the node "ground" comes last.
RasterNetwork loaded_network(const Landscape& landscape, const RasterNodes& nodes, const Loads& loads) {
  auto network = raster_network(landscape, nodes, loads.keep);
  auto& netlist = network.netlist;
  netlist.add_ground();
  std::vector<char> seen(netlist.nodes.size(), 0);
  for (std::size_t cell = 0; cell < network.node.size(); ++cell) {
    const auto mine = network.node[cell];
    if (mine < 0 || seen[index(mine)] != 0) continue;
    seen[index(mine)] = 1;
    const auto node = index(nodes.node[cell]);
    join_loads(netlist, mine, loads.source[node], loads.ground[node]);
  }
  return network;
}

/// Solves a loaded circuit. `answer.network` must be set.
void solve_loaded(RasterRun& run, RasterAnswer& answer) {
  const auto comm = run.comm();
  const auto& netlist = answer.network->netlist;
  require_raster_memory(comm, netlist, {});
  auto solution = solve_network(comm, netlist, {run.solve_options(), {}, {}});
  run.add_figures(solution);
  const auto m = static_cast<std::int64_t>(netlist.resistors.size());
  const auto mine = partition(m, size_of(comm), rank_of(comm));
  answer.through = current_through_nodes(
      comm, netlist, mine, std::span<const double>(solution.current).subspan(index(mine.begin), index(mine.size())));
  answer.potential = std::move(solution.potential);
}

}  // namespace

namespace {

/// Sources and grounds of one focal point's solve.
/// @param in_play (k) whether a point takes part.
Loads loads_of_point(const RasterInput& input, const RasterNodes& nodes, std::size_t point,
                     const std::vector<char>& in_play) {
  auto loads = no_loads(nodes);
  const auto mine = node_of_point(input, nodes, point);
  if (mine < 0) return loads;
  const bool source = input.job.scenario == RasterScenario::one_to_all;
  if (source) {
    loads.source[index(mine)] = input.strength_of(point);
  } else {
    loads.ground[index(mine)] = kInfinite;
  }
  for (std::size_t k = 0; k < input.points.size(); ++k) {
    const auto other = node_of_point(input, nodes, k);
    if (k == point || in_play[k] == 0 || other < 0 || other == mine) continue;
    if (nodes.part[index(other)] != nodes.part[index(mine)]) continue;
    if (source) {
      loads.ground[index(other)] = kInfinite;
    } else {
      loads.source[index(other)] += input.strength_of(k);
    }
  }
  return loads;
}

}  // namespace

void solve_points(RasterRun& run) {
  const auto& input = run.input();
  const auto k = input.points.size();
  const bool one_to_all = input.job.scenario == RasterScenario::one_to_all;
  std::vector<std::pair<std::int64_t, std::int64_t>> points;
  points.reserve(k);
  for (const auto number : input.points.number) points.emplace_back(number, 0);
  run.plan(points);
  RasterNodes nodes;
  bool numbered = false;
  for (std::size_t point = 0; point < k; ++point) {
    if (run.done(point)) continue;
    heed_stop(run.comm());
    std::vector<char> in_play(k, 1);
    for (std::size_t other = 0; other < k; ++other) in_play[other] = input.meets(point, other) ? 1 : 0;
    RasterAnswer answer;
    answer.solve = point;
    RasterNetwork network;
    const bool driven = agree(run.comm(), [&] {
      if (!numbered || input.pairs) {  // which regions there are depends on who is in play
        auto regions = input.regions();
        for (std::size_t other = 0; other < k; ++other) {
          if (in_play[other] != 0 && input.points.cells[other].size() > 1) regions.join(input.points.cells[other]);
        }
        nodes = raster_nodes(input.landscape, regions);
        numbered = true;
      }
      auto loads = loads_of_point(input, nodes, point, in_play);
      if (!keep_driven(nodes.part, nodes.parts, loads.ground, loads)) return false;
      network = loaded_network(input.landscape, nodes, loads);
      network.netlist.origin = input.job.habitat;
      return true;
    });
    if (driven) {
      answer.network = &network;
      solve_loaded(run, answer);
      const auto mine = network.node[index(cell_of_point(input, nodes, point))];
      answer.resistance = one_to_all ? answer.potential[index(mine)] / input.strength_of(point) : 0;
    }
    run.finish(answer, fmt::format("_{}", input.points.number[point]));
  }
  agree(run.comm(), [&] {
    if (rank_of(run.comm()) != 0) return;
    run.maps().write_resistances_of_points(input.points.number, run.result().resistance);
  });
}

namespace {

/// Sources and grounds by node, and what is done where they meet.
Loads loads_of_maps(const RasterInput& input, const RasterNodes& nodes, std::int64_t& left_beside) {
  auto loads = no_loads(nodes);
  for (std::size_t cell = 0; cell < nodes.node.size(); ++cell) {
    const auto node = nodes.node[cell];
    if (node < 0) continue;
    loads.source[index(node)] += input.source[cell];
    loads.ground[index(node)] += input.ground[cell];
  }
  left_beside = settle_loads(input.job.policy, nodes.part, nodes.parts, loads);
  return loads;
}

}  // namespace

void solve_advanced(RasterRun& run) {
  const auto& input = run.input();
  run.plan({{0, 0}});
  if (run.done(0)) return;
  RasterAnswer answer;
  RasterNetwork network;
  std::int64_t left_beside = 0;
  const bool driven = agree(run.comm(), [&] {
    const auto nodes = raster_nodes(input.landscape, input.regions());
    const auto loads = loads_of_maps(input, nodes, left_beside);
    if (std::find(loads.keep.begin(), loads.keep.end(), 1) == loads.keep.end()) return false;
    network = loaded_network(input.landscape, nodes, loads);
    network.netlist.origin = input.job.habitat;
    return true;
  });
  if (left_beside > 0) {
    say(run.comm(), "",
        fmt::format("rmvgnd leaves {} grounds of finite conductance beside sources, as Circuitscape "
                    "does: it removes direct grounds alone",
                    left_beside));
  }
  if (driven) {
    answer.network = &network;
    solve_loaded(run, answer);
  } else {
    say(run.comm(), "", "no part of the landscape has both a source and a ground: nothing flows");
  }
  answer.resistance = driven ? 0 : -1;
  run.finish(answer, "");
}

}  // namespace kirchhoff
