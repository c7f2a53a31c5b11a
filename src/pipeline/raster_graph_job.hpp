#pragma once

#include <string>

#include "kirchhoff/io/raster/job_file.hpp"
#include "kirchhoff/parallel/session.hpp"
#include "kirchhoff/solve/solve.hpp"
#include "pipeline/options.hpp"

namespace kirchhoff {

/// Where a job's results go.
struct JobPlaces {
  std::string folder;  // ours
  std::string stem;    // what names of Circuitscape's begin with
  bool overwrite = false;
};

/// Does a job of Circuitscape with data_type = network: docs/rasters.md, "Networks". Nothing is kept of a part of it.
/// @note Collective.
void solve_graph_job(MPI_Comm comm, const RasterJob& job, const SolveOptions& solve, const JobPlaces& places,
                     const ResolvedOptions& resolved, const std::string& command);

}  // namespace kirchhoff
