#include "commands.hpp"
#include "kirchhoff/base/error.hpp"
#include "kirchhoff/io/raster/job_file.hpp"
#include "kirchhoff/parallel/agree.hpp"
#include "pipeline/network.hpp"
#include "pipeline/raster.hpp"
#include "pipeline/stages.hpp"

namespace kirchhoff {

void solve_command(Session& session, const std::string& input, const std::string& command) {
  if (is_raster_job(input)) return solve_raster_job(session, input, command);
  if (is_network(input)) return solve_network_file(session, input, command);
  auto job = agree(session.comm(), [&] { return read_job(input); });
  if (job.supervision == "walk") {
    throw AgreedError("walk supervision solves no whole circuit: 'kirchhoff train' or 'run' does its work");
  }
  Stages stages(session.comm(), std::move(job), command);
  stages.folder().run([&] { stages.solution(true); });
}

}  // namespace kirchhoff
