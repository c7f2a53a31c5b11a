#include <fmt/format.h>
#include <fmt/ranges.h>

#include <limits>

#include "kirchhoff/solve/solve.hpp"
#include "pipeline/options.hpp"

namespace kirchhoff {
namespace {

constexpr double kLargest = std::numeric_limits<double>::max();
constexpr double kNoBound = std::numeric_limits<double>::infinity();
constexpr double kMostInt = std::numeric_limits<int>::max();
constexpr double kMostBins = 65535;

constexpr Values kText{Values::Type::text};
constexpr Values kPath{Values::Type::path};
constexpr Values kFlag{Values::Type::flag};
constexpr Values kChoice{Values::Type::choice};
constexpr Values kWords{Values::Type::words};
constexpr Values kTexts{Values::Type::texts};
constexpr Values kMap{Values::Type::map};
constexpr Values kReals{Values::Type::reals, -kLargest, kLargest};

constexpr Values integer(double least, double most = kNoBound) { return {Values::Type::integer, least, most}; }
constexpr Values small(double least) { return integer(least, kMostInt); }
constexpr Values real(double least, double most = kLargest) { return {Values::Type::real, least, most}; }
constexpr Values or_auto(Values values) {
  values.automatic = true;
  return values;
}

/// "dense|hamming|...", in the order of the enumeration.
std::string family_names() {
  std::vector<std::string> names;
  for (const auto& row : families()) names.emplace_back(row.name);
  return fmt::format("{}", fmt::join(names, "|"));
}

}  // namespace

const std::vector<OptionSpec>& option_table() {
  static const std::string methods = fmt::format("{}", fmt::join(solve_method_names(), "|"));
  static const std::vector<OptionSpec> table = {
      {"space_categories",
       "",
       {Values::Type::integers, 1, kMostInt},
       "S",
       "number of categories of each coordinate, or a list of D; without: a table's columns say it",
       kCircuit},
      {"space_dimensions",
       {"1", {{kWalkTable, ""}}},
       small(1),
       "D",
       "number of coordinates of a state; each layer has S^D states",
       kCircuit},

      {"circuit_family",
       {"dense", {{kWalk, "hamming"}}},
       kChoice,
       family_names(),
       "which states of neighbouring layers are joined",
       kCircuit},
      {"circuit_layers", {"10", {{kWalk, "1"}}}, small(1), "L", "layer pairs; the circuit has L+1 layers", kCircuit},
      {"circuit_resistance_same", "1", kReals, "ohm",
       "r, between equal states of neighbouring layers; one value, or one per layer pair", kCircuit},
      {"circuit_resistance_change",
       {"10", {{kWalk, "=circuit_resistance_same"}}},
       kReals,
       "ohm",
       "R, between different states of neighbouring layers; one value, or one per layer pair",
       kCircuit},
      {"circuit_resistance_within", "1", kReals, "ohm",
       "R_in, between different states of a group; one value, or one per layer pair", kCircuit, kSolved},
      {"circuit_groups", "", kPath, "path",
       "a table with one group number per state; without: states that agree in circuit_group_coordinate are a group",
       kContent, kSolved},
      {"circuit_group_coordinate", "0", integer(0, kMostInt), "coordinate",
       "states that agree in this coordinate are a group", kCircuit, kSolved},
      {"circuit_ordered", "hamming", kChoice, "hamming|lattice",
       "which ranks of an ordered column are joined: all of them, or neighbours", kCircuit, kWalkTable},
      {"circuit_boundary", "reflecting", kChoice, "reflecting|periodic",
       "what lies beyond the first and the last category: nothing, or the other end", kCircuit},
      {"circuit_neighbours", "8", integer(1), "k",
       "each state is joined to its k nearest states, and to those whose nearest it is", kCircuit},
      {"circuit_embedding", "", kPath, "path",
       "a table with one row of coordinates per state, which says what is near; without: the grid itself", kContent},
      {"circuit_file", "", kPath, "path",
       "edges (l, x, y, conductance in siemens): all of them for family file, each edge's own for lattice and hamming",
       kContent, kSolved},
      {"circuit_resistance_spread", "0", real(0, 20), "1",
       "every edge's resistance is multiplied by exp(sigma z), z standard normal; this is sigma", kCircuit, kSolved},
      {"circuit_resistance_seed", "0", integer(0), "integer", "seed of the factors of circuit_resistance_spread",
       kCircuit, kSolved, "circuit_resistance_spread"},

      {"source_name",
       {"", {{kWalk, "uniform"}}},
       kText,
       "name",
       "named distribution injected on layer 0 (docs/distributions.md)",
       kLaw},
      {"source_file", "", kPath, "path",
       "samples or mass function of p from a file: .csv .txt .data .tsv .npy .npz .h5, also .gz .bz2 .xz .zst",
       kContent},
      {"source_dataset", "", kText, "samples|mass|path", "what the file holds; in HDF5 also the dataset's path",
       kContent, kLayered, "source_file"},
      {"source_columns", "", kText, "0-15,17", "columns of the file to use; without: all", kContent, kLayered,
       "source_file"},
      {"source_smoothing", "0", real(0, 1), "fraction",
       "fraction e of the uniform distribution mixed into p: (1-e) p + e/N", kLaw},

      {"target_name", "", kText, "name", "named distribution taken out on layer L", kLaw},
      {"target_file", "", kPath, "path", "samples or mass function of q from a file", kContent},
      {"target_dataset", "", kText, "samples|mass|path", "what the file holds; in HDF5 also the dataset's path",
       kContent, kLayered, "target_file|target_valid|target_test"},
      {"target_columns", "", kText, "0-15,17",
       "columns of the file to use, by number from 0, of a table also by name; without: all", kContent, kLayered,
       "target_file|target_valid|target_test"},
      {"target_schema", "", kMap, "{column: {type, order, bins, use}}",
       "what is known of columns: type nominal, ordinal, binary, real or skip; order: words from low to high; bins; "
       "use: false; a column * stands for all others",
       kContent, kWalkTable},
      {"target_missing", "", kTexts, "words",
       "words for a missing entry, beside the empty one (a list); without: NA, NaN, nan, ?", kContent, kWalkTable},
      {"target_header", "auto", kChoice, "auto|yes|no", "whether the file's first row has the columns' names", kContent,
       kWalkTable},
      {"target_separator", "auto", kChoice, "auto|comma|semicolon|tab|bar|blank", "what separates the file's fields",
       kContent, kWalkTable},
      {"target_bins", "auto", or_auto(integer(1, kMostBins)), "bins",
       "bins of a column of many different numbers; auto: 16, fewer for less than 160 rows", kContent, kWalkTable},
      {"target_one_hot", "recode", kChoice, "recode|keep", "blocks of one-hot bits become one column, or stay bits",
       kContent, kWalkTable},
      {"target_smoothing", "0", real(0, 1), "fraction",
       "fraction e of the uniform distribution mixed into q: (1-e) q + e/N", kLaw},
      {"target_valid", "", kPath, "path", "validation rows (model selection); read like the target's file", kNothing},
      {"target_test", "", kPath, "path", "test rows (only reported: test log-likelihood)", kNothing},
      {"target_test_rows", "0", integer(0), "rows",
       "without target_test: this number of rows of target_file, drawn at random, are the test rows", kContent, kWalk,
       "target_file"},

      {"solve_method", "auto", kChoice, methods, "how the circuit is solved; PETSc's -ksp_type, -pc_type ... refine it",
       kNothing, kSolved | kNetwork, "", older_solve_method_names()},
      {"solve_tolerance", "1e-12", real(0, 1), "1",
       "largest relative residual ||b - A phi|| / ||b|| that is accepted, recomputed from the solution", kNothing,
       kSolved | kNetwork},
      {"solve_currents", "false", kFlag, "true|false",
       "write every edge's current to currents.h5 (L N^2 numbers when dense)", kNothing, kSolved},

      {"network_values", "", kChoice, "resistance|conductance|unit",
       "values of an edge list (without: what its header says, or resistance) or of a matrix (without: conductance); "
       "unit: every edge has 1 ohm, whatever stands there",
       kContent, kNetwork},
      {"network_duplicates", "auto", kChoice, "auto|parallel|once",
       "edges of a list that stand more than once: resistors in parallel, or one edge; auto: in parallel, but refused "
       "where all edges stand in both directions with the same value",
       kContent, kNetwork},
      {"network_nodes", "auto", kChoice, "auto|numbers|names",
       "nodes of an edge list are whole numbers or names; auto: as its first row has them", kContent, kNetwork},
      {"network_row_sums", "ground", kChoice, "ground|ignore",
       "what the rows of a Laplacian sum to are conductances to ground, or rounding", kContent, kNetwork},
      {"network_title", "auto", kChoice, "auto|line|none",
       "SPICE: the first line is a title (line), or read like any other (none); auto: a title, with a warning where it "
       "reads like an element",
       kContent, kNetwork},
      {"network_ground_names", "usual", kChoice, "usual|0",
       "SPICE: nodes called 0, gnd, gnd! and ground are ground (usual), or 0 alone", kContent, kNetwork},
      {"network_index_base", "0", kChoice, "0|1", "least node number of an edge list", kContent, kNetwork},
      {"network_sources", "", kPath, "path", "currents into nodes: a file with a node and its ampere per line",
       kContent, kNetwork},
      {"network_grounds", "", kPath, "path",
       "nodes joined to ground: a file with a node and its ohm per line; 0 ohm ties it to ground", kContent, kNetwork},
      {"network_pairs", "", kText, "path|all|edges",
       "effective resistances: a file with two nodes per line, or one per line and every pair of them; all: of every "
       "pair of nodes; edges: of the two nodes of each resistor; 1 A flows from the second into the first",
       kContent, kNetwork},
      {"network_focal", "", kPath, "path", "a file with one node per line: network_pairs all means every pair of them",
       kContent, kNetwork, "network_pairs"},
      {"network_results", "all", kChoice, "all|resistance",
       "what is computed of pairs: potentials and currents of each, or its resistance alone with a bound of its error",
       kNothing, kNetwork},
      {"network_approximate", "0", real(0, 1), "fraction",
       "resistances by random projections, each with this relative error at most with a probability of 95 percent; 0: "
       "as right as can be shown",
       kNothing, kNetwork, "network_pairs"},

      {"model_hidden",
       "256,256,256",
       {Values::Type::integers, 1, kMostInt},
       "widths",
       "widths of the network's hidden layers",
       kTraining},
      {"model_activation", "silu", kChoice, "silu|tanh|relu", "activation function of the hidden layers", kTraining},
      {"model_head", "auto", kChoice, "auto|potential|current",
       "what the network predicts for a state: its potentials, or the currents of its moves; auto: potentials for "
       "dense and hamming",
       kTraining, kExact},
      {"model_likelihood", "auto", kChoice, "auto|categorical|mixture",
       "distribution of a coordinate: one logit per category, or (ordered categories) a mixture of normal "
       "distributions; auto: mixtures for a fixed training set of more than 8 categories",
       kTraining, kMonteCarlo},
      {"model_evidence", "auto", kChoice, "auto|none|linear",
       "a gated linear function of all coordinates is added to the hidden layers; auto: linear for a file of up to "
       "1024 "
       "columns of bits",
       kTraining, kWalk},
      {"model_start", "auto", kChoice, "auto|none|tree",
       "what the network starts from: nothing, or the exact flow toward the tree of Chow and Liu of the training rows; "
       "auto: the tree for a table",
       kTraining, kWalkFile},
      {"model_precision",
       {"double", {{kWalk, "single"}}},
       kChoice,
       "single|double",
       "floating-point precision of the network and its optimiser",
       kTraining},

      {"train_supervision",
       {"exact", {{kWalkTable, "walk"}}},
       kChoice,
       "exact|monte_carlo|walk",
       "what the network learns from: the exact solution, samples of the terminals, or conditional walks (hamming, any "
       "number of states)",
       kTraining},
      {"train_samples", "0", integer(0), "pairs",
       "number of pairs of a fixed training set; 0: every row of every batch is drawn anew", kTraining, kMonteCarlo},
      {"train_jitter", "auto", or_auto(real(0)), "auto|categories",
       "standard deviation of noise on the coordinates that others are predicted from; auto: for a mixture of few rows",
       kTraining, kMonteCarlo},
      {"train_steps",
       {"20000", {{kWalkDrawn, "16000"}, {kWalkFile, "auto"}}},
       or_auto(integer(0)),
       "steps",
       "optimiser steps; walk also auto, or 0: 3/4 of the number of training rows, at least 2500 and at most 8000",
       kTraining},
      {"train_batch",
       {"4096", {{kWalk, "512"}}},
       integer(1),
       "states",
       "states per step, over all ranks together; each gives the targets of all layers",
       kTraining},
      {"train_learning_rate",
       {"1e-3", {{kWalk, "3e-3"}}},
       real(0),
       "1",
       "peak learning rate, between linear warm-up and cosine decay",
       kTraining},
      {"train_warmup", "200", integer(0), "steps", "steps of linear warm-up", kTraining},
      {"train_weight_decay", "0", real(0), "1", "decoupled weight decay of AdamW", kTraining},
      {"train_average", "0.999", real(0, 1), "1",
       "decay per step of the moving average of the weights, which is what samples", kTraining},
      {"train_clip", "0", real(0), "norm",
       "largest norm of the gradient; a longer one is scaled down to it; 0: no limit", kTraining, kSolved},
      {"train_balance", "0.5", real(0, 1), "1",
       "how errors of layers are weighed: 0 relative to each layer's spread, 1 absolutely in volt", kTraining, kExact},
      {"train_validate_every",
       {"500", {{kWalk, "250"}}},
       integer(1),
       "steps",
       "steps between validations, which are the lines of training.csv",
       kTraining},
      {"train_checkpoint_every", "1000", integer(1), "steps", "steps between checkpoints", kNothing},
      {"train_references",
       {"256", {{kWalkTable, "64"}}},
       small(1),
       "rows",
       "number of end points over which the targets of a training example are averaged",
       kTraining,
       kWalk},
      {"train_row_decay",
       {"800", {{kWalkTable, "3000"}}},
       real(0),
       "rows",
       "additional weight decay, times the number of training rows",
       kTraining,
       kWalkFile},
      {"train_dropout",
       {"0", {{kWalkTable, "0.3"}}},
       real(0, 0.95),
       "fraction",
       "fraction of hidden units left out in a training step",
       kTraining,
       kWalk},
      // Rows that are drawn on the fly are never seen twice: stopping early would only cut off the end of the schedule.
      {"train_patience",
       {"0", {{kWalkFile, "8"}}},
       integer(0),
       "validations",
       "validations without progress after which training stops early; 0: never",
       kTraining,
       kWalk},

      {"sample_flow",
       {"exact,neural", {{kWalk, "neural"}}},
       kWords,
       "exact|neural",
       "which currents the particles follow: the exact ones, the network's, or both (a list)",
       kNothing},
      {"sample_count",
       {"200000", {{kWalk, "40000"}}},
       integer(1),
       "particles",
       "number of particles of each flow",
       kSamples},
      {"sample_seed", "=seed", integer(0), "integer",
       "seed of the walks: another one gives other samples of the same network", kSamples},
      {"sample_missing", "keep", kChoice, "keep|fill", "samples have missing entries as the table has them, or none",
       kSamples, kWalkTable},
      {"sample_leap", "0", real(0, 1), "share",
       "take several moves per network call (approximate): the fraction of likely changes taken at once; 0: one move "
       "per "
       "call, exact",
       kSamples, kWalk},
      {"sample_paths", "64", small(0), "paths",
       "sampled paths per test row for the likelihood estimate; 0: no estimate", kNothing, kWalk},

      {"impute_draws", "5", small(1), "draws", "completed rows for each row of the file", kNothing, kWalkTable},
      {"impute_paths", "64", small(1), "paths", "sampled paths that the draws of a row are taken from", kNothing,
       kWalkTable},
      {"impute_likelihood", "false", kFlag, "true|false",
       "log p(missing | given) of every draw with its error too, from paths of its own", kNothing, kWalkTable},
      {"impute_out", "imputed.csv", kText, "name", "the file of completed rows, in the folder of results", kNothing,
       kWalkTable},

      {"report_image",
       "",
       {Values::Type::integers, 1, kMostInt},
       "rows,columns",
       "coordinates are the pixels of an image, row by row: the report shows samples as pictures",
       kNothing},

      {"bench_methods", "", kWords, methods, "solve methods to time (a list); without: all that are feasible", kNothing,
       kSolved, "", older_solve_method_names()},
      {"bench_repeats", "5", small(1), "solves", "solves per method; the median is reported", kNothing, kSolved},
      {"bench_seconds", "20", real(0, kNoBound), "s", "a method is not repeated once it has taken this long in all",
       kNothing, kSolved},

      {"seed", "0", integer(0), "integer", "seed of all random numbers", kTraining},
      {"out", "", kPath, "folder", "folder for results; without: the case's name", kProgram, kLayered | kNetwork},
      {"force", "false", kFlag, "flag", "compute finished stages of the same problem again", kProgram,
       kLayered | kNetwork},
      {"overwrite", "false", kFlag, "flag", "replace results of another problem in the folder", kProgram,
       kLayered | kNetwork},
      {"help", "false", kFlag, "flag", "print this text", kProgram, kLayered | kNetwork},
      {"version", "false", kFlag, "flag", "the program's version, PETSc's and the BLAS in use", kProgram,
       kLayered | kNetwork},
  };
  return table;
}

namespace {

/// "walk", "lattice": who alone uses an option; "" for all.
std::string users(const OptionSpec& option) {
  std::vector<std::string> names;
  if (option.of_case() && option.problems != kLayered && option.problems != (kSolved | kNetwork)) {
    if ((option.problems & kExact) != 0) names.emplace_back("exact");
    if ((option.problems & kMonteCarlo) != 0) names.emplace_back("monte_carlo");
    if ((option.problems & kWalk) != 0)
      names.emplace_back(option.problems == kWalkFile    ? "walk from a file"
                         : option.problems == kWalkTable ? "table"
                                                         : "walk");
    if ((option.problems & kNetwork) != 0) names.emplace_back("network");
  }
  if (option.problems == (kSolved | kNetwork)) names = {"not walk"};
  std::vector<std::string> serving;
  std::vector<std::string> others;
  for (const auto& row : families()) {
    if (option.serves(row.family)) {
      serving.emplace_back(row.name);
    } else {
      others.push_back(std::string("not ") + row.name);
    }
  }
  const auto& shorter = serving.size() <= others.size() ? serving : others;
  names.insert(names.end(), shorter.begin(), shorter.end());
  return names.empty() ? "" : fmt::format("{}: ", fmt::join(names, ", "));
}

std::string range(const Values& values) {
  if (values.type != Values::Type::integer && values.type != Values::Type::real) return "";
  if (values.most >= kMostInt) return fmt::format(", {} or more", values.least);
  return fmt::format(", {} to {}", values.least, values.most);
}

std::string defaults(const Default& fallback) {
  const auto shown = [](const std::string& value) {
    return value.starts_with('=') ? "that of " + value.substr(1) : value;
  };
  std::vector<std::string> parts;
  if (!fallback.usual.empty()) parts.push_back(shown(fallback.usual));
  for (const auto& [problems, value] : fallback.special) {
    const auto* who = problems == kWalkFile    ? "walk from a file"
                      : problems == kWalkTable ? "table"
                      : problems == kWalkDrawn ? "walk from a name"
                                               : "walk";
    parts.push_back(fmt::format("{} {}", who, shown(value)));
  }
  return parts.empty() ? "" : fmt::format(" default {}", fmt::join(parts, ", "));
}

}  // namespace

std::string option_help() {
  std::string text =
      "usage: mpirun -n NP kirchhoff COMMAND [INPUT] [-option value ...]\n\n"
      "commands\n"
      "  run CASE            solve, train, sample, validate; finished stages of an unchanged problem are not redone\n"
      "  solve CASE|NETWORK  potentials and their proof             -> solution.h5\n"
      "                      (a network: .spice .sp .cir .txt .csv .mtx .npz .h5, also .gz .bz2 .xz .zst)\n"
      "  solve JOB.ini       Circuitscape's job on a raster         -> its maps and resistances, solution.h5\n"
      "  convert IN OUT      a network or a case as SPICE, edge list, Matrix Market or HDF5\n"
      "  train CASE          train the network                      -> checkpoint.h5, training.csv\n"
      "  sample CASE|DIR     walks along the currents               -> samples.h5, of a table also samples.csv\n"
      "  validate CASE|DIR   everything against the truth           -> report.json, report.html\n"
      "  impute CASE FILE    rows of a table with their holes filled -> imputed.csv\n"
      "  bench CASE          time and memory of all solve methods   -> bench.json\n"
      "  info FILE|DIR       what an HDF5 file of ours holds, how far a folder's work has come\n\n"
      "options: who uses them if not all, meaning, [unit or values], default. In a case the part before the first "
      "underscore\n"
      "is a section: -circuit_layers 10 is circuit: {layers: 10}\n";
  for (const auto& o : option_table()) {
    text += fmt::format("  -{:<27} {}{} [{}{}]{}\n", o.name, users(o), o.help, o.unit, range(o.values),
                        o.values.type == Values::Type::flag ? "" : defaults(o.fallback));
  }
  text +=
      "\nPETSc's options work too and win over our defaults: -ksp_type -pc_type -ksp_monitor -ksp_view -log_view ...\n"
      "(PETSC_OPTIONS and .petscrc as well). What nothing in this problem could use is an error in a case and on the\n"
      "command line; PETSC_OPTIONS and .petscrc serve many problems, and only unknown names are errors there.\n";
  return text;
}

}  // namespace kirchhoff
