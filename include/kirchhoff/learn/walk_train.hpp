#pragma once

#include <mpi.h>

#include <cstdint>
#include <functional>
#include <span>

#include "kirchhoff/learn/network/move_model.hpp"
#include "kirchhoff/learn/task/walk_supervision.hpp"
#include "kirchhoff/learn/train.hpp"

namespace kirchhoff {

/// Trains a model of moves from `state` (a fresh one when state.parameters is empty) by cross-entropy. `batch` counts
/// vertices here. Data-parallel: each rank takes its rows of every batch, gradients are summed. `state.best` holds the
/// averaged weights of the best validation, which the model has on return.
/// @param held_out end points (count x D) that are not trained on.
/// @param save as in train(). @param watch called with the averaged weights in the model after each validation, on all
/// ranks: its text is shown with the progress.
/// @note Collective. @throws Interrupted after saving. @throws Error when the loss is no longer finite.
void train_walk(MPI_Comm comm, MoveModel& model, const WalkSupervision& supervision,
                std::span<const std::uint16_t> held_out, const TrainOptions& options, std::uint64_t seed,
                TrainState& state, const std::function<void(const TrainState&)>& save,
                const std::function<std::string(const TrainRecord&)>& watch);

}  // namespace kirchhoff
