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
  explicit OwnMemory(std::size_t count) : bytes_(count * sizeof(T)) {
    if (bytes_ == 0) return;
    void* memory = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    madvise(memory, bytes_, MADV_HUGEPAGE);  // advice: may fail
    data_ = static_cast<T*>(memory);
  }
  OwnMemory(const OwnMemory&) = delete;
  OwnMemory& operator=(const OwnMemory&) = delete;
  OwnMemory(OwnMemory&& other) noexcept : data_(std::exchange(other.data_, nullptr)), bytes_(other.bytes_) {}
  OwnMemory& operator=(OwnMemory&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~OwnMemory() {
    if (data_ != nullptr) munmap(data_, bytes_);
  }
  std::span<T> data() const { return {data_, data_ == nullptr ? 0 : bytes_ / sizeof(T)}; }

 private:
  T* data_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace kirchhoff
