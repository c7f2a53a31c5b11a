#include "io/files/posix.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include "kirchhoff/base/error.hpp"

namespace kirchhoff {
namespace {

constexpr std::size_t kBytesPerCall = std::size_t{1} << 30;  // a call: some systems refuse 2 GiB

[[noreturn]] void fail(const char* what, const std::string& path, int reason) {
  throw Error(fmt::format("cannot {} {}: {}", what, path, std::generic_category().message(reason)));
}

Descriptor open_file(const std::string& path, int flags, const char* what, const std::string& name) {
  constexpr mode_t kAsTheUserSays = 0666;
  int number = -1;
  do {
    number = open(path.c_str(), flags | O_CLOEXEC, kAsTheUserSays);
  } while (number < 0 && errno == EINTR);
  if (number < 0) fail(what, name, errno);
  return {number, name};
}

}  // namespace

Descriptor::~Descriptor() {
  if (number_ >= 0) close(number_);
}

void Descriptor::write_at(std::uint64_t at, std::span<const char> bytes) const {
  while (!bytes.empty()) {
    const auto done = pwrite(number_, bytes.data(), std::min(bytes.size(), kBytesPerCall), static_cast<off_t>(at));
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) fail("write", path_, errno);
    if (done == 0) fail("write", path_, EIO);
    at += static_cast<std::uint64_t>(done);
    bytes = bytes.subspan(static_cast<std::size_t>(done));
  }
}

void Descriptor::read_at(std::uint64_t at, std::span<char> bytes) const {
  while (!bytes.empty()) {
    const auto done = pread(number_, bytes.data(), std::min(bytes.size(), kBytesPerCall), static_cast<off_t>(at));
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) fail("read", path_, errno);
    if (done == 0) throw Error(fmt::format("cannot read {}: it ends too early", path_));
    at += static_cast<std::uint64_t>(done);
    bytes = bytes.subspan(static_cast<std::size_t>(done));
  }
}

void Descriptor::reserve(std::uint64_t bytes) const {
  int failed = 0;
#ifdef __linux__
  do {
    failed = fallocate(number_, 0, 0, static_cast<off_t>(bytes)) == 0 ? 0 : errno;
  } while (failed == EINTR);
  if (failed != EOPNOTSUPP && failed != ENOSYS && failed != EINVAL) {
    if (failed != 0) fail("write", path_, failed);
    return;
  }
#endif
  truncate(bytes);
}

void Descriptor::truncate(std::uint64_t bytes) const {
  while (ftruncate(number_, static_cast<off_t>(bytes)) != 0) {
    if (errno != EINTR) fail("write", path_, errno);
  }
}

void Descriptor::settle() {
  // Where a file system cannot (EINVAL), there is nothing to wait for.
  if (fsync(number_) != 0 && errno != EINVAL && errno != EROFS) fail("write", path_, errno);
  if (close(std::exchange(number_, -1)) != 0 && errno != EINTR) fail("write", path_, errno);
}

Descriptor create_to_write(const std::string& path, const std::string& name) {
  return open_file(path, O_WRONLY | O_CREAT | O_TRUNC, "write", name);
}
Descriptor open_to_write(const std::string& path, const std::string& name) {
  return open_file(path, O_WRONLY, "write", name);
}
Descriptor open_to_read(const std::string& path) { return open_file(path, O_RDONLY, "read", path); }

void settle_folder(const std::string& path) {
  auto folder = std::filesystem::path(path).parent_path();
  if (folder.empty()) folder = ".";
  Descriptor names = open_file(folder.string(), O_RDONLY | O_DIRECTORY, "write", path);
  names.settle();
}

}  // namespace kirchhoff
