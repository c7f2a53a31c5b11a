#pragma once

#include <mpi.h>

#include <string>

namespace kirchhoff {

/// Does a job of Circuitscape: docs/rasters.md. @note Collective.
void solve_raster_job(MPI_Comm comm, const std::string& input, const std::string& command);

}  // namespace kirchhoff
