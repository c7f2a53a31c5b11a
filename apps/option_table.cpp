#include <fmt/format.h>
#include <fmt/ranges.h>

#include "kirchhoff/solve.hpp"
#include "options.hpp"

namespace kirchhoff {

const std::vector<OptionSpec>& option_table() {
  static const std::vector<OptionSpec> table = {
      {"space_categories", "", "S", "categories of a coordinate"},
      {"space_dimensions", "1", "D", "coordinates of a state; S^D states a layer"},

      {"circuit_family", "dense", "dense|hamming|lattice|nearest|file",
       "which states of neighbouring layers are joined"},
      {"circuit_layers", "10", "L", "layer pairs; the circuit has L+1 layers"},
      {"circuit_resistance_same", "1", "ohm", "r, between equal states; one value or one a layer pair", true, true},
      {"circuit_resistance_change", "10", "ohm", "R, between different states; one value or one a layer pair", true,
       true},
      {"circuit_boundary", "reflecting", "reflecting|periodic", "lattice: what is beyond the last category"},
      {"circuit_neighbours", "8", "k", "family nearest: joined to the k nearest states, and to those it is nearest to"},
      {"circuit_embedding", "", "path",
       "family nearest: a row of coordinates a state, any table; default: the grid itself"},
      {"circuit_file", "", "path",
       "edges (l, x, y, conductance in siemens): all of them for family file, each edge's own for lattice and hamming"},
      {"circuit_resistance_spread", "0", "1", "sigma of a log-normal factor on every edge's resistance; not for dense"},
      {"circuit_resistance_seed", "0", "integer", "of those factors"},

      {"source_name", "", "name", "named distribution injected on layer 0 (docs/distributions.md)"},
      {"source_file", "", "path", "the same from a file: .h5 .npy .csv .txt .data, also .gz and .bz2"},
      {"source_dataset", "", "samples|mass|path", "what the file holds; in HDF5 also the dataset's path"},
      {"source_columns", "", "0-15,17", "columns of the file to use; all by default"},
      {"source_smoothing", "0", "share", "e in mass (1-e) p + e/N"},

      {"target_name", "", "name", "named distribution taken out on layer L"},
      {"target_file", "", "path", "the same from a file"},
      {"target_dataset", "", "samples|mass|path", "what the file holds; in HDF5 also the dataset's path"},
      {"target_columns", "", "0-15,17", "columns of the file to use; all by default"},
      {"target_smoothing", "0", "share", "e in mass (1-e) q + e/N"},
      {"target_valid", "", "path", "samples held out for choices; read like the target's file"},
      {"target_test", "", "path", "samples held out for the test log-likelihood"},
      {"target_test_rows", "0", "rows", "walk: without such a file, so many rows of target_file, at random"},

      {"solve_method", "auto", fmt::format("{}", fmt::join(kSolveMethodNames, "|")),
       "how the circuit is solved; PETSc's -ksp_type, -pc_type ... refine it"},
      {"solve_tolerance", "1e-12", "1", "on the true relative residual ||b - A phi|| / ||b||"},
      {"solve_currents", "false", "true|false", "write every edge's current to currents.h5 (L N^2 numbers when dense)"},

      {"network_values", "", "resistance|conductance",
       "third column of an edge list (default resistance) or values of a matrix (default conductance)"},
      {"network_title", "auto", "auto|line|none",
       "SPICE: the first line is a title (line), or read like any other (none); auto: a title, with a warning where it "
       "reads like an element"},
      {"network_index_base", "0", "0|1", "least node number of an edge list"},
      {"network_sources", "", "path", "currents into nodes: a line a node and ampere"},
      {"network_grounds", "", "path", "nodes joined to ground: a line a node and ohm, 0 being tied to it"},
      {"network_pairs", "", "path|all", "two nodes a line (or one: every pair): 1 A from the second into the first"},

      {"model_hidden", "256,256,256", "widths", "hidden layers of the network", true, true},
      {"model_activation", "silu", "silu|tanh|relu", "between them"},
      {"model_head", "auto", "auto|potential|current",
       "what the network gives of a state: its potentials, or (sparse circuits) the currents of its moves"},
      {"model_likelihood", "auto", "auto|categorical|mixture",
       "monte_carlo: the law of a coordinate: a logit a category, or (ordered categories) a mixture of normal laws"},
      {"model_evidence", "auto", "auto|none|linear",
       "walk, S = 2: each coordinate also by a linear function of all, beside the layers; auto: for a file"},
      {"model_precision", "double", "double|single", "of passes and optimiser"},

      {"train_supervision", "exact", "exact|monte_carlo|walk",
       "where targets come from: the solution, samples of the terminals, or (hamming of any size) conditional walks"},
      {"train_samples", "0", "pairs", "monte_carlo: size of a fixed training set; 0: every row is a new draw"},
      {"train_jitter", "auto", "auto|categories",
       "monte_carlo: noise on the coordinates that others are predicted from; auto: for a mixture of few rows"},
      {"train_steps", "20000", "steps", "of the optimiser; walk: 0, its default, as many as suit the rows"},
      {"train_batch", "4096", "states", "a step, over all ranks; each gives the targets of all layers"},
      {"train_learning_rate", "1e-3", "1", "peak of warm-up and cosine"},
      {"train_warmup", "200", "steps", "of linear rise"},
      {"train_weight_decay", "0", "1", "of AdamW"},
      {"train_average", "0.999", "1", "decay of the moving average of the weights"},
      {"train_clip", "0", "norm", "longest gradient, longer ones are shortened to it; 0: none is"},
      {"train_balance", "0.5", "0..1", "weight of a layer's error: 0 relative to its spread, 1 in volt"},
      {"train_validate_every", "500", "steps", "between lines of training.csv"},
      {"train_checkpoint_every", "1000", "steps", "between checkpoints"},
      {"train_references", "256", "rows", "walk: end points that an example's targets are averaged over"},
      {"train_row_decay", "0", "rows", "walk: weight decay times the number of training rows, added to the other"},
      {"train_dropout", "0", "0..1", "walk: share of the hidden units left out in a step"},
      {"train_patience", "0", "validations", "walk: without progress until training stops early; 0 never"},

      {"sample_flow", "exact,neural", "exact|neural", "whose currents the particles follow; a list", true, true},
      {"sample_count", "200000", "particles", "of each flow"},
      {"sample_leap", "0", "0..1", "walk: several moves a call, this share of the likely ones; 0: one, exactly"},
      {"sample_paths", "64", "paths", "walk: a test row, to estimate its probability where states are too many; 0 not"},

      {"bench_methods", "", "auto|krylov|...",
       "which of the solve's methods are timed; a list; default: all that are feasible", true, true},
      {"bench_repeats", "5", "solves", "of each method, whose median counts"},
      {"bench_seconds", "20", "s", "a method that has taken so long is not repeated"},

      {"seed", "0", "integer", "of all random numbers"},
      {"out", "", "folder", "for results; default: the case's name", false},
      {"force", "false", "", "redo finished stages", false},
      {"help", "false", "", "this text", false},
      {"version", "false", "", "the program's version, PETSc's and the BLAS in use", false},
  };
  return table;
}

std::string option_help() {
  std::string text =
      "usage: mpirun -n NP kirchhoff COMMAND [INPUT] [-option value ...]\n\n"
      "commands\n"
      "  run CASE            solve, train, sample, validate; finished stages of an unchanged problem are not redone\n"
      "  solve CASE|NETWORK  potentials and their proof             -> solution.h5\n"
      "                      (a network: .spice .sp .cir .txt .csv .mtx .h5, also .gz and .bz2)\n"
      "  convert IN OUT      a network or a case as SPICE, edge list, Matrix Market or HDF5\n"
      "  train CASE          the network of currents                -> checkpoint.h5, training.csv\n"
      "  sample CASE|DIR     walks of both flows                    -> samples.h5\n"
      "  validate CASE|DIR   everything against the truth           -> report.json, report.html\n"
      "  bench CASE          time and memory of all solve methods   -> bench.json\n"
      "  info FILE           what an HDF5 file of ours holds\n\n"
      "options, with [unit or values] and default; in a case the part before the first underscore is a section\n";
  for (const auto& o : option_table()) {
    text += fmt::format("  -{:<27} {} [{}]{}\n", o.name, o.help, o.unit,
                        o.fallback.empty() ? "" : " default " + o.fallback);
  }
  text +=
      "\nPETSc's options work too and win over our defaults: -ksp_type -pc_type -ksp_monitor -ksp_view -log_view ...\n"
      "(PETSC_OPTIONS and .petscrc as well)\n";
  return text;
}

}  // namespace kirchhoff
