#pragma once

#include <mpi.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace kirchhoff {

int rank_of(MPI_Comm comm);
int size_of(MPI_Comm comm);

/// Half-open range of global indices.
struct Range {
  std::int64_t begin = 0;
  std::int64_t end = 0;
  std::int64_t size() const { return end - begin; }
};

/// The part-th of `parts` contiguous pieces of [0, n); sizes differ by at most one.
Range partition(std::int64_t n, int parts, int part);

/// Sum of values in a fixed order with an error of O(log n) roundings (pairwise), where a plain loop makes O(n). Local.
double pairwise_sum(std::span<const double> values);

/// Sum, maximum over all ranks. @note Collective.
double all_sum(MPI_Comm comm, double value);
std::int64_t all_sum(MPI_Comm comm, std::int64_t value);
double all_max(MPI_Comm comm, double value);
void all_sum(MPI_Comm comm, std::span<double> values);
void all_sum(MPI_Comm comm, std::span<float> values);

/// Rank 0's bytes on every rank. @note Collective.
void broadcast(MPI_Comm comm, std::span<double> values);
std::string broadcast(MPI_Comm comm, std::string text);

/// Sum over ranks of the high-water mark of resident memory [byte]. @note Collective.
std::int64_t peak_memory(MPI_Comm comm);

/// Lowers the high-water mark to what is resident now, freed memory being returned first. False where the system
/// cannot; the mark then stays. Local.
bool reset_peak_memory();

/// Waits up to `seconds` for every rank of `comm` to arrive here: whether all did. `comm` is used for nothing else,
/// since the others may be stuck in a collective of another. @note Collective when it answers true.
bool all_arrive(MPI_Comm comm, double seconds);

/// Seconds on a monotonic wall clock.
double wall_time();

/// An array that every rank can read and that is held once per node; where its ranks cannot map each other's memory,
/// by each of them.
///
/// Ranks write disjoint pieces through `data()`, then all call `complete()`, after which every rank sees all of it.
class SharedArray {
 public:
  /// `size` zeros. @note Collective over `comm`. @throws AgreedError when the node cannot hold it.
  SharedArray(MPI_Comm comm, std::int64_t size);
  /// The same with nodes made by hand: ranks of equal `node` share one copy (tests stand in for several nodes with it).
  SharedArray(MPI_Comm comm, std::int64_t size, int node);
  SharedArray(SharedArray&&) noexcept;
  SharedArray& operator=(SharedArray&&) noexcept;
  ~SharedArray();  // collective, as MPI_Comm_free is

  std::span<double> data() { return data_; }
  std::span<const double> data() const { return data_; }

  /// Makes what each rank wrote visible to all ranks of all nodes. To be called once. @note Collective.
  void complete();

  /// Makes what each rank wrote visible to the ranks that share this copy. @note Collective over those.
  void fence() const;

  /// Who shares this copy: a node's ranks, or a rank alone.
  struct Sharing {
    int copy = 0;    // of `copies`
    int copies = 1;  // one a node as a rule
    int rank = 0;    // among the `ranks` that share this copy
    int ranks = 1;
  };
  Sharing sharing() const;
  /// The ranks that share this copy, and one rank of each copy (MPI_COMM_NULL on the others). They live as long as
  /// this.
  MPI_Comm node() const;
  MPI_Comm leaders() const;

 private:
  struct Place;
  std::unique_ptr<Place> place_;
  std::span<double> data_;
};

}  // namespace kirchhoff
