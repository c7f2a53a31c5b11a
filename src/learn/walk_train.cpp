#include "kirchhoff/learn/walk_train.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "kirchhoff/base/error.hpp"
#include "kirchhoff/parallel/progress.hpp"
#include "kirchhoff/parallel/stop.hpp"
#include "learn/optimiser.hpp"
#include "learn/schedule.hpp"
#include "learn/state.hpp"

namespace kirchhoff {
namespace {

constexpr std::int64_t kFewestHeldOut = 8192;  // vertices that a validation looks at, whatever the number of rows
constexpr std::int64_t kBlock = 512;           // vertices of a pass: bounds the memory of its activations
// Gradients are shortened to this norm (Pascanu, Mikolov and Bengio, 2013): train_clip is of no use to walks.
constexpr double kLongestGradient = 1;

}  // namespace

void train_walk(MPI_Comm comm, MoveModel& model, const WalkSupervision& supervision,
                std::span<const std::uint16_t> held_out, const TrainOptions& options, std::uint64_t seed,
                TrainState& state, const std::function<void(const TrainState&)>& save,
                const std::function<std::string(const TrainRecord&)>& watch) {
  if (state.parameters.empty()) {
    model.initialise(seed);
    start(state, std::span<const float>(model.parameters()));
  }
  enum Figure { kLoss, kWeight, kStop, kFigures };
  Optimiser<float> optimiser(comm, state.parameters.size(), kFigures);
  load(state, optimiser);
  const auto mine = partition(options.batch, size_of(comm), rank_of(comm));
  const auto d = static_cast<std::size_t>(model.moves().dimensions());
  const auto m = static_cast<std::size_t>(model.moves().size());
  const auto held_out_rows = static_cast<std::int64_t>(held_out.size() / d);
  const auto validation_rows = std::max(kFewestHeldOut, std::min(2 * held_out_rows, 4 * kFewestHeldOut));
  MoveBatch held_out_batch;
  supervision.examples(held_out, partition(validation_rows, size_of(comm), rank_of(comm)), false, held_out_batch);
  const auto use = [&](const auto& from) { std::copy(from.begin(), from.end(), model.parameters().begin()); };
  const auto in_blocks = [&](const MoveBatch& batch, std::span<float> gradient, double scale, Dropout dropout) {
    double loss = 0;
    const std::size_t in_batch = batch.layers.size();
    for (std::size_t i = 0; i < in_batch && !stop_requested(); i += kBlock, dropout.first_row += kBlock) {
      const auto n = std::min<std::size_t>(kBlock, in_batch - i);
      loss +=
          model.cross_entropy(std::span(batch.layers).subspan(i, n), std::span(batch.states).subspan(i * d, n * d),
                              std::span(batch.targets).subspan(i * m, n * m),
                              batch.weights.empty() ? std::span<const float>() : std::span(batch.weights).subspan(i, n),
                              scale, gradient, dropout);
    }
    return loss;
  };

  const double held_out_weight = all_sum(comm, held_out_batch.weight(0, held_out_batch.layers.size()));
  MoveBatch batch;
  const auto rows = static_cast<double>(options.batch);
  const double begin = wall_time() - state.seconds;
  Progress progress(comm, "train", "steps", options.steps, state.step);
  std::string note;
  double loss = 0;  // of the last batch
  // Each of these two leaves all as it was, and says so, when a stop came in between.
  const auto make_step = [&] {
    supervision.batch(state.step, options.batch, mine, batch);
    use(optimiser.parameters());
    optimiser.figures()[kLoss] =
        in_blocks(batch, optimiser.gradient(), 1.0, {options.dropout, seed, state.step * options.batch + mine.begin});
    optimiser.figures()[kWeight] = batch.weight(0, batch.layers.size());
    optimiser.figures()[kStop] = stop_requested() ? 1 : 0;
    optimiser.reduce();
    if (optimiser.figure_sums()[kStop] > 0) return false;
    loss = optimiser.figure_sums()[kLoss] / optimiser.figure_sums()[kWeight];
    must_be_finite(loss, state.step);
    const double rate = learning_rate(options, state.step);
    optimiser.update({state.step, rate, 1 / rows, options.weight_decay, options.average, kLongestGradient});
    ++state.step;
    state.loss_sum += loss;
    state.seconds = wall_time() - begin;
    return true;
  };
  const auto validate = [&] {
    use(optimiser.average());
    const double sum = all_sum(comm, in_blocks(held_out_batch, {}, 1, {}));
    if (stop_requested(comm)) return false;
    const auto record = record_of(options, state, sum / held_out_weight);
    must_be_finite(record.validation, state.step);
    try {
      note = watch(record);
    } catch (const Interrupted&) {
      return false;
    }
    note_validation(state, record, optimiser, true);
    return true;
  };
  const auto keep = [&](bool) {
    const forced_leave::Hold hold;
    store(optimiser, state);
    must_be_finite(state.parameters, state.step);
    save(state);
  };
  train_in_order(
      options, state, [&] { return training_is_over(options, state); }, make_step, validate, keep,
      [&] { progress.update(state.step, fmt::format("loss {:.4f}{}{}", loss, note.empty() ? "" : "; ", note)); });
  use(state.model());
}

}  // namespace kirchhoff
