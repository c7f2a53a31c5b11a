#pragma once

#include <mpi.h>

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "kirchhoff/base/error.hpp"
#include "kirchhoff/parallel/agree.hpp"
#include "pipeline/options.hpp"

namespace kirchhoff {

/// Text on stdout, at once. That nobody reads it any more, or that it cannot be kept, is no reason to lose the work.
void put(const std::string& text);
/// A line of what a command did, "stage     text", by rank 0.
void say(MPI_Comm comm, const std::string& stage, const std::string& text);
/// 62500000 as 62,500,000.
std::string grouped(std::int64_t value);

/// Makes a folder, and keeps a second program out of it for as long as it lives; the system releases it with the
/// process.
class FolderLock {
 public:
  FolderLock() = default;
  /// @throws Error when another process holds it, the folder cannot be made or written to, or holds results of a newer
  /// schema.
  explicit FolderLock(const std::string& folder);
  FolderLock(FolderLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  FolderLock& operator=(FolderLock&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~FolderLock();

 private:
  int descriptor_ = -1;
};

/// What a folder's results are of.
struct ProblemName {
  std::string name;  // of the case or the network
  std::string hash;
  ResolvedOptions options;
};

/// How far the work in a folder has come.
struct FolderWork {
  struct Stage {
    std::string state;
    std::map<std::string, std::int64_t> figures;
  };
  ProblemName problem;
  std::string command;
  std::map<std::string, Stage> stages;
  std::vector<std::string> at_work;  // stages, the innermost last
};

/// The folder of a problem's results, held by this program. Its state.json says how far the work has come: `running`
/// from the first moment on, so that a program that died says so by what it could not take back.
class ResultFolder {
 public:
  /// @param command that goes on after an interruption. @param overwrite another problem's results are removed.
  /// @note Collective. @throws Error as FolderLock; when the folder holds results of another problem, or files of
  /// another program by the names of ours, naming both.
  ResultFolder(MPI_Comm comm, std::string folder, ProblemName problem, std::string command, bool overwrite);

  MPI_Comm comm() const { return comm_; }
  const std::string& hash() const { return work_.problem.hash; }
  std::string path(const std::string& file) const;
  /// Whether a file of this very problem is there; a damaged one is not, and the reason is said. @note Collective.
  bool fresh(const char* file) const;
  /// Removes a file, where there is one. @note Collective. @throws AgreedError.
  void remove(const char* file) const;

  /// A stage at work, for state.json.
  class Stage {
   public:
    Stage(ResultFolder& folder, std::string name) : folder_(folder), name_(std::move(name)) {}
    /// A figure of it, which is in the file when that is next written.
    void note(const std::string& figure, std::int64_t value) { folder_.note(name_, figure, value); }
    /// It is finished, or left in another state. @param anew it was not up to date: those after it no longer are.
    void done(bool anew, const char* state = "finished") { folder_.done(name_, anew, state); }

   private:
    ResultFolder& folder_;
    std::string name_;
  };
  /// A stage begins; one may begin inside another. @note Collective.
  [[nodiscard]] Stage begin(const std::string& stage);

  /// Does a command's work and leaves its end in state.json: finished, interrupted or failed. @note Collective.
  template <class Work>
  void run(Work&& work) {
    try {
      work();
    } catch (const Interrupted&) {
      end("interrupted", "");
      throw;
    } catch (const std::exception& e) {
      end("failed", e.what());
      throw;
    }
    agree(comm_, [&] { write_state("finished", ""); });
  }

  /// Lets the checkpoint of another training stay beside the one to come, as checkpoint.<its hash>.h5, and takes up
  /// again one that stayed so. @param wanted hash of the training that is asked for. @param may_train false: only the
  /// latter.
  /// @note Collective.
  void keep_training(const std::string& wanted, bool may_train) const;

 private:
  void note(const std::string& stage, const std::string& figure, std::int64_t value);
  void done(const std::string& stage, bool anew, const char* state);
  std::string conflict() const;
  void make_room() const;
  void take_over_stages();
  void end(const std::string& state, const std::string& error) noexcept;
  void write_state(const std::string& state, const std::string& error);
  void prepare_leave() const;

  MPI_Comm comm_;
  std::string folder_;
  FolderWork work_;
  FolderLock lock_;  // on rank 0
};

/// What state.json of a folder says, as lines for people. Local. @throws Error when there is none.
std::string describe_folder(const std::string& folder);

}  // namespace kirchhoff
