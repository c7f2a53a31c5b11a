#pragma once

#include <optional>

#include "kirchhoff/learn/walk/given.hpp"
#include "kirchhoff/states/schema.hpp"
#include "pipeline/folder.hpp"
#include "pipeline/job.hpp"

namespace kirchhoff {

/// A network that has been trained, and what its walks need.
struct TrainedWalk {
  const MoveModel& model;
  const WalkSupervision& conditional;
  const Draws& source;
  const std::optional<Mass>& law;  // of its walks' ends, where that can be computed
};

/// Fills the holes of a file's rows: imputed.csv. @note Collective. @throws Error naming file, line and column;
/// AgreedError for a row that no path led to; Interrupted.
void impute_file(ResultFolder& folder, const Job& job, const Schema& schema, const TrainedWalk& trained);

}  // namespace kirchhoff
