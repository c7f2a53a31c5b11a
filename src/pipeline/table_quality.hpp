#pragma once

#include <mpi.h>

#include <optional>

#include "kirchhoff/io/report/report.hpp"
#include "kirchhoff/learn/walk/neural_walk.hpp"
#include "kirchhoff/states/schema.hpp"
#include "pipeline/job.hpp"
#include "pipeline/walk_rows.hpp"

namespace kirchhoff {

/// Samples of a problem whose target are rows of a file, against its test rows, or those held out where it has none;
/// nothing where it has neither. @param rows as they were read: nothing drawn in place of held-out rows.
/// @param schema of the columns, or nullptr: x1, x2, ... of the values 0, 1, .... @param count of all ranks' walks.
/// @note Collective.
std::optional<TableReport> table_quality(MPI_Comm comm, const Job& job, const TargetRows& rows, const MoveWalks& walks,
                                         std::int64_t count, const Schema* schema);

}  // namespace kirchhoff
