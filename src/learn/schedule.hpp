#pragma once

#include <cstdint>

#include "kirchhoff/learn/train.hpp"

namespace kirchhoff {

/// Rate of a step: linear warm-up, then a cosine that falls to zero at the last step.
double learning_rate(const TrainOptions& options, std::int64_t step);

/// Whether the weights of this very step are to be validated and have not been: a stop may have come in between.
bool validation_due(const TrainOptions& options, const TrainState& state);

/// @throws AgreedError naming the step when the loss, which all ranks know, is no longer finite.
void must_be_finite(double loss, std::int64_t step);
/// The same by the parameters, where there is no time for a loss. Local: all ranks have the same.
void must_be_finite(const std::vector<double>& parameters, std::int64_t step);

}  // namespace kirchhoff
