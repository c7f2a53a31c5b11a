#include "commands.hpp"
#include "pipeline/with_stages.hpp"

namespace kirchhoff {

void sample_command(Session& session, const std::string& input, const std::string& command) {
  with_stages(session, input, command, [](auto& stages, bool redo) { stages.samples(false, redo); });
}

}  // namespace kirchhoff
