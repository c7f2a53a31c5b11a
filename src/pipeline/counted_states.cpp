// Layered circuits whose states can be counted: solution.h5 (and currents.h5), checkpoint.h5, samples.h5, the report.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "kirchhoff/base/error.hpp"
#include "kirchhoff/base/hash.hpp"
#include "kirchhoff/circuit/conditional/superposition.hpp"
#include "kirchhoff/currents/currents.hpp"
#include "kirchhoff/io/files/text_file.hpp"
#include "kirchhoff/io/report/report.hpp"
#include "kirchhoff/learn/task/supervision.hpp"
#include "kirchhoff/parallel/agree.hpp"
#include "kirchhoff/validate/validate.hpp"
#include "pipeline/job_memory.hpp"
#include "pipeline/pipeline.hpp"
#include "pipeline/training.hpp"

namespace kirchhoff {
namespace {

constexpr std::size_t kGallery = 64;  // pictures of samples on the page

class CountedStates final : public Pipeline {
 public:
  CountedStates(MPI_Comm comm, Job job, std::string command);

  std::vector<Stage> stages() override {
    return {{"solve", [this](const Asked& asked) { solution(asked.redo); }},
            {"train", [this](const Asked& asked) { model(asked); }},
            {"sample", [this](const Asked& asked) { samples(asked); }},
            {"validate", [this](const Asked& asked) { validate(asked.may_train); }}};
  }

 private:
  const Solution& solution(bool redo = false);
  const Model& model(const Asked& asked);
  const std::vector<StoredWalks>& samples(const Asked& asked);
  void validate(bool may_train);

  void bring_currents(bool redo);
  void teach(Model& model, TrainState& state, const std::function<void(const TrainState&)>& save);
  MonteCarloSupervision pairs() const;
  SharedArray response(const LearnedTerminals& learned) const;
  const Flow& learned(bool may_train);
  Flow flow_of(const std::string& name, bool may_train);
  std::string walks_origin(const std::string& flow) const;
  StoredWalks walk_along(const std::string& name, const std::string& origin, bool may_train);
  bool learns() const { return std::find(job_.flows.begin(), job_.flows.end(), "neural") != job_.flows.end(); }
  FlowReport report_flow(const StoredWalks& walks, bool may_train);
  Report report(bool may_train);

  Job job_;
  Circuit circuit_;
  std::vector<std::int64_t> valid_;  // validation rows of the target: model selection
  std::vector<std::int64_t> test_;   // test rows: only reported
  std::optional<Solution> solution_;
  std::optional<Model> model_;
  std::optional<TrainState> trained_;
  std::shared_ptr<const SharedArray> field_;  // the network's: potentials, or currents of moves
  std::optional<EdgeCurrents> currents_;
  std::optional<Flow> learned_;
  std::optional<std::vector<StoredWalks>> samples_;
};

CountedStates::CountedStates(MPI_Comm comm, Job job, std::string command)
    : Pipeline(comm, std::move(command)), job_(std::move(job)), circuit_(circuit_that_fits(comm, job_)) {
  open_folder(job_.out, job_.title, problem_hash(job_, circuit_), job_.options, job_.overwrite);
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

const Solution& CountedStates::solution(bool redo) {
  if (solution_) return *solution_;
  const auto path = folder().path("solution.h5");
  Artefact<Solution> artefact{.stage = "solve", .files = {"solution.h5"}};
  artefact.read = [&] {
    auto stored = read_solution(comm_, path, circuit_);
    const auto checked = check_solution(comm_, circuit_, stored.potential.data());  // a file may have been damaged
    if (!(checked.relative_residual <= allowed_residual(job_.solve.tolerance, checked.residual_floor))) {
      throw AgreedError(fmt::format("its relative residual is {:.1e}", checked.relative_residual));
    }
    return stored;
  };
  artefact.make = [&](std::optional<Solution>, ResultFolder::Stage&) {
    auto solved = solve(comm_, circuit_, job_.solve);
    write_solution(comm_, path, circuit_, solved, made_now());
    const auto& r = solved.report;
    say(comm_, "solve",
        fmt::format("{}: {} iterations, {:.3g} s; relative residual {:.1e} (rounding floor {:.1e}), potentials "
                    "known to {:.1e}, energy {:.1e}, KCL {:.1e} A",
                    r.method, r.iterations, r.seconds_total, r.relative_residual, r.residual_floor,
                    r.potential_error_estimate, r.energy_relative_error, r.kcl_max_imbalance));
    return solved;
  };
  solution_ = bring(folder(), artefact, redo);
  if (job_.write_currents) bring_currents(redo);
  return *solution_;
}

void CountedStates::bring_currents(bool redo) {
  const auto path = folder().path("currents.h5");
  Artefact<bool> artefact{.stage = "solve", .files = {"currents.h5"}, .read = [] { return true; }};
  artefact.make = [&](std::optional<bool>, ResultFolder::Stage&) {
    write_currents(comm_, path, circuit_, solution_->potential.data(), made_now());
    say(comm_, "currents", path);
    return true;
  };
  bring(folder(), artefact, redo);
}

const Model& CountedStates::model(const Asked& asked) {
  if (model_) return *model_;
  auto options = job_.model;
  const bool currents = options.head == Head::current;
  if (currents) options.moves = moves_ahead(circuit_);
  Model model(job_.space, job_.layers, options);
  Training training{training_hash(job_, folder().hash()),
                    static_cast<std::int64_t>(model.parameters().size()),
                    currents ? "ampere" : "volt",
                    made_now(),
                    {}};
  training.train = [&](Checkpoint& checkpoint, const auto& save) {
    teach(model, checkpoint.state, [&](const TrainState& now) {
      checkpoint.mean = model.mean();
      checkpoint.scale = model.scale();
      save(now);
    });
    const auto& state = checkpoint.state;
    return fmt::format("{} steps of {} states, {:.1f} s, {} parameters: loss {:.2e}", state.step, job_.train.batch,
                       state.seconds, grouped(training.parameters), state.history.back().validation);
  };
  auto checkpoint = bring_training(folder(), job_, training, asked);
  std::copy(checkpoint.state.model().begin(), checkpoint.state.model().end(), model.parameters().begin());
  model.mean() = std::move(checkpoint.mean);
  model.scale() = std::move(checkpoint.scale);
  trained_ = std::move(checkpoint.state);
  model_ = std::move(model);
  return *model_;
}

/// Trains on what the job's supervision gives.
void CountedStates::teach(Model& model, TrainState& state, const std::function<void(const TrainState&)>& save) {
  const auto on = [&](const auto& supervision) {
    train(comm_, model, supervision, job_.train, job_.seed, state, save);
  };
  if (job_.supervision == "monte_carlo") return on(pairs());
  const auto potential = solution().potential.data();
  if (model.options().head == Head::current) {
    on(CurrentSupervision(circuit_, potential, job_.seed, job_.balance));
  } else {
    on(ExactSupervision(circuit_.states(), circuit_.layers(), potential, job_.seed, job_.balance));
  }
}

MonteCarloSupervision CountedStates::pairs() const {
  return {circuit_.source(), circuit_.target(), job_.training_pairs, job_.seed, job_.jitter};
}

/// The circuit's response to the terminals that the network has learned: in closed form on dense circuits.
SharedArray CountedStates::response(const LearnedTerminals& learned) const {
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

const Flow& CountedStates::learned(bool may_train) {
  if (learned_) return *learned_;
  const auto& network = model({.may_train = may_train});
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

Flow CountedStates::flow_of(const std::string& name, bool may_train) {
  if (name == "exact") return exact_flow(circuit_, solution().potential.data());
  return learned(may_train);
}

/// A hash of all that decides a flow's walks: they are made again when it changes.
std::string CountedStates::walks_origin(const std::string& flow) const {
  const auto field = flow == "exact" ? solution_->potential.data() : field_->data();
  return Hash().add(std::span<const double>(field)).add(folder().hash()).add(job_.options.digest(kSamples)).text();
}

const std::vector<StoredWalks>& CountedStates::samples(const Asked& asked) {
  if (samples_) return *samples_;
  if (learns()) model({.may_train = asked.may_train});  // whether there is one is known before the exact walk
  std::map<std::string, std::string> origins;
  for (const auto& name : job_.flows) {
    flow_of(name, asked.may_train);
    origins[name] = walks_origin(name);
  }
  using Kept = std::vector<StoredWalks>;
  const auto path = folder().path("samples.h5");
  const auto usable = [&](const StoredWalks& w) { return origins.contains(w.flow) && origins[w.flow] == w.origin; };
  Artefact<Kept> artefact{.stage = "sample", .files = {"samples.h5"}};
  artefact.read = [&] { return read_samples(comm_, path, circuit_); };
  artefact.complete = [&](const Kept& kept) {
    return kept.size() == origins.size() && std::all_of(kept.begin(), kept.end(), usable);
  };
  artefact.make = [&](std::optional<Kept> kept, ResultFolder::Stage&) {
    require_memory(comm_, fmt::format("drawing {} samples", grouped(job_.count)),
                   sampling_memory(job_, size_of(comm_)));
    auto result = kept ? std::move(*kept) : Kept();
    std::erase_if(result, [&](const StoredWalks& w) { return !usable(w); });
    for (const auto& [name, origin] : origins) {
      const auto there = [&, flow = name](const StoredWalks& w) { return w.flow == flow; };
      if (std::none_of(result.begin(), result.end(), there))
        result.push_back(walk_along(name, origin, asked.may_train));
    }
    std::sort(result.begin(), result.end(), [](const auto& a, const auto& b) { return a.flow < b.flow; });
    write_samples(comm_, path, circuit_, result, made_now());
    return result;
  };
  artefact.figures = [&](const Kept&) { return std::map<std::string, std::int64_t>{{"count", job_.count}}; };
  samples_ = bring(folder(), artefact, asked.redo);
  return *samples_;
}

StoredWalks CountedStates::walk_along(const std::string& name, const std::string& origin, bool may_train) {
  const auto flow = flow_of(name, may_train);
  MPI_Barrier(comm_);
  const double begin = wall_time();
  auto walks = walk(comm_, flow, {job_.count, job_.sample_seed, false});
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
  return {name, origin, seconds, job_.count, std::move(walks)};
}

FlowReport CountedStates::report_flow(const StoredWalks& walks, bool may_train) {
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

Report CountedStates::report(bool may_train) {
  auto report = report_head(job_);
  report.circuit = &circuit_;
  const auto& solved = solution();
  report.solve = solved.report;
  report.potential = solved.potential.data();
  report.layer_currents = layer_currents(comm_, circuit_, report.potential);
  if (learns()) {
    report.learned_potential = learned(may_train).potential;
    report.currents = compare_currents(comm_, circuit_, report.potential, *learned_);
    auto t = train_report(job_, *trained_, static_cast<std::int64_t>(model_->parameters().size()));
    if (job_.supervision == "monte_carlo") {
      t.distinct_training_rows = pairs().distinct_rows(trained_->step, job_.train.batch);
    }
    t.parameters_per_unknown = static_cast<double>(t.parameters) / static_cast<double>(circuit_.vertices());
    report.train = std::move(t);
  }
  for (const auto& walks : *samples_) report.flows.push_back(report_flow(walks, may_train));
  report.target_gallery = draw_states(circuit_.target(), kGallery, job_.seed);
  return report;
}

void CountedStates::validate(bool may_train) {
  samples({.may_train = may_train});
  bring_report([&] { return report(may_train); });
}

}  // namespace

std::unique_ptr<Pipeline> counted_states(MPI_Comm comm, Job job, std::string command) {
  return std::make_unique<CountedStates>(comm, std::move(job), std::move(command));
}

}  // namespace kirchhoff
