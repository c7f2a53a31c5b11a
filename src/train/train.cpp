#include "kirchhoff/train.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "kirchhoff/error.hpp"
#include "kirchhoff/progress.hpp"
#include "kirchhoff/session.hpp"

namespace kirchhoff {
namespace {

constexpr std::int64_t kValidationRows = 4096;

double learning_rate(const TrainOptions& o, std::int64_t step) {
  const auto t = static_cast<double>(step) + 1;
  const auto warmup = static_cast<double>(std::min(o.warmup, o.steps / 2));
  if (t < warmup) return o.learning_rate * t / warmup;
  const double share = (t - warmup) / std::max(1.0, static_cast<double>(o.steps) - warmup);
  return o.learning_rate * 0.5 * (1 + std::cos(std::numbers::pi * std::min(1.0, share)));
}

/// AdamW (Loshchilov and Hutter, 2019), and the moving average of the weights. The average's decay rises from 0, so
/// that the random start is forgotten.
void update(const TrainOptions& o, TrainState& state, std::span<const double> gradient, double rate) {
  constexpr double kBeta1 = 0.9;
  constexpr double kBeta2 = 0.999;
  constexpr double kEpsilon = 1e-8;
  const auto t = static_cast<double>(state.step) + 1;
  const double m_scale = 1 / (1 - std::pow(kBeta1, t));
  const double v_scale = 1 / (1 - std::pow(kBeta2, t));
  const double decay = std::min(o.average, t / (t + 10));
  for (std::size_t i = 0; i < gradient.size(); ++i) {
    const double g = gradient[i];
    double& p = state.parameters[i];
    double& m = state.first_moment[i];
    double& v = state.second_moment[i];
    m = kBeta1 * m + (1 - kBeta1) * g;
    v = kBeta2 * v + (1 - kBeta2) * g * g;
    p -= rate * (m_scale * m / (std::sqrt(v_scale * v) + kEpsilon) + o.weight_decay * p);
    state.average[i] = decay * state.average[i] + (1 - decay) * p;
  }
}

void must_be_finite(double loss, std::int64_t step) {
  if (std::isfinite(loss)) return;
  throw AgreedError(
      fmt::format("training diverged: the loss at step {} is not finite; try a smaller -train_learning_rate", step));
}

/// Mean loss per state and layer of the model's present parameters on a fixed, evenly spread set of states.
double validation_loss(MPI_Comm comm, const Model& model, const Supervision& supervision,
                       std::span<const double> weights) {
  const auto rows = std::min(kValidationRows, model.space().size());
  const auto mine = partition(rows, size_of(comm), rank_of(comm));
  const auto outputs = static_cast<std::size_t>(model.layers()) + 1;
  std::vector<std::int64_t> states(static_cast<std::size_t>(mine.size()));
  std::vector<double> targets(states.size() * outputs);
  std::vector<double> out(states.size() * outputs);
  constexpr std::int64_t kNeverAStep = std::int64_t{1} << 40;  // its rows are drawn for no batch
  supervision.batch(model, kNeverAStep, rows, mine, states, targets);
  if (!states.empty()) model.outputs(states, out);
  double sum = 0;
  for (std::size_t i = 0; i < out.size(); ++i)
    sum += weights[i % outputs] * (out[i] - targets[i]) * (out[i] - targets[i]);
  return all_sum(comm, sum) / static_cast<double>(rows * static_cast<std::int64_t>(outputs));
}

}  // namespace

void train(MPI_Comm comm, Model& model, const Supervision& supervision, const TrainOptions& options, std::uint64_t seed,
           TrainState& state, const std::function<void(const TrainState&)>& save) {
  supervision.standardise(model);
  const auto weights = supervision.layer_weights(model);
  if (state.parameters.empty()) {
    model.initialise(seed);
    const auto p = model.parameters();
    state.parameters.assign(p.begin(), p.end());
    state.first_moment.assign(p.size(), 0.0);
    state.second_moment.assign(p.size(), 0.0);
    state.average = state.parameters;
  }
  const auto count = state.parameters.size();
  const auto mine = partition(options.batch, size_of(comm), rank_of(comm));
  const auto outputs = static_cast<std::size_t>(model.layers()) + 1;
  std::vector<std::int64_t> states(static_cast<std::size_t>(mine.size()));
  std::vector<double> targets(states.size() * outputs);
  std::vector<double> gradient(count + 2);  // and behind it the loss and the wish to stop, summed in the same message
  const double terms = static_cast<double>(options.batch) * static_cast<double>(outputs);
  const double begin = wall_time() - state.seconds;
  Progress progress(comm, "train", "steps", options.steps, state.step);

  const auto load = [&](const std::vector<double>& from) {
    std::copy(from.begin(), from.end(), model.parameters().begin());
  };
  while (state.step < options.steps) {
    supervision.batch(model, state.step, options.batch, mine, states, targets);
    load(state.parameters);
    std::fill(gradient.begin(), gradient.end(), 0.0);
    if (!states.empty()) {
      gradient[count] = model.accumulate_gradient(states, targets, weights, std::span(gradient).first(count));
    }
    gradient[count + 1] = stop_requested() ? 1.0 : 0.0;
    all_sum(comm, std::span<double>(gradient));
    for (std::size_t i = 0; i <= count; ++i) gradient[i] /= terms;
    const double loss = gradient[count];
    must_be_finite(loss, state.step);
    const double rate = learning_rate(options, state.step);
    update(options, state, std::span<const double>(gradient).first(count), rate);
    ++state.step;
    state.loss_sum += loss;
    state.seconds = wall_time() - begin;

    const bool last = state.step == options.steps;
    if (state.step % options.validate_every == 0 || last) {
      const auto since = state.history.empty() ? 0 : state.history.back().step;
      load(state.average);
      const double validation = validation_loss(comm, model, supervision, weights);
      state.best_validation = std::min(state.best_validation, validation);
      state.history.push_back(
          {state.step, state.seconds, state.loss_sum / static_cast<double>(state.step - since), validation, rate});
      state.loss_sum = 0;
    }
    progress.update(state.step, fmt::format("loss {:.3e}", loss));
    const bool stop = gradient[count + 1] > 0 && !last;
    if (stop || last || state.step % options.checkpoint_every == 0) {
      load(state.parameters);
      must_be_finite(validation_loss(comm, model, supervision, weights),
                     state.step);  // or the checkpoint would be worthless
      save(state);
    }
    if (stop) throw Interrupted();
  }
  load(state.average);
}

}  // namespace kirchhoff
