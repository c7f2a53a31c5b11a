#include "io/hdf5/chunks.hpp"

#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <new>

#include "kirchhoff/parallel/agree.hpp"
#include "kirchhoff/parallel/parallel.hpp"

namespace kirchhoff {

std::vector<char> gather_chunks(MPI_Comm comm, const ChunkedRows& table, const char* rows, std::uint64_t& first) {
  const auto ranks = static_cast<std::size_t>(size_of(comm));
  const auto me = static_cast<std::size_t>(rank_of(comm));
  const std::uint64_t mine[] = {table.begin, table.begin + table.count};
  std::vector<std::uint64_t> ends(2 * ranks);  // begin and end of every rank's rows
  MPI_Allgather(mine, 2, MPI_UINT64_T, ends.data(), 2, MPI_UINT64_T, comm);
  const auto c = table.chunk_rows;
  const auto holds = [&](std::size_t rank, std::uint64_t row) {
    return ends[2 * rank] <= row && row < ends[2 * rank + 1];
  };
  const auto owner_of = [&](std::uint64_t chunk) {
    std::size_t rank = 0;
    while (rank + 1 < ranks && !holds(rank, chunk * c)) ++rank;
    return rank;
  };
  first = (table.begin + c - 1) / c;
  const auto after = (table.begin + table.count + c - 1) / c;  // one behind this rank's last chunk
  std::vector<char> bytes;
  agree(comm, [&] { bytes.assign((after - first) * c * table.row_bytes, '\0'); });

  // What lies in a chunk that began on an earlier rank goes there: less than a chunk.
  std::vector<MPI_Request> pending;
  const auto foreign = std::min(table.count, first * c - table.begin);
  const auto count_of = [&](std::uint64_t n) { return static_cast<int>(n * table.row_bytes); };
  if (foreign > 0) {
    MPI_Isend(rows, count_of(foreign), MPI_BYTE, static_cast<int>(owner_of(first - 1)), 0, comm,
              &pending.emplace_back());
  }
  const auto own = table.count - foreign;
  if (own > 0) std::memcpy(bytes.data(), rows + foreign * table.row_bytes, own * table.row_bytes);
  for (std::size_t rank = me + 1; after > first && rank < ranks; ++rank) {
    const auto begin = ends[2 * rank];
    const auto end = std::min(ends[2 * rank + 1], after * c);
    if (begin >= end) continue;
    MPI_Irecv(bytes.data() + (begin - first * c) * table.row_bytes, count_of(end - begin), MPI_BYTE,
              static_cast<int>(rank), 0, comm, &pending.emplace_back());
  }
  MPI_Waitall(static_cast<int>(pending.size()), pending.data(), MPI_STATUSES_IGNORE);
  return bytes;
}

std::vector<char> shuffle_and_deflate(std::span<const char> bytes, std::size_t type_size, int level) {
  std::vector<char> shuffled(bytes.size());
  const auto numbers = bytes.size() / type_size;
  for (std::size_t b = 0; b < type_size; ++b) {
    for (std::size_t k = 0; k < numbers; ++k) shuffled[b * numbers + k] = bytes[k * type_size + b];
  }
  auto length = compressBound(static_cast<uLong>(bytes.size()));
  std::vector<char> packed(length);
  if (compress2(reinterpret_cast<Bytef*>(packed.data()), &length, reinterpret_cast<const Bytef*>(shuffled.data()),
                static_cast<uLong>(shuffled.size()), level) != Z_OK) {
    throw std::bad_alloc();  // the only way it can fail
  }
  packed.resize(length);
  packed.shrink_to_fit();
  return packed;
}

}  // namespace kirchhoff
