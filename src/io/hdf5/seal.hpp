#pragma once

#include <mpi.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kirchhoff {

/// A run of a file's bytes that belong together.
struct Segment {
  std::string name;  // of the dataset, or kStructure
  std::uint64_t begin = 0;
  std::uint64_t bytes = 0;
  std::string hash;

  static constexpr auto kStructure = "structure";  // all that is not an array: attributes, names, shapes
};

/// The first bytes of every file of this package, lines of text in what HDF5 calls a user block: checksums of all that
/// follows. They tell whether a file is whole without asking HDF5, which trusts what it reads; so HDF5 is given only
/// what this package wrote.
struct Seal {
  int schema = 0;
  std::string kind;
  std::uint64_t block = 0;  // length of the user block [byte]
  std::string problem_hash;
  std::uint64_t length = 0;                                     // of the whole file [byte]
  std::vector<Segment> segments;                                // in the file's order, without gaps
  std::vector<std::pair<std::string, std::string>> attributes;  // "/model@parameters" and its hash

  /// The block. @throws Error when it does not fit.
  std::string text() const;
};

/// The seal of a file that begins with these bytes, at most kLongestSeal of them being needed. None when they are not
/// those of a sealed file. Of a newer schema only `schema` and `kind` are read.
/// @throws Error (without the file's name) when the seal itself is damaged.
std::optional<Seal> read_seal(std::string_view begin);
inline constexpr std::size_t kLongestSeal = std::size_t{1} << 26;

/// A user block that holds a seal of so many segments and attributes.
std::uint64_t seal_block(std::size_t segments, std::size_t attributes);

/// XXH3-128 of the texts of the XXH3-128 of a segment's pieces of 4 MiB, for every segment: each rank reads its share.
/// @note Collective. @throws AgreedError naming the file when it cannot be read.
std::vector<std::string> hash_segments(MPI_Comm comm, const std::string& path, std::span<const Segment> segments);

}  // namespace kirchhoff
