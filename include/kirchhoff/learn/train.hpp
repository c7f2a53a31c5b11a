#pragma once

#include <mpi.h>

#include <cstdint>
#include <functional>
#include <limits>
#include <vector>

#include "kirchhoff/learn/network/model.hpp"
#include "kirchhoff/learn/task/supervision.hpp"

namespace kirchhoff {

struct TrainOptions {
  std::int64_t steps = 20000;
  std::int64_t batch = 4096;    // states a step, over all ranks; each gives the targets of all L+1 layers
  double learning_rate = 1e-3;  // peak, after the warm-up
  std::int64_t warmup = 200;    // steps of linear rise; then a cosine falls to zero at the last step
  double weight_decay = 0;      // AdamW, decoupled
  double average = 0.999;       // decay of the moving average of the weights, which is the model that samples
  double clip = 0;              // longest gradient, in the norm of its mean over the batch; 0: none is shortened
  double dropout = 0;           // share of hidden units left out in a step
  std::int64_t patience = 0;    // validations without progress after which training stops; 0: never
  std::int64_t validate_every = 500;
  std::int64_t checkpoint_every = 1000;
};

/// One line of training.csv.
struct TrainRecord {
  std::int64_t step = 0;
  double seconds = 0;
  double loss = 0;        // mean over the batches since the last record
  double validation = 0;  // of the averaged weights, on a fixed set of states
  double learning_rate = 0;
};

/// All that training needs to go on as if it had never stopped: with the same ranks, bit for bit. Random numbers are
/// functions of (seed, step), so there is no generator state beyond these.
struct TrainState {
  std::int64_t step = 0;
  std::vector<double> parameters;     // flat, as in Model
  std::vector<double> first_moment;   // AdamW
  std::vector<double> second_moment;  // AdamW
  std::vector<double> average;        // moving average of the parameters
  std::vector<double> best;  // where rows repeat: the average of the best validation; empty before there is one
  double loss_sum = 0;       // since the last record
  double best_validation = std::numeric_limits<double>::infinity();
  double seconds = 0;  // spent so far, over all sessions
  std::vector<TrainRecord> history;

  /// The weights that sample. Where no row repeats these are the last average: the chance of a validation would only
  /// cut off the end of the schedule.
  const std::vector<double>& model() const { return best.empty() ? average : best; }
  /// Their loss on the validation set when it was last asked for; 0 before.
  double validation() const {
    if (!best.empty()) return best_validation;
    return history.empty() ? 0 : history.back().validation;
  }
};

/// Whether all steps are made and the last is validated, or patience has come to its end. Local.
bool training_is_over(const TrainOptions& options, const TrainState& state);

/// Trains `model` from `state` (a fresh one when state.parameters is empty) to options.steps. Data-parallel: each rank
/// takes its rows of every batch, gradients are summed. On return the model holds the averaged weights: where rows
/// repeat, those that validated best.
/// @param save called on all ranks together every checkpoint_every steps, at the end and before Interrupted is thrown.
/// A stop ends it within a batch, which counts for nothing, or within a validation, which is made up for first when
/// training goes on.
/// @note Collective. @throws Interrupted after saving what is not saved yet. @throws Error when the loss is no longer
/// finite, naming the step.
void train(MPI_Comm comm, Model& model, const Supervision& supervision, const TrainOptions& options, std::uint64_t seed,
           TrainState& state, const std::function<void(const TrainState&)>& save);

/// The same for a network of terminals: every pair of a batch gives, for source and target each, the cross-entropy of
/// one or two of its coordinates given those before. A loss is the mean negative log-likelihood of a terminal's row
/// [nat].
void train(MPI_Comm comm, Model& model, const MonteCarloSupervision& supervision, const TrainOptions& options,
           std::uint64_t seed, TrainState& state, const std::function<void(const TrainState&)>& save);

}  // namespace kirchhoff
