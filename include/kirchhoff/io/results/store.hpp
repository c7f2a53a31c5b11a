#pragma once

#include <mpi.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "kirchhoff/circuit/circuit.hpp"
#include "kirchhoff/flow/walk.hpp"
#include "kirchhoff/learn/network/model.hpp"
#include "kirchhoff/learn/train.hpp"
#include "kirchhoff/learn/walk/neural_walk.hpp"
#include "kirchhoff/solve/network/nodal.hpp"
#include "kirchhoff/solve/solve.hpp"
#include "kirchhoff/states/schema.hpp"

namespace kirchhoff {

/// How a file came to be: root attributes of every file.
struct Provenance {
  std::string problem_hash;  // of circuit and terminals
  std::string options;       // resolved, as a case (YAML)
  int ranks = 1;
  std::string package_version;
  std::string blas;
  std::string petsc;
  std::shared_ptr<const Schema> table{};  // what its columns mean, where the data are a table of words
};

/// The provenance of what this process writes now.
Provenance provenance(MPI_Comm comm, std::string problem_hash, std::string options);

/// What a file is, before anything is done to it or taken from it.
enum class FileState {
  absent,
  whole,    // of this package and this schema, as it was written
  damaged,  // of this package, but edited or damaged since
  older,    // of an older schema, which had no checksums
  newer,    // of a newer schema: to be left alone
  foreign,  // something else
};
struct FileStatus {
  FileState state = FileState::absent;
  std::string kind;          // solution, network, currents, checkpoint, samples; where the state lets it be known
  std::string problem_hash;  // of the problem that it belongs to, likewise
  std::string reason;        // of all states but whole: why, in words, beginning with the file's name
};
enum class Check {
  structure,  // all but the bytes of arrays: names, shapes, attributes
  all,
};
/// What a file is; nothing of it is believed that its checksums do not cover. With Check::all the file is read once.
/// Local. Never throws for what is in the file.
FileStatus file_status(const std::string& path, Check check);
/// The same, the file's arrays being read by all ranks together, each a part. @note Collective.
FileStatus file_status(MPI_Comm comm, const std::string& path, Check check);

/// The provenance of a file that is whole, or of an older schema. Local. @throws Error when it is neither, naming it.
Provenance read_provenance(const std::string& path);

// Every write below goes to `path`.tmp, is read back and compared, and then renamed: a file is whole or not there. What
// goes wrong, on whatever rank, is an AgreedError on all.
// Every read below refuses, with the reason, a file that is not FileState::whole.

/// solution.h5; its report gains seconds_write. @note Collective.
void write_solution(MPI_Comm comm, const std::string& path, const Circuit& circuit, Solution& solution,
                    const Provenance& provenance);
/// @note Collective. @throws Error when the file is not a solution of a circuit of this shape, or damaged.
Solution read_solution(MPI_Comm comm, const std::string& path, const Circuit& circuit);

/// Signed currents of every edge, in a file of their own, currents.h5, with /layer, /from,
/// /to (m) i64 and /current (m) ampere, positive from layer to layer + 1. On dense circuits these are L
/// N^2 numbers. @note Collective.
void write_currents(MPI_Comm comm, const std::string& path, const Circuit& circuit, std::span<const double> potential,
                    const Provenance& provenance);

/// A network, and its solution unless that is null: solution.h5, whose report gains seconds_write. `pairs` are those of
/// the solution. @note Collective.
void write_network(MPI_Comm comm, const std::string& path, const Netlist& netlist, const NodePairs& pairs,
                   NodalSolution* solution, const Provenance& provenance);
/// The network in such a file, also of one that another program wrote or an older schema. Local.
/// @throws Error when there is none, or it is damaged.
Netlist read_network(const std::string& path);

/// checkpoint.h5: a model in training, complete.
struct Checkpoint {
  std::string training_hash;  // of everything that shapes the training
  std::string supervision;
  std::uint64_t seed = 0;
  std::vector<double> mean;  // of the network's outputs
  std::vector<double> scale;
  std::string unit = "volt";  // of both
  TrainState state;
};

/// The checkpoint before it stays as checkpoint.previous.h5, and there is a whole checkpoint.h5
/// at any time. @note Collective.
void write_checkpoint(MPI_Comm comm, const std::string& directory, const Model& model, const Checkpoint& checkpoint,
                      const Provenance& provenance);
/// Reads `directory`/checkpoint.h5, or checkpoint.previous.h5 when that one cannot be used for whatever reason but that
/// it is of a newer schema (and says so on stderr).
/// @note Collective. @throws Error when neither can be used, or the network's shape is not `model`'s.
Checkpoint read_checkpoint(MPI_Comm comm, const std::string& directory, const Model& model);

/// The same for any network of so many parameters.
void write_checkpoint(MPI_Comm comm, const std::string& directory, std::int64_t parameters,
                      const Checkpoint& checkpoint, const Provenance& provenance);
Checkpoint read_checkpoint(MPI_Comm comm, const std::string& directory, std::int64_t parameters);

/// What checkpoint.h5 holds, without its arrays. Local.
struct CheckpointSummary {
  Provenance provenance;
  std::string training_hash;
  std::string checksum;
  std::int64_t step = 0;
};
CheckpointSummary summarise_checkpoint(const std::string& path);

/// One flow's walks in samples.h5.
struct StoredWalks {
  std::string flow;    // exact | neural
  std::string origin;  // hash of what was walked: potentials and options
  double seconds = 0;
  std::int64_t count = 0;  // over all ranks
  Walks walks;
};

/// samples.h5. @note Collective.
void write_samples(MPI_Comm comm, const std::string& path, const Circuit& circuit,
                   const std::vector<StoredWalks>& flows, const Provenance& provenance);
/// @note Collective. Each rank gets its piece of the particles.
std::vector<StoredWalks> read_samples(MPI_Comm comm, const std::string& path, const Circuit& circuit);

/// Walks of a network of moves, in samples.h5 under /neural like others.
struct StoredMoveWalks {
  std::string origin;  // hash of the network and options
  double seconds = 0;
  std::int64_t count = 0;  // over all ranks
  MoveWalks walks;
};
/// @note Collective.
void write_move_samples(MPI_Comm comm, const std::string& path, const StateSpace& space, const StoredMoveWalks& stored,
                        const Provenance& provenance);
/// @note Collective. Each rank gets its piece of the particles. @throws Error for a damaged file.
StoredMoveWalks read_move_samples(MPI_Comm comm, const std::string& path, const StateSpace& space);

/// What the columns of the table mean that checkpoint.h5 or samples.h5 was made of; nothing in files of no table.
/// Local.
/// @throws Error when the file is not whole, naming it.
std::optional<Schema> read_schema(const std::string& path);

/// Rows of codes as a file like the one that the schema was understood from: the same header, words, order of columns
/// and separator, quoted where needed. Of a bin a value is drawn uniformly, a function of the seed, the row's number
/// and the column. Each rank writes its own rows in pieces; none holds more than one piece as text.
/// @param rows (mine x D) of this rank, row-major. @param first the number of the first of them; ranks hold rows in
/// the order of ranks. @note Collective. @throws AgreedError naming the file, which is whole or as it was.
void write_rows(MPI_Comm comm, const std::string& path, const Schema& schema, std::span<const std::uint16_t> rows,
                std::int64_t first, std::uint64_t seed);

/// What a file of this package holds, as lines for people. Local. @throws Error when it is damaged, newer or foreign.
std::string describe_file(const std::string& path);

}  // namespace kirchhoff
