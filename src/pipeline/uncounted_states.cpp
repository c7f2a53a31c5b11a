// Walk supervision, whose states may be too many to count: checkpoint.h5, samples.h5, the report. There is no circuit
// in memory and no solution.h5.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>

#include "kirchhoff/base/error.hpp"
#include "kirchhoff/base/hash.hpp"
#include "kirchhoff/circuit/conditional/quotient.hpp"
#include "kirchhoff/io/report/report.hpp"
#include "kirchhoff/learn/task/column_walks.hpp"
#include "kirchhoff/learn/task/walk_supervision.hpp"
#include "kirchhoff/learn/walk_train.hpp"
#include "kirchhoff/parallel/agree.hpp"
#include "kirchhoff/validate/tree.hpp"
#include "pipeline/impute.hpp"
#include "pipeline/job_memory.hpp"
#include "pipeline/pipeline.hpp"
#include "pipeline/table_quality.hpp"
#include "pipeline/training.hpp"
#include "pipeline/walk_rows.hpp"

namespace kirchhoff {
namespace {

constexpr std::size_t kWalkGallery = 48;      // pictures of samples on the page
constexpr std::size_t kMmdRows = 4000;        // samples that distances are estimated from: their cost is the square
constexpr std::int64_t kDrawnHeldOut = 4000;  // draws of a named target that stand in for held-out rows
constexpr std::int64_t kFloorRows = 1024;     // examples that the least loss on the training rows is estimated from
constexpr auto kRowsFile = "samples.csv";     // of a table
constexpr std::int64_t kWatched = 512;        // walks of the averaged network after each validation

/// Steps that suit a number of training rows, 0 of them when they are drawn on the fly: docs/walk.md, "Few rows".
std::int64_t suitable_steps(std::int64_t rows) {
  constexpr std::int64_t kLeast = 2500;
  constexpr std::int64_t kMost = 8000;
  return rows == 0 ? 2 * kMost : std::clamp(rows * 3 / 4, kLeast, kMost);
}

template <class Numbers>
double mean_over(MPI_Comm comm, const Numbers& numbers, std::int64_t count) {
  double sum = 0;
  for (const auto n : numbers) sum += n;
  return all_sum(comm, sum) / static_cast<double>(count);
}

class UncountedStates final : public Pipeline {
 public:
  UncountedStates(MPI_Comm comm, Job job, std::string command);

  std::vector<Stage> stages() override {
    if (!job_.impute.file.empty()) return {{"impute", [this](const Asked& asked) { impute(asked); }}};
    return {{"train", [this](const Asked& asked) { model(asked); }},
            {"sample", [this](const Asked& asked) { samples(asked); }},
            {"validate", [this](const Asked& asked) { validate(asked.may_train); }}};
  }

 private:
  const MoveModel& model(const Asked& asked);
  const StoredMoveWalks& samples(const Asked& asked);
  void validate(bool may_train);
  void impute(const Asked& asked);

  void say_table();
  void build_circuit();
  void build_columns(const std::vector<ColumnGraph>& graphs, int references);
  std::string circuit_found() const;
  std::string read_problem();
  std::optional<double> floor();
  std::shared_ptr<const TreeFlow> flow_to_tree() const;
  std::string teach(MoveModel& model, Checkpoint& checkpoint, const std::function<void(const TrainState&)>& save);
  std::string watch(const MoveModel& model, const TrainRecord& record);
  StoredMoveWalks walk_anew(const std::string& origin);
  void rows_as_text();
  Report report();
  WalksReport report_walks() const;
  std::string report_picture(WalksReport& report) const;
  std::string report_exit_law(WalksReport& report) const;
  std::string report_paths(WalksReport& report) const;
  std::optional<TableReport> table() const;
  bool uniform_source() const { return job_.source.name == "uniform"; }
  std::size_t dimensions() const { return static_cast<std::size_t>(job_.space.dimensions()); }

  Job job_;
  Draws source_;
  Draws target_;
  std::vector<std::uint16_t> source_rows_;  // rows of the source's file; empty for named sources
  TargetRows rows_;
  bool held_out_drawn_ = false;  // from the target, since no rows were held out
  double seconds_quotient_ = 0;
  std::optional<Quotient> quotient_;  // where all columns are alike
  std::unique_ptr<WalkSupervision> supervision_;
  std::optional<MoveModel> model_;
  std::optional<TrainState> trained_;
  std::optional<double> floor_;
  std::optional<StoredMoveWalks> samples_;
};

UncountedStates::UncountedStates(MPI_Comm comm, Job job, std::string command)
    : Pipeline(comm, std::move(command)),
      job_(std::move(job)),
      source_(Draws::named(job_.space, "uniform")),
      target_(source_) {
  say_table();
  const auto hash = agree(comm, [&] { return read_problem(); });
  open_folder(job_.out, job_.title, hash, job_.options, job_.overwrite);
  say(comm_, "circuit",
      fmt::format("{}: {} layers of {} states ({}; {:.2f} moves expected", job_.title, job_.layers + 1,
                  job_.space.text(), circuit_found(), supervision_->expected_moves()));
}

/// What was understood of a table, before any work starts.
void UncountedStates::say_table() {
  if (!job_.table) return;
  const auto& table = *job_.table;
  schema_ = std::make_shared<Schema>(table.schema);
  say(comm_, "table", table.account);
  for (const auto& line : table.lines()) say(comm_, "", line);
  for (const auto& note : table.notes) say(comm_, "table", note);
  const auto holes = std::count_if(table.missing.begin(), table.missing.end(), [](auto count) { return count > 0; });
  if (holes == 0) return;
  say(comm_, "table",
      fmt::format("{} of {} columns have missing entries: these are a category of their own, the last", holes,
                  table.missing.size()));
}

/// How the circuit is known, in words.
std::string UncountedStates::circuit_found() const {
  if (quotient_) {
    return fmt::format("hamming), by classes: {:.3g} s, KCL leftover {:.1e} A", seconds_quotient_,
                       quotient_->kcl_leftover());
  }
  const auto& graphs = supervision_->moves().graphs();
  const auto lattices = std::count(graphs.begin(), graphs.end(), ColumnGraph::lattice);
  return fmt::format("{} columns hamming, {} lattice), by integrals over products of columns: {:.3g} s",
                     std::ssize(graphs) - lattices, lattices, seconds_quotient_);
}

/// Ranks have their neighbours. A missing entry has none among them, and a column that has some is joined like words.
ColumnGraph graph_of(const Column& column) {
  const bool ranks = column.kind == Column::ordinal && column.missing < 0 && column.categories() > 2;
  return ranks && column.categories() <= ConditionalColumns::kMostRanks ? ColumnGraph::lattice : ColumnGraph::hamming;
}

/// A table's circuit: of classes of states where its columns are alike, else with a graph for each column.
void UncountedStates::build_circuit() {
  const double begin = wall_time();
  const auto references = static_cast<int>(job_.references);
  std::vector<ColumnGraph> graphs(dimensions(), ColumnGraph::hamming);
  for (std::size_t j = 0; schema_ && j < dimensions(); ++j) {
    const auto& column = schema_->columns[j];
    if (job_.lattices) graphs[j] = graph_of(column);
    job_.model.ordered.push_back(column.kind == Column::ordinal ? 1 : 0);
  }
  const auto is_lattice = [](ColumnGraph graph) { return graph == ColumnGraph::lattice; };
  if (job_.space.uniform() && std::none_of(graphs.begin(), graphs.end(), is_lattice)) {
    const HammingCircuit circuit{job_.space.categories(), job_.space.dimensions(), job_.resistance_same,
                                 job_.resistance_change};
    quotient_.emplace(circuit);
    if (uniform_source()) {
      supervision_ = std::make_unique<HammingWalkSupervision>(*quotient_, target_, job_.seed, references);
    } else {
      supervision_ = std::make_unique<HammingWalkSupervision>(circuit, source_, target_, job_.seed, references);
    }
  } else {
    build_columns(graphs, references);
  }
  seconds_quotient_ = wall_time() - begin;
}

void UncountedStates::build_columns(const std::vector<ColumnGraph>& graphs, int references) {
  if (!uniform_source()) {
    throw Error("source_name: walks on columns of different kinds start uniformly (source_name: uniform)");
  }
  const auto one_value = [](const std::vector<double>& values, const char* option) {
    if (std::any_of(values.begin(), values.end(), [&](double r) { return r != values[0]; })) {
      throw Error(fmt::format("{}: columns of different kinds have one resistance for all layer pairs", option));
    }
    return values[0];
  };
  const double change = one_value(job_.resistance_change, "circuit_resistance_change");
  const double same = one_value(job_.resistance_same, "circuit_resistance_same");
  const std::vector<double> changes(dimensions(), change);
  constexpr double kAccuracy = 1e-6;  // of what is learned in single precision
  const auto circuit = std::make_shared<const ConditionalColumns>(
      ColumnCircuit{job_.space, graphs, changes, same, job_.layers}, kAccuracy);
  supervision_ = std::make_unique<ColumnWalkSupervision>(circuit, target_, job_.seed, references);
}

/// Rows, and the circuit by classes. Returns the problem's hash. Local.
std::string UncountedStates::read_problem() {
  rows_ = read_target(comm_, job_);
  target_ = draws_of(job_, job_.target, rows_.training);
  held_out_drawn_ = rows_.held_out.empty();
  if (held_out_drawn_) rows_.held_out = drawn(target_, kDrawnHeldOut, job_.seed + 1);
  const auto count = rows_.training.size() / dimensions();
  if (count > 0) job_.train.weight_decay += job_.row_decay / static_cast<double>(count);
  if (job_.train.steps == 0) job_.train.steps = suitable_steps(static_cast<std::int64_t>(count));
  job_.options.set("train_steps", fmt::format("{}", job_.train.steps));
  source_rows_ = terminal_rows(comm_, job_, job_.source, job_.source.file);
  if (job_.table) job_.table->rows.clear();  // they are the rows above
  source_ = draws_of(job_, job_.source, source_rows_);
  build_circuit();
  return Hash()
      .add("walk " + job_.options.digest(kCircuit | kLaw) + (schema_ ? schema_->digest() : ""))
      .add(std::span<const std::uint16_t>(source_rows_))
      .add(std::span<const std::uint16_t>(rows_.training))
      .text();
}

/// The least loss [nat] that any network can have on the training rows, estimated; none where they are drawn without
/// end, or walks do not start uniformly. @note Collective.
std::optional<double> UncountedStates::floor() {
  if (floor_ || rows_.training.empty() || !uniform_source()) return floor_;
  MoveBatch pooled;
  supervision_->examples(rows_.training, partition(kFloorRows, size_of(comm_), rank_of(comm_)), true, pooled);
  const double weight = pooled.weight(0, pooled.layers.size());
  floor_ = all_sum(comm_, WalkSupervision::entropy(pooled) * weight) / all_sum(comm_, weight);
  return floor_;
}

const MoveModel& UncountedStates::model(const Asked& asked) {
  if (model_) return *model_;
  MoveModel model(supervision_->moves(), job_.model);
  if (job_.start_from_tree) model.start_from(flow_to_tree());
  const auto hash = Hash()
                        .add(folder().hash())
                        .add(job_.options.digest(kTraining))
                        .add(std::span<const std::uint16_t>(rows_.held_out))
                        .text();
  Training training{hash, static_cast<std::int64_t>(model.parameters().size()), "volt", made_now(), {}};
  training.train = [&](Checkpoint& checkpoint, const auto& save) { return teach(model, checkpoint, save); };
  trained_ = std::move(bring_training(folder(), job_, training, asked).state);
  std::copy(trained_->model().begin(), trained_->model().end(), model.parameters().begin());
  model_ = std::move(model);
  return *model_;
}

/// The tree of Chow and Liu of the training rows, and the circuit's flow toward it. @note Collective.
std::shared_ptr<const TreeFlow> UncountedStates::flow_to_tree() const {
  const auto& categories = job_.space.sizes();
  const auto tree = ChowLiuTree::fit(comm_, {rows_.training, categories}, {rows_.held_out, categories});
  const std::vector<double> change(dimensions(), job_.resistance_change[0]);
  return std::make_shared<TreeFlow>(supervision_->moves(), change, job_.resistance_same[0], tree.law());
}

std::string UncountedStates::teach(MoveModel& model, Checkpoint& checkpoint,
                                   const std::function<void(const TrainState&)>& save) {
  const auto least = floor();
  auto& state = checkpoint.state;
  train_walk(comm_, model, *supervision_, rows_.held_out, job_.train, job_.seed, state, save,
             [&](const TrainRecord& record) { return watch(model, record); });
  return fmt::format("{} steps of {} vertices, {:.1f} s, {} parameters: held-out loss {:.4f}{}", state.step,
                     job_.train.batch, state.seconds, grouped(static_cast<std::int64_t>(model.parameters().size())),
                     state.best_validation, least ? fmt::format(" (floor on the training rows {:.4f})", *least) : "");
}

/// What can be told while training: walks of the averaged network are as long as those of the exact flow when it is
/// good (docs/walk.md).
std::string UncountedStates::watch(const MoveModel& model, const TrainRecord& r) {
  const auto walks = walk_moves(comm_, model, source_, kWatched, job_.seed + static_cast<std::uint64_t>(r.step));
  return fmt::format("held out {:.4f}{}, moves {:.2f} for {:.2f}", r.validation,
                     floor_ ? fmt::format(" (training {:.4f} above its floor)", r.loss - *floor_) : "",
                     mean_over(comm_, walks.moves, kWatched), supervision_->expected_moves());
}

const StoredMoveWalks& UncountedStates::samples(const Asked& asked) {
  if (samples_) return *samples_;
  model({.may_train = asked.may_train});
  const auto origin = Hash()
                          .add(std::span<const float>(std::as_const(*model_).parameters()))
                          .add(folder().hash())
                          .add(job_.options.digest(kSamples))
                          .text();
  Artefact<StoredMoveWalks> artefact{.stage = "sample", .files = {"samples.h5"}};
  artefact.read = [&] { return read_move_samples(comm_, folder().path("samples.h5"), job_.space); };
  artefact.complete = [&](const StoredMoveWalks& stored) { return stored.origin == origin; };
  artefact.make = [&](const std::optional<StoredMoveWalks>&, ResultFolder::Stage&) { return walk_anew(origin); };
  artefact.figures = [&](const auto&) { return std::map<std::string, std::int64_t>{{"count", job_.count}}; };
  samples_ = bring(folder(), artefact, asked.redo);
  if (schema_) rows_as_text();
  return *samples_;
}

/// samples.csv: made again where it is not there; walks that are made anew remove it first.
void UncountedStates::rows_as_text() {
  const auto path = folder().path(kRowsFile);
  Artefact<bool> artefact{.stage = "table", .files = {kRowsFile}};
  artefact.make = [&](const std::optional<bool>&, ResultFolder::Stage& stage) {
    write_rows(comm_, path, *schema_, samples_->walks.end, samples_->walks.first, job_.sample_seed);
    stage.note("rows", samples_->count);
    say(comm_, "sample", path);
    return true;
  };
  artefact.read = [] { return true; };
  artefact.there = [&] { return agree(comm_, [&] { return std::filesystem::exists(path); }); };
  bring(folder(), artefact, false);
}

StoredMoveWalks UncountedStates::walk_anew(const std::string& origin) {
  MPI_Barrier(comm_);
  const double begin = wall_time();
  StoredMoveWalks stored;
  stored.walks = walk_moves(comm_, *model_, source_, job_.count, job_.sample_seed, job_.leap);
  stored.seconds = all_max(comm_, wall_time() - begin);
  stored.origin = origin;
  stored.count = job_.count;
  if (schema_) folder().remove(kRowsFile);  // what it holds is of other walks
  write_move_samples(comm_, folder().path("samples.h5"), job_.space, stored, made_now());
  say(comm_, "sample",
      fmt::format("neural: {} walks, {:.3g} s, {:.2f} moves a walk ({:.2f} of the exact flow)", grouped(job_.count),
                  stored.seconds, mean_over(comm_, stored.walks.moves, job_.count), supervision_->expected_moves()));
  return stored;
}

void UncountedStates::validate(bool may_train) {
  samples({.may_train = may_train});
  bring_report([&] { return report(); });
}

void UncountedStates::impute(const Asked& asked) {
  model(asked);
  std::optional<Mass> law;
  if (job_.space.enumerable() && job_.space.size() <= kMostLawStates) {
    law = exit_law_of_moves(comm_, *model_, mass_of(job_, job_.source, source_rows_)).mass;
  }
  impute_file(folder(), job_, *schema_, {*model_, *supervision_, source_, law});
}

Report UncountedStates::report() {
  auto report = report_head(job_);
  if (quotient_) report.classes = {quotient_->kcl_leftover(), seconds_quotient_};
  report.train = train_report(job_, *trained_, static_cast<std::int64_t>(model_->parameters().size()));
  report.train->entropy_floor = floor();
  if (!rows_.training.empty()) report.train->distinct_training_rows = distinct_rows(rows_.training, dimensions());
  auto walks = report_walks();
  auto findings = report_picture(walks);
  walks.test_rows = static_cast<std::int64_t>(rows_.test.size() / dimensions());
  if (job_.space.enumerable() && job_.space.size() <= kMostLawStates) {
    findings += report_exit_law(walks);
  } else if (walks.test_rows > 0 && job_.paths > 0) {
    findings += report_paths(walks);
  }
  say(comm_, "validate", fmt::format("neural: MMD^2 {:.2e}{}", walks.mmd, findings));
  report.walks = std::move(walks);
  report.table = table();
  if (report.table) say(comm_, "quality", table_verdict(report));
  return report;
}

/// How good the table of samples is. @note Collective.
std::optional<TableReport> UncountedStates::table() const {
  auto rows = rows_;
  if (held_out_drawn_) rows.held_out.clear();
  return table_quality(comm_, job_, rows, samples_->walks, samples_->count, job_.table ? &job_.table->schema : nullptr);
}

WalksReport UncountedStates::report_walks() const {
  const auto& walks = samples_->walks;
  const auto d = dimensions();
  WalksReport report;
  report.count = samples_->count;
  report.seconds = samples_->seconds;
  report.mean_steps = mean_over(comm_, walks.moves, samples_->count);
  report.mean_calls = mean_over(comm_, walks.calls, samples_->count);
  std::int64_t stuck = 0;
  for (const auto s : walks.stuck) stuck += s;
  report.stuck = all_sum(comm_, stuck);
  report.expected_steps = supervision_->expected_moves();
  const auto first = first_rows(comm_, walks, samples_->count, kMmdRows, d);
  const auto draws = drawn(target_, static_cast<std::int64_t>(kMmdRows), job_.seed + 2);
  const auto reference = std::span<const std::uint16_t>(rows_.test.empty() ? draws : rows_.test);
  report.mmd = mmd_squared(first, reference.first(std::min(reference.size(), kMmdRows * d)), job_.space.dimensions());
  if (!rows_.training.empty()) {
    report.nearness = nearness(comm_, {first, job_.space.sizes()}, {rows_.training, job_.space.sizes()});
  }
  report.marginals = marginals_of(job_.space, first);
  report.target_marginals = marginals_of(job_.space, draws);
  const auto beginning = [&](const std::vector<std::uint16_t>& rows) {
    return std::vector(rows.begin(),
                       rows.begin() + static_cast<std::ptrdiff_t>(std::min(rows.size(), kWalkGallery * d)));
  };
  report.gallery = beginning(first);
  report.target_gallery = beginning(draws);
  return report;
}

/// Of densities of the plane that are coded in bits: samples and as many draws of the target against the density.
std::string UncountedStates::report_picture(WalksReport& report) const {
  if (!codes_plane(job_.space) || job_.target.name.empty()) return "";
  report.target_picture = planar_cell_masses(job_.target.name, kPlanarCells);
  if (report.target_picture.empty()) return "";
  const auto& walks = samples_->walks;
  const auto d = dimensions();
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
  for (double& c : cells) c /= static_cast<double>(samples_->count);
  report.picture = std::move(cells);
  return fmt::format("; TV64 {:.4f} (noise floor {:.4f}), off support {:.4f} ({:.4f})", report.planar->tv64,
                     report.planar_floor->tv64, report.planar->off_support, report.planar_floor->off_support);
}

/// Where the walks end, computed: of a space that can be enumerated.
std::string UncountedStates::report_exit_law(WalksReport& report) const {
  const auto law = exit_law_of_moves(comm_, *model_, mass_of(job_, job_.source, source_rows_));
  report.exit_law_lost_mass = law.lost;
  const auto mass = mass_of(job_, job_.target, rows_.training);
  report.tv_exit_law = total_variation(law.mass, mass) + law.lost / 2;
  report.kl_exit_law = kl_divergence(mass, law.mass);
  auto findings = fmt::format("; exit law against the {}: TV {:.2e}",
                              rows_.training.empty() ? "target" : "training rows", *report.tv_exit_law);
  if (rows_.test.empty()) return findings;
  std::vector<std::int64_t> states;
  for (std::size_t i = 0; i < rows_.test.size(); i += dimensions()) {
    states.push_back(job_.space.index(std::span<const std::uint16_t>(rows_.test).subspan(i, dimensions())));
  }
  const auto found = log_likelihood(law.mass, states);
  report.log_likelihood_test = found.mean;
  report.log_likelihood_covered_rows = found.mean_of_others;
  report.rows_of_zero_probability = found.rows_of_zero_probability;
  if (found.mean) findings += fmt::format("; test log-likelihood {:.4f}", *found.mean);
  return findings;
}

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

/// The test rows' likelihood where states cannot be enumerated: by paths.
std::string UncountedStates::report_paths(WalksReport& report) const {
  const auto found =
      path_log_likelihood(comm_, *model_, *supervision_, source_, rows_.test, static_cast<int>(job_.paths), job_.seed);
  report.log_likelihood_test = found.mean;
  report.log_likelihood_covered_rows = found.mean_of_rest;
  report.log_likelihood_error = found.error;
  report.log_likelihood_bias = found.bias;
  report.rows_of_zero_probability = found.rows_without_path;
  report.rows_half_found = found.rows_half_found;
  return path_findings(found, job_.paths, report.test_rows);
}

}  // namespace

std::unique_ptr<Pipeline> uncounted_states(MPI_Comm comm, Job job, std::string command) {
  return std::make_unique<UncountedStates>(comm, std::move(job), std::move(command));
}

}  // namespace kirchhoff
