#include "pipeline/walk_stages.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <set>

#include "kirchhoff/base/error.hpp"
#include "kirchhoff/base/hash.hpp"
#include "kirchhoff/io/files/text_file.hpp"
#include "kirchhoff/io/report/walk_report.hpp"
#include "kirchhoff/learn/walk_train.hpp"
#include "kirchhoff/parallel/agree.hpp"
#include "pipeline/job_memory.hpp"

namespace kirchhoff {
namespace {

namespace fs = std::filesystem;

/// What paths tell of the test rows' likelihood, in words.
std::string path_findings(const PathLikelihood& found, std::int64_t paths, std::int64_t rows) {
  std::string text = "; test log-likelihood ";
  if (!found.mean_of_rest) return text + fmt::format("unknown: {} paths led to none of {} rows", paths, rows);
  text += fmt::format("{:.3f}", *found.mean_of_rest);
  if (found.error) {
    text += fmt::format(" +- {:.3f}, {:.3f} too low (over {} paths a row)", *found.error, -*found.bias, paths);
  } else {
    text +=
        fmt::format(" (over {} paths a row: too few to tell its error, which takes {})", paths, kFewestPathsForError);
  }
  if (found.rows_half_found > 0)
    text += fmt::format(", {} rows found by half of their paths alone", found.rows_half_found);
  if (found.rows_without_path > 0)
    text += fmt::format(", without {} of {} rows that have no path", found.rows_without_path, rows);
  return text;
}

constexpr std::size_t kWalkGallery = 48;
constexpr std::size_t kMmdRows = 4000;
constexpr std::int64_t kDrawnHeldOut = 4000;

/// The target's rows: those to train on, and those held out for validation.
struct Rows {
  std::vector<std::uint16_t> training;
  std::vector<std::uint16_t> held_out;
  std::vector<std::uint16_t> test;
};

Rows read_target(MPI_Comm comm, const Job& job) {
  Rows rows;
  const auto d = static_cast<std::size_t>(job.space.dimensions());
  rows.test = read_rows(comm, job.space, job.target, job.target.test);
  rows.held_out = read_rows(comm, job.space, job.target, job.target.valid);
  if (job.target.file.empty()) return rows;
  auto all = read_rows(comm, job.space, job.target, job.target.file);
  if (const auto last = static_cast<std::size_t>(job.target.test_rows) * d; last > 0) {
    if (last >= all.size()) {
      throw Error(fmt::format("{}: {} rows, of which target_test_rows takes {}", job.target.file, all.size() / d,
                              job.target.test_rows));
    }
    // Any of them, the same whatever the seed: files are often sorted.
    const auto count = all.size() / d;
    Random random(0, Stream::target_draw, 0);
    for (std::size_t i = count; i > count - static_cast<std::size_t>(job.target.test_rows); --i) {
      const auto k = static_cast<std::size_t>(random.below(static_cast<std::int64_t>(i)));
      if (k + 1 == i) continue;
      std::swap_ranges(all.begin() + static_cast<std::ptrdiff_t>(k * d),
                       all.begin() + static_cast<std::ptrdiff_t>((k + 1) * d),
                       all.begin() + static_cast<std::ptrdiff_t>((i - 1) * d));
    }
    const auto first = all.end() - static_cast<std::ptrdiff_t>(last);
    rows.test.assign(first, all.end());
    all.erase(first, all.end());
  }
  if (!rows.held_out.empty() || all.size() / d < 20) {
    rows.training = std::move(all);
    return rows;
  }
  for (std::size_t i = 0; i < all.size() / d; ++i) {  // without a file for it, every tenth row is held out
    auto& part = i % 10 == 9 ? rows.held_out : rows.training;
    part.insert(part.end(), all.begin() + static_cast<std::ptrdiff_t>(i * d),
                all.begin() + static_cast<std::ptrdiff_t>((i + 1) * d));
  }
  return rows;
}

Draws draws_of(const Job& job, const Terminal& t, const std::vector<std::uint16_t>& rows) {
  if (!rows.empty()) return Draws::from_rows(job.space, rows).smoothed(t.smoothing);
  try {
    return Draws::named(job.space, t.name).smoothed(t.smoothing);
  } catch (const Error& e) {
    throw Error(fmt::format("{}: {}", t.origin, e.what()));
  }
}

std::vector<std::uint16_t> drawn(const Draws& draws, std::int64_t count, std::uint64_t seed) {
  const auto d = static_cast<std::size_t>(draws.space().dimensions());
  std::vector<std::uint16_t> rows(static_cast<std::size_t>(count) * d);
  for (std::int64_t i = 0; i < count; ++i) {
    Random random(seed, Stream::target_draw, static_cast<std::uint64_t>(i));
    draws.draw(random, std::span(rows).subspan(static_cast<std::size_t>(i) * d, d));
  }
  return rows;
}

/// Steps that suit a number of training rows, 0 of them when they are drawn on the fly: docs/walk.md, "Few rows".
std::int64_t suitable_steps(std::int64_t rows) {
  constexpr std::int64_t kLeast = 2500;
  constexpr std::int64_t kMost = 8000;
  return rows == 0 ? 2 * kMost : std::clamp(rows * 3 / 4, kLeast, kMost);
}

std::string problem_hash(const Job& job, const std::vector<std::uint16_t>& source,
                         const std::vector<std::uint16_t>& training) {
  return Hash()
      .add("walk " + job.options.digest(kCircuit | kLaw))
      .add(std::span<const std::uint16_t>(source))
      .add(std::span<const std::uint16_t>(training))
      .text();
}

/// The probabilities of what is drawn from, on a space that can be enumerated.
Mass mass_of(const Job& job, const Terminal& t, const std::vector<std::uint16_t>& rows) {
  return smoothed(rows.empty() ? named_mass(job.space, t.name) : empirical_mass(job.space, rows), t.smoothing);
}

std::string training_hash(const Job& job, const std::string& problem, const std::vector<std::uint16_t>& held_out) {
  return Hash().add(problem).add(job.options.digest(kTraining)).add(std::span<const std::uint16_t>(held_out)).text();
}

/// The first rows of all ranks' walks, on every rank: up to `most` rows.
std::vector<std::uint16_t> first_rows(MPI_Comm comm, const MoveWalks& walks, std::int64_t count, std::size_t most,
                                      std::size_t d) {
  const auto rows = std::min(most, static_cast<std::size_t>(count));
  std::vector<double> values(rows * d, 0.0);
  for (std::size_t i = 0; i < walks.moves.size(); ++i) {
    const auto row = static_cast<std::size_t>(walks.first) + i;
    if (row >= rows) break;
    for (std::size_t j = 0; j < d; ++j) values[row * d + j] = walks.end[i * d + j];
  }
  all_sum(comm, std::span<double>(values));
  return {values.begin(), values.end()};
}

}  // namespace

WalkStages::WalkStages(MPI_Comm comm, Job job, std::string command)
    : comm_(comm),
      job_(std::move(job)),
      command_(std::move(command)),
      source_(Draws::named(job_.space, "uniform")),
      target_(source_) {
  const auto hash = agree(comm, [&] {
    auto rows = read_target(comm_, job_);
    const auto d = static_cast<std::size_t>(job_.space.dimensions());
    target_ = draws_of(job_, job_.target, rows.training);
    training_ = std::move(rows.training);
    held_out_ = rows.held_out.empty() ? drawn(target_, kDrawnHeldOut, job_.seed + 1) : std::move(rows.held_out);
    test_ = std::move(rows.test);
    const auto count = training_.size() / d;
    if (count > 0) job_.train.weight_decay += job_.row_decay / static_cast<double>(count);
    if (job_.train.steps == 0) job_.train.steps = suitable_steps(static_cast<std::int64_t>(count));
    job_.options.set("train_steps", fmt::format("{}", job_.train.steps));
    source_rows_ = read_rows(comm_, job_.space, job_.source, job_.source.file);
    source_ = draws_of(job_, job_.source, source_rows_);
    const HammingCircuit circuit{job_.space.categories(), job_.space.dimensions(), job_.resistance_same,
                                 job_.resistance_change};
    const double begin = wall_time();
    quotient_.emplace(circuit);
    seconds_quotient_ = wall_time() - begin;
    const auto references = static_cast<int>(job_.references);
    if (uniform_source()) {
      supervision_.emplace(*quotient_, target_, job_.seed, references);
    } else {
      supervision_.emplace(circuit, source_, target_, job_.seed, references);
    }
    return problem_hash(job_, source_rows_, training_);
  });
  folder_.emplace(comm, job_.out, ProblemName{job_.title, hash, job_.options}, command_, job_.overwrite);
  say(comm_, "circuit",
      fmt::format("{}: {} layers of {}^{} states (hamming), by classes: {:.3g} s, KCL leftover {:.1e} A; "
                  "{:.2f} moves expected",
                  job_.title, job_.layers + 1, job_.space.categories(), job_.space.dimensions(), seconds_quotient_,
                  quotient_->kcl_leftover(), supervision_->expected_moves()));
}

Provenance WalkStages::made_now() const { return provenance(comm_, folder_->hash(), job_.options.yaml()); }

const MoveModel& WalkStages::model(bool may_train, bool redo) {
  if (model_) return *model_;
  auto stage = folder_->begin("train");
  const auto wanted = training_hash(job_, folder_->hash(), held_out_);
  folder_->keep_training(wanted, may_train);
  MoveModel model(job_.space, job_.layers, job_.model);
  const auto parameters = static_cast<std::int64_t>(model.parameters().size());
  Checkpoint checkpoint;
  if (!redo && (folder_->fresh("checkpoint.h5") || folder_->fresh("checkpoint.previous.h5"))) {
    try {
      auto stored = read_checkpoint(comm_, job_.out, parameters);
      if (stored.training_hash != wanted) {
        throw AgreedError(
            fmt::format("{}: trained with other options than the case has now", folder_->path("checkpoint.h5")));
      }
      checkpoint = std::move(stored);
    } catch (const AgreedError& e) {
      if (!may_train) throw;
      say(comm_, "", fmt::format("{} is made anew: {}", folder_->path("checkpoint.h5"), e.what()));
    }
  }
  auto& state = checkpoint.state;
  if (!may_train && state.step == 0) {
    throw AgreedError(
        fmt::format("{}: there is no trained network of this problem; run 'kirchhoff train' first", job_.out));
  }
  if (!training_.empty() && uniform_source()) {
    constexpr std::int64_t kFloorRows = 1024;
    MoveBatch pooled;
    supervision_->examples(training_, partition(kFloorRows, size_of(comm_), rank_of(comm_)), true, pooled);
    floor_ = all_sum(comm_, WalkSupervision::entropy(pooled) * static_cast<double>(pooled.layers.size())) / kFloorRows;
  }
  const WalkTrainOptions options{job_.train, job_.patience, job_.dropout};
  const bool finished = training_is_over(options, state);
  if (finished || !may_train) {
    std::copy(state.model().begin(), state.model().end(), model.parameters().begin());
    say(comm_, "train",
        fmt::format("{} is {}of step {} of {}", folder_->path("checkpoint.h5"), finished ? "up to date, " : "",
                    state.step, job_.train.steps));
  } else {
    require_memory(comm_, "training the network", training_memory(job_, parameters, size_of(comm_)));
    if (state.step > 0) say(comm_, "train", fmt::format("going on from step {}", state.step));
    checkpoint.training_hash = wanted;
    checkpoint.supervision = "walk";
    checkpoint.seed = job_.seed;
    const auto save = [&](const TrainState& now) {
      stage.note("step", now.step);
      // Before the checkpoint: a run that is killed in between makes both again.
      agree(comm_, [&] {
        if (rank_of(comm_) == 0) write_text_file(folder_->path("training.csv"), training_csv(now.history));
      });
      write_checkpoint(comm_, job_.out, parameters, checkpoint, made_now());
    };
    // What can be told while training: walks of the averaged network are as long as those of the exact flow when it is
    // good (docs/walk.md).
    const auto watch = [&](const TrainRecord& r) {
      constexpr std::int64_t kWatched = 512;
      const auto walks = walk_moves(comm_, model, source_, kWatched, job_.seed + static_cast<std::uint64_t>(r.step));
      double moves = 0;
      for (const auto m : walks.moves) moves += m;
      moves = all_sum(comm_, moves) / kWatched;
      const auto above = floor_ ? fmt::format(" (training {:.4f} above its floor)", r.loss - *floor_) : "";
      return fmt::format("held out {:.4f}{}, moves {:.2f} for {:.2f}", r.validation, above, moves,
                         supervision_->expected_moves());
    };
    train_walk(comm_, model, *supervision_, held_out_, options, job_.seed, state, save, watch);
    say(comm_, "train",
        fmt::format("{} steps of {} vertices, {:.1f} s, {} parameters: held-out loss {:.4f}{}", state.step,
                    job_.train.batch, state.seconds, grouped(parameters), state.best_validation,
                    floor_ ? fmt::format(" (floor on the training rows {:.4f})", *floor_) : ""));
  }
  stage.note("step", state.step);
  stage.note("steps", job_.train.steps);
  stage.done(!finished && may_train, finished || may_train ? "finished" : "unfinished");
  trained_ = std::move(state);
  model_ = std::move(model);
  return *model_;
}

const StoredMoveWalks& WalkStages::samples(bool may_train, bool redo) {
  if (samples_) return *samples_;
  const auto& network = model(may_train);
  auto stage = folder_->begin("sample");
  stage.note("count", job_.count);
  const auto origin = Hash()
                          .add(std::span<const float>(network.parameters()))
                          .add(folder_->hash())
                          .add(job_.options.digest(kSamples))
                          .text();
  if (!redo && folder_->fresh("samples.h5")) {
    try {
      auto stored = read_move_samples(comm_, folder_->path("samples.h5"), job_.space);
      if (stored.origin == origin) {
        say(comm_, "sample", fmt::format("{} is up to date", folder_->path("samples.h5")));
        stage.done(false);
        samples_ = std::move(stored);
        return *samples_;
      }
    } catch (const AgreedError& e) {
      say(comm_, "", fmt::format("{} is made anew: {}", folder_->path("samples.h5"), e.what()));
    }
  }
  MPI_Barrier(comm_);
  const double begin = wall_time();
  StoredMoveWalks stored;
  stored.walks = walk_moves(comm_, network, source_, job_.count, job_.seed, job_.leap);
  stored.seconds = all_max(comm_, wall_time() - begin);
  stored.origin = origin;
  stored.count = job_.count;
  write_move_samples(comm_, folder_->path("samples.h5"), job_.space, stored, made_now());
  double moves = 0;
  for (const auto m : stored.walks.moves) moves += m;
  say(comm_, "sample",
      fmt::format("neural: {} walks, {:.3g} s, {:.2f} moves a walk ({:.2f} of the exact flow)", grouped(job_.count),
                  stored.seconds, all_sum(comm_, moves) / static_cast<double>(job_.count),
                  supervision_->expected_moves()));
  stage.done(true);
  samples_ = std::move(stored);
  return *samples_;
}

void WalkStages::validate(bool may_train) {
  const auto& network = model(may_train);
  const auto& stored = samples(may_train);
  const auto& walks = stored.walks;
  const auto d = static_cast<std::size_t>(job_.space.dimensions());
  auto stage = folder_->begin("validate");
  WalkReport report;
  report.title = job_.title;
  report.command = command_;
  report.options = job_.options.yaml();
  report.problem_hash = folder_->hash();
  report.categories = job_.space.categories();
  report.dimensions = job_.space.dimensions();
  report.layers = job_.layers;
  report.kcl_leftover = quotient_->kcl_leftover();
  report.seconds_quotient = seconds_quotient_;
  auto& t = report.train;
  t.supervision = "walk";
  t.steps = trained_->step;
  t.seconds = trained_->seconds;
  t.samples_per_second = static_cast<double>(trained_->step * job_.train.batch) / std::max(1e-9, trained_->seconds);
  t.final_loss = trained_->validation();
  t.parameters = static_cast<std::int64_t>(network.parameters().size());
  t.history = trained_->history;
  report.entropy_floor = floor_;
  if (!training_.empty()) {
    std::set<std::vector<std::uint16_t>> distinct;
    for (std::size_t i = 0; i < training_.size(); i += d) {
      distinct.emplace(training_.begin() + static_cast<std::ptrdiff_t>(i),
                       training_.begin() + static_cast<std::ptrdiff_t>(i + d));
    }
    t.distinct_training_rows = static_cast<std::int64_t>(distinct.size());
  }

  report.count = stored.count;
  report.seconds = stored.seconds;
  double moves = 0;
  double calls = 0;
  std::int64_t stuck = 0;
  for (const auto m : walks.moves) moves += m;
  for (const auto c : walks.calls) calls += c;
  for (const auto s : walks.stuck) stuck += s;
  report.mean_steps = all_sum(comm_, moves) / static_cast<double>(stored.count);
  report.mean_calls = all_sum(comm_, calls) / static_cast<double>(stored.count);
  report.stuck = all_sum(comm_, stuck);
  report.expected_steps = supervision_->expected_moves();
  const auto first = first_rows(comm_, walks, stored.count, kMmdRows, d);
  const auto draws = drawn(target_, std::max<std::int64_t>(2, static_cast<std::int64_t>(kMmdRows)), job_.seed + 2);
  auto reference = std::span<const std::uint16_t>(test_.empty() ? draws : test_);
  report.mmd = mmd_squared(first, reference.first(std::min(reference.size(), kMmdRows * d)), job_.space.dimensions());
  if (!training_.empty()) report.nearness = nearness(first, training_, job_.space.dimensions());
  report.gallery.assign(first.begin(),
                        first.begin() + static_cast<std::ptrdiff_t>(std::min(first.size(), kWalkGallery * d)));
  report.target_gallery.assign(draws.begin(), draws.begin() + static_cast<std::ptrdiff_t>(kWalkGallery * d));

  std::string findings;
  if (codes_plane(job_.space) && !job_.target.name.empty()) {
    report.target_picture = planar_cell_masses(job_.target.name, kPlanarCells);
    if (!report.target_picture.empty()) {
      std::vector<double> cells(report.target_picture.size(), 0.0);
      std::vector<double> floor_cells(cells);
      std::vector<std::uint16_t> row(d);
      for (std::size_t i = 0; i < walks.moves.size(); ++i) {
        cells[static_cast<std::size_t>(planar_cell(std::span(walks.end).subspan(i * d, d), kPlanarCells))] += 1;
        Random random(job_.seed + 3, Stream::target_draw, static_cast<std::uint64_t>(walks.first) + i);
        target_.draw(random, row);
        floor_cells[static_cast<std::size_t>(planar_cell(row, kPlanarCells))] += 1;
      }
      all_sum(comm_, std::span<double>(cells));
      all_sum(comm_, std::span<double>(floor_cells));
      report.planar = compare_planar(cells, report.target_picture);
      report.planar_floor = compare_planar(floor_cells, report.target_picture);
      for (double& c : cells) c /= static_cast<double>(stored.count);
      report.picture = std::move(cells);
      findings += fmt::format("; TV64 {:.4f} (noise floor {:.4f}), off support {:.4f} ({:.4f})", report.planar->tv64,
                              report.planar_floor->tv64, report.planar->off_support, report.planar_floor->off_support);
    }
  }
  report.test_rows = static_cast<std::int64_t>(test_.size() / d);
  if (job_.space.enumerable() && job_.space.size() <= kMostLawStates) {
    const auto law = exit_law_of_moves(comm_, network, mass_of(job_, job_.source, source_rows_));
    report.exit_law_lost_mass = law.lost;
    const auto mass = mass_of(job_, job_.target, training_);
    report.tv_exit_law = total_variation(law.mass, mass) + law.lost / 2;
    report.kl_exit_law = kl_divergence(mass, law.mass);
    findings += fmt::format("; exit law against the {}: TV {:.2e}", training_.empty() ? "target" : "training rows",
                            *report.tv_exit_law);
    if (!test_.empty()) {
      std::vector<std::int64_t> states;
      for (std::size_t i = 0; i < test_.size(); i += d) {
        states.push_back(job_.space.index(std::span<const std::uint16_t>(test_).subspan(i, d)));
      }
      const auto found = log_likelihood(law.mass, states);
      report.log_likelihood_test = found.mean;
      report.log_likelihood_covered_rows = found.mean_of_others;
      report.rows_of_zero_probability = found.rows_of_zero_probability;
      if (found.mean) findings += fmt::format("; test log-likelihood {:.4f}", *found.mean);
    }
  } else if (!test_.empty() && job_.paths > 0) {
    const auto found =
        path_log_likelihood(comm_, network, *supervision_, source_, test_, static_cast<int>(job_.paths), job_.seed);
    report.log_likelihood_test = found.mean;
    report.log_likelihood_covered_rows = found.mean_of_rest;
    report.log_likelihood_error = found.error;
    report.log_likelihood_bias = found.bias;
    report.rows_of_zero_probability = found.rows_without_path;
    report.rows_half_found = found.rows_half_found;
    findings += path_findings(found, job_.paths, report.test_rows);
  }
  say(comm_, "validate", fmt::format("neural: MMD^2 {:.2e}{}", report.mmd, findings));
  agree(comm_, [&] {
    if (rank_of(comm_) != 0) return;
    write_text_file(folder_->path("report.json"), walk_report_json(report));
    write_text_file(folder_->path("report.html"), walk_report_html(report));
  });
  say(comm_, "report", folder_->path("report.html"));
  stage.done(true);
}

}  // namespace kirchhoff
