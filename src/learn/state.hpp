#pragma once

#include <algorithm>
#include <array>
#include <vector>

#include "kirchhoff/base/error.hpp"
#include "kirchhoff/learn/train.hpp"
#include "learn/optimiser.hpp"
#include "learn/schedule.hpp"

namespace kirchhoff {

/// Between a state in doubles, which is what is kept, and an optimiser's arrays. Single precision is exact in double.
template <class T>
struct Transfer {
  std::vector<double> TrainState::*kept;
  std::span<T> (Optimiser<T>::*used)();
};
template <class T>
const std::array<Transfer<T>, 4> kTransfers = {{{&TrainState::parameters, &Optimiser<T>::parameters},
                                                {&TrainState::average, &Optimiser<T>::average},
                                                {&TrainState::first_moment, &Optimiser<T>::first_moment},
                                                {&TrainState::second_moment, &Optimiser<T>::second_moment}}};

/// The state of a training that has not begun. @param parameters random ones.
template <class T>
void start(TrainState& state, std::span<const T> parameters) {
  state.parameters.assign(parameters.begin(), parameters.end());
  state.average = state.parameters;
  state.first_moment.assign(parameters.size(), 0.0);
  state.second_moment.assign(parameters.size(), 0.0);
}

/// @note Collective: all ranks give the same state.
template <class T>
void load(const TrainState& state, Optimiser<T>& optimiser) {
  for (const auto& t : kTransfers<T>) {
    const auto& from = state.*t.kept;
    std::transform(from.begin(), from.end(), (optimiser.*t.used)().begin(), [](double x) { return static_cast<T>(x); });
  }
  optimiser.publish();
}

template <class T>
void store(Optimiser<T>& optimiser, TrainState& state) {
  for (const auto& t : kTransfers<T>) {
    const auto from = (optimiser.*t.used)();
    (state.*t.kept).assign(from.begin(), from.end());
  }
}

/// The order of a training: steps, validations where they are due, checkpoints, the end, and a stop after any of them.
/// `make_step` and `validate` say false when a stop came, the same on all ranks, and leave the state as it was.
/// @throws Interrupted after `keep` of what is not kept yet.
template <class Over, class Step, class Validate, class Keep, class Show>
void train_in_order(const TrainOptions& options, const TrainState& state, Over&& over, Step&& make_step,
                    Validate&& validate, Keep&& keep, Show&& show) {
  bool kept = true;
  for (bool stop = false;;) {
    if (!stop && validation_due(options, state)) {
      stop = !validate();
      kept = kept && stop;
    }
    const bool end = !stop && over();
    if (!kept && (stop || end || state.step % options.checkpoint_every == 0)) {
      keep(stop);
      kept = true;
    }
    if (stop) throw Interrupted();
    if (end) return;
    stop = !make_step();
    kept = kept && stop;
    show();
  }
}

/// The line of the history for a validation of the weights of this step.
inline TrainRecord record_of(const TrainOptions& options, const TrainState& state, double validation) {
  const auto since = state.history.empty() ? 0 : state.history.back().step;
  return {state.step, state.seconds, state.loss_sum / static_cast<double>(state.step - since), validation,
          learning_rate(options, state.step - 1)};
}

/// Takes the line into the history, begins the next one, and remembers the least validation loss and, if they are to
/// be kept, the averaged weights that had it.
template <class T>
void note_validation(TrainState& state, const TrainRecord& record, Optimiser<T>& optimiser, bool keep) {
  if (record.validation < state.best_validation) {
    state.best_validation = record.validation;
    if (keep) state.best.assign(optimiser.average().begin(), optimiser.average().end());
  }
  state.history.push_back(record);
  state.loss_sum = 0;
}

}  // namespace kirchhoff
