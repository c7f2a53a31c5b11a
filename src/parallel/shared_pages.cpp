#include "parallel/shared_pages.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <new>

#include "kirchhoff/parallel/parallel.hpp"

namespace kirchhoff {
namespace {

constexpr std::size_t kHugePage = std::size_t{1} << 21;

/// An empty file of that size in memory, or -1.
int file_in_memory(std::size_t bytes) {
  rlimit most{};  // of files, these among them: to go beyond it would raise a signal
  if (getrlimit(RLIMIT_FSIZE, &most) == 0 && most.rlim_cur != RLIM_INFINITY && most.rlim_cur < bytes) return -1;
  const int file = memfd_create("kirchhoff", MFD_CLOEXEC);
  if (file >= 0 && ftruncate(file, static_cast<off_t>(bytes)) != 0) {
    close(file);
    return -1;
  }
  return file;
}

/// What tells one file from another.
using Identity = std::array<std::int64_t, 2>;

Identity identity_of(int file) {
  struct stat status {};
  if (file < 0 || fstat(file, &status) != 0) return {-1, -1};
  return {static_cast<std::int64_t>(status.st_dev), static_cast<std::int64_t>(status.st_ino)};
}

}  // namespace

SharedPages::SharedPages(MPI_Comm node, std::size_t bytes) {
  if (bytes == 0) return;
  const bool leads = rank_of(node) == 0;
  int file = leads ? file_in_memory(bytes) : -1;
  const auto made = identity_of(file);
  std::array<std::int64_t, 4> name{getpid(), file, made[0], made[1]};
  MPI_Bcast(name.data(), static_cast<int>(name.size()), MPI_INT64_T, 0, node);
  if (!leads && name[1] >= 0) {
    file = open(fmt::format("/proc/{}/fd/{}", name[0], name[1]).c_str(), O_RDWR | O_CLOEXEC);
    // In another name space of processes the number may be another's.
    if (file >= 0 && identity_of(file) != Identity{name[2], name[3]}) {
      close(file);
      file = -1;
    }
  }
  const bool mapped = map_file(file, bytes);
  if (all_sum(node, std::int64_t{mapped ? 0 : 1}) > 0) drop();
}

SharedPages::~SharedPages() { drop(); }

bool SharedPages::map_file(int file, std::size_t bytes) {
  if (file < 0) return false;
  file_ = file;
  // A range that begins with a huge page, should the system have them for such files.
  const std::size_t range = bytes + kHugePage;
  void* reserved = mmap(nullptr, range, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (reserved == MAP_FAILED) return false;
  auto* begin = static_cast<std::byte*>(reserved);
  const auto skipped = (kHugePage - reinterpret_cast<std::size_t>(begin) % kHugePage) % kHugePage;
  void* memory = mmap(begin + skipped, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 0);
  if (memory == MAP_FAILED) {
    munmap(reserved, range);
    return false;
  }
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const auto used = skipped + (bytes + page - 1) / page * page;
  if (skipped > 0) munmap(begin, skipped);
  if (used < range) munmap(begin + used, range - used);
  data_ = static_cast<std::byte*>(memory);
  bytes_ = bytes;
  madvise(data_, bytes_, MADV_HUGEPAGE);  // advice: may fail
  return true;
}

void SharedPages::drop() {
  if (data_ != nullptr) munmap(data_, bytes_);
  if (file_ >= 0) close(file_);
  file_ = -1;
  data_ = nullptr;
  bytes_ = 0;
}

void SharedPages::reserve(std::size_t begin, std::size_t bytes) const {
  if (bytes == 0) return;
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const auto first = begin / page * page;
#ifdef MADV_POPULATE_WRITE  // Linux 5.14
  int status = 0;
  do {
    status = madvise(data_ + first, begin + bytes - first, MADV_POPULATE_WRITE);
  } while (status != 0 && errno == EINTR);
  if (status == 0) return;
  if (errno != EINVAL) throw std::bad_alloc();
#endif
  int failure = 0;
  do {
    failure = posix_fallocate(file_, static_cast<off_t>(first), static_cast<off_t>(begin + bytes - first));
  } while (failure == EINTR);
  if (failure != 0) throw std::bad_alloc();
}

void SharedPages::map() const {
#ifdef MADV_POPULATE_READ
  if (data_ != nullptr) madvise(data_, bytes_, MADV_POPULATE_READ);  // otherwise page by page as they are read
#endif
}

void node_barrier(MPI_Comm node) {
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (size_of(node) > 1) MPI_Barrier(node);
  std::atomic_thread_fence(std::memory_order_seq_cst);
}

}  // namespace kirchhoff
