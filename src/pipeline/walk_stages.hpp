#pragma once

#include <optional>
#include <string>
#include <vector>

#include "kirchhoff/circuit/conditional/quotient.hpp"
#include "kirchhoff/io/results/store.hpp"
#include "kirchhoff/learn/network/move_model.hpp"
#include "kirchhoff/learn/task/walk_supervision.hpp"
#include "kirchhoff/learn/walk/neural_walk.hpp"
#include "kirchhoff/states/draws.hpp"
#include "pipeline/folder.hpp"
#include "pipeline/job.hpp"

namespace kirchhoff {

/// The stages of a walk-supervised job, whose states may be too many to enumerate: there is no circuit in memory and no
/// solution.h5. As in Stages, each reads what it needs from the job's folder when that is up to date. All are
/// collective.
class WalkStages {
 public:
  WalkStages(MPI_Comm comm, Job job, std::string command);

  ResultFolder& folder() { return *folder_; }

  const MoveModel& model(bool may_train, bool redo = false);
  const StoredMoveWalks& samples(bool may_train, bool redo = false);
  void validate(bool may_train);

 private:
  Provenance made_now() const;
  bool uniform_source() const { return job_.source.name == "uniform"; }

  MPI_Comm comm_;
  Job job_;
  std::string command_;
  Draws source_;
  Draws target_;
  std::vector<std::uint16_t> source_rows_;  // rows of the source's file; empty for named sources
  std::vector<std::uint16_t> training_;     // rows of the target's file; empty for named targets
  std::vector<std::uint16_t> held_out_;     // rows that choices are made by
  std::vector<std::uint16_t> test_;
  std::optional<ResultFolder> folder_;
  double seconds_quotient_ = 0;
  std::optional<Quotient> quotient_;
  std::optional<WalkSupervision> supervision_;
  std::optional<MoveModel> model_;
  std::optional<TrainState> trained_;
  std::optional<double> floor_;
  std::optional<StoredMoveWalks> samples_;
};

}  // namespace kirchhoff
