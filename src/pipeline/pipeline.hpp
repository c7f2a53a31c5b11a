#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kirchhoff/io/report/report.hpp"
#include "kirchhoff/io/results/store.hpp"
#include "pipeline/artefact.hpp"
#include "pipeline/folder.hpp"
#include "pipeline/job.hpp"

namespace kirchhoff {

/// A problem and its folder of results: its stages, in the order in which they need each other.
/// A kind of problem is a file: counted_states.cpp, uncounted_states.cpp, network.cpp.
class Pipeline {
 public:
  struct Stage {
    const char* name;                         // solve | train | sample | validate
    std::function<void(const Asked&)> bring;  // its files, and first those that it needs
  };

  virtual ~Pipeline() = default;
  virtual std::vector<Stage> stages() = 0;

  /// Brings the stage of this name, or all of them for `run`, and leaves in state.json how that ended. @note
  /// Collective. @throws Error; Interrupted.
  void work(const std::string& wanted, const Asked& asked);

 protected:
  Pipeline(MPI_Comm comm, std::string command) : comm_(comm), command_(std::move(command)) {}
  ResultFolder& folder() { return *folder_; }
  const ResultFolder& folder() const { return *folder_; }
  Provenance made_now() const {
    auto made = provenance(comm_, folder_->hash(), options_.yaml());
    made.table = schema_;
    return made;
  }
  /// What every report begins with.
  Report report_head(const Job& job) const;
  /// report.json and report.html, which are made each time. @param make the report, on all ranks together.
  void bring_report(const std::function<Report()>& make);
  /// @throws Error as ResultFolder. @note Collective.
  void open_folder(const std::string& path, const std::string& name, const std::string& hash, ResolvedOptions options,
                   bool overwrite);

  MPI_Comm comm_;
  std::string command_;                   // that goes on after an interruption
  std::shared_ptr<const Schema> schema_;  // of a table's columns, for the files that are made; null for others

 private:
  ResolvedOptions options_;
  std::optional<ResultFolder> folder_;
};

/// Layered circuits whose states can be counted: solved as a whole. @note Collective. @throws Error naming what is
/// wrong with the case or its files.
std::unique_ptr<Pipeline> counted_states(MPI_Comm comm, Job job, std::string command);
/// Walk supervision, whose states may be too many to count: no circuit in memory, no solution.h5. @note Collective.
std::unique_ptr<Pipeline> uncounted_states(MPI_Comm comm, Job job, std::string command);
/// A plain network in a file. @note Collective.
std::unique_ptr<Pipeline> network_pipeline(MPI_Comm comm, const std::string& input, std::string command);

/// Fills the holes of a file's rows by the network of a table's case. @note Collective.
void impute(MPI_Comm comm, const std::string& input, const std::string& file, const std::string& command);

/// Does a command's work on a case, a folder of results or a network: brings the stage that it is called after, or all
/// for `run`. `command` is the whole line, for the record. @note Collective.
void bring_stages(MPI_Comm comm, const std::string& wanted, const std::string& input, const std::string& command);

}  // namespace kirchhoff
