#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <new>
#include <span>
#include <utility>

namespace kirchhoff {

/// Advice on the whole pages of some memory; it may fail.
template <class T>
void advise([[maybe_unused]] std::span<T> memory, [[maybe_unused]] int advice) {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const auto skipped = (page - reinterpret_cast<std::size_t>(memory.data()) % page) % page;
  const auto bytes = memory.size_bytes();
  if (bytes < skipped + page) return;
  madvise(reinterpret_cast<std::byte*>(memory.data()) + skipped, (bytes - skipped) / page * page, advice);
}

/// Has the system make the pages of some shared memory at once, where it can (Linux 5.14): a fault for each would take
/// longer than what is computed on it.
template <class T>
void make_pages([[maybe_unused]] std::span<T> memory) {
#ifdef MADV_POPULATE_WRITE
  advise(memory, MADV_POPULATE_WRITE);
#endif
}

/// Maps pages that another process has made, at once.
template <class T>
void map_pages([[maybe_unused]] std::span<T> memory) {
#ifdef MADV_POPULATE_READ
  advise(memory, MADV_POPULATE_READ);
#endif
}

/// Zeros of this process alone, on large pages where the system has them: touching gigabytes page by page takes longer
/// than computing what goes into them.
template <class T>
class OwnMemory {
 public:
  OwnMemory() = default;
  /// @throws std::bad_alloc.
  explicit OwnMemory(std::size_t count) : count_(count), bytes_(count * sizeof(T)) {
    if (bytes_ == 0) return;
    const bool large = bytes_ >= kLargePage / 4;
    if (large) bytes_ = (bytes_ + kLargePage - 1) / kLargePage * kLargePage;
    const auto mapped = bytes_ + (large ? kLargePage : 0);
    void* memory = mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    if (large) {  // whole large pages only: what stands over at both ends goes back
      auto* begin = static_cast<std::byte*>(memory);
      const auto skipped = (kLargePage - reinterpret_cast<std::size_t>(begin) % kLargePage) % kLargePage;
      if (skipped > 0) munmap(begin, skipped);
      munmap(begin + skipped + bytes_, kLargePage - skipped);
      memory = begin + skipped;
      madvise(memory, bytes_, MADV_HUGEPAGE);  // advice: may fail
    }
    data_ = static_cast<T*>(memory);
  }
  OwnMemory(const OwnMemory&) = delete;
  OwnMemory& operator=(const OwnMemory&) = delete;
  OwnMemory(OwnMemory&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), count_(other.count_), bytes_(other.bytes_) {}
  OwnMemory& operator=(OwnMemory&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(count_, other.count_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~OwnMemory() {
    if (data_ != nullptr) munmap(data_, bytes_);
  }
  std::span<T> data() const { return {data_, data_ == nullptr ? 0 : count_}; }

 private:
  static constexpr std::size_t kLargePage = std::size_t{1} << 21;
  T* data_ = nullptr;
  std::size_t count_ = 0;
  std::size_t bytes_ = 0;  // mapped
};

}  // namespace kirchhoff
