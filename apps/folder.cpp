#include "folder.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "kirchhoff/error.hpp"
#include "kirchhoff/parallel.hpp"
#include "kirchhoff/store.hpp"

namespace kirchhoff {

namespace fs = std::filesystem;

void say(MPI_Comm comm, const std::string& stage, const std::string& text) {
  if (rank_of(comm) != 0) return;
  fmt::print("{:<9} {}\n", stage, text);
  std::fflush(stdout);
}

std::string grouped(std::int64_t value) {
  auto digits = std::to_string(value);
  for (auto at = static_cast<int>(digits.size()) - 3; at > 0; at -= 3) digits.insert(static_cast<std::size_t>(at), ",");
  return digits;
}

namespace {

/// A file of a newer schema is more than this program can know: the whole folder is left alone, even by -force.
void refuse_newer(const std::string& folder) {
  for (const auto& entry : fs::directory_iterator(folder)) {
    const auto file = entry.path().filename().string();
    const bool ours =
        file == "solution.h5" || file == "currents.h5" || file == "samples.h5" || file.starts_with("checkpoint");
    if (!ours || !file.ends_with(".h5")) continue;
    const auto status = file_status(entry.path().string(), Check::structure);
    if (status.state == FileState::newer) throw Error(status.reason);
  }
}

}  // namespace

FolderLock::FolderLock(const std::string& folder) {
  std::error_code failed;
  fs::create_directories(folder, failed);
  if (failed) throw Error(fmt::format("option -out: cannot make the folder {}: {}", folder, failed.message()));
  descriptor_ = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (access(folder.c_str(), W_OK) != 0) throw Error(fmt::format("option -out: no permission to write in {}", folder));
  // Some network file systems know no locks: then there is none.
  if (descriptor_ >= 0 && flock(descriptor_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    throw Error(fmt::format("option -out: another kirchhoff is at work in {}", folder));
  }
  refuse_newer(folder);
}

FolderLock::~FolderLock() {
  if (descriptor_ >= 0) close(descriptor_);
}

ResultFolder::ResultFolder(MPI_Comm comm, std::string folder, std::string problem_hash)
    : comm_(comm), folder_(std::move(folder)), hash_(std::move(problem_hash)) {
  agree(comm_, [&] {
    if (rank_of(comm_) == 0) lock_ = FolderLock(folder_);
  });
}

std::string ResultFolder::path(const char* file) const { return (fs::path(folder_) / file).string(); }

bool ResultFolder::fresh(const char* file) const {
  const auto status = file_status(comm_, path(file), Check::structure);
  switch (status.state) {
    case FileState::whole:
      return status.problem_hash == hash_;
    case FileState::newer:
    case FileState::damaged:
    case FileState::older:
    case FileState::foreign:
      say(comm_, "", fmt::format("{} is not used: {}", path(file), status.reason));
      return false;
    case FileState::absent:
      break;
  }
  return false;
}

}  // namespace kirchhoff
