#pragma once

#include <mpi.h>

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kirchhoff/circuit/circuit.hpp"
#include "kirchhoff/io/table/typed_table.hpp"
#include "kirchhoff/learn/network/model.hpp"
#include "kirchhoff/learn/train.hpp"
#include "kirchhoff/solve/solve.hpp"
#include "kirchhoff/validate/bench.hpp"
#include "pipeline/options.hpp"

namespace kirchhoff {

/// Where p or q comes from.
struct Terminal {
  std::string role;    // source | target
  std::string origin;  // where the name was given, for messages
  std::string name;    // a named distribution, or
  std::string file;    // a file, looked up
  std::string dataset;
  std::string columns;
  double smoothing = 0;
  std::string valid;  // files of held-out samples, looked up; may be empty
  std::string test;
  std::int64_t test_rows = 0;  // walk: without a file of them, so many rows of `file`, at random
};

/// What is to be done with a file of rows with holes.
struct ImputeJob {
  std::string file;         // none: nothing
  std::string out;          // name of the file of completed rows, in the folder of results
  int draws = 0;            // of each row
  int paths = 0;            // of each row
  bool likelihood = false;  // of the draws, given the rest, too
};

/// A case with all options resolved, in types: what is to be done, and nothing yet done.
struct Job {
  std::string title;       // the case's name
  std::string out;         // folder for results
  bool force = false;      // finished stages are redone
  bool overwrite = false;  // another problem's results give way

  StateSpace space{1, 1};
  Family family = Family::dense;
  Boundary boundary = Boundary::reflecting;
  int layers = 1;
  std::vector<double> resistance_same;    // (L) [ohm]
  std::vector<double> resistance_change;  // (L) [ohm]
  std::vector<double> resistance_within;  // (L) [ohm] blocks
  std::string group_file;                 // blocks: looked up; empty for the states that agree in a coordinate
  int group_coordinate = 0;
  std::string edge_file;
  double resistance_spread = 0;  // sigma of the log-normal factor on every edge's resistance
  std::uint64_t resistance_seed = 0;
  std::int64_t neighbours = 0;  // nearest
  std::string embedding;        // nearest: a file, looked up; empty for the grid itself
  Terminal source;
  Terminal target;
  std::shared_ptr<TypedTable> table{};     // what was understood of a table, and its rows as codes; null for others
  std::vector<std::string> table_files{};  // in the order of the table's rows

  SolveOptions solve;
  bool write_currents = false;
  BenchOptions bench;
  ModelOptions model;
  TrainOptions train;
  std::int64_t training_pairs = 0;  // size of a fixed training set; 0: fresh draws
  double jitter = 0;                // Monte-Carlo: noise on the coordinates that others are predicted from [categories]
  double balance = 0.5;
  std::string supervision = "exact";  // exact | monte_carlo | walk
  bool lattices = false;              // walk: ordered columns of a table are joined rank by rank
  bool start_from_tree = false;       // walk: the network starts from the flow toward a tree
  std::int64_t references = 1;        // walk: end points that an example's targets are averaged over
  double row_decay = 0;               // walk: weight decay times the number of training rows, added to the other
  double leap = 0;                    // walk: moves per network call, as a share of those that are likely; 0: one
  std::int64_t paths = 0;             // walk: of an estimate of a test row's probability; 0: none
  std::vector<std::string> flows;     // exact, neural
  std::int64_t count = 0;
  std::optional<std::array<int, 2>> image;  // rows and columns of pixels, where coordinates are an image
  std::uint64_t seed = 0;
  std::uint64_t sample_seed = 0;  // of the walks
  ImputeJob impute;
  bool fill_missing = false;  // no sample has a missing entry

  ResolvedOptions options;
};

/// Reads the job of a case file, or of a folder with results in it; the command line wins. Local.
/// @throws Error naming file, line and key.
Job read_job(const std::string& input);

/// The circuit that a job describes: reads terminals and edges. @note Collective. @throws Error naming the file.
Circuit build_circuit(MPI_Comm comm, const Job& job);

/// Held-out samples as state indices; empty when there is no such file. Local; `comm` is for what is said about the
/// file.
std::vector<std::int64_t> read_states(MPI_Comm comm, const StateSpace& space, const Terminal& terminal,
                                      const std::string& file);

/// The rows of a file of samples as coordinates (count x D); empty when `file` is. Local; `comm` likewise.
std::vector<std::uint16_t> read_rows(MPI_Comm comm, const StateSpace& space, const Terminal& terminal,
                                     const std::string& file);

/// What decides the solution: two jobs of equal hash have the same circuit and terminals.
std::string problem_hash(const Job& job, const Circuit& circuit);
/// What decides the training: with the same hash, and on as many ranks, it ends in the same network.
std::string training_hash(const Job& job, const std::string& problem);

}  // namespace kirchhoff
