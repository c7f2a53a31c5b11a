#pragma once

#include <mpi.h>

#include <optional>

#include "kirchhoff/io/report/report.hpp"
#include "kirchhoff/learn/walk/neural_walk.hpp"
#include "pipeline/job.hpp"
#include "pipeline/walk_rows.hpp"

namespace kirchhoff {

/// Samples of a problem whose target are rows of a file, against its test rows, or those held out where it has none;
/// nothing where it has neither. @param rows as they were read: nothing drawn in place of held-out rows.
/// @param count of all ranks' walks. @note Collective.
std::optional<TableReport> table_quality(MPI_Comm comm, const Job& job, const TargetRows& rows, const MoveWalks& walks,
                                         std::int64_t count);

}  // namespace kirchhoff
