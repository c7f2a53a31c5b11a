#include "commands.hpp"
#include "kirchhoff/error.hpp"
#include "network.hpp"
#include "stages.hpp"

namespace kirchhoff {

void solve_command(Session& session, const std::string& input, const std::string& command) {
  if (is_network(input)) return solve_network_file(session, input);
  Stages stages(session.comm(), agree(session.comm(), [&] { return read_job(input); }), command);
  stages.solution(true);
}

}  // namespace kirchhoff
