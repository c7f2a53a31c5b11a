#pragma once

#include <string>

#include "kirchhoff/parallel/agree.hpp"
#include "kirchhoff/parallel/session.hpp"
#include "pipeline/stages.hpp"
#include "pipeline/walk_stages.hpp"

namespace kirchhoff {

/// Calls work(stages, redo) with the stages of a case or folder, Stages or WalkStages as its supervision has it, and
/// leaves in the folder how it ended. @param redo whether -force was given. @note Collective.
template <class Work>
void with_stages(Session& session, const std::string& input, const std::string& command, Work&& work) {
  auto job = agree(session.comm(), [&] { return read_job(input); });
  const bool redo = job.force;
  const auto go = [&](auto stages) { stages.folder().run([&] { work(stages, redo); }); };
  if (job.supervision == "walk") {
    go(WalkStages(session.comm(), std::move(job), command));
  } else {
    go(Stages(session.comm(), std::move(job), command));
  }
}

}  // namespace kirchhoff
