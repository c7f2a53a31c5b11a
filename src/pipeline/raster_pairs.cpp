// Pairs of focal points: 1 A from the first into the second, for each pair by itself.
#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "kirchhoff/parallel/agree.hpp"
#include "kirchhoff/parallel/parallel.hpp"
#include "pipeline/raster_run.hpp"
#include "pipeline/raster_solve.hpp"

namespace kirchhoff {
namespace {

/// A pair of focal points, by index.
struct FocalPair {
  std::size_t a = 0;
  std::size_t b = 0;
};

std::string name_of_maps(const RasterResult& result, std::size_t solve) {
  return fmt::format("_{}_{}", result.points[solve].first, result.points[solve].second);
}

/// Solves pairs that stand on the same regions, with one set-up.
class PairsOnRegions {
 public:
  PairsOnRegions(RasterRun& run, const std::vector<FocalPair>& pairs, const Regions& regions)
      : run_(run), pairs_(pairs) {
    agree(run.comm(), [&] { nodes_ = raster_nodes(run.input().landscape, regions); });
  }

  /// @param solves indices of pairs.
  void solve(const std::vector<std::size_t>& solves) {
    std::vector<char> keep(static_cast<std::size_t>(nodes_.parts), 0);
    for (const auto solve : solves) {
      if (run_.done(solve)) continue;
      const auto a = node_of_point(run_.input(), nodes_, pairs_[solve].a);
      const auto b = node_of_point(run_.input(), nodes_, pairs_[solve].b);
      const bool joined = a >= 0 && b >= 0 && part(a) == part(b);
      if (joined && a != b) {
        keep[static_cast<std::size_t>(part(a))] = 1;
        joined_.push_back(solve);
      } else {
        // One node: no current flows, and Circuitscape writes maps of zeros. Without a way it writes none.
        run_.finish({solve, joined ? 0.0 : -1.0, nullptr, {}, {}}, joined ? name_of_maps(run_.result(), solve) : "-");
      }
    }
    if (joined_.empty()) return;
    network_ = agree(run_.comm(), [&] { return raster_network(run_.input().landscape, nodes_, keep); });
    network_.netlist.origin = run_.input().job.habitat;
    NodalOptions options{run_.solve_options(), {}, [&](const PairAnswer& answer) { take(answer); }};
    for (const auto solve : joined_) {
      options.pairs.emplace_back(cell_node(pairs_[solve].b), cell_node(pairs_[solve].a));
    }
    require_raster_memory(run_.comm(), network_.netlist, options.pairs);
    run_.add_figures(solve_network(run_.comm(), network_.netlist, options));
  }

 private:
  std::int32_t part(std::int32_t node) const { return nodes_.part[static_cast<std::size_t>(node)]; }
  std::int64_t cell_node(std::size_t point) const {
    return network_.node[static_cast<std::size_t>(cell_of_point(run_.input(), nodes_, point))];
  }

  void take(const PairAnswer& answer) {
    const auto solve = joined_[answer.pair];
    if (run_.done(solve)) return;
    const auto comm = run_.comm();
    const auto& job = run_.input().job;
    const auto& netlist = network_.netlist;
    RasterAnswer found{solve, answer.resistance, &network_, {}, {}};
    if (job.voltage_maps) {
      const auto n = static_cast<std::int64_t>(netlist.nodes.size());
      const auto mine = partition(n, size_of(comm), rank_of(comm));
      found.potential.assign(netlist.nodes.size(), 0);
      std::copy(answer.potential.begin(), answer.potential.end(), found.potential.begin() + mine.begin);
      all_sum(comm, std::span<double>(found.potential));
    }
    if (job.wants_currents()) {
      const auto m = static_cast<std::int64_t>(netlist.resistors.size());
      found.through = current_through_nodes(comm, netlist, partition(m, size_of(comm), rank_of(comm)), answer.current);
    }
    run_.finish(found, name_of_maps(run_.result(), solve));
  }

  RasterRun& run_;
  const std::vector<FocalPair>& pairs_;
  RasterNodes nodes_;
  RasterNetwork network_;
  std::vector<std::size_t> joined_;
};

void write_all_resistances(RasterRun& run, const std::vector<FocalPair>& pairs) {
  const auto& input = run.input();
  const auto k = input.points.size();
  std::vector<double> ohm(k * k, -1);
  for (std::size_t a = 0; a < k; ++a) ohm[a * k + a] = 0;
  for (std::size_t solve = 0; solve < pairs.size(); ++solve) {
    const auto [a, b] = pairs[solve];
    ohm[a * k + b] = ohm[b * k + a] = run.result().resistance[solve];
  }
  agree(run.comm(), [&] {
    if (rank_of(run.comm()) == 0) run.maps().write_resistances(input.points.number, ohm);
  });
}

}  // namespace

void solve_pairs(RasterRun& run) {
  const auto& input = run.input();
  std::vector<FocalPair> pairs;
  std::vector<std::pair<std::int64_t, std::int64_t>> points;
  for (std::size_t a = 0; a < input.points.size(); ++a) {
    for (std::size_t b = a + 1; b < input.points.size(); ++b) {
      if (!input.solved(a, b)) continue;
      pairs.push_back({a, b});
      points.emplace_back(input.points.number[a], input.points.number[b]);
    }
  }
  run.plan(points);
  if (!input.points.has_regions()) {
    std::vector<std::size_t> all(pairs.size());
    for (std::size_t k = 0; k < all.size(); ++k) all[k] = k;
    PairsOnRegions(run, pairs, input.regions()).solve(all);
  } else {
    for (std::size_t k = 0; k < pairs.size(); ++k) {  // the regions of a pair are short-circuited for it alone
      if (run.done(k)) continue;
      auto regions = input.regions();
      for (const auto point : {pairs[k].a, pairs[k].b}) {
        if (input.points.cells[point].size() > 1) regions.join(input.points.cells[point]);
      }
      PairsOnRegions(run, pairs, regions).solve({k});
    }
  }
  write_all_resistances(run, pairs);
}

}  // namespace kirchhoff
