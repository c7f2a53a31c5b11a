#include <fmt/format.h>

#include <filesystem>

#include "commands.hpp"
#include "kirchhoff/io/results/store.hpp"
#include "kirchhoff/parallel/agree.hpp"
#include "kirchhoff/parallel/parallel.hpp"
#include "pipeline/folder.hpp"

namespace kirchhoff {

void info_command(Session& session, const std::string& input, const std::string& /*command*/) {
  agree(session.comm(), [&] {
    if (rank_of(session.comm()) != 0) return;
    put(std::filesystem::is_directory(input) ? describe_folder(input) : describe_file(input));
  });
}

}  // namespace kirchhoff
