#include <filesystem>

#include "commands.hpp"
#include "kirchhoff/io/results/store.hpp"
#include "kirchhoff/parallel/agree.hpp"
#include "kirchhoff/parallel/parallel.hpp"
#include "pipeline/folder.hpp"

namespace kirchhoff {

void info(MPI_Comm comm, const std::string& input) {
  agree(comm, [&] {
    if (rank_of(comm) == 0) put(std::filesystem::is_directory(input) ? describe_folder(input) : describe_file(input));
  });
}

}  // namespace kirchhoff
