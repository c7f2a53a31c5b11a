#pragma once

#include <mpi.h>

#include <cstdint>
#include <span>
#include <vector>

namespace kirchhoff {

/// The rows of a table that is cut into chunks of `chunk_rows` whole rows, of which each rank holds some, in the order
/// of ranks.
struct ChunkedRows {
  std::uint64_t rows = 0;  // of the table
  std::uint64_t chunk_rows = 1;
  std::uint64_t row_bytes = 0;
  std::uint64_t begin = 0;  // of this rank's rows
  std::uint64_t count = 0;
};

/// A chunk belongs to the rank that holds its first row; the rows of it that others hold are sent there.
/// @return the bytes of this rank's chunks, one after the other, the last of the table filled up with zeros.
/// @note Collective. `first` becomes the number of this rank's first chunk.
std::vector<char> gather_chunks(MPI_Comm comm, const ChunkedRows& table, const char* rows, std::uint64_t& first);

/// Shuffled and deflated as HDF5's filters of these names do it. Local.
std::vector<char> shuffle_and_deflate(std::span<const char> bytes, std::size_t type_size, int level);

}  // namespace kirchhoff
