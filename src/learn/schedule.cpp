#include "learn/schedule.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "kirchhoff/base/error.hpp"

namespace kirchhoff {

double learning_rate(const TrainOptions& o, std::int64_t step) {
  const auto t = static_cast<double>(step) + 1;
  const auto warmup = static_cast<double>(std::min(o.warmup, o.steps / 2));
  if (t < warmup) return o.learning_rate * t / warmup;
  const double share = (t - warmup) / std::max(1.0, static_cast<double>(o.steps) - warmup);
  return o.learning_rate * 0.5 * (1 + std::cos(std::numbers::pi * std::min(1.0, share)));
}

bool validation_due(const TrainOptions& o, const TrainState& state) {
  if (state.step == 0 || (state.step % o.validate_every != 0 && state.step != o.steps)) return false;
  return state.history.empty() || state.history.back().step != state.step;
}

namespace {

/// Validations since the one that was best.
std::int64_t since_best(const std::vector<TrainRecord>& history) {
  const auto better = [](const TrainRecord& a, const TrainRecord& b) { return a.validation < b.validation; };
  const auto best = std::min_element(history.begin(), history.end(), better);  // the first of equal ones
  return history.empty() ? 0 : history.end() - best - 1;
}

}  // namespace

bool training_is_over(const TrainOptions& options, const TrainState& state) {
  return (state.step >= options.steps && !validation_due(options, state)) ||
         (options.patience > 0 && since_best(state.history) >= options.patience);
}

void must_be_finite(double loss, std::int64_t step) {
  if (std::isfinite(loss)) return;
  throw AgreedError(
      fmt::format("training diverged: the loss at step {} is not finite; try a smaller -train_learning_rate", step));
}

void must_be_finite(const std::vector<double>& parameters, std::int64_t step) {
  const auto bad = std::find_if(parameters.begin(), parameters.end(), [](double p) { return !std::isfinite(p); });
  if (bad != parameters.end()) must_be_finite(*bad, step);
}

}  // namespace kirchhoff
