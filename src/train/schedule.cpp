#include "train/schedule.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "kirchhoff/error.hpp"

namespace kirchhoff {

double learning_rate(const TrainOptions& o, std::int64_t step) {
  const auto t = static_cast<double>(step) + 1;
  const auto warmup = static_cast<double>(std::min(o.warmup, o.steps / 2));
  if (t < warmup) return o.learning_rate * t / warmup;
  const double share = (t - warmup) / std::max(1.0, static_cast<double>(o.steps) - warmup);
  return o.learning_rate * 0.5 * (1 + std::cos(std::numbers::pi * std::min(1.0, share)));
}

void must_be_finite(double loss, std::int64_t step) {
  if (std::isfinite(loss)) return;
  throw AgreedError(
      fmt::format("training diverged: the loss at step {} is not finite; try a smaller -train_learning_rate", step));
}

}  // namespace kirchhoff
