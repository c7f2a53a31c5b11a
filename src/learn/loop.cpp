#include "learn/loop.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <optional>

#include "kirchhoff/base/error.hpp"
#include "kirchhoff/parallel/progress.hpp"
#include "kirchhoff/parallel/stop.hpp"
#include "learn/optimiser.hpp"
#include "learn/schedule.hpp"
#include "learn/state.hpp"

namespace kirchhoff {
namespace {

// Rows of a pass. Activations then stay in the second-level cache; and Eigen's products of 256 x 256 matrices with 256
// columns run at a fifth of the speed of those with 128 (28 and 140 GFLOP/s on a Zen 5 core).
constexpr std::int64_t kPass = 128;

/// Mean loss a row and term on the task's validation rows; nothing when a stop came in between.
template <class T>
std::optional<double> validation_loss(MPI_Comm comm, Mlp<T>& network, std::span<const T> parameters, Task<T>& task,
                                      Rows<T>& rows) {
  const auto count = task.validation_rows();
  const auto mine = partition(count, size_of(comm), rank_of(comm));
  std::array<double, 2> sums{0, 0};  // of losses, of ranks that are to stop
  for (auto at = mine.begin; at < mine.end && !stop_requested(); at += kPass) {
    task.draw_validation({at, std::min(at + kPass, mine.end)}, rows);
    sums[0] += task.loss(rows, network.forward(parameters, rows.input(), false), 1, {});
  }
  sums[1] = stop_requested() ? 1 : 0;
  all_sum(comm, sums);
  if (sums[1] > 0) return std::nullopt;
  return sums[0] / (static_cast<double>(count) * task.terms());
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

  double loss = 0;  // of the last batch
  // Each of these two leaves all as it was, and says so, when a stop came in between.
  const auto make_step = [&] {
    const std::span<const T> parameters = optimiser.parameters();
    double sum = 0;
    for (auto at = mine.begin; at < mine.end && !stop_requested(); at += kPass) {
      task.draw(state.step, options.batch, {at, std::min(at + kPass, mine.end)}, rows);
      const auto outputs = network.forward(parameters, rows.input(), true);
      sum += task.loss(rows, outputs, 1, network.delta());
      network.backward(parameters, rows.input(), optimiser.gradient());
    }
    optimiser.figures()[kLoss] = sum;
    optimiser.figures()[kStop] = stop_requested() ? 1 : 0;
    optimiser.reduce();
    if (optimiser.figure_sums()[kStop] > 0) return false;
    loss = optimiser.figure_sums()[kLoss] / terms;
    must_be_finite(loss, state.step);
    const double rate = learning_rate(options, state.step);
    optimiser.update({state.step, rate, 1 / terms, options.weight_decay, options.average, options.clip});
    ++state.step;
    state.loss_sum += loss;
    state.seconds = wall_time() - begin;
    return true;
  };
  const auto validate = [&] {
    const auto validation = validation_loss<T>(comm, network, optimiser.average(), task, rows);
    if (!validation) return false;
    note_validation(state, record_of(options, state, *validation), optimiser, task.repeats());
    return true;
  };
  const auto keep = [&](bool stops) {
    const forced_leave::Hold hold;
    store(optimiser, state);
    // Or the checkpoint would be worthless.
    const auto check = stops ? std::nullopt : validation_loss<T>(comm, network, optimiser.parameters(), task, rows);
    if (check) {
      must_be_finite(*check, state.step);
    } else {
      must_be_finite(state.parameters, state.step);
    }
    save(state);
  };
  train_in_order(
      options, state, [&] { return training_is_over(options, state); }, make_step, validate, keep,
      [&] { progress.update(state.step, fmt::format("loss {:.3e}", loss)); });
  store(optimiser, state);
}

template void train_network<float>(MPI_Comm, Mlp<float>&, Task<float>&, const TrainOptions&, std::uint64_t, TrainState&,
                                   const std::function<void(const TrainState&)>&);
template void train_network<double>(MPI_Comm, Mlp<double>&, Task<double>&, const TrainOptions&, std::uint64_t,
                                    TrainState&, const std::function<void(const TrainState&)>&);

}  // namespace kirchhoff
