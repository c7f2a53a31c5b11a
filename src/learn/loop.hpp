#pragma once

#include <mpi.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "kirchhoff/learn/train.hpp"
#include "learn/network/mlp.hpp"

namespace kirchhoff {

/// Rows of a batch in precision T: what the network reads and what its loss is made of. A task uses what it needs.
template <class T>
struct Rows {
  std::int64_t count = 0;
  std::vector<std::int32_t> columns;    // (count x coordinates)
  std::vector<T> features;              // (count x features)
  std::vector<T> targets;               // (count x outputs)
  std::vector<T> weight;                // (count)
  std::vector<std::uint8_t> forbidden;  // (count x outputs)

  MlpInput<T> input() const { return {count, columns, features}; }
};

/// What a network is to learn.
template <class T>
class Task {
 public:
  virtual ~Task() = default;
  /// Rows [rows.begin, rows.end) of the batch of this step: a function of (seed, step, row) alone. Local.
  virtual void draw(std::int64_t step, std::int64_t batch, Range range, Rows<T>& rows) = 0;
  /// Rows of the validation set, and how many there are over all ranks. Local.
  virtual void draw_validation(Range range, Rows<T>& rows) = 0;
  virtual std::int64_t validation_rows() const = 0;
  /// Whether rows come again, so that they can be learned by heart: the weights that validate best are then kept.
  virtual bool repeats() const { return false; }
  /// Sum of the rows' losses, and its derivative by the outputs times `scale`; no derivative when `delta` is empty.
  /// Local.
  virtual double loss(const Rows<T>& rows, std::span<const T> outputs, double scale, std::span<T> delta) = 0;
  /// What a row's loss is divided by in the mean (the number of outputs, or 1).
  virtual double terms() const = 0;
};

/// Trains a network from `state` (a fresh one, of random parameters, when state.parameters is empty) to options.steps:
/// see train() for what it does with ranks, saving and stopping. On return state.model() is the trained network.
/// @note Collective.
template <class T>
void train_network(MPI_Comm comm, Mlp<T>& network, Task<T>& task, const TrainOptions& options, std::uint64_t seed,
                   TrainState& state, const std::function<void(const TrainState&)>& save);

extern template void train_network<float>(MPI_Comm, Mlp<float>&, Task<float>&, const TrainOptions&, std::uint64_t,
                                          TrainState&, const std::function<void(const TrainState&)>&);
extern template void train_network<double>(MPI_Comm, Mlp<double>&, Task<double>&, const TrainOptions&, std::uint64_t,
                                           TrainState&, const std::function<void(const TrainState&)>&);

}  // namespace kirchhoff
