#pragma once

#include "pipeline/job.hpp"
#include "pipeline/options.hpp"

namespace kirchhoff {

/// What a case says of its table.
/// @throws Error naming where target_schema stands, for a key or a value that it cannot have.
TableRequest table_request(const Options& options, const Job& job);

/// Reads the files of a job whose target is a table. Local. @throws Error naming file, line and column.
void read_job_table(const Options& options, Job& job);

}  // namespace kirchhoff
