#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "io/hdf5/hdf5.hpp"

namespace kirchhoff {

/// An HDF5 file that HDF5 lays out in this process's memory, all but the bytes of arrays: those are given a place in
/// the file, and whoever owns them writes them there. So no call of HDF5 touches the disk, and none can fail because
/// of it. Local.
class FileLayout {
 public:
  /// @param user_block bytes at the file's start that HDF5 leaves alone: a power of two from 512 on.
  explicit FileLayout(std::uint64_t user_block);
  FileLayout(const FileLayout&) = delete;
  FileLayout& operator=(const FileLayout&) = delete;

  hid_t id() const { return file_.get(); }

  /// Where the bytes of an array without filters begin in the file.
  std::uint64_t place(hid_t dataset) const;
  /// Where a filtered chunk of so many bytes is to be written. @param row the chunk's first row, it holding whole rows.
  std::uint64_t place_chunk(hid_t dataset, std::uint64_t row, std::uint64_t bytes);

  /// Ends it: what HDF5 still held back is in memory.
  void finish();

  struct Memory {
    std::map<std::uint64_t, std::vector<char>> pages;  // by where they begin; what was never written is 0
    std::uint64_t end = 0;                             // the whole file's length [byte]
    const void* chunk = nullptr;                       // bytes that stand for those of a chunk: not kept,
    std::uint64_t chunk_place = 0;                     // but HDF5 wanted them here

    void write(std::uint64_t at, const char* bytes, std::size_t count);
    void read(std::uint64_t at, char* bytes, std::size_t count) const;
  };

  /// The file's bytes, 0 where arrays belong.
  const Memory& memory() const { return memory_; }

 private:
  Memory memory_;
  Identifier file_;
};

}  // namespace kirchhoff
