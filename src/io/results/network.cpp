// Networks: solution.h5 of one, and what convert writes.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "io/hdf5/guard.hpp"
#include "io/hdf5/schema.hpp"
#include "io/results/provenance.hpp"
#include "kirchhoff/base/error.hpp"

namespace kirchhoff {
namespace {

namespace fs = std::filesystem;

/// The same rows on every rank, of which each writes a part.
template <class T>
void write_rows(MPI_Comm comm, Hdf5Writer& file, const std::string& path, const std::vector<T>& values,
                const std::string& unit = "") {
  const auto total = static_cast<std::int64_t>(values.size());
  const auto mine = partition(total, size_of(comm), rank_of(comm));
  file.write(path, rows_slab(total, mine.begin, mine.size()), values.data() + mine.begin, unit);
}

/// Whole rows of which this rank holds some columns.
void write_columns(MPI_Comm comm, Hdf5Writer& file, const std::string& path, const std::vector<double>& values,
                   std::size_t rows, std::size_t columns, const std::string& unit) {
  const auto mine = partition(static_cast<std::int64_t>(columns), size_of(comm), rank_of(comm));
  const Slab slab{
      {rows, columns}, {0, static_cast<hsize_t>(mine.begin)}, {rows, static_cast<hsize_t>(mine.size())}, false};
  file.write(path, slab, values.data(), unit);
}

struct BranchPaths {
  const char* name;
  const char* tail;
  const char* head;
  const char* value;
};
constexpr BranchPaths kResistors{schema::kResistorName, schema::kResistorTail, schema::kResistorHead,
                                 schema::kConductance};
constexpr BranchPaths kVoltages{schema::kVoltageName, schema::kVoltageTail, schema::kVoltageHead, schema::kVoltage};
constexpr BranchPaths kInjections{schema::kInjectionName, schema::kInjectionTail, schema::kInjectionHead,
                                  schema::kInjection};

bool unprintable(unsigned char c) { return c < 0x20 || c == 0x7f; }

/// Names, which messages will show. @throws Error naming the dataset when one would upset a terminal.
std::vector<std::string> read_names(const Hdf5Reader& file, const std::string& path) {
  auto names = file.texts(path);
  for (const auto& name : names) {
    if (std::any_of(name.begin(), name.end(), unprintable)) {
      throw Error(fmt::format("{}: dataset {} holds a name that cannot be printed", file.path(), path));
    }
  }
  return names;
}

Branches read_branches(const Hdf5Reader& file, const BranchPaths& paths, std::int64_t nodes) {
  Branches branches;
  branches.names = read_names(file, paths.name);
  branches.tail = file.integers(paths.tail);
  branches.head = file.integers(paths.head);
  branches.value = file.values(paths.value);
  const auto size = branches.names.size();
  if (branches.tail.size() != size || branches.head.size() != size || branches.value.size() != size) {
    throw Error(fmt::format("{}: {} and {} have different lengths", file.path(), paths.name, paths.tail));
  }
  const bool resistors = paths.value == kResistors.value;
  const bool injections = paths.value == kInjections.value;
  for (std::size_t k = 0; k < size; ++k) {
    const auto outside = [&](std::int64_t node) { return node >= nodes || node < 0; };
    if (outside(branches.head[k]) || (outside(branches.tail[k]) && !(injections && branches.tail[k] == -1))) {
      throw Error(
          fmt::format("{}: element '{}' is joined to a node that is not there", file.path(), branches.names[k]));
    }
    const double value = branches.value[k];
    if (resistors ? !(value >= 0) : !std::isfinite(value)) {
      throw Error(fmt::format("{}: element '{}' has the value {}", file.path(), branches.names[k], value));
    }
  }
  return branches;
}

}  // namespace

void write_network(MPI_Comm comm, const std::string& path, const Netlist& netlist, const NodePairs& pairs,
                   NodalSolution* solution, const Provenance& provenance) {
  const double begin = wall_time();
  Hdf5Writer file(comm, path);
  const auto write_branches = [&](const Branches& branches, const BranchPaths& paths, const std::string& unit) {
    std::vector<std::string> numbers;
    if (branches.names.empty()) {
      for (std::size_t k = 0; k < branches.size(); ++k) numbers.push_back(branches.name(k));
    }
    file.write_texts(paths.name, branches.names.empty() ? numbers : branches.names);
    write_rows(comm, file, paths.tail, branches.tail);
    write_rows(comm, file, paths.head, branches.head);
    write_rows(comm, file, paths.value, branches.value, unit);
  };
  file.write_texts(schema::kNodeName, netlist.nodes);
  write_branches(netlist.resistors, kResistors, "siemens");
  write_branches(netlist.voltages, kVoltages, "volt");
  write_branches(netlist.currents, kInjections, "ampere");
  std::vector<std::int64_t> pair_nodes;
  const bool only_resistances = solution != nullptr && !solution->pair_error.empty();
  if (solution != nullptr) {
    write_rows(comm, file, schema::kNodePotential, solution->potential, "volt");
    write_rows(comm, file, schema::kResistorCurrent, solution->current, "ampere");
    write_rows(comm, file, schema::kDelivered, solution->delivered, "ampere");
    if (!pairs.empty()) {
      for (const auto& [i, j] : pairs) {
        pair_nodes.push_back(i);
        pair_nodes.push_back(j);
      }
      const auto k = static_cast<std::int64_t>(pairs.size());
      const auto mine = partition(k, size_of(comm), rank_of(comm));
      file.write(schema::kPairNodes, rows_slab(k, mine.begin, mine.size(), 2), pair_nodes.data() + 2 * mine.begin);
      write_rows(comm, file, schema::kPairResistance, solution->pair_resistance, "ohm");
      if (only_resistances) {
        write_rows(comm, file, schema::kPairError, solution->pair_error, "ohm");
      } else {
        write_columns(comm, file, schema::kPairPotential, solution->pair_potential, pairs.size(), netlist.nodes.size(),
                      "volt");
        write_columns(comm, file, schema::kPairCurrent, solution->pair_current, pairs.size(), netlist.resistors.size(),
                      "ampere");
      }
    }
  }
  write_root(file, schema::kNetwork, provenance);
  file.attribute(schema::kGround, netlist.ground);
  file.attribute(schema::kTitle, netlist.title);
  if (solution != nullptr) {
    file.attribute(schema::kUndetermined, solution->undetermined);
    file.attribute(schema::kRefinedResidual, solution->refined_residual);
    if (only_resistances) {
      file.attribute(schema::kResistanceError, solution->resistance_error);
      file.attribute(schema::kResistanceConfidence, solution->confidence);
      file.attribute(schema::kResistanceSolves, solution->solves);
      file.attribute(schema::kProjections, solution->projections);
    }
    file.write_arrays();
    solution->report.seconds_write = all_max(comm, wall_time() - begin);
    write_figures(file, solution->report);
  }
  file.commit();
}

namespace {

Netlist read_network(const Hdf5Reader& file) {
  const auto& path = file.path();
  auto kind = file.text(schema::kKind);
  std::replace_if(kind.begin(), kind.end(), unprintable, '?');
  if (kind != schema::kNetwork) throw Error(fmt::format("{}: holds a {}, not a {}", path, kind, schema::kNetwork));
  Netlist netlist;
  netlist.origin = path;
  netlist.title = file.text(schema::kTitle);
  netlist.nodes = read_names(file, schema::kNodeName);
  netlist.ground = file.integer(schema::kGround);
  const auto nodes = static_cast<std::int64_t>(netlist.nodes.size());
  if (netlist.ground < -1 || netlist.ground >= nodes) throw Error(fmt::format("{}: its ground is no node", path));
  netlist.resistors = read_branches(file, kResistors, nodes);
  netlist.voltages = read_branches(file, kVoltages, nodes);
  netlist.currents = read_branches(file, kInjections, nodes);
  return netlist;
}

}  // namespace

Netlist read_network(const std::string& path) {
  const auto status = file_status(path, Check::all);
  const auto read = [&] { return read_network(Hdf5Reader(path)); };
  if (status.state == FileState::whole) return read();
  const bool unsealed = status.state == FileState::older || status.state == FileState::foreign;
  if (!unsealed || !fs::is_regular_file(path)) throw Error(status.reason);
  // Networks may be written by other programs; HDF5 meets theirs in a process of its own first.
  guarded(path, [&] { return read().title; });
  return read();
}

}  // namespace kirchhoff
