#include "pipeline/training.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "kirchhoff/base/error.hpp"
#include "kirchhoff/io/files/text_file.hpp"
#include "kirchhoff/parallel/agree.hpp"
#include "pipeline/job_memory.hpp"

namespace kirchhoff {

Checkpoint bring_training(ResultFolder& folder, const Job& job, const Training& training, const Asked& asked) {
  const auto comm = folder.comm();
  folder.keep_training(training.hash, asked.may_train);
  Artefact<Checkpoint> artefact{.stage = "train", .files = {"checkpoint.h5", "checkpoint.previous.h5"}};
  if (!asked.may_train) {
    artefact.refusal =
        fmt::format("{}: there is no trained network of this problem; run 'kirchhoff train' first", job.out);
  }
  artefact.read = [&] {
    auto stored = read_checkpoint(comm, job.out, training.parameters);
    if (stored.training_hash != training.hash) {
      throw AgreedError(
          fmt::format("{}: trained with other options than the case has now", folder.path("checkpoint.h5")));
    }
    return stored;
  };
  const auto over = [&](const Checkpoint& c) { return training_is_over(job.train, c.state); };
  artefact.complete = over;
  artefact.standing = [&](const Checkpoint& c) {
    return fmt::format("is {}of step {} of {}", over(c) ? "up to date, " : "", c.state.step, job.train.steps);
  };
  artefact.make = [&](std::optional<Checkpoint> begun, ResultFolder::Stage& stage) {
    require_memory(comm, "training the network", training_memory(job, training.parameters, size_of(comm)));
    auto checkpoint = begun ? std::move(*begun) : Checkpoint{};
    if (begun) say(comm, "train", fmt::format("going on from step {}", checkpoint.state.step));
    checkpoint.training_hash = training.hash;
    checkpoint.supervision = job.supervision;
    checkpoint.seed = job.seed;
    checkpoint.unit = training.unit;
    const auto save = [&](const TrainState& now) {
      stage.note("step", now.step);
      // Before the checkpoint: a run that is killed in between makes both again.
      agree(comm, [&] {
        if (rank_of(comm) == 0) write_text_file(folder.path("training.csv"), training_csv(now.history));
      });
      write_checkpoint(comm, job.out, training.parameters, checkpoint, training.made);
    };
    say(comm, "train", training.train(checkpoint, save));
    return checkpoint;
  };
  artefact.figures = [&](const Checkpoint& c) {
    return std::map<std::string, std::int64_t>{{"step", c.state.step}, {"steps", job.train.steps}};
  };
  return bring(folder, artefact, asked.redo);
}

TrainReport train_report(const Job& job, const TrainState& trained, std::int64_t parameters) {
  TrainReport t;
  t.supervision = job.supervision;
  t.steps = trained.step;
  t.seconds = trained.seconds;
  t.samples_per_second = static_cast<double>(trained.step * job.train.batch) / std::max(1e-9, trained.seconds);
  t.final_loss = trained.validation();
  t.parameters = parameters;
  t.history = trained.history;
  return t;
}

}  // namespace kirchhoff
