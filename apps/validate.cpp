#include "commands.hpp"
#include "kirchhoff/error.hpp"
#include "stages.hpp"
#include "walk_stages.hpp"

namespace kirchhoff {

void validate_command(Session& session, const std::string& input, const std::string& command) {
  auto job = agree(session.comm(), [&] { return read_job(input); });
  if (job.supervision == "walk") {
    WalkStages walk(session.comm(), std::move(job), command);
    walk.validate(false);
    return;
  }
  Stages stages(session.comm(), std::move(job), command);
  stages.validate(false);
}

}  // namespace kirchhoff
