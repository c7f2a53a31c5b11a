#include "pipeline/pipeline.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "kirchhoff/base/error.hpp"
#include "kirchhoff/io/files/text_file.hpp"
#include "kirchhoff/io/raster/job_file.hpp"
#include "kirchhoff/parallel/agree.hpp"
#include "pipeline/network.hpp"
#include "pipeline/raster.hpp"

namespace kirchhoff {

void Pipeline::work(const std::string& wanted, const Asked& asked) {
  folder_->run([&] {
    for (const auto& stage : stages()) {
      if (wanted == "run" || wanted == stage.name) stage.bring(asked);
    }
  });
}

void Pipeline::open_folder(const std::string& path, const std::string& name, const std::string& hash,
                           ResolvedOptions options, bool overwrite) {
  options_ = std::move(options);
  folder_.emplace(comm_, path, ProblemName{name, hash, options_}, command_, overwrite);
}

Report Pipeline::report_head(const Job& job) const {
  Report report;
  report.title = job.title;
  report.command = command_;
  report.options = job.options.yaml();
  report.problem_hash = folder().hash();
  for (int d = 0; d < job.space.dimensions(); ++d) {  // of columns of different kinds the largest
    report.categories = std::max(report.categories, job.space.categories(d));
  }
  report.dimensions = job.space.dimensions();
  report.image = job.image;
  report.family = to_string(job.family);
  report.layers = job.layers;
  report.resistance_same = job.resistance_same;
  report.resistance_change = job.resistance_change;
  return report;
}

void Pipeline::bring_report(const std::function<Report()>& make) {
  Artefact<bool> artefact{.stage = "validate"};
  artefact.make = [&](std::optional<bool>, ResultFolder::Stage&) {
    const auto report = make();
    agree(comm_, [&] {
      if (rank_of(comm_) != 0) return;
      write_text_file(folder().path("report.json"), report_json(report));
      write_text_file(folder().path("report.html"), report_html(report));
    });
    say(comm_, "report", folder().path("report.html"));
    return true;
  };
  bring(folder(), artefact, true);
}

void bring_stages(MPI_Comm comm, const std::string& wanted, const std::string& input, const std::string& command) {
  // What is asked for by name is solved, even if it is up to date; a command that needs a network trains it or not.
  const bool solves = wanted == "solve";
  if (solves && is_raster_job(input)) return solve_raster_job(comm, input, command);
  if (solves && is_network(input)) return network_pipeline(comm, input, command)->work(wanted, {.redo = true});
  auto job = agree(comm, [&] { return read_job(input); });
  const Asked asked{.may_train = wanted == "run" || wanted == "train", .redo = solves || job.force};
  if (job.supervision != "walk") return counted_states(comm, std::move(job), command)->work(wanted, asked);
  if (solves) throw AgreedError("walk supervision solves no whole circuit: 'kirchhoff train' or 'run' does its work");
  uncounted_states(comm, std::move(job), command)->work(wanted, asked);
}

void impute(MPI_Comm comm, const std::string& input, const std::string& file, const std::string& command) {
  auto job = agree(comm, [&] {
    auto read = read_job(input);
    if (!read.table) {
      throw Error(
          fmt::format("{}: impute needs a case whose target is a table (target_file, no space_categories)", input));
    }
    return read;
  });
  job.impute.file = file;
  uncounted_states(comm, std::move(job), command)->work("impute", {});
}

}  // namespace kirchhoff
