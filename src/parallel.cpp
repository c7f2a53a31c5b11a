#include "kirchhoff/parallel.hpp"

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

#include "kirchhoff/error.hpp"
#include "memory.hpp"

namespace kirchhoff {

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
  constexpr std::size_t kBlock = 128;
  if (values.size() <= kBlock) {
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
  MPI_Allreduce(MPI_IN_PLACE, values.data(), static_cast<int>(values.size()), MPI_DOUBLE, MPI_SUM, comm);
}

void all_sum(MPI_Comm comm, std::span<float> values) {
  MPI_Allreduce(MPI_IN_PLACE, values.data(), static_cast<int>(values.size()), MPI_FLOAT, MPI_SUM, comm);
}

void broadcast(MPI_Comm comm, std::span<double> values) {
  constexpr std::size_t kPiece = std::size_t{1} << 27;  // MPI counts are int, and messages above 2 GiB are fragile
  for (std::size_t at = 0; at < values.size(); at += kPiece) {
    const auto count = std::min(kPiece, values.size() - at);
    MPI_Bcast(values.data() + at, static_cast<int>(count), MPI_DOUBLE, 0, comm);
  }
}

std::string broadcast(MPI_Comm comm, std::string text) {
  auto length = static_cast<std::int64_t>(text.size());
  MPI_Bcast(&length, 1, MPI_INT64_T, 0, comm);
  text.resize(static_cast<std::size_t>(length));
  MPI_Bcast(text.data(), static_cast<int>(length), MPI_CHAR, 0, comm);
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

struct SharedArray::Windows {
  MPI_Comm node = MPI_COMM_NULL;
  MPI_Comm leaders = MPI_COMM_NULL;  // one rank a node; null elsewhere
  MPI_Win window = MPI_WIN_NULL;     // null when a node is one rank, which needs no sharing
  OwnMemory<double> own;
  int copy = 0;
  int copies = 1;

  Windows() = default;
  Windows(const Windows&) = delete;
  Windows& operator=(const Windows&) = delete;
  ~Windows() {
    // Freeing is collective. An error that this rank met alone would hang here; the process is about to end anyway.
    if (std::uncaught_exceptions() > 0) return;
    if (window != MPI_WIN_NULL) {
      MPI_Win_unlock_all(window);
      MPI_Win_free(&window);
    }
    if (leaders != MPI_COMM_NULL) MPI_Comm_free(&leaders);
    if (node != MPI_COMM_NULL) MPI_Comm_free(&node);
  }

  /// Makes what one rank of a node wrote visible to the others.
  void fence() const {
    if (window == MPI_WIN_NULL) return;
    MPI_Win_sync(window);
    MPI_Barrier(node);
    MPI_Win_sync(window);
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

SharedArray::SharedArray(MPI_Comm comm, std::int64_t size, int node) {
  const auto bytes = static_cast<MPI_Aint>(size) * static_cast<MPI_Aint>(sizeof(double));
  const auto split = [&](int color) {
    windows_ = std::make_unique<Windows>();
    MPI_Comm_split(comm, color, rank_of(comm), &windows_->node);
    const bool leads = rank_of(windows_->node) == 0;
    MPI_Comm_split(comm, leads ? 0 : MPI_UNDEFINED, rank_of(comm), &windows_->leaders);
    std::array<int, 2> place{0, 0};
    if (leads) place = {rank_of(windows_->leaders), size_of(windows_->leaders)};
    MPI_Bcast(place.data(), 2, MPI_INT, 0, windows_->node);
    windows_->copy = place[0];
    windows_->copies = place[1];
  };
  split(node);
  double* base = nullptr;
  bool shared = true;
  if (size_of(windows_->node) > 1) {
    MPI_Comm_set_errhandler(windows_->node, MPI_ERRORS_RETURN);
    const MPI_Aint mine = rank_of(windows_->node) == 0 ? bytes : 0;
    shared = MPI_Win_allocate_shared(mine, sizeof(double), MPI_INFO_NULL, windows_->node, &base, &windows_->window) ==
             MPI_SUCCESS;
  }
  // Where /dev/shm is too small (containers often give it 64 MiB) every rank holds a copy of its own.
  if (all_sum(comm, std::int64_t{shared ? 0 : 1}) > 0) {
    if (shared && windows_->window != MPI_WIN_NULL) MPI_Win_free(&windows_->window);
    windows_->window = MPI_WIN_NULL;
    split(rank_of(comm));
  }
  if (windows_->window == MPI_WIN_NULL) {
    agree(comm, [&] { windows_->own = OwnMemory<double>(static_cast<std::size_t>(size)); });
    data_ = windows_->own.data();
    return;
  }
  agree(comm, [] {});  // its counterpart on other nodes
  MPI_Aint extent = 0;
  int unit = 0;
  MPI_Win_shared_query(windows_->window, 0, &extent, &unit, &base);
  MPI_Win_lock_all(MPI_MODE_NOCHECK, windows_->window);
  data_ = {base, static_cast<std::size_t>(size)};
  // Each rank makes a part of the pages, zeros, and then maps what the others made.
  const auto mine = partition(size, size_of(windows_->node), rank_of(windows_->node));
  make_pages(data_.subspan(static_cast<std::size_t>(mine.begin), static_cast<std::size_t>(mine.size())));
  windows_->fence();
  map_pages(data_);
  windows_->fence();
}

SharedArray::SharedArray(SharedArray&&) noexcept = default;
SharedArray& SharedArray::operator=(SharedArray&&) noexcept = default;
SharedArray::~SharedArray() = default;

void SharedArray::fence() const { windows_->fence(); }

SharedArray::Sharing SharedArray::sharing() const {
  return {windows_->copy, windows_->copies, rank_of(windows_->node), size_of(windows_->node)};
}
MPI_Comm SharedArray::node() const { return windows_->node; }
MPI_Comm SharedArray::leaders() const { return windows_->leaders; }

void SharedArray::complete() {
  windows_->fence();
  if (windows_->leaders != MPI_COMM_NULL && size_of(windows_->leaders) > 1) {
    // What another node's ranks wrote is zero here, so the sum is the union, and exact.
    constexpr std::size_t kPiece = std::size_t{1} << 24;
    for (std::size_t at = 0; at < data_.size(); at += kPiece) {
      all_sum(windows_->leaders, data_.subspan(at, std::min(kPiece, data_.size() - at)));
    }
  }
  windows_->fence();
}

}  // namespace kirchhoff
