#include "kirchhoff/walk_train.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "kirchhoff/error.hpp"
#include "kirchhoff/progress.hpp"
#include "kirchhoff/session.hpp"
#include "train/schedule.hpp"

namespace kirchhoff {
namespace {

constexpr std::int64_t kValidationRows = 8192;
constexpr std::int64_t kBlock = 512;

/// The optimiser's arrays in the precision of the network; a TrainState holds the same numbers as doubles.
struct Optimiser {
  explicit Optimiser(const TrainState& s)
      : parameters(s.parameters.begin(), s.parameters.end()),
        first(s.first_moment.begin(), s.first_moment.end()),
        second(s.second_moment.begin(), s.second_moment.end()),
        average(s.average.begin(), s.average.end()) {}

  void store(TrainState& s) const {
    s.parameters.assign(parameters.begin(), parameters.end());
    s.first_moment.assign(first.begin(), first.end());
    s.second_moment.assign(second.begin(), second.end());
    s.average.assign(average.begin(), average.end());
  }

  /// AdamW with a moving average of the weights, as in train.cpp; the gradient's norm is held below one.
  void update(const TrainOptions& o, std::int64_t step, std::span<const float> gradient, double rate) {
    constexpr float kBeta1 = 0.9F;
    constexpr float kBeta2 = 0.999F;
    constexpr float kEpsilon = 1e-8F;
    const auto t = static_cast<double>(step) + 1;
    const auto m_scale = static_cast<float>(rate / (1 - std::pow(static_cast<double>(kBeta1), t)));
    const auto v_scale = static_cast<float>(1 / (1 - std::pow(static_cast<double>(kBeta2), t)));
    const auto decay = static_cast<float>(std::min(o.average, t / (t + 10)));
    const auto shrink = static_cast<float>(1 - rate * o.weight_decay);
    double square = 0;
    for (const float g : gradient) square += static_cast<double>(g) * g;
    const auto clip = static_cast<float>(square > 1 ? 1 / std::sqrt(square) : 1.0);
    const auto count = gradient.size();
    float* p = parameters.data();
    float* m = first.data();
    float* v = second.data();
    float* a = average.data();
    for (std::size_t i = 0; i < count; ++i) {
      const float g = clip * gradient[i];
      m[i] = kBeta1 * m[i] + (1 - kBeta1) * g;
      v[i] = kBeta2 * v[i] + (1 - kBeta2) * g * g;
      p[i] = shrink * p[i] - m_scale * m[i] / (std::sqrt(v_scale * v[i]) + kEpsilon);
      a[i] = decay * a[i] + (1 - decay) * p[i];
    }
  }

  std::vector<float> parameters;
  std::vector<float> first;
  std::vector<float> second;
  std::vector<float> average;
};

}  // namespace

void train_walk(MPI_Comm comm, MoveModel& model, const WalkSupervision& supervision,
                std::span<const std::uint16_t> held_out, const WalkTrainOptions& walk_options, std::uint64_t seed,
                TrainState& state, const std::function<void(const TrainState&)>& save,
                const std::function<std::string(const TrainRecord&)>& watch) {
  const auto& options = walk_options.common;
  if (state.parameters.empty()) {
    model.initialise(seed);
    const auto p = model.parameters();
    state.parameters.assign(p.begin(), p.end());
    state.first_moment.assign(p.size(), 0.0);
    state.second_moment.assign(p.size(), 0.0);
    state.average = state.parameters;
    state.best = state.parameters;
  }
  Optimiser optimiser(state);
  const auto count = state.parameters.size();
  const auto mine = partition(options.batch, size_of(comm), rank_of(comm));
  const auto d = static_cast<std::size_t>(model.moves().dimensions());
  const auto m = static_cast<std::size_t>(model.moves().size());
  const auto held_out_rows = static_cast<std::int64_t>(held_out.size() / d);
  const auto validation_rows = std::max(kValidationRows, std::min(2 * held_out_rows, 4 * kValidationRows));
  MoveBatch held_out_batch;
  supervision.examples(held_out, partition(validation_rows, size_of(comm), rank_of(comm)), false, held_out_batch);
  const auto load = [&](const auto& from) { std::copy(from.begin(), from.end(), model.parameters().begin()); };
  const auto in_blocks = [&](const MoveBatch& batch, std::span<float> gradient, double scale) {
    double loss = 0;
    const std::size_t rows = batch.layers.size();
    for (std::size_t i = 0; i < rows; i += kBlock) {
      const auto n = std::min<std::size_t>(kBlock, rows - i);
      loss += model.cross_entropy(std::span(batch.layers).subspan(i, n), std::span(batch.states).subspan(i * d, n * d),
                                  std::span(batch.targets).subspan(i * m, n * m), scale, gradient);
    }
    return loss;
  };

  MoveBatch batch;
  std::vector<float> gradient(count + 2);  // and behind it the loss and the wish to stop, summed in the same message
  const double begin = wall_time() - state.seconds;
  Progress progress(comm, "train", "steps", options.steps, state.step);
  std::string note;
  std::int64_t since_best = 0;
  for (const auto& r : state.history) {
    since_best = r.validation <= state.best_validation ? 0 : since_best + 1;
  }
  const auto patient = [&] { return walk_options.patience == 0 || since_best < walk_options.patience; };
  bool saved = true;
  while (state.step < options.steps && patient()) {
    supervision.batch(state.step, options.batch, mine, batch);
    load(optimiser.parameters);
    std::fill(gradient.begin(), gradient.end(), 0.0F);
    const double mine_loss =
        in_blocks(batch, std::span(gradient).first(count), 1.0 / static_cast<double>(options.batch));
    gradient[count] = static_cast<float>(mine_loss / static_cast<double>(options.batch));
    gradient[count + 1] = stop_requested() ? 1.0F : 0.0F;
    if (size_of(comm) > 1) all_sum(comm, std::span<float>(gradient));
    const double loss = gradient[count];
    must_be_finite(loss, state.step);
    const double rate = learning_rate(options, state.step);
    optimiser.update(options, state.step, std::span<const float>(gradient).first(count), rate);
    ++state.step;
    state.loss_sum += loss;
    state.seconds = wall_time() - begin;

    const bool last = state.step == options.steps;
    if (state.step % options.validate_every == 0 || last) {
      const auto since = state.history.empty() ? 0 : state.history.back().step;
      load(optimiser.average);
      const double validation = all_sum(comm, in_blocks(held_out_batch, {}, 1)) / static_cast<double>(validation_rows);
      must_be_finite(validation, state.step);
      ++since_best;
      if (validation < state.best_validation) {
        state.best_validation = validation;
        state.best.assign(optimiser.average.begin(), optimiser.average.end());
        since_best = 0;
      }
      state.history.push_back(
          {state.step, state.seconds, state.loss_sum / static_cast<double>(state.step - since), validation, rate});
      state.loss_sum = 0;
      note = watch(state.history.back());
    }
    progress.update(state.step, fmt::format("loss {:.4f}{}{}", loss, note.empty() ? "" : "; ", note));
    const bool stop = gradient[count + 1] > 0 && !last;
    saved = stop || last || state.step % options.checkpoint_every == 0;
    if (saved) {
      optimiser.store(state);
      save(state);
    }
    if (stop) throw Interrupted();
  }
  if (!saved) {
    optimiser.store(state);
    save(state);
  }
  load(state.best);
}

}  // namespace kirchhoff
