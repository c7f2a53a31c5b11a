#pragma once

#include <string>

#include "kirchhoff/parallel/session.hpp"

namespace kirchhoff {

/// Does a job of Circuitscape: docs/rasters.md. @note Collective.
void solve_raster_job(Session& session, const std::string& input, const std::string& command);

}  // namespace kirchhoff
