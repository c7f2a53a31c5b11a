#pragma once

#include <mpi.h>

#include <cstddef>
#include <span>
#include <utility>

namespace kirchhoff {

/// Memory that the ranks of one node all see, zeros at first.
///
/// It is an anonymous file of the node's first rank that the others map by its name under /proc. So it needs no
/// /dev/shm, of which containers often have 64 MiB, and counts as memory of the process in its control group. Nothing
/// is left behind however the ranks end, and none waits for another to give it back.
class SharedPages {
 public:
  SharedPages() = default;
  /// None on any rank (`!*this`) where one of them cannot map it, or when there are no bytes. The pages are not there
  /// yet: see `reserve`. @note Collective over the ranks of a node.
  SharedPages(MPI_Comm node, std::size_t bytes);
  SharedPages(const SharedPages&) = delete;
  SharedPages& operator=(const SharedPages&) = delete;
  SharedPages(SharedPages&& other) noexcept { swap(other); }
  SharedPages& operator=(SharedPages&& other) noexcept {
    swap(other);
    return *this;
  }
  ~SharedPages();  // local

  explicit operator bool() const { return data_ != nullptr; }
  template <class T>
  std::span<T> as() const {
    return {reinterpret_cast<T*>(data_), bytes_ / sizeof(T)};
  }

  /// Has the system make the pages of a part at once, on this rank's processor: a fault for each would take longer than
  /// what is computed on it, and one that fails would end the process (SIGBUS). Local. @throws std::bad_alloc.
  void reserve(std::size_t begin, std::size_t bytes) const;
  /// Maps the pages that other ranks have made, at once. Local.
  void map() const;

 private:
  void swap(SharedPages& other) {
    std::swap(file_, other.file_);
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
  }
  bool map_file(int file, std::size_t bytes);
  void drop();

  int file_ = -1;
  std::byte* data_ = nullptr;
  std::size_t bytes_ = 0;
};

/// What ranks of a node wrote before it, all of them see after it. @note Collective.
void node_barrier(MPI_Comm node);

}  // namespace kirchhoff
