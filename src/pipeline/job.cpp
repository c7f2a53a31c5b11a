#include "pipeline/job.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <limits>

#include "base/text_rows.hpp"
#include "kirchhoff/base/error.hpp"
#include "kirchhoff/base/hash.hpp"
#include "kirchhoff/base/text.hpp"
#include "kirchhoff/circuit/nearest.hpp"
#include "kirchhoff/io/files/text_file.hpp"
#include "kirchhoff/io/network/formats.hpp"
#include "kirchhoff/io/results/store.hpp"
#include "kirchhoff/io/table/table.hpp"
#include "kirchhoff/parallel/agree.hpp"
#include "kirchhoff/parallel/session.hpp"
#include "pipeline/folder.hpp"
#include "pipeline/options.hpp"

namespace kirchhoff {
namespace {

namespace fs = std::filesystem;

/// The input's text as a case, and where its relative paths start.
struct CaseText {
  std::string text;
  std::string name;
  fs::path folder;
  bool stored = false;  // by the program, in a folder of results
};

CaseText read_input(const std::string& input) {
  const fs::path path(input);
  if (fs::is_directory(path)) {
    // The newest file knows best what was asked for last.
    CaseText newest;
    fs::file_time_type time;
    std::string why;
    for (const auto* file : {"solution.h5", "checkpoint.h5", "samples.h5"}) {
      const auto h5 = (path / file).string();
      if (!fs::exists(h5) || (!newest.name.empty() && fs::last_write_time(h5) < time)) continue;
      try {
        newest = {read_provenance(h5).options, h5 + " (options)", path, true};
        time = fs::last_write_time(h5);
      } catch (const Error& e) {  // damaged: another may do
        why += fmt::format("{}{}", why.empty() ? " (" : "; ", e.what());
      }
    }
    if (!newest.name.empty()) return newest;
    throw Error(fmt::format("{}: the folder holds no solution.h5, checkpoint.h5 or samples.h5 that can be read{}",
                            input, why.empty() ? "" : why + ")"));
  }
  const auto extension = path.extension().string();
  if (extension != ".yaml" && extension != ".yml") {
    throw Error(fmt::format("{}: a case ends in .yaml, and a network in {}", input, network_extensions()));
  }
  return {read_text_file(input), input, path.parent_path(), false};
}

/// A path as the user wrote it: beside the case, under KIRCHHOFF_REFERENCE_DATA, or from the working folder.
std::string look_up(Options& options, const std::string& name, const fs::path& case_folder) {
  const auto value = options.text(name);
  if (value.empty()) return "";
  const char* reference = std::getenv("KIRCHHOFF_REFERENCE_DATA");
  std::vector<fs::path> candidates = {case_folder / value};
  if (options.overruled(name)) candidates.insert(candidates.begin(), value);  // typed where one stands
  if (reference != nullptr) candidates.push_back(fs::path(reference) / value);
  candidates.emplace_back(value);
  for (const auto& candidate : candidates) {
    if (fs::is_regular_file(candidate)) {
      auto found = fs::absolute(candidate).lexically_normal().string();
      options.resolve(name, found);
      return found;
    }
  }
  throw Error(fmt::format("{}: no file '{}' beside the case nor under KIRCHHOFF_REFERENCE_DATA ({})",
                          options.origin(name), value, reference == nullptr ? "which is not set" : reference));
}

Terminal read_terminal(Options& options, const std::string& role, const fs::path& folder) {
  Terminal t;
  t.role = role;
  t.name = options.text(role + "_name");
  t.origin = options.origin(role + "_name");
  t.file = look_up(options, role + "_file", folder);
  if (t.name.empty() && t.file.empty()) throw Error(fmt::format("{} has neither a name nor a file", role));
  t.dataset = options.text(role + "_dataset");
  t.columns = options.text(role + "_columns");
  t.smoothing = options.real(role + "_smoothing");
  if (role == "target") {
    t.valid = look_up(options, "target_valid", folder);
    t.test = look_up(options, "target_test", folder);
    t.test_rows = options.integer("target_test_rows");
    if (t.test_rows > 0 && !t.test.empty()) {
      throw Error(fmt::format("{}: test rows are taken out of target_file, and not beside target_test",
                              options.origin("target_test_rows")));
    }
  }
  return t;
}

/// One value per layer pair from one value or L of them.
std::vector<double> schedule(const Options& options, const std::string& name, int layers) {
  auto values = options.reals(name);
  if (values.size() == 1) values.assign(static_cast<std::size_t>(layers), values[0]);
  if (values.size() != static_cast<std::size_t>(layers)) {
    throw Error(fmt::format("{} has {} values: it needs one, or one for each of the {} layer pairs",
                            options.origin(name), values.size(), layers));
  }
  for (const double value : values) {
    if (!std::isfinite(value) || value <= 0) {
      throw Error(fmt::format("{} is {} ohm: a resistance must be positive and finite", options.origin(name), value));
    }
  }
  return values;
}

/// What cannot fit must not be tried: the kernel would end the program without a word.
void check_memory(const Options& options, const Job& job) {
  const double memory = static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGE_SIZE));
  const auto need = [&](const std::string& name, double bytes, const std::string& what) {
    if (bytes <= memory) return;
    throw Error(fmt::format("{}: {} would take {:.3g} GB, this node has {:.3g} GB", options.origin(name), what,
                            bytes / 1e9, memory / 1e9));
  };
  const double states = job.supervision == "walk" ? 0 : static_cast<double>(job.space.size());
  need("circuit_layers", 8 * states * (static_cast<double>(job.layers) + 1), "the potentials of all vertices");
  if (job.model.head == Head::current) {
    const auto stored = row_of(job.family).stored_moves;
    const double moves = stored == nullptr ? 1 : stored(job.space, job.neighbours);  // of a file: at least
    need("model_head", 8 * states * job.layers * moves, "the currents of all moves");
  }
  double weights = 0;
  for (std::size_t k = 0; k < job.model.hidden.size(); ++k) {
    const double before =
        k == 0 ? static_cast<double>(job.space.categories()) * job.space.dimensions() : job.model.hidden[k - 1];
    weights += before * job.model.hidden[k];
  }
  need("model_hidden", 6 * 8 * weights, "the network and its optimiser");
  const double bits = job.model.evidence ? job.space.dimensions() : 0;
  need("model_evidence", 6 * 8 * bits * bits, "the linear term of all bits and its optimiser");
  need("sample_count", (22.0 + 4.0 * job.space.dimensions()) * static_cast<double>(job.count), "the samples");
}

BenchOptions bench_options(const Options& options, double tolerance) {
  BenchOptions bench;
  bench.tolerance = tolerance;
  bench.repeats = static_cast<int>(options.integer("bench_repeats"));
  bench.seconds = options.real("bench_seconds");
  for (const auto& word : options.words("bench_methods")) {
    const auto it = std::find(kSolveMethodNames.begin(), kSolveMethodNames.end(), word);
    const auto method = static_cast<SolveMethod>(it - kSolveMethodNames.begin());
    if (std::find(bench.methods.begin(), bench.methods.end(), method) == bench.methods.end()) {
      bench.methods.push_back(method);
    }
  }
  return bench;
}

std::vector<std::string> flows(const Options& options) {
  auto words = options.words("sample_flow");
  std::sort(words.begin(), words.end());
  words.erase(std::unique(words.begin(), words.end()), words.end());
  return words;
}

/// A table of a case, saying which of its lines was taken for a header.
Table table_of(MPI_Comm comm, const std::string& file, const std::string& dataset = "") {
  auto table = read_table(file, dataset);
  if (!table.note.empty()) say(comm, "table", fmt::format("{}: {}", file, table.note));
  return table;
}

/// Numbers of rows, which data frames write beside what they hold, are nothing that a circuit is made of.
void refuse_index_column(const Table& table, const std::string& file, const std::string& way_out) {
  for (std::size_t c = 0; c < table.header.size(); ++c) {
    if (detail::meaning_of(table.header[c], {}) != detail::kIndexColumn) continue;
    throw Error(fmt::format("{} line {}: column {}, named {}, numbers the rows: {}", file, table.header_line, c + 1,
                            in_quotes(table.header[c]), way_out));
  }
}

std::vector<std::uint16_t> rows_of(const Table& table, const StateSpace& space, const Terminal& terminal,
                                   const std::string& file) {
  if (terminal.columns.empty() && table.columns > 1) {
    refuse_index_column(table, file,
                        fmt::format("say which columns are coordinates ({}_columns, counted from 0)", terminal.role));
  }
  const auto columns = parse_columns(terminal.columns, static_cast<std::size_t>(table.columns));
  const auto d = static_cast<std::size_t>(space.dimensions());
  if (columns.size() != d) {
    const bool like_mass = space.enumerable() && table.rows * table.columns == space.size();
    throw Error(fmt::format(
        "{}: {} columns are used, but space_dimensions is {}{}", file, columns.size(), d,
        like_mass ? fmt::format(" (if it holds a mass function, say {}_dataset: mass)", terminal.role) : ""));
  }
  std::vector<std::uint16_t> rows;
  rows.reserve(static_cast<std::size_t>(table.rows) * d);
  for (std::int64_t row = 0; row < table.rows; ++row) {
    for (const auto column : columns) {
      const double value = table.values[static_cast<std::size_t>(row * table.columns) + column];
      if (value != std::floor(value) || value < 0 || value >= space.categories()) {
        throw Error(fmt::format("{}: row {}, column {}: {} is not one of the categories 0..{}", file, row + 1,
                                column + 1, value, space.categories() - 1));
      }
      rows.push_back(static_cast<std::uint16_t>(value));
    }
  }
  return rows;
}

bool is_hdf5(const std::string& file) { return file.ends_with(".h5") || file.ends_with(".hdf5"); }

/// Whether the terminal's file holds a mass function: `dataset` says so, or is a path whose last part does.
bool holds_mass(const Terminal& t) {
  const auto last = t.dataset.substr(t.dataset.rfind('/') + 1);
  const bool mass = last == "mass" || last == "source" || last == "target";
  if (!mass && !is_hdf5(t.file) && !t.dataset.empty() && t.dataset != "samples") {
    throw Error(fmt::format("{}_dataset is '{}': samples or mass is needed", t.role, t.dataset));
  }
  return mass;
}

Mass terminal_mass(MPI_Comm comm, const StateSpace& space, const Terminal& t) {
  if (!t.name.empty()) {
    try {
      return smoothed(named_mass(space, t.name), t.smoothing);
    } catch (const Error& e) {
      throw Error(fmt::format("{}: {}", t.origin, e.what()));
    }
  }
  const auto table = table_of(comm, t.file, t.dataset);
  if (holds_mass(t)) refuse_index_column(table, t.file, "write the file without it");
  if (holds_mass(t)) return smoothed(checked_mass(space, table.values, t.role + " file " + t.file), t.smoothing);
  return smoothed(empirical_mass(space, rows_of(table, space, t, t.file)), t.smoothing);
}

/// Which columns of a table of edges are l, x, y and conductance: the first four, or those that its header names so.
std::array<std::size_t, 4> edge_columns(const Table& table, const std::string& file) {
  static constexpr std::array<const char*, 4> kNames = {"l", "x", "y", "conductance"};
  static constexpr detail::KnownColumn kKnown[] = {
      {"l layer", 0}, {"x from source tail", 1}, {"y to target head", 2}, {"conductance conductances siemens g", 3}};
  if (table.header.empty()) {
    if (table.columns == 4) return {0, 1, 2, 3};
    throw Error(fmt::format("{}: edges have 4 columns (l, x, y, conductance), here are {}", file, table.columns));
  }
  std::array<std::size_t, 4> columns{};
  std::array<int, 4> found{};
  for (std::size_t c = 0; c < table.header.size(); ++c) {
    const int meaning = detail::meaning_of(table.header[c], kKnown);
    if (meaning < 0) continue;
    columns[static_cast<std::size_t>(meaning)] = c;
    ++found[static_cast<std::size_t>(meaning)];
  }
  for (std::size_t k = 0; k < 4; ++k) {
    if (found[k] == 1) continue;
    throw Error(fmt::format("{} line {}: the header has {} called {}: edges have l, x, y and conductance", file,
                            table.header_line, found[k] == 0 ? "no column" : "two columns", kNames[k]));
  }
  return columns;
}

std::vector<LayerEdge> read_edges(MPI_Comm comm, const std::string& file) {
  Table table;
  if (is_hdf5(file)) {
    try {
      table = read_table(file, "edges");
    } catch (const Error& e) {  // or a dataset a column
      if (std::string(e.what()).find("no dataset") == std::string::npos) throw;
      const std::vector<std::string> names = {"l", "x", "y", "conductance"};
      for (std::size_t c = 0; c < names.size(); ++c) {
        const auto column = read_table(file, names[c]);
        if (c == 0) {
          table.rows = column.rows;
          table.columns = 4;
          table.values.resize(static_cast<std::size_t>(4 * column.rows));
        }
        if (column.rows != table.rows || column.columns != 1) {
          throw Error(fmt::format("{}: datasets l, x, y and conductance must be of one length", file));
        }
        for (std::size_t i = 0; i < column.values.size(); ++i) table.values[4 * i + c] = column.values[i];
      }
    }
  } else {
    table = table_of(comm, file);
  }
  const auto columns = edge_columns(table, file);
  std::vector<LayerEdge> edges(static_cast<std::size_t>(table.rows));
  for (std::size_t i = 0; i < edges.size(); ++i) {
    std::array<double, 4> row{};
    for (std::size_t c = 0; c < 4; ++c) row[c] = table.values[i * static_cast<std::size_t>(table.columns) + columns[c]];
    for (std::size_t c = 0; c < 3; ++c) {
      if (row[c] != std::floor(row[c]) || std::abs(row[c]) > (c == 0 ? INT_MAX : 1e15)) {
        throw Error(fmt::format("{}: edge {}: {} is not a whole number, or too large", file, i + 1, row[c]));
      }
    }
    edges[i] = {static_cast<int>(row[0]), static_cast<std::int64_t>(row[1]), static_cast<std::int64_t>(row[2]), row[3]};
  }
  return edges;
}

Embedding read_embedding(MPI_Comm comm, const StateSpace& space, const std::string& file) {
  if (file.empty()) return grid_embedding(space);
  auto table = table_of(comm, file);
  refuse_index_column(table, file, "write the file without it");
  if (table.rows != space.size()) {
    throw Error(
        fmt::format("{}: {} rows for {} states: an embedding needs one per state", file, table.rows, space.size()));
  }
  return {table.columns, std::move(table.values)};
}

std::vector<Coupling> embedded_couplings(MPI_Comm comm, const Job& job) {
  const auto embedding = read_embedding(comm, job.space, job.embedding);
  return nearest_couplings(job.space, nearest_neighbours(job.space, embedding, job.neighbours), job.resistance_same,
                           job.resistance_change);
}

/// The groups of family blocks: of a table with one whole number per state, or of a coordinate.
std::shared_ptr<const Groups> read_groups(MPI_Comm comm, const Job& job) {
  if (job.group_file.empty()) {
    return std::make_shared<const Groups>(Groups::by_coordinate(job.space, job.group_coordinate));
  }
  const auto table = table_of(comm, job.group_file);
  refuse_index_column(table, job.group_file, "write the file without it");
  if (table.columns != 1 || table.rows != job.space.size()) {
    throw Error(fmt::format("{}: {} rows of {} columns for {} states: groups need one number per state", job.group_file,
                            table.rows, table.columns, job.space.size()));
  }
  std::vector<std::int64_t> labels;
  for (std::size_t x = 0; x < table.values.size(); ++x) {
    const double label = table.values[x];
    if (label != std::floor(label) || std::abs(label) > 1e15) {
      throw Error(fmt::format("{}: state {}: group {} is not a whole number, or too large", job.group_file, x, label));
    }
    labels.push_back(static_cast<std::int64_t>(label));
  }
  return std::make_shared<const Groups>(Groups::by_label(labels));
}

std::vector<Coupling> uniform_couplings(MPI_Comm comm, const Job& job) {
  UniformSpec spec;
  spec.boundary = job.boundary;
  if (row_of(job.family).grouped) spec.groups = read_groups(comm, job);
  std::vector<Coupling> couplings;
  for (std::size_t l = 0; l < static_cast<std::size_t>(job.layers); ++l) {
    spec.same = conductance_of(job.resistance_same[l], "circuit_resistance_same");
    spec.within = conductance_of(job.resistance_within[l], "circuit_resistance_within");
    spec.change = conductance_of(job.resistance_change[l], "circuit_resistance_change");
    couplings.push_back(Coupling::uniform(job.family, job.space, spec));
  }
  return couplings;
}

/// Collective.
std::vector<Coupling> build_couplings(MPI_Comm comm, const Job& job) {
  const auto edges =
      agree(comm, [&] { return job.edge_file.empty() ? std::vector<LayerEdge>() : read_edges(comm, job.edge_file); });
  auto couplings = agree(comm, [&] {
    if (job.family == Family::nearest) return embedded_couplings(comm, job);
    return job.family == Family::file ? couplings_from_edges(job.space, job.layers, edges, job.edge_file)
                                      : uniform_couplings(comm, job);
  });
  if (job.family != Family::file && !job.edge_file.empty()) {
    couplings = weigh_couplings(comm, couplings, edges, job.edge_file);
  }
  if (job.resistance_spread > 0) {
    couplings = spread_couplings(comm, couplings, job.resistance_spread, job.resistance_seed);
  }
  return couplings;
}

/// What the network gives: by default what docs/model.md found to be better.
Head head_of(Options& options, const Job& job) {
  if (job.supervision != "exact") return job.supervision == "monte_carlo" ? Head::terminals : Head::potential;
  const auto choice = options.choice("model_head");
  const auto& family = row_of(job.family);
  if (choice == 2 && family.joins_all) {
    throw Error(
        fmt::format("{}: a state of a {} circuit has too many moves", options.origin("model_head"), family.name));
  }
  // Few moves per state, and as many edges as potentials vary over: docs/model.md, "What was compared".
  const bool current = choice == 2 || (choice == 0 && family.few_moves);
  options.resolve("model_head", current ? "current" : "potential");
  return current ? Head::current : Head::potential;
}

/// How a network of terminals gives the law of a coordinate: by default what docs/model.md found to be better.
Likelihood likelihood_of(Options& options, const Job& job) {
  constexpr int kFewCategories = 8;  // a mixture would have more to say than there is
  const auto choice = options.choice("model_likelihood");
  const bool few_rows = job.training_pairs > 0 && job.space.categories() > kFewCategories;
  const bool mixture = job.supervision == "monte_carlo" && (choice == 2 || (choice == 0 && few_rows));
  options.resolve("model_likelihood", mixture ? "mixture" : "categorical");
  return mixture ? Likelihood::mixture : Likelihood::categorical;
}

/// Whether a network of moves has a linear term of all coordinates: by default where docs/walk.md found it to help,
/// which is where rows are given, not drawn on the fly without end. It grows with the square of D.
bool evidence_of(Options& options, const Job& job) {
  constexpr int kMostCoordinates = 1024;
  const auto choice = options.choice("model_evidence");
  const bool can = job.supervision == "walk" && job.space.categories() == 2;
  if (choice == 2 && !can) throw Error(fmt::format("{}: linear is for S = 2 only", options.origin("model_evidence")));
  const bool helps = !job.target.file.empty() && job.space.dimensions() <= kMostCoordinates;
  const bool linear = choice == 2 || (choice == 0 && can && helps);
  options.resolve("model_evidence", linear ? "linear" : "none");
  return linear;
}

/// In categories; by default it falls with the rows as the width of a kernel would, from measurements in docs/model.md.
double jitter_of(Options& options, const Job& job) {
  double jitter = 0;
  if (options.text("train_jitter") != "auto") {
    jitter = options.real("train_jitter");
    if (jitter > job.space.categories()) {
      throw Error(fmt::format("{} is {}: it must be between 0 and {}", options.origin("train_jitter"), jitter,
                              job.space.categories()));
    }
  } else if (job.training_pairs > 0 && job.model.likelihood == Likelihood::mixture) {
    jitter = 0.12 * job.space.categories() / std::cbrt(static_cast<double>(job.training_pairs));
  }
  options.resolve("train_jitter", fmt::format("{}", jitter));
  return jitter;
}

/// Of the optimiser; 0 for walks over rows: as many as suit them.
std::int64_t steps_of(const Options& options) {
  const auto steps = options.text("train_steps") == "auto" ? 0 : options.integer("train_steps");
  if (steps == 0 && (options.setting().problem & kWalk) == 0) {
    throw Error(
        fmt::format("{} is {}: it must be at least 1", options.origin("train_steps"), options.text("train_steps")));
  }
  return steps;
}

/// What walk supervision cannot do is said before it starts.
void check_walk(const Options& options, const Job& job) {
  const auto refuse = [&](const std::string& name, const std::string& why) {
    throw Error(fmt::format("{}: walk supervision {}", options.origin(name), why));
  };
  if (!row_of(job.family).closed_pairs) refuse("circuit_family", "needs family hamming");
  if (job.space.categories() < 2) refuse("space_categories", "needs 2 categories or more");
  if (!job.source.file.empty() && holds_mass(job.source)) refuse("source_dataset", "needs samples of the source");
  if (job.model.precision != Precision::single) refuse("model_precision", "works in single precision");
  if (job.leap > 0 && job.layers > 1) refuse("sample_leap", "leaps between two layers only");
  if (job.flows != std::vector<std::string>{"neural"}) refuse("sample_flow", "has the flow neural only");
  if (!job.target.file.empty() && holds_mass(job.target)) refuse("target_dataset", "needs samples of the target");
}

}  // namespace

namespace {

void read_circuit(Options& options, const CaseText& source, Job& job) {
  const bool walk = job.supervision == "walk";
  job.space = StateSpace(static_cast<int>(options.integer("space_categories")),
                         static_cast<int>(options.integer("space_dimensions")));
  job.family = options.setting().family;
  job.boundary = static_cast<Boundary>(options.choice("circuit_boundary"));
  job.layers = static_cast<int>(options.integer("circuit_layers"));
  if (!walk && static_cast<double>(job.space.size()) * job.layers > 1e15) {
    throw Error(fmt::format("{} is {}: {} states a layer make too many vertices", options.origin("circuit_layers"),
                            job.layers, job.space.size()));
  }
  job.resistance_same = schedule(options, "circuit_resistance_same", job.layers);
  job.resistance_change = schedule(options, "circuit_resistance_change", job.layers);
  if (job.family == Family::file && options.text("circuit_file").empty()) {
    throw Error("circuit_family is file, but circuit_file is missing");
  }
  job.edge_file = look_up(options, "circuit_file", source.folder);
  job.group_coordinate = static_cast<int>(options.integer("circuit_group_coordinate"));
  job.resistance_within = schedule(options, "circuit_resistance_within", job.layers);
  job.group_file = look_up(options, "circuit_groups", source.folder);
  job.resistance_spread = options.real("circuit_resistance_spread");
  job.resistance_seed = static_cast<std::uint64_t>(options.integer("circuit_resistance_seed"));
  if (job.family == Family::nearest) {
    job.neighbours = options.integer("circuit_neighbours");
    job.embedding = look_up(options, "circuit_embedding", source.folder);
    if (job.neighbours > job.space.size() - 1) {
      throw Error(fmt::format("{} is {}: a state has {} others", options.origin("circuit_neighbours"), job.neighbours,
                              job.space.size() - 1));
    }
  }
  job.source = read_terminal(options, "source", source.folder);
  job.target = read_terminal(options, "target", source.folder);
}

void read_training(Options& options, Job& job) {
  job.model.hidden = options.integers("model_hidden");
  job.model.activation = static_cast<Activation>(options.choice("model_activation"));
  job.model.precision = static_cast<Precision>(options.choice("model_precision"));
  job.model.head = head_of(options, job);
  job.training_pairs = options.integer("train_samples");
  if (job.training_pairs > 0 && job.training_pairs < 10) {
    throw Error(fmt::format("{} is {}: a training set needs at least 10 pairs", options.origin("train_samples"),
                            job.training_pairs));
  }
  job.model.likelihood = likelihood_of(options, job);
  job.model.evidence = evidence_of(options, job);
  job.jitter = jitter_of(options, job);
  job.train.steps = steps_of(options);
  job.train.batch = options.integer("train_batch");
  job.train.learning_rate = options.real("train_learning_rate");
  job.train.warmup = options.integer("train_warmup");
  job.train.weight_decay = options.real("train_weight_decay");
  job.train.average = options.real("train_average");
  job.train.clip = options.real("train_clip");
  job.train.validate_every = options.integer("train_validate_every");
  job.train.checkpoint_every = options.integer("train_checkpoint_every");
  job.balance = options.real("train_balance");
  job.references = options.integer("train_references");
  job.train.patience = options.integer("train_patience");
  job.row_decay = options.real("train_row_decay");
  job.train.dropout = options.real("train_dropout");
}

}  // namespace

Job read_job(const std::string& input) {
  const auto source = read_input(input);
  Options options(parse_case(source.text, source.name), source.name,
                  source.stored ? Options::Source::stored : Options::Source::case_file);
  Job job;
  auto path = fs::path(input);
  if (path.filename().empty()) path = path.parent_path();  // "folder/"
  const bool folder = fs::is_directory(path);
  job.title = folder ? path.filename().string() : path.stem().string();
  job.out = options.text("out");
  if (job.out.empty()) job.out = folder ? path.string() : job.title;
  job.force = options.flag("force");
  job.overwrite = options.flag("overwrite");

  if (!options.given("space_categories")) throw Error(fmt::format("{}: space_categories is missing", source.name));
  job.supervision = options.text("train_supervision");
  read_circuit(options, source, job);

  job.solve.method = static_cast<SolveMethod>(options.choice("solve_method"));
  job.solve.tolerance = options.real("solve_tolerance");
  job.write_currents = options.flag("solve_currents");
  job.bench = bench_options(options, job.solve.tolerance);

  read_training(options, job);
  job.flows = flows(options);
  job.paths = options.integer("sample_paths");
  job.leap = options.real("sample_leap");
  job.count = options.integer("sample_count");
  job.seed = static_cast<std::uint64_t>(options.integer("seed"));
  if (job.supervision == "walk") check_walk(options, job);
  job.options = options.resolved();
  check_memory(options, job);
  return job;
}

Circuit build_circuit(MPI_Comm comm, const Job& job) {
  auto [source, target] = agree(comm, [&] {
    return std::pair(terminal_mass(comm, job.space, job.source), terminal_mass(comm, job.space, job.target));
  });
  auto couplings = build_couplings(comm, job);
  return agree(comm, [&] {
    try {
      return Circuit(job.space, std::move(couplings), std::move(source), std::move(target));
    } catch (const Error& e) {
      const std::string what = e.what();
      if (job.edge_file.empty() || what.starts_with(job.edge_file)) throw;
      throw Error(fmt::format("{}: {}", job.edge_file, what));
    }
  });
}

std::vector<std::uint16_t> read_rows(MPI_Comm comm, const StateSpace& space, const Terminal& terminal,
                                     const std::string& file) {
  if (file.empty()) return {};
  return rows_of(table_of(comm, file, is_hdf5(file) ? terminal.dataset : ""), space, terminal, file);
}

std::vector<std::int64_t> read_states(MPI_Comm comm, const StateSpace& space, const Terminal& terminal,
                                      const std::string& file) {
  if (file.empty()) return {};
  const auto rows = rows_of(table_of(comm, file, is_hdf5(file) ? terminal.dataset : ""), space, terminal, file);
  const auto d = static_cast<std::size_t>(space.dimensions());
  std::vector<std::int64_t> states(rows.size() / d);
  for (std::size_t i = 0; i < states.size(); ++i) {
    states[i] = space.index(std::span<const std::uint16_t>(rows).subspan(i * d, d));
  }
  return states;
}

std::string problem_hash(const Job& job, const Circuit& circuit) {
  Hash hash;
  hash.add(job.options.digest(kCircuit));
  if (!job.edge_file.empty() || job.family == Family::nearest) {  // what a file, or an embedding, made of it
    for (int l = 0; l < circuit.layers(); ++l) {
      for (std::int64_t x = 0; x < circuit.states(); ++x) {
        circuit.coupling(l).forward(x, [&](std::int64_t y, double g) {
          hash.add(std::span<const std::int64_t>(&y, 1)).add(std::span<const double>(&g, 1));
        });
        hash.add(";");
      }
    }
  }
  return hash.add(std::span<const double>(circuit.source())).add(std::span<const double>(circuit.target())).text();
}

std::string training_hash(const Job& job, const std::string& problem) {
  return Hash().add(problem).add(job.options.digest(kTraining)).text();
}

}  // namespace kirchhoff
