#include "commands.hpp"
#include "kirchhoff/error.hpp"
#include "stages.hpp"
#include "walk_stages.hpp"

namespace kirchhoff {

void run_command(Session& session, const std::string& input, const std::string& command) {
  auto job = agree(session.comm(), [&] { return read_job(input); });
  if (job.supervision == "walk") {
    const bool force = job.force;
    WalkStages walk(session.comm(), std::move(job), command);
    walk.model(true, force);
    walk.samples(true, force);
    walk.validate(true);
    return;
  }
  Stages stages(session.comm(), std::move(job), command);
  const bool redo = stages.job().force;
  stages.solution(redo);
  stages.model(true, redo);
  stages.samples(true, redo);
  stages.validate(true);
}

}  // namespace kirchhoff
