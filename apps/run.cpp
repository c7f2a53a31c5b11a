#include "commands.hpp"
#include "kirchhoff/error.hpp"
#include "stages.hpp"

namespace kirchhoff {

void run_command(Session& session, const std::string& input, const std::string& command) {
  Stages stages(session.comm(), agree(session.comm(), [&] { return read_job(input); }), command);
  const bool redo = stages.job().force;
  stages.solution(redo);
  stages.model(true, redo);
  stages.samples(true, redo);
  stages.validate(true);
}

}  // namespace kirchhoff
