#include "pipeline/raster_run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "kirchhoff/base/error.hpp"
#include "kirchhoff/parallel/agree.hpp"
#include "kirchhoff/parallel/parallel.hpp"

namespace kirchhoff {

RasterRun::RasterRun(MPI_Comm comm, const RasterInput& input, const SolveOptions& solve, const ResultFolder& folder,
                     const std::string& stem, Provenance provenance)
    : comm_(comm),
      input_(input),
      solve_(solve),
      folder_(folder),
      maps_(input.job, input.landscape, stem),
      provenance_(std::move(provenance)),
      saved_(wall_time()) {
  result_.shape = input.landscape.shape;
  result_.scenario = name_of(input.job.scenario);
  const auto cells = static_cast<std::size_t>(result_.shape.cells());
  const bool advanced = input.job.scenario == RasterScenario::advanced;
  if (advanced) result_.potential.assign(cells, 0);
  if (advanced) result_.current.assign(cells, 0);
  if (!advanced && input.job.wants_currents()) result_.cumulative.assign(cells, 0);
  if (!advanced && input.job.maximum_map) result_.maximum.assign(cells, 0);
}

void RasterRun::plan(std::vector<std::pair<std::int64_t, std::int64_t>> points) {
  result_.points = std::move(points);
  result_.resistance.assign(result_.points.size(), std::numeric_limits<double>::quiet_NaN());
  if (folder_.fresh("solution.h5")) {
    try {
      read_raster(comm_, folder_.path("solution.h5"), result_);
      say(comm_, "resume",
          fmt::format("{} of {} solves are in {}", result_.solved(), result_.points.size(),
                      folder_.path("solution.h5")));
    } catch (const Error& error) {
      say(comm_, "", fmt::format("{} is not used: {}", folder_.path("solution.h5"), error.what()));
    }
  }
  progress_.emplace(comm_, "rasters", "solves", static_cast<std::int64_t>(result_.points.size()),
                    static_cast<std::int64_t>(result_.solved()));
}

bool RasterRun::done(std::size_t solve) const { return !std::isnan(result_.resistance[solve]); }

std::vector<double> RasterRun::on_cells(const RasterAnswer& answer, const std::vector<double>& of_nodes) const {
  std::vector<double> map(static_cast<std::size_t>(result_.shape.cells()), 0);
  if (answer.network == nullptr || of_nodes.empty()) return map;
  for (std::size_t cell = 0; cell < map.size(); ++cell) {
    const auto node = answer.network->node[cell];
    if (node >= 0) map[cell] = of_nodes[static_cast<std::size_t>(node)];
  }
  return map;
}

/// The whole nodes of the two points: a region that lies on a polygon is one with it.
void RasterRun::clear_focal_points(const RasterAnswer& answer, std::vector<double>& ampere) const {
  const auto& [first, second] = result_.points[answer.solve];
  std::vector<std::int32_t> nodes;
  for (std::size_t k = 0; k < input_.points.size(); ++k) {
    if (input_.points.number[k] != first && input_.points.number[k] != second) continue;
    for (const auto cell : input_.points.cells[k]) {
      nodes.push_back(answer.network->node[static_cast<std::size_t>(cell)]);
    }
  }
  for (std::size_t cell = 0; cell < ampere.size(); ++cell) {
    const auto node = answer.network->node[cell];
    if (node >= 0 && std::find(nodes.begin(), nodes.end(), node) != nodes.end()) ampere[cell] = 0;
  }
}

void RasterRun::finish(const RasterAnswer& answer, const std::string& name) {
  const auto& job = input_.job;
  const bool speaks = rank_of(comm_) == 0;
  const bool advanced = job.scenario == RasterScenario::advanced;
  const bool has_maps = name != "-";
  agree(comm_, [&] {
    if (has_maps && (advanced || (job.voltage_maps && speaks))) {
      auto volt = on_cells(answer, answer.potential);
      if (advanced) result_.potential = volt;
      if (job.voltage_maps && speaks) maps_.write_potential(name, std::move(volt));
    }
    if (!has_maps || !(advanced || job.wants_currents())) return;
    auto ampere = on_cells(answer, answer.through);
    if (job.focal_currents_to_zero && job.scenario == RasterScenario::pairwise && answer.network != nullptr) {
      clear_focal_points(answer, ampere);
    }
    if (advanced) result_.current = ampere;
    for (std::size_t cell = 0; cell < result_.cumulative.size(); ++cell) result_.cumulative[cell] += ampere[cell];
    for (std::size_t cell = 0; cell < result_.maximum.size(); ++cell) {
      result_.maximum[cell] = std::max(result_.maximum[cell], ampere[cell]);
    }
    const bool own_map = advanced ? job.wants_currents() : job.current_maps && !job.cumulative_only;
    if (own_map && speaks) maps_.write_current("curmap", name, std::move(ampere));
  });
  result_.resistance[answer.solve] = answer.resistance;
  progress_->update(static_cast<std::int64_t>(result_.solved()));
  save(false);
}

void RasterRun::add_figures(const NodalSolution& solution) {
  auto& all = result_.report;
  const auto before = all;
  all = solution.report;
  all.iterations += before.iterations;
  all.effective_resistance = std::numeric_limits<double>::quiet_NaN();  // each solve has its own
  const auto worst = [&](double SolveReport::*figure) { all.*figure = std::max(all.*figure, before.*figure); };
  for (const auto figure :
       {&SolveReport::relative_residual, &SolveReport::residual_floor, &SolveReport::residual_norm1,
        &SolveReport::potential_error_estimate, &SolveReport::kcl_max_imbalance, &SolveReport::energy_relative_error}) {
    worst(figure);
  }
  for (const auto seconds : {&SolveReport::seconds_assemble, &SolveReport::seconds_setup, &SolveReport::seconds_solve,
                             &SolveReport::seconds_total}) {
    all.*seconds += before.*seconds;
  }
  all.unknowns = std::max(all.unknowns, before.unknowns);
  all.edges = std::max(all.edges, before.edges);
  all.peak_memory_bytes = std::max(all.peak_memory_bytes, before.peak_memory_bytes);
  result_.refined_residual = std::max(result_.refined_residual, solution.refined_residual);
}

void RasterRun::save(bool now) {
  constexpr double kSeconds = 5;
  constexpr double kShare = 20;  // of the time goes into writing at most, one part in so many
  std::array<double, 1> due = {now || wall_time() - saved_ > std::max(kSeconds, kShare * write_seconds_) ? 1.0 : 0.0};
  broadcast(comm_, std::span<double>(due));
  if (due[0] == 0) return;
  const double begin = wall_time();
  write_raster(comm_, folder_.path("solution.h5"), result_, provenance_);
  saved_ = wall_time();
  write_seconds_ = saved_ - begin;
}

}  // namespace kirchhoff
