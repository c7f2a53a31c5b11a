#include "pipeline/job.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>

#include "kirchhoff/base/error.hpp"
#include "kirchhoff/base/hash.hpp"
#include "kirchhoff/io/files/text_file.hpp"
#include "kirchhoff/io/network/formats.hpp"
#include "kirchhoff/io/results/store.hpp"
#include "pipeline/options.hpp"
#include "pipeline/table_options.hpp"
#include "pipeline/terminals.hpp"
#include "pipeline/training_options.hpp"

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
    const double before = k == 0 ? static_cast<double>(job.space.all_categories()) : job.model.hidden[k - 1];
    weights += before * job.model.hidden[k];
  }
  need("model_hidden", 6 * 8 * weights, "the network and its optimiser");
  const bool bits = job.space.uniform() && job.space.categories() == 2;
  const auto inputs = static_cast<double>(bits ? job.space.dimensions() : job.space.all_categories());
  need("model_evidence", job.model.evidence ? 6 * 8 * inputs * inputs : 0, "the linear term and its optimiser");
  need("sample_count", (22.0 + 4.0 * job.space.dimensions()) * static_cast<double>(job.count), "the samples");
}

BenchOptions bench_options(const Options& options, double tolerance) {
  BenchOptions bench;
  bench.tolerance = tolerance;
  bench.repeats = static_cast<int>(options.integer("bench_repeats"));
  bench.seconds = options.real("bench_seconds");
  for (const auto& word : options.words("bench_methods")) {
    const auto& names = solve_method_names();
    const auto method = static_cast<SolveMethod>(std::find(names.begin(), names.end(), word) - names.begin());
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

/// One number of categories for all coordinates, or one for each.
StateSpace space_of(const Options& options) {
  const auto categories = options.integers("space_categories");
  const auto dimensions = static_cast<int>(options.integer("space_dimensions"));
  if (categories.size() == 1) return {categories[0], dimensions};
  throw Error(fmt::format("{}: a list of {} is for the columns of a table (target_file)",
                          options.origin("space_categories"), categories.size()));
}

/// What walk supervision cannot do is said before it starts.
void check_walk(const Options& options, const Job& job) {
  const auto refuse = [&](const std::string& name, const std::string& why) {
    throw Error(fmt::format("{}: walk supervision {}", options.origin(name), why));
  };
  if (!row_of(job.family).closed_pairs) refuse("circuit_family", "needs family hamming");
  if (job.space.all_categories() <= job.space.dimensions()) {
    refuse("space_categories", job.table ? "needs a column that is not constant" : "needs 2 categories or more");
  }
  if (!job.source.file.empty() && holds_mass(job.source)) refuse("source_dataset", "needs samples of the source");
  if (job.model.precision != Precision::single) refuse("model_precision", "works in single precision");
  if (job.fill_missing)
    refuse("sample_missing", "draws missing entries as the table has them (keep), and cannot fill them");
  if (job.leap > 0 && job.layers > 1) refuse("sample_leap", "leaps between two layers only");
  if (job.flows != std::vector<std::string>{"neural"}) refuse("sample_flow", "has the flow neural only");
  if (!job.target.file.empty() && holds_mass(job.target)) refuse("target_dataset", "needs samples of the target");
}

/// The sides of the image that a state's coordinates are, where the case says so.
std::optional<std::array<int, 2>> image_sides(const Options& options, const StateSpace& space) {
  if (options.text("report_image").empty()) return std::nullopt;
  const auto sides = options.integers("report_image");
  if (sides.size() != 2 || static_cast<std::int64_t>(sides[0]) * sides[1] != space.dimensions()) {
    throw Error(fmt::format("{}: two numbers, rows and columns, whose product is D = {}",
                            options.origin("report_image"), space.dimensions()));
  }
  return std::array{sides[0], sides[1]};
}

void read_circuit(Options& options, const CaseText& source, Job& job) {
  const bool walk = job.supervision == "walk";
  job.source = read_terminal(options, "source", source.folder);
  job.target = read_terminal(options, "target", source.folder);
  if (options.setting().problem == kWalkTable) read_job_table(options, job);
  job.space = job.table ? job.table->schema.state_space() : space_of(options);
  job.family = options.setting().family;
  job.boundary = static_cast<Boundary>(options.choice("circuit_boundary"));
  job.lattices = options.choice("circuit_ordered") == 1;
  job.layers = static_cast<int>(options.integer("circuit_layers"));
  if (!walk && static_cast<double>(job.space.size()) * job.layers > 1e15) {
    throw Error(fmt::format("{} is {}: {} states a layer make too many vertices", options.origin("circuit_layers"),
                            job.layers, job.space.size()));
  }
  job.resistance_same = schedule(options, "circuit_resistance_same", job.layers);
  job.resistance_change = schedule(options, "circuit_resistance_change", job.layers);
  const auto& family = row_of(job.family);
  if (family.edges_from == EdgesFrom::list && options.text("circuit_file").empty()) {
    throw Error(fmt::format("circuit_family is {}, but circuit_file is missing", family.name));
  }
  job.edge_file = look_up(options, "circuit_file", source.folder);
  job.group_coordinate = static_cast<int>(options.integer("circuit_group_coordinate"));
  job.resistance_within = schedule(options, "circuit_resistance_within", job.layers);
  job.group_file = look_up(options, "circuit_groups", source.folder);
  job.resistance_spread = options.real("circuit_resistance_spread");
  job.resistance_seed = static_cast<std::uint64_t>(options.integer("circuit_resistance_seed"));
  if (family.edges_from == EdgesFrom::nearness) {
    job.neighbours = options.integer("circuit_neighbours");
    job.embedding = look_up(options, "circuit_embedding", source.folder);
    if (job.neighbours > job.space.size() - 1) {
      throw Error(fmt::format("{} is {}: a state has {} others", options.origin("circuit_neighbours"), job.neighbours,
                              job.space.size() - 1));
    }
  }
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

  job.supervision = options.text("train_supervision");
  if (!options.given("space_categories") && options.setting().problem != kWalkTable) {
    const bool file = !options.text("target_file").empty();
    throw Error(fmt::format("{}: space_categories is missing{}", source.name,
                            file ? " (a table says it itself, but under walk supervision only)" : ""));
  }
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
  job.image = image_sides(options, job.space);
  job.seed = static_cast<std::uint64_t>(options.integer("seed"));
  job.sample_seed = static_cast<std::uint64_t>(options.integer("sample_seed"));
  job.impute.out = options.text("impute_out");
  if (job.impute.out.find('/') != std::string::npos) {
    throw Error(fmt::format("{} is {}: a name is needed, of a file in the folder of results (-out)",
                            options.origin("impute_out"), job.impute.out));
  }
  job.impute.draws = static_cast<int>(options.integer("impute_draws"));
  job.impute.likelihood = options.flag("impute_likelihood");
  job.impute.paths = static_cast<int>(options.integer("impute_paths"));
  job.fill_missing = options.text("sample_missing") == "fill";
  if (job.supervision == "walk") check_walk(options, job);
  job.options = options.resolved();
  check_memory(options, job);
  return job;
}

std::string training_hash(const Job& job, const std::string& problem) {
  return Hash().add(problem).add(job.options.digest(kTraining)).text();
}

}  // namespace kirchhoff
