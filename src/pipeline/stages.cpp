#include "pipeline/stages.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "kirchhoff/base/error.hpp"
#include "kirchhoff/base/hash.hpp"
#include "kirchhoff/circuit/conditional/superposition.hpp"
#include "kirchhoff/currents/currents.hpp"
#include "kirchhoff/io/files/text_file.hpp"
#include "kirchhoff/parallel/agree.hpp"
#include "kirchhoff/validate/validate.hpp"
#include "pipeline/job_memory.hpp"

namespace kirchhoff {
namespace {

constexpr std::size_t kGallery = 64;

}  // namespace

Stages::Stages(MPI_Comm comm, Job job, std::string command)
    : comm_(comm),
      job_(std::move(job)),
      command_(std::move(command)),
      circuit_(circuit_that_fits(comm, job_)),
      folder_(comm, job_.out, {job_.title, problem_hash(job_, circuit_), job_.options}, command_, job_.overwrite) {
  // What is wrong with held-out files is said now, not after hours of work.
  agree(comm, [&] {
    valid_ = read_states(comm_, job_.space, job_.target, job_.target.valid);
    test_ = read_states(comm_, job_.space, job_.target, job_.target.test);
  });
  say(comm_, "circuit",
      fmt::format("{}: {} layers of {} states, {} vertices, {} edges ({})", job_.title, circuit_.layers() + 1,
                  grouped(circuit_.states()), grouped(circuit_.vertices()), grouped(circuit_.edges()),
                  to_string(circuit_.family())));
}

Provenance Stages::made_now() const { return provenance(comm_, folder_.hash(), job_.options.yaml()); }

/// Takes over a finished stage's file. One that cannot be used is named, with the reason, and the stage is done again.
template <class Take>
void Stages::reuse(const char* file, Take&& take) const {
  try {
    take();
  } catch (const AgreedError& e) {
    say(comm_, "", fmt::format("{} is made anew: {}", folder_.path(file), e.what()));
  }
}

const Solution& Stages::solution(bool redo) {
  if (solution_) return *solution_;
  auto stage = folder_.begin("solve");
  if (!redo && folder_.fresh("solution.h5")) {
    reuse("solution.h5", [&] {
      auto stored = read_solution(comm_, folder_.path("solution.h5"), circuit_);
      const auto checked = check_solution(comm_, circuit_, stored.potential.data());  // a file may have been damaged
      if (!(checked.relative_residual <= allowed_residual(job_.solve.tolerance, checked.residual_floor))) {
        throw AgreedError(fmt::format("its relative residual is {:.1e}", checked.relative_residual));
      }
      solution_ = std::move(stored);
      say(comm_, "solve", fmt::format("{} is up to date", folder_.path("solution.h5")));
    });
  }
  const bool anew = !solution_;
  if (anew) {
    auto solved = solve(comm_, circuit_, job_.solve);
    write_solution(comm_, folder_.path("solution.h5"), circuit_, solved, made_now());
    const auto& r = solved.report;
    say(comm_, "solve",
        fmt::format("{}: {} iterations, {:.3g} s; relative residual {:.1e} (rounding floor {:.1e}), potentials "
                    "known to {:.1e}, energy {:.1e}, KCL {:.1e} A",
                    r.method, r.iterations, r.seconds_total, r.relative_residual, r.residual_floor,
                    r.potential_error_estimate, r.energy_relative_error, r.kcl_max_imbalance));
    solution_ = std::move(solved);
  }
  if (job_.write_currents && (redo || !folder_.fresh("currents.h5"))) {
    write_currents(comm_, folder_.path("currents.h5"), circuit_, solution_->potential.data(), made_now());
    say(comm_, "currents", folder_.path("currents.h5"));
  }
  stage.done(anew);
  return *solution_;
}

bool Stages::has_checkpoint() const {
  return folder_.fresh("checkpoint.h5") || folder_.fresh("checkpoint.previous.h5");
}

const Model& Stages::model(bool may_train, bool redo) {
  if (model_) return *model_;
  auto stage = folder_.begin("train");
  const auto wanted = training_hash(job_, folder_.hash());
  folder_.keep_training(wanted, may_train);
  auto options = job_.model;
  if (options.head == Head::current) options.moves = moves_ahead(circuit_);
  Model model(job_.space, job_.layers, options);
  Checkpoint checkpoint;
  if (!redo && has_checkpoint()) {
    const auto take = [&] {
      auto stored = read_checkpoint(comm_, job_.out, model);
      if (stored.training_hash != wanted) {
        throw AgreedError(
            fmt::format("{}: trained with other options than the case has now", folder_.path("checkpoint.h5")));
      }
      checkpoint = std::move(stored);
    };
    if (may_train) {
      reuse("checkpoint.h5", take);
    } else {
      take();
    }
  }
  auto& state = checkpoint.state;
  const bool finished = training_is_over(job_.train, state);
  if (!may_train && state.step == 0) {
    throw AgreedError(
        fmt::format("{}: there is no trained network of this problem; run 'kirchhoff train' first", job_.out));
  }
  if (finished || !may_train) {
    std::copy(state.model().begin(), state.model().end(), model.parameters().begin());
    model.mean() = checkpoint.mean;
    model.scale() = checkpoint.scale;
    say(comm_, "train",
        finished ? fmt::format("{} is up to date", folder_.path("checkpoint.h5"))
                 : fmt::format("{} is of step {} of {}", folder_.path("checkpoint.h5"), state.step, job_.train.steps));
  } else {
    const auto parameters = static_cast<std::int64_t>(model.parameters().size());
    require_memory(comm_, "training the network", training_memory(job_, parameters, size_of(comm_)));
    if (job_.supervision != "monte_carlo") solution();
    if (state.step > 0) say(comm_, "train", fmt::format("going on from step {}", state.step));
    checkpoint.training_hash = wanted;
    checkpoint.supervision = job_.supervision;
    checkpoint.seed = job_.seed;
    if (options.head == Head::current) checkpoint.unit = "ampere";
    const auto save = [&](const TrainState& now) {
      stage.note("step", now.step);
      checkpoint.mean = model.mean();
      checkpoint.scale = model.scale();
      // Before the checkpoint: a run that is killed in between makes both again.
      agree(comm_, [&] {
        if (rank_of(comm_) == 0) write_text_file(folder_.path("training.csv"), training_csv(now.history));
      });
      write_checkpoint(comm_, job_.out, model, checkpoint, made_now());
    };
    if (job_.supervision == "monte_carlo") {
      train(comm_, model, pairs(), job_.train, job_.seed, state, save);
    } else {
      const auto potential = solution().potential.data();
      const auto on = [&](const Supervision& supervision) {
        train(comm_, model, supervision, job_.train, job_.seed, state, save);
      };
      if (options.head == Head::current) {
        on(CurrentSupervision(circuit_, potential, job_.seed, job_.balance));
      } else {
        on(ExactSupervision(circuit_.states(), circuit_.layers(), potential, job_.seed, job_.balance));
      }
    }
    const auto& last = state.history.back();
    say(comm_, "train",
        fmt::format("{} steps of {} states, {:.1f} s, {} parameters: loss {:.2e}", state.step, job_.train.batch,
                    state.seconds, grouped(static_cast<std::int64_t>(model.parameters().size())), last.validation));
  }
  stage.note("step", state.step);
  stage.note("steps", job_.train.steps);
  stage.done(!finished && may_train, finished || may_train ? "finished" : "unfinished");
  trained_ = std::move(state);
  model_ = std::move(model);
  return *model_;
}

MonteCarloSupervision Stages::pairs() const {
  return {circuit_.source(), circuit_.target(), job_.training_pairs, job_.seed, job_.jitter};
}

/// The circuit's response to the terminals that the network has learned: in closed form on dense circuits.
SharedArray Stages::response(const LearnedTerminals& learned) const {
  std::vector<Coupling> couplings;
  couplings.reserve(static_cast<std::size_t>(circuit_.layers()));
  for (int l = 0; l < circuit_.layers(); ++l) couplings.push_back(circuit_.coupling(l));
  if (!circuit_.joins_all() || circuit_.coupling(0).groups() != nullptr) {
    return std::move(
        solve(comm_, Circuit(circuit_.space(), std::move(couplings), learned.source, learned.target), job_.solve)
            .potential);
  }
  const auto n = circuit_.states();
  const DenseSuperposition closed(static_cast<double>(n), job_.resistance_same, job_.resistance_change);
  SharedArray potential(comm_, n * (circuit_.layers() + 1));
  const auto mine = partition(n, size_of(comm_), rank_of(comm_));
  for (int l = 0; l <= circuit_.layers(); ++l) {
    for (auto x = mine.begin; x < mine.end; ++x) {
      const auto k = static_cast<std::size_t>(x);
      potential.data()[static_cast<std::size_t>(l * n + x)] = closed.potential(l, learned.source[k], learned.target[k]);
    }
  }
  potential.complete();
  return potential;
}

const Flow& Stages::learned(bool may_train) {
  if (learned_) return *learned_;
  const auto& network = model(may_train);
  const bool terminals = network.options().head == Head::terminals;
  field_ = std::make_shared<const SharedArray>(terminals ? response(learned_terminals(comm_, network))
                                                         : tabulate(comm_, network));
  if (network.options().head == Head::current) {
    currents_.emplace(circuit_, field_);
    learned_ = learned_flow(circuit_, *currents_);
  } else {
    learned_ = learned_flow(circuit_, field_->data());
  }
  return *learned_;
}

Flow Stages::flow_of(const std::string& name, bool may_train) {
  if (name == "exact") return exact_flow(circuit_, solution().potential.data());
  return learned(may_train);
}

/// A hash of all that decides a flow's walks: they are made again when it changes.
std::string Stages::walks_origin(const std::string& flow) const {
  const auto field = flow == "exact" ? solution_->potential.data() : field_->data();
  return Hash().add(std::span<const double>(field)).add(folder_.hash()).add(job_.options.digest(kSamples)).text();
}

const std::vector<StoredWalks>& Stages::samples(bool may_train, bool redo) {
  if (samples_) return *samples_;
  auto stage = folder_.begin("sample");
  std::vector<StoredWalks> done;
  if (!redo && folder_.fresh("samples.h5")) {
    reuse("samples.h5", [&] { done = read_samples(comm_, folder_.path("samples.h5"), circuit_); });
  }
  const bool neural = std::find(job_.flows.begin(), job_.flows.end(), "neural") != job_.flows.end();
  if (neural) model(may_train);  // whether there is one is known before the exact walk, not after it
  require_memory(comm_, fmt::format("drawing {} samples", grouped(job_.count)), sampling_memory(job_, size_of(comm_)));
  std::vector<StoredWalks> result;
  bool changed = done.size() != job_.flows.size();
  for (const auto& name : job_.flows) {
    const auto flow = flow_of(name, may_train);
    const auto origin = walks_origin(name);
    const auto old = std::find_if(done.begin(), done.end(),
                                  [&](const StoredWalks& w) { return w.flow == name && w.origin == origin; });
    if (old != done.end()) {
      result.push_back(std::move(*old));
      continue;
    }
    changed = true;
    MPI_Barrier(comm_);
    const double begin = wall_time();
    auto walks = walk(comm_, flow, {job_.count, job_.seed, false});
    const double seconds = all_max(comm_, wall_time() - begin);
    double moves = 0;
    std::int64_t stuck = 0;
    for (const auto m : walks.moves) moves += m;
    for (const auto s : walks.stuck) stuck += s;
    moves = all_sum(comm_, moves) / static_cast<double>(job_.count);
    stuck = all_sum(comm_, stuck);
    say(comm_, "sample",
        fmt::format("{}: {} walks, {:.3g} s, {:.1f} moves a walk{}", name, grouped(job_.count), seconds, moves,
                    stuck > 0 ? fmt::format(", {} stuck", stuck) : ""));
    result.push_back({name, origin, seconds, job_.count, std::move(walks)});
  }
  if (changed) {
    write_samples(comm_, folder_.path("samples.h5"), circuit_, result, made_now());
  } else {
    say(comm_, "sample", fmt::format("{} is up to date", folder_.path("samples.h5")));
  }
  stage.note("count", job_.count);
  stage.done(changed);
  samples_ = std::move(result);
  return *samples_;
}

FlowReport Stages::report_flow(const StoredWalks& walks, bool may_train) {
  FlowReport report;
  report.name = walks.flow;
  report.seconds = walks.seconds;
  report.samples = compare_samples(comm_, circuit_, walks.walks, walks.count, test_, job_.seed);
  report.sample_histogram = histogram(comm_, circuit_, walks.walks, walks.count);
  const auto shown = std::min(walks.walks.end.size(), kGallery);
  report.gallery.assign(walks.walks.end.begin(), walks.walks.end.begin() + static_cast<std::ptrdiff_t>(shown));
  require_memory(comm_, "the exit law", exit_law_memory(job_, rank_of(comm_) == 0));
  report.law = exit_law(comm_, flow_of(walks.flow, may_train));
  report.test = log_likelihood(report.law.mass, test_);
  if (!valid_.empty()) {
    report.smoothing = best_smoothing(report.law.mass, valid_);
    report.smoothed_test = log_likelihood(smoothed(report.law.mass, *report.smoothing), test_);
  }
  const double tv = total_variation(report.law.mass, circuit_.target()) + report.law.lost / 2;
  say(comm_, "validate",
      fmt::format("{}: exit law against target: TV {:.2e}{}; samples: TV {:.4f} (noise floor {:.4f})", walks.flow, tv,
                  report.law.lost > 0 ? fmt::format(", lost mass {:.1e}", report.law.lost) : "", report.samples->tv,
                  report.samples->noise_floor_tv));
  return report;
}

void Stages::validate(bool may_train) {
  const auto& walks = samples(may_train);
  auto stage = folder_.begin("validate");
  Report report;
  report.title = job_.title;
  report.command = command_;
  report.options = job_.options.yaml();
  report.problem_hash = folder_.hash();
  report.circuit = &circuit_;
  report.resistance_same = job_.resistance_same;
  report.resistance_change = job_.resistance_change;
  const auto& solved = solution();
  report.solve = solved.report;
  report.potential = solved.potential.data();
  report.layer_currents = layer_currents(comm_, circuit_, report.potential);
  if (std::find(job_.flows.begin(), job_.flows.end(), "neural") != job_.flows.end()) {
    report.learned_potential = learned(may_train).potential;
    report.currents = compare_currents(comm_, circuit_, report.potential, *learned_);
    TrainReport t;
    t.supervision = job_.supervision;
    if (job_.supervision == "monte_carlo")
      t.distinct_training_rows = pairs().distinct_rows(trained_->step, job_.train.batch);
    t.steps = trained_->step;
    t.seconds = trained_->seconds;
    t.samples_per_second = static_cast<double>(trained_->step * job_.train.batch) / trained_->seconds;
    t.final_loss = trained_->validation();
    t.parameters = static_cast<std::int64_t>(model_->parameters().size());
    t.parameters_per_unknown = static_cast<double>(t.parameters) / static_cast<double>(circuit_.vertices());
    t.history = trained_->history;
    report.train = std::move(t);
  }
  for (const auto& w : walks) report.flows.push_back(report_flow(w, may_train));
  report.target_gallery = draw_states(circuit_.target(), kGallery, job_.seed);
  agree(comm_, [&] {
    if (rank_of(comm_) != 0) return;
    write_text_file(folder_.path("report.json"), report_json(report));
    write_text_file(folder_.path("report.html"), report_html(report));
  });
  say(comm_, "report", folder_.path("report.html"));
  stage.done(true);
}

}  // namespace kirchhoff
