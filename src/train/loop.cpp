#include "train/loop.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "kirchhoff/error.hpp"
#include "kirchhoff/progress.hpp"
#include "kirchhoff/session.hpp"
#include "train/optimiser.hpp"
#include "train/schedule.hpp"
#include "train/state.hpp"

namespace kirchhoff {
namespace {

// Rows of a pass. Activations then stay in the second-level cache; and Eigen's products of 256 x 256 matrices with 256
// columns run at a fifth of the speed of those with 128 (28 and 140 GFLOP/s on a Zen 5 core).
constexpr std::int64_t kPass = 128;

/// Mean loss a row and term on the task's validation rows.
template <class T>
double validation_loss(MPI_Comm comm, Mlp<T>& network, std::span<const T> parameters, Task<T>& task, Rows<T>& rows) {
  const auto count = task.validation_rows();
  const auto mine = partition(count, size_of(comm), rank_of(comm));
  double sum = 0;
  for (auto at = mine.begin; at < mine.end; at += kPass) {
    task.draw_validation({at, std::min(at + kPass, mine.end)}, rows);
    sum += task.loss(rows, network.forward(parameters, rows.input(), false), 1, {});
  }
  return all_sum(comm, sum) / (static_cast<double>(count) * task.terms());
}

}  // namespace

template <class T>
void train_network(MPI_Comm comm, Mlp<T>& network, Task<T>& task, const TrainOptions& options, std::uint64_t seed,
                   TrainState& state, const std::function<void(const TrainState&)>& save) {
  enum Figure { kLoss, kStop, kFigures };
  const auto count = network.parameter_count();
  Optimiser<T> optimiser(comm, count, kFigures);
  if (state.parameters.empty()) {
    std::vector<T> parameters(count);
    network.initialise(seed, parameters);
    start(state, std::span<const T>(parameters));
  }
  load(state, optimiser);
  const auto mine = partition(options.batch, size_of(comm), rank_of(comm));
  const double terms = static_cast<double>(options.batch) * task.terms();
  const double begin = wall_time() - state.seconds;
  Rows<T> rows;
  Progress progress(comm, "train", "steps", options.steps, state.step);

  while (state.step < options.steps) {
    const std::span<const T> parameters = optimiser.parameters();
    double sum = 0;
    for (auto at = mine.begin; at < mine.end; at += kPass) {
      task.draw(state.step, options.batch, {at, std::min(at + kPass, mine.end)}, rows);
      const auto outputs = network.forward(parameters, rows.input(), true);
      sum += task.loss(rows, outputs, 1, network.delta());
      network.backward(parameters, rows.input(), optimiser.gradient());
    }
    optimiser.figures()[kLoss] = sum;
    optimiser.figures()[kStop] = stop_requested() ? 1 : 0;
    optimiser.reduce();
    const double loss = optimiser.figure_sums()[kLoss] / terms;
    const bool wanted_to_stop = optimiser.figure_sums()[kStop] > 0;
    must_be_finite(loss, state.step);
    const double rate = learning_rate(options, state.step);
    optimiser.update({state.step, rate, 1 / terms, options.weight_decay, options.average, options.clip});
    ++state.step;
    state.loss_sum += loss;
    state.seconds = wall_time() - begin;

    const bool last = state.step == options.steps;
    if (state.step % options.validate_every == 0 || last) {
      const auto since = state.history.empty() ? 0 : state.history.back().step;
      const double validation = validation_loss<T>(comm, network, optimiser.average(), task, rows);
      note_validation(state, validation, optimiser, task.repeats());
      state.history.push_back(
          {state.step, state.seconds, state.loss_sum / static_cast<double>(state.step - since), validation, rate});
      state.loss_sum = 0;
    }
    progress.update(state.step, fmt::format("loss {:.3e}", loss));
    const bool stop = wanted_to_stop && !last;
    if (stop || last || state.step % options.checkpoint_every == 0) {
      // Or the checkpoint would be worthless.
      must_be_finite(validation_loss<T>(comm, network, optimiser.parameters(), task, rows), state.step);
      store(optimiser, state);
      save(state);
    }
    if (stop) throw Interrupted();
  }
  store(optimiser, state);
}

template void train_network<float>(MPI_Comm, Mlp<float>&, Task<float>&, const TrainOptions&, std::uint64_t, TrainState&,
                                   const std::function<void(const TrainState&)>&);
template void train_network<double>(MPI_Comm, Mlp<double>&, Task<double>&, const TrainOptions&, std::uint64_t,
                                    TrainState&, const std::function<void(const TrainState&)>&);

}  // namespace kirchhoff
