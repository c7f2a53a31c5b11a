#include <fmt/format.h>

#include "commands.hpp"
#include "kirchhoff/error.hpp"
#include "kirchhoff/parallel.hpp"
#include "kirchhoff/store.hpp"

namespace kirchhoff {

void info_command(Session& session, const std::string& input, const std::string& /*command*/) {
  agree(session.comm(), [&] {
    if (rank_of(session.comm()) == 0) fmt::print("{}", describe_file(input));
  });
}

}  // namespace kirchhoff
