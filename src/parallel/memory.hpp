#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <new>
#include <span>
#include <utility>

namespace kirchhoff {

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
