#include "commands.hpp"
#include "pipeline/with_stages.hpp"

namespace kirchhoff {

void run_command(Session& session, const std::string& input, const std::string& command) {
  with_stages(session, input, command, [](auto& stages, bool redo) {
    if constexpr (requires { stages.solution(redo); }) stages.solution(redo);
    stages.model(true, redo);
    stages.samples(true, redo);
    stages.validate(true);
  });
}

}  // namespace kirchhoff
