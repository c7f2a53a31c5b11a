#include "kirchhoff/parallel/parallel.hpp"

#include <fmt/format.h>
#include <malloc.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <exception>
#include <fstream>
#include <new>
#include <thread>
#include <utility>

#include "kirchhoff/parallel/agree.hpp"
#include "parallel/memory.hpp"
#include "parallel/memory_limit.hpp"
#include "parallel/pieces.hpp"
#include "parallel/shared_pages.hpp"

namespace kirchhoff {

namespace {

constexpr std::size_t kPage = 4096;

}  // namespace

int rank_of(MPI_Comm comm) {
  int rank = 0;
  MPI_Comm_rank(comm, &rank);
  return rank;
}

int size_of(MPI_Comm comm) {
  int size = 1;
  MPI_Comm_size(comm, &size);
  return size;
}

Range partition(std::int64_t n, int parts, int part) {
  const std::int64_t base = n / parts;
  const std::int64_t extra = n % parts;
  const auto begin = [&](std::int64_t k) { return k * base + std::min(k, extra); };
  return {begin(part), begin(part + 1)};
}

double pairwise_sum(std::span<const double> values) {
  constexpr std::size_t kPlain = 128;  // so many values are summed by a plain loop
  if (values.size() <= kPlain) {
    double sum = 0;
    for (const double v : values) sum += v;
    return sum;
  }
  const auto half = values.size() / 2;
  return pairwise_sum(values.first(half)) + pairwise_sum(values.subspan(half));
}

double all_sum(MPI_Comm comm, double value) {
  MPI_Allreduce(MPI_IN_PLACE, &value, 1, MPI_DOUBLE, MPI_SUM, comm);
  return value;
}

std::int64_t all_sum(MPI_Comm comm, std::int64_t value) {
  MPI_Allreduce(MPI_IN_PLACE, &value, 1, MPI_INT64_T, MPI_SUM, comm);
  return value;
}

double all_max(MPI_Comm comm, double value) {
  MPI_Allreduce(MPI_IN_PLACE, &value, 1, MPI_DOUBLE, MPI_MAX, comm);
  return value;
}

void all_sum(MPI_Comm comm, std::span<double> values) {
  in_pieces(values.size(), [&](std::size_t at, int count) {
    MPI_Allreduce(MPI_IN_PLACE, values.data() + at, count, MPI_DOUBLE, MPI_SUM, comm);
  });
}

void all_sum(MPI_Comm comm, std::span<float> values) {
  in_pieces(values.size(), [&](std::size_t at, int count) {
    MPI_Allreduce(MPI_IN_PLACE, values.data() + at, count, MPI_FLOAT, MPI_SUM, comm);
  });
}

void broadcast(MPI_Comm comm, std::span<double> values) {
  in_pieces(values.size(),
            [&](std::size_t at, int count) { MPI_Bcast(values.data() + at, count, MPI_DOUBLE, 0, comm); });
}

std::string broadcast(MPI_Comm comm, std::string text) {
  auto length = static_cast<std::int64_t>(text.size());
  MPI_Bcast(&length, 1, MPI_INT64_T, 0, comm);
  text.resize(static_cast<std::size_t>(length));
  in_pieces(text.size(), [&](std::size_t at, int count) { MPI_Bcast(text.data() + at, count, MPI_CHAR, 0, comm); });
  return text;
}

std::int64_t peak_memory(MPI_Comm comm) {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return all_sum(comm, static_cast<std::int64_t>(usage.ru_maxrss) * 1024);
}

bool reset_peak_memory() {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
  std::ofstream file("/proc/self/clear_refs");  // Linux: proc(5)
  return static_cast<bool>(file << 5 << std::flush);
}

bool all_arrive(MPI_Comm comm, double seconds) {
  MPI_Request request = MPI_REQUEST_NULL;
  MPI_Ibarrier(comm, &request);
  const double deadline = wall_time() + seconds;
  int done = 0;
  while (true) {
    MPI_Test(&request, &done, MPI_STATUS_IGNORE);
    if (done != 0 || wall_time() > deadline) return done != 0;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

double wall_time() {
  using namespace std::chrono;
  return duration<double>(steady_clock::now().time_since_epoch()).count();
}

struct SharedArray::Place {
  MPI_Comm node = MPI_COMM_NULL;
  MPI_Comm leaders = MPI_COMM_NULL;  // one rank a node; null elsewhere
  SharedPages pages;                 // none when a node is one rank, which needs no sharing
  OwnMemory<double> own;
  int copy = 0;
  int copies = 1;

  Place() = default;
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  ~Place() { free_communicators(); }

  /// Ranks of equal color share a copy. Collective.
  void split(MPI_Comm comm, int color) {
    free_communicators();
    MPI_Comm_split(comm, color, rank_of(comm), &node);
    const bool leads = rank_of(node) == 0;
    MPI_Comm_split(comm, leads ? 0 : MPI_UNDEFINED, rank_of(comm), &leaders);
    std::array<int, 2> place{0, 0};
    if (leads) place = {rank_of(leaders), size_of(leaders)};
    MPI_Bcast(place.data(), 2, MPI_INT, 0, node);
    copy = place[0];
    copies = place[1];
  }

 private:
  void free_communicators() {
    // Collective. An error that this rank met alone would hang here; the process is about to end anyway.
    if (std::uncaught_exceptions() > 0) return;
    if (leaders != MPI_COMM_NULL) MPI_Comm_free(&leaders);
    if (node != MPI_COMM_NULL) MPI_Comm_free(&node);
  }
};

namespace {

int node_of(MPI_Comm comm) {
  MPI_Comm node = MPI_COMM_NULL;
  MPI_Comm_split_type(comm, MPI_COMM_TYPE_SHARED, rank_of(comm), MPI_INFO_NULL, &node);
  int leader = rank_of(comm);
  MPI_Bcast(&leader, 1, MPI_INT, 0, node);
  MPI_Comm_free(&node);
  return leader;
}

}  // namespace

SharedArray::SharedArray(MPI_Comm comm, std::int64_t size) : SharedArray(comm, size, node_of(comm)) {}

SharedArray::SharedArray(MPI_Comm comm, std::int64_t size, int node) : place_(std::make_unique<Place>()) {
  const auto bytes = static_cast<std::size_t>(size) * sizeof(double);
  place_->split(comm, node);
  const bool alone = size_of(place_->node) == 1;
  if (!alone) place_->pages = SharedPages(place_->node, bytes);
  // Where a rank cannot map another's memory, every rank of all nodes holds a copy of its own.
  const bool shared = alone || bytes == 0 || place_->pages;
  if (all_sum(comm, std::int64_t{shared ? 0 : 1}) > 0) {
    place_->pages = {};
    place_->split(comm, rank_of(comm));
  }
  const auto sharing = this->sharing();
  const auto room = static_cast<double>(bytes);
  require_memory(comm, fmt::format("holding {} numbers", size),
                 sharing.ranks > 1 ? MemoryNeed{.once = room} : MemoryNeed{.each = room});
  // Each rank makes a part of the pages, zeros, and then maps what the others made.
  const auto page = static_cast<std::int64_t>(kPage / sizeof(double));
  const auto mine = partition((size + page - 1) / page, sharing.ranks, sharing.rank);
  const auto begin = static_cast<std::size_t>(std::min(size, mine.begin * page));
  const auto end = static_cast<std::size_t>(std::min(size, mine.end * page));
  agree(comm, [&] {
    if (place_->pages) {
      place_->pages.reserve(begin * sizeof(double), (end - begin) * sizeof(double));
    } else {
      place_->own = OwnMemory<double>(static_cast<std::size_t>(size));
    }
  });
  if (place_->pages) place_->pages.map();
  data_ = place_->pages ? place_->pages.as<double>() : place_->own.data();
}

SharedArray::SharedArray(SharedArray&&) noexcept = default;
SharedArray& SharedArray::operator=(SharedArray&&) noexcept = default;
SharedArray::~SharedArray() = default;

void SharedArray::fence() const { node_barrier(place_->node); }

SharedArray::Sharing SharedArray::sharing() const {
  return {place_->copy, place_->copies, rank_of(place_->node), size_of(place_->node)};
}
MPI_Comm SharedArray::node() const { return place_->node; }
MPI_Comm SharedArray::leaders() const { return place_->leaders; }

void SharedArray::complete() {
  fence();
  if (place_->leaders != MPI_COMM_NULL && size_of(place_->leaders) > 1) {
    // What another node's ranks wrote is zero here, so the sum is the union, and exact.
    constexpr std::size_t kPiece = std::size_t{1} << 24;
    for (std::size_t at = 0; at < data_.size(); at += kPiece) {
      all_sum(place_->leaders, data_.subspan(at, std::min(kPiece, data_.size() - at)));
    }
  }
  fence();
}

}  // namespace kirchhoff
