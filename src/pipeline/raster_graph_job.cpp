// Circuitscape's networks: data_type = network.
#include "pipeline/raster_graph_job.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <iterator>
#include <limits>

#include "base/disjoint_sets.hpp"
#include "kirchhoff/base/error.hpp"
#include "kirchhoff/base/hash.hpp"
#include "kirchhoff/io/files/text_file.hpp"
#include "kirchhoff/io/raster/graph_file.hpp"
#include "kirchhoff/io/results/store.hpp"
#include "kirchhoff/parallel/agree.hpp"
#include "kirchhoff/parallel/parallel.hpp"
#include "kirchhoff/raster/landscape.hpp"
#include "kirchhoff/solve/network/nodal.hpp"
#include "parallel/memory_limit.hpp"
#include "pipeline/folder.hpp"
#include "pipeline/job_memory.hpp"
#include "pipeline/network.hpp"
#include "pipeline/raster_loads.hpp"
#include "pipeline/raster_maps.hpp"

namespace kirchhoff {
namespace {

std::size_t as_size(std::int64_t k) { return static_cast<std::size_t>(k); }

/// A graph, and what is asked of it.
struct GraphProblem {
  Netlist netlist;
  std::size_t nodes = 0;  // of the graph, without ground
  std::size_t edges = 0;
  std::vector<std::int32_t> part;
  std::vector<std::int64_t> focal;
  NodePairs pairs;         // the second gives 1 A, the first takes it
  std::vector<char> keep;  // (parts) of the advanced mode: which are driven
};

void add_loads(const RasterJob& job, std::int32_t parts, GraphProblem& problem) {
  auto& netlist = problem.netlist;
  Loads loads{std::vector<double>(problem.nodes, 0), std::vector<double>(problem.nodes, 0), {}};
  for (const auto& [node, ampere] : parse_node_values(read_text_file(job.sources), job.sources, netlist)) {
    loads.source[as_size(node)] = job.unit_currents && ampere != 0 ? 1 : ampere;
  }
  for (const auto& [node, value] : parse_node_values(read_text_file(job.grounds), job.grounds, netlist)) {
    if (value < 0)
      throw Error(fmt::format("{}: the ground of node {} is below 0", job.grounds, netlist.nodes[as_size(node)]));
    const double siemens = job.grounds_are_resistances ? 1 / value : value;
    loads.ground[as_size(node)] = job.direct_grounds && siemens > 0 ? std::numeric_limits<double>::infinity() : siemens;
  }
  settle_loads(job.policy, problem.part, parts, loads);
  problem.keep = loads.keep;
  netlist.add_ground();
  for (std::size_t k = 0; k < problem.nodes; ++k) {
    if (loads.keep[as_size(problem.part[k])] == 0) continue;
    join_loads(netlist, static_cast<std::int64_t>(k), loads.source[k], loads.ground[k]);
  }
}

GraphProblem read_graph(const RasterJob& job) {
  GraphProblem problem;
  problem.netlist = parse_graph(read_text_file(job.habitat), job.habitat, job.habitat_is_resistances);
  problem.nodes = problem.netlist.nodes.size();
  problem.edges = problem.netlist.resistors.size();
  DisjointSets<std::int32_t> parts(problem.nodes);
  const auto& r = problem.netlist.resistors;
  for (std::size_t k = 0; k < r.size(); ++k) {
    if (r.value[k] > 0) parts.join(static_cast<std::int32_t>(r.tail[k]), static_cast<std::int32_t>(r.head[k]));
  }
  problem.part = parts.numbers();
  if (job.scenario == RasterScenario::advanced) {
    add_loads(job, parts.count(), problem);
    return problem;
  }
  if (!job.included_pairs.empty()) throw Error(fmt::format("{}: use_included_pairs: of rasters alone", job.file));
  problem.focal = parse_focal_nodes(read_text_file(job.points), job.points, problem.netlist);
  for (std::size_t a = 0; a < problem.focal.size(); ++a) {
    for (std::size_t b = a + 1; b < problem.focal.size(); ++b) {
      problem.pairs.emplace_back(problem.focal[b], problem.focal[a]);
    }
  }
  return problem;
}

/// Writes lists of nodes and edges. Of one rank.
class GraphLists {
 public:
  GraphLists(const GraphProblem& problem, std::string stem) : problem_(problem), stem_(std::move(stem)) {}

  /// Of the nodes for which `of(part)` holds.
  template <class Of>
  void nodes(const std::string& name, const std::vector<double>& value, Of&& of) const {
    std::string text;
    for (std::size_t k = 0; k < problem_.nodes; ++k) {
      if (of(problem_.part[k])) {
        fmt::format_to(std::back_inserter(text), "{}\t{:.12g}\n", problem_.netlist.nodes[k], value[k]);
      }
    }
    write_text_file(stem_ + name + ".txt", text);
  }
  /// Of the edges that carry anything: more than what Circuitscape takes for rounding. @param value (edges) magnitudes.
  void edges(const std::string& name, const std::vector<double>& value) const {
    constexpr double kRounding = 1e-8;
    const auto& r = problem_.netlist.resistors;
    double most = 0;
    for (std::size_t k = 0; k < problem_.edges; ++k) most = std::max(most, std::abs(value[k]));
    std::string text;
    for (std::size_t k = 0; k < problem_.edges; ++k) {
      if (!(std::abs(value[k]) > kRounding * most)) continue;
      fmt::format_to(std::back_inserter(text), "{}\t{}\t{:.12g}\n", problem_.netlist.nodes[as_size(r.tail[k])],
                     problem_.netlist.nodes[as_size(r.head[k])], std::abs(value[k]));
    }
    write_text_file(stem_ + name + ".txt", text);
  }

 private:
  const GraphProblem& problem_;
  std::string stem_;
};

/// A pair's values, of which each rank has a part.
std::vector<double> gathered(MPI_Comm comm, const std::vector<double>& mine, std::size_t pair, std::size_t total) {
  const auto range = partition(static_cast<std::int64_t>(total), size_of(comm), rank_of(comm));
  std::vector<double> all(total, 0);
  std::copy_n(mine.begin() + static_cast<std::ptrdiff_t>(pair * as_size(range.size())), range.size(),
              all.begin() + range.begin);
  all_sum(comm, std::span<double>(all));
  return all;
}

void write_pairs(MPI_Comm comm, const RasterJob& job, const GraphProblem& problem, const NodalSolution& solution,
                 const std::string& stem) {
  const auto& netlist = problem.netlist;
  const GraphLists lists(problem, stem);
  const bool speaks = rank_of(comm) == 0;
  const auto m = static_cast<std::int64_t>(netlist.resistors.size());
  std::vector<double> node_sum(netlist.nodes.size(), 0);
  std::vector<double> edge_sum(netlist.resistors.size(), 0);
  for (std::size_t p = 0; p < problem.pairs.size() && (job.wants_currents() || job.voltage_maps); ++p) {
    if (solution.pair_resistance[p] < 0) continue;
    const auto [high, low] = problem.pairs[p];
    const auto name = fmt::format("_{}_{}", netlist.nodes[as_size(low)], netlist.nodes[as_size(high)]);
    const auto of = [&](std::int32_t part) { return part == problem.part[as_size(low)]; };
    const auto volt = gathered(comm, solution.pair_potential, p, netlist.nodes.size());
    const auto ampere = gathered(comm, solution.pair_current, p, netlist.resistors.size());
    const auto mine = partition(m, size_of(comm), rank_of(comm));
    const auto through = current_through_nodes(
        comm, netlist, mine, std::span<const double>(ampere).subspan(as_size(mine.begin), as_size(mine.size())));
    for (std::size_t k = 0; k < through.size(); ++k) node_sum[k] += through[k];
    for (std::size_t k = 0; k < ampere.size(); ++k) edge_sum[k] += std::abs(ampere[k]);
    agree(comm, [&] {
      if (!speaks) return;
      if (job.voltage_maps) lists.nodes("_voltages" + name, volt, of);
      if (!job.current_maps || job.cumulative_only) return;
      lists.nodes("_node_currents" + name, through, of);
      lists.edges("_branch_currents" + name, ampere);
    });
  }
  agree(comm, [&] {
    if (!speaks || !job.wants_currents()) return;
    lists.nodes("_node_currents_cum", node_sum, [](std::int32_t) { return true; });
    lists.edges("_branch_currents_cum", edge_sum);
  });
}

void write_advanced(MPI_Comm comm, const RasterJob& job, const GraphProblem& problem, const NodalSolution& solution,
                    const std::string& stem) {
  const auto m = static_cast<std::int64_t>(problem.netlist.resistors.size());
  const auto mine = partition(m, size_of(comm), rank_of(comm));
  const auto through = current_through_nodes(
      comm, problem.netlist, mine,
      std::span<const double>(solution.current).subspan(as_size(mine.begin), as_size(mine.size())));
  const auto all = [](std::int32_t) { return true; };
  agree(comm, [&] {
    if (rank_of(comm) != 0) return;
    const GraphLists lists(problem, stem);
    if (job.voltage_maps) lists.nodes("_voltages", solution.potential, all);
    if (!job.wants_currents()) return;
    lists.nodes("_node_currents", through, all);
    lists.edges("_branch_currents", solution.current);
  });
}

std::string hash_of_graph(const RasterJob& job, const GraphProblem& problem) {
  Hash hash;
  hash.add(fmt::format("graph {} {} {} {} {} {}", name_of(job.scenario), job.voltage_maps, job.current_maps,
                       job.cumulative_only, job.maximum_map, problem.netlist.nodes.size()));
  add_elements(hash, problem.netlist);
  hash.add(std::span<const std::int64_t>(problem.focal));
  return hash.text();
}

void write_table(const GraphProblem& problem, const NodalSolution& solution, const RasterMaps& maps) {
  const auto k = problem.focal.size();
  std::vector<std::int32_t> number;
  number.reserve(k);
  for (const auto node : problem.focal) number.push_back(std::stoi(problem.netlist.nodes[as_size(node)]));
  std::vector<double> ohm(k * k, 0);
  std::size_t pair = 0;
  for (std::size_t a = 0; a < k; ++a) {
    for (std::size_t b = a + 1; b < k; ++b) ohm[a * k + b] = ohm[b * k + a] = solution.pair_resistance[pair++];
  }
  maps.write_resistances(number, ohm);
}

}  // namespace

void solve_graph_job(MPI_Comm comm, const RasterJob& job, const SolveOptions& solve, const JobPlaces& places,
                     const ResolvedOptions& resolved, const std::string& command) {
  const auto problem = agree(comm, [&] { return read_graph(job); });
  require_memory(comm, "solving the network",
                 network_memory(problem.netlist, {solve, problem.pairs, {}}, size_of(comm)));
  ResultFolder folder(comm, places.folder,
                      {std::filesystem::path(job.file).filename().string(), hash_of_graph(job, problem), resolved},
                      command, places.overwrite);
  say(comm, "network",
      fmt::format("{}: {}, {} nodes, {} edges, {} focal nodes", std::filesystem::path(job.file).filename().string(),
                  name_of(job.scenario), problem.nodes, problem.edges, problem.focal.size()));
  for (const auto& remark : job.remarks) say(comm, "", remark);
  folder.run([&] {
    auto stage = folder.begin("solve");
    auto solution = solve_network(comm, problem.netlist, {solve, problem.pairs, {}});
    if (job.scenario == RasterScenario::advanced) {
      write_advanced(comm, job, problem, solution, places.stem);
    } else {
      write_pairs(comm, job, problem, solution, places.stem);
      const Landscape none;
      const RasterMaps maps(job, none, places.stem);
      agree(comm, [&] {
        if (rank_of(comm) == 0) write_table(problem, solution, maps);
      });
    }
    const auto path = folder.path("solution.h5");
    write_network(comm, path, problem.netlist, problem.pairs, &solution,
                  provenance(comm, folder.hash(), resolved.yaml()));
    const auto& r = solution.report;
    say(comm, "method", fmt::format("{}: {}", r.method, r.reason));
    say(comm, "solve",
        fmt::format("{} unknowns; relative residual {:.1e}, potentials known to {:.1e}, KCL {:.1e} A", r.unknowns,
                    solution.refined_residual, r.potential_error_estimate, r.kcl_max_imbalance));
    say(comm, "written", fmt::format("{}_*, {}", places.stem, path));
    stage.done(true);
  });
}

}  // namespace kirchhoff
