#pragma once

#include <mpi.h>

#include <functional>
#include <string>

#include "kirchhoff/io/report/report.hpp"
#include "kirchhoff/io/results/store.hpp"
#include "pipeline/artefact.hpp"
#include "pipeline/job.hpp"

namespace kirchhoff {

/// A training as a kind of problem describes it.
struct Training {
  std::string hash;             // of all that shapes it
  std::int64_t parameters = 0;  // of the network
  std::string unit = "volt";    // of the network's outputs
  Provenance made;
  /// Trains from where the checkpoint stands, giving it to `save` at every checkpoint, and says what came of it.
  std::function<std::string(Checkpoint&, const std::function<void(const TrainState&)>& save)> train;
};

/// The network of a job: checkpoint.h5, checkpoint.previous.h5 and training.csv. @note Collective.
/// @throws AgreedError when there is none and none may be trained.
Checkpoint bring_training(ResultFolder& folder, const Job& job, const Training& training, const Asked& asked);

/// What a report says of it.
TrainReport train_report(const Job& job, const TrainState& trained, std::int64_t parameters);

}  // namespace kirchhoff
