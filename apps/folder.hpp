#pragma once

#include <mpi.h>

#include <cstdint>
#include <string>
#include <utility>

namespace kirchhoff {

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

/// The folder of a problem's results, held by this program.
class ResultFolder {
 public:
  /// @param problem_hash of the problem whose files are up to date. @note Collective. @throws Error as FolderLock.
  ResultFolder(MPI_Comm comm, std::string folder, std::string problem_hash);

  std::string path(const char* file) const;
  /// Whether a file of this very problem is there; a damaged one is not, and the reason is said. @note Collective.
  bool fresh(const char* file) const;

 private:
  MPI_Comm comm_;
  std::string folder_;
  std::string hash_;
  FolderLock lock_;  // on rank 0
};

}  // namespace kirchhoff
