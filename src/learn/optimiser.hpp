#pragma once

#include <mpi.h>

#include <cstdint>
#include <span>

#include "kirchhoff/parallel/parallel.hpp"

namespace kirchhoff {

/// Data-parallel AdamW (Loshchilov and Hutter, 2019) with a moving average of the weights, in precision T.
///
/// The ranks of a node share one copy of parameters, moments and average. Each rank adds its rows' gradient to a buffer
/// of its own that the others can read; then each sums and updates its slice of the parameters. So neither the sum
/// nor the update is done twice, and nothing goes through messages but between nodes. Sums are in the order of the
/// ranks: the same ranks give the same bits.
template <class T>
class Optimiser {
 public:
  /// @param figures how many numbers (losses, flags) are summed beside the gradient. @note Collective.
  Optimiser(MPI_Comm comm, std::size_t count, std::size_t figures);
  /// The same with nodes made by hand: ranks of equal `node` share a copy.
  Optimiser(MPI_Comm comm, std::size_t count, std::size_t figures, int node);

  std::span<T> parameters() { return part(0); }
  std::span<T> average() { return part(1); }
  std::span<T> first_moment() { return part(2); }
  std::span<T> second_moment() { return part(3); }
  /// After what one rank of each node wrote to the four above. @note Collective.
  void publish() { shared_.fence(); }

  /// This rank's gradient and figures: zero at first and after every update, to be added to.
  std::span<T> gradient() { return part(4 + rank_); }
  std::span<double> figures();

  /// Sums gradients and figures over all ranks. @note Collective.
  void reduce();
  /// The sums, until the update.
  std::span<const T> gradient_sum() { return part(4); }
  std::span<const double> figure_sums();

  struct Step {
    std::int64_t number = 0;  // of the steps before this one
    double rate = 0;          // learning rate
    double scale = 1;         // what the gradient's sum is multiplied by
    double weight_decay = 0;  // decoupled
    double average = 0;       // decay of the average, which rises from zero so that the random start is forgotten
    double largest_norm = 0;  // a longer scaled gradient is shortened to this; 0: never
  };
  /// One step along the gradient's sum. @note Collective.
  void update(const Step& step);

 private:
  Optimiser(std::size_t count, std::size_t figures, SharedArray shared);
  static std::int64_t doubles(int node_ranks, std::size_t count, std::size_t figures);
  std::span<T> part(std::size_t k) { return {reinterpret_cast<T*>(shared_.data().data()) + k * stride_, count_}; }
  std::span<double> figures_of(std::size_t k);

  std::size_t count_;
  std::size_t stride_;  // of the parts, in T: whole cache lines
  std::size_t figures_count_;
  SharedArray shared_;
  std::size_t rank_;   // within the node
  std::size_t ranks_;  // of the node
  Range slice_;
};

extern template class Optimiser<float>;
extern template class Optimiser<double>;

}  // namespace kirchhoff
