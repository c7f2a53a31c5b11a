#pragma once

#include <cstdint>

#include "kirchhoff/train.hpp"

namespace kirchhoff {

/// Rate of a step: linear warm-up, then a cosine that falls to zero at the last step.
double learning_rate(const TrainOptions& options, std::int64_t step);

/// @throws AgreedError naming the step when the loss, which all ranks know, is no longer finite.
void must_be_finite(double loss, std::int64_t step);

}  // namespace kirchhoff
