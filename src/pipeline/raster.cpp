// solve JOB.ini
#include "pipeline/raster.hpp"

#include <fmt/format.h>

#include <filesystem>

#include "kirchhoff/base/error.hpp"
#include "kirchhoff/parallel/agree.hpp"
#include "kirchhoff/parallel/parallel.hpp"
#include "pipeline/folder.hpp"
#include "pipeline/options.hpp"
#include "pipeline/raster_graph_job.hpp"
#include "pipeline/raster_run.hpp"

namespace kirchhoff {
namespace {

namespace fs = std::filesystem;

struct RasterTask {
  RasterInput input;
  SolveOptions solve;
  ResolvedOptions resolved;
  std::string folder;  // of our results
  std::string stem;    // of Circuitscape's
  bool overwrite = false;
};

/// With -out all results are in that folder; without, Circuitscape's are where output_file says.
void place_results(RasterTask& task, const std::string& out) {
  const auto& job = task.input.job;
  const auto own_name = fs::path(job.file).stem().string();
  if (!out.empty()) {
    task.folder = out;
    task.stem = (fs::path(out) / (job.output.empty() ? own_name : fs::path(job.output).filename().string())).string();
    return;
  }
  if (job.output.empty()) {
    task.folder = own_name;
    task.stem = (fs::path(own_name) / own_name).string();
    return;
  }
  task.stem = fs::path(job.output).is_absolute() ? job.output : (fs::path(job.folder) / job.output).string();
  task.folder = task.stem;
}

void refuse_options_of_networks(const Options& options) {
  for (const auto& option : option_table()) {
    if (option.name.starts_with("network_") && options.given(option.name)) {
      throw Error(fmt::format("{}: the .ini file says how its files are to be read", options.origin(option.name)));
    }
  }
}

RasterTask read_task(const std::string& file) {
  const Options options({}, "", Options::Source::network);
  refuse_options_of_networks(options);
  RasterTask task;
  task.solve.method = static_cast<SolveMethod>(options.choice("solve_method"));
  task.solve.tolerance = options.real("solve_tolerance");
  task.resolved = options.resolved();
  task.overwrite = options.flag("overwrite");
  auto job = read_raster_job(file);
  if (job.network) {
    task.input.warnings = job.warnings;
    task.input.job = std::move(job);
  } else {
    task.input = read_raster_input(std::move(job));
  }
  place_results(task, options.text("out"));
  return task;
}

void describe(MPI_Comm comm, const RasterInput& input) {
  const auto& shape = input.landscape.shape;
  std::int64_t crossed = 0;
  for (const double g : input.landscape.conductance) crossed += g > 0 ? 1 : 0;
  say(comm, "raster",
      fmt::format("{}: {}, {} x {} cells, {} with data, {} neighbors, average {}{}",
                  fs::path(input.job.file).filename().string(), name_of(input.job.scenario), shape.rows, shape.columns,
                  grouped(crossed), input.landscape.diagonal ? "eight" : "four",
                  input.landscape.average_resistance ? "resistances" : "conductances",
                  input.points.size() == 0 ? "" : fmt::format(", {} focal points", input.points.size())));
  for (const auto& remark : input.remarks) say(comm, "", remark);
}

void say_result(MPI_Comm comm, const RasterResult& result) {
  const auto& r = result.report;
  if (r.method.empty()) return;
  say(comm, "method", fmt::format("{}: {}", r.method, r.reason));
  say(comm, "solve",
      fmt::format("{} solves of at most {} unknowns, {} iterations; relative residual {:.1e}, potentials known to "
                  "{:.1e}; as stored: residual {:.1e} (their rounding alone may give {:.1e}), KCL {:.1e} A",
                  result.points.size(), grouped(r.unknowns), r.iterations, result.refined_residual,
                  r.potential_error_estimate, r.relative_residual, r.residual_floor, r.kcl_max_imbalance));
}

void work(MPI_Comm comm, const RasterTask& task, ResultFolder& folder, double read_seconds) {
  auto stage = folder.begin("solve");
  const auto& job = task.input.job;
  RasterRun run(comm, task.input, task.solve, folder, task.stem, provenance(comm, folder.hash(), task.resolved.yaml()));
  try {
    if (job.scenario == RasterScenario::advanced) {
      solve_advanced(run);
    } else if (job.scenario == RasterScenario::pairwise) {
      solve_pairs(run);
    } else {
      solve_points(run);
    }
  } catch (const Interrupted&) {
    run.save(true);
    throw;
  }
  const auto& result = run.result();
  agree(comm, [&] {
    if (rank_of(comm) != 0) return;
    if (!result.cumulative.empty()) run.maps().write_current("cum_curmap", "", result.cumulative);
    if (!result.maximum.empty()) run.maps().write_current("max_curmap", "", result.maximum);
  });
  run.save(true);
  say_result(comm, result);
  say(comm, "written",
      fmt::format("{}_*, {}; read {:.3g} s, solve {:.3g} s, {:.3g} GB at most", task.stem, folder.path("solution.h5"),
                  read_seconds, result.report.seconds_total, static_cast<double>(peak_memory(comm)) / 1e9));
  stage.done(true);
}

}  // namespace

void solve_raster_job(MPI_Comm comm, const std::string& input, const std::string& command) {
  const double begin = wall_time();
  const auto task = agree(comm, [&] { return read_task(input); });
  const double read_seconds = wall_time() - begin;
  for (const auto& warning : task.input.warnings) {
    if (rank_of(comm) == 0) fmt::print(stderr, "warning: {}\n", warning);
  }
  agree(comm, [&] {
    const auto parent = fs::path(task.stem).parent_path();
    if (rank_of(comm) == 0 && !parent.empty()) fs::create_directories(parent);
  });
  if (task.input.job.network) {
    solve_graph_job(comm, task.input.job, task.solve, {task.folder, task.stem, task.overwrite}, task.resolved, command);
    return;
  }
  const ProblemName problem{fs::path(input).filename().string(), raster_hash(task.input), task.resolved};
  ResultFolder folder(comm, task.folder, problem, command, task.overwrite);
  describe(comm, task.input);
  folder.run([&] { work(comm, task, folder, read_seconds); });
}

}  // namespace kirchhoff
