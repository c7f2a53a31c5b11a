// The circuit that a job describes: couplings by the family's rule, by nearness or from a list of edges.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <climits>
#include <cmath>

#include "base/text_rows.hpp"
#include "kirchhoff/base/error.hpp"
#include "kirchhoff/base/hash.hpp"
#include "kirchhoff/circuit/nearest.hpp"
#include "kirchhoff/parallel/agree.hpp"
#include "pipeline/job.hpp"
#include "pipeline/terminals.hpp"

namespace kirchhoff {
namespace {

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
  const auto from = row_of(job.family).edges_from;
  const auto edges =
      agree(comm, [&] { return job.edge_file.empty() ? std::vector<LayerEdge>() : read_edges(comm, job.edge_file); });
  auto couplings = agree(comm, [&] {
    if (from == EdgesFrom::nearness) return embedded_couplings(comm, job);
    return from == EdgesFrom::list ? couplings_from_edges(job.space, job.layers, edges, job.edge_file)
                                   : uniform_couplings(comm, job);
  });
  if (from != EdgesFrom::list && !job.edge_file.empty()) {
    couplings = weigh_couplings(comm, couplings, edges, job.edge_file);
  }
  if (job.resistance_spread > 0) {
    couplings = spread_couplings(comm, couplings, job.resistance_spread, job.resistance_seed);
  }
  return couplings;
}

}  // namespace

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

std::string problem_hash(const Job& job, const Circuit& circuit) {
  Hash hash;
  hash.add(job.options.digest(kCircuit));
  if (!job.edge_file.empty() || row_of(job.family).edges_from == EdgesFrom::nearness) {  // what files made of it
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

}  // namespace kirchhoff
