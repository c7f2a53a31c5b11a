#pragma once

#include "pipeline/job.hpp"
#include "pipeline/options.hpp"

namespace kirchhoff {

/// Reads the sections `model` and `train` into a job whose circuit and supervision are known, and resolves what was
/// left to the program. Local. @throws Error naming the option.
void read_training(Options& options, Job& job);

}  // namespace kirchhoff
