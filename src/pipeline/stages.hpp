#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "kirchhoff/io/report/report.hpp"
#include "kirchhoff/io/results/store.hpp"
#include "kirchhoff/learn/task/supervision.hpp"
#include "pipeline/folder.hpp"
#include "pipeline/job.hpp"

namespace kirchhoff {

/// A job's stages in the order of the method. Each reads what it needs from the job's folder when that is up to date,
/// makes it otherwise, and says on stdout what it did. All are collective.
class Stages {
 public:
  Stages(MPI_Comm comm, Job job, std::string command);

  const Job& job() const { return job_; }
  ResultFolder& folder() { return folder_; }

  /// Potentials: solution.h5. With `redo` they are made anew even if they are up to date.
  const Solution& solution(bool redo = false);
  /// The network: checkpoint.h5 and training.csv. @param may_train false: it must have been trained before.
  const Model& model(bool may_train, bool redo = false);
  /// Walks of each flow of the job: samples.h5.
  const std::vector<StoredWalks>& samples(bool may_train, bool redo = false);
  /// report.json and report.html.
  void validate(bool may_train);

  /// Whether the job's folder has a network of this problem, finished or not.
  bool has_checkpoint() const;

 private:
  template <class Take>
  void reuse(const char* file, Take&& take) const;
  Provenance made_now() const;
  MonteCarloSupervision pairs() const;
  SharedArray response(const LearnedTerminals& learned) const;
  const Flow& learned(bool may_train);
  Flow flow_of(const std::string& name, bool may_train);
  std::string walks_origin(const std::string& flow) const;
  FlowReport report_flow(const StoredWalks& walks, bool may_train);

  MPI_Comm comm_;
  Job job_;
  std::string command_;
  Circuit circuit_;
  ResultFolder folder_;
  std::vector<std::int64_t> valid_;  // validation rows of the target: model selection
  std::vector<std::int64_t> test_;   // test rows: only reported
  std::optional<Solution> solution_;
  std::optional<Model> model_;
  std::optional<TrainState> trained_;
  std::shared_ptr<const SharedArray> field_;  // the network's: potentials, or currents of moves
  std::optional<EdgeCurrents> currents_;
  std::optional<Flow> learned_;
  std::optional<std::vector<StoredWalks>> samples_;
};

}  // namespace kirchhoff
