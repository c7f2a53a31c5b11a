#pragma once

#include <mpi.h>

#include <string>

namespace kirchhoff {

// Commands that bring no stage of a problem; those that do are bring_stages() of pipeline/pipeline.hpp.

/// Times the solve methods on a case's circuit: bench.json. @param command the whole line, for the record.
void bench(MPI_Comm comm, const std::string& input, const std::string& command);
/// Says what a file holds, or how far the work in a folder has come.
void info(MPI_Comm comm, const std::string& input);

}  // namespace kirchhoff
