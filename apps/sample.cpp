#include "commands.hpp"
#include "kirchhoff/error.hpp"
#include "stages.hpp"
#include "walk_stages.hpp"

namespace kirchhoff {

void sample_command(Session& session, const std::string& input, const std::string& command) {
  auto job = agree(session.comm(), [&] { return read_job(input); });
  if (job.supervision == "walk") {
    const bool force = job.force;
    WalkStages walk(session.comm(), std::move(job), command);
    walk.samples(false, force);
    return;
  }
  Stages stages(session.comm(), std::move(job), command);
  stages.samples(false, stages.job().force);
}

}  // namespace kirchhoff
