#include "pipeline/job_memory.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "kirchhoff/base/error.hpp"
#include "solve/solve_memory.hpp"

namespace kirchhoff {
namespace {

constexpr double kDouble = sizeof(double);
constexpr double kReadBack = 67108864;  // of a file that is checked after writing, at most

double states_of(const Job& job) { return static_cast<double>(job.space.size()); }
double vertices_of(const Job& job) { return states_of(job) * (job.layers + 1.0); }

/// Edges of a layer pair that are held as a list, or as conductances of their own.
double edges_of_pair(const Job& job) {
  const auto moves = row_of(job.family).stored_moves;
  return moves == nullptr ? 0 : states_of(job) * moves(job.space, job.neighbours);
}

}  // namespace

MemoryNeed circuit_memory(const Job& job) {
  const double terminals = 2 * kDouble * states_of(job);
  const double in_the_making = kDouble * states_of(job);
  MemoryNeed need{.each = terminals + in_the_making};
  const bool spread = job.resistance_spread > 0 || !job.edge_file.empty();
  if (row_of(job.family).edges_from == EdgesFrom::nearness) {
    constexpr double kOfEdge = 2 * (sizeof(std::int64_t) + kDouble);  // from both ends
    const double tables = spread ? job.layers + 1 : 1;
    need.each += kOfEdge * tables * edges_of_pair(job);
  } else if (spread) {
    need.once += kDouble * job.layers * edges_of_pair(job);
  }
  return need;
}

MemoryNeed training_memory(const Job& job, std::int64_t parameters, int ranks) {
  const auto count = static_cast<double>(parameters);
  const double number = job.model.precision == Precision::single ? sizeof(float) : sizeof(double);
  constexpr double kKept = 4;  // parameters, average and two moments
  // Of the state that a checkpoint keeps, and of the model itself; the file is read back.
  const double state = (kKept + 1) * kDouble * count;
  return {.once = (kKept + ranks) * number * count, .each = state + std::min(kReadBack, kKept * kDouble * count)};
}

MemoryNeed sampling_memory(const Job& job, int ranks) {
  const double d = job.space.dimensions();
  const auto count = static_cast<double>(job.count) * static_cast<double>(job.flows.size()) / ranks;
  constexpr double kOfWalk = 8 + 8 + 4 + 1;                  // both ends, moves, whether it was stuck
  const double written = 2 * 2 * sizeof(std::uint16_t) * d;  // coordinates, and the same packed
  MemoryNeed need{.each = count * (kOfWalk + written) + kDouble * states_of(job)};
  constexpr double kOfVertex = 20 + 32;  // sorted layers, and what leaves a vertex to either side
  if (row_of(job.family).joins_all) need.each += kOfVertex * vertices_of(job);
  return need;
}

MemoryNeed exit_law_memory(const Job& job, bool computes) {
  const double arrays = row_of(job.family).joins_all ? 3 : 2;
  return {.each = computes ? arrays * kDouble * vertices_of(job) : 0};
}

MemoryNeed network_memory(const Netlist& netlist, const NodalOptions& options, int ranks) {
  const auto nodes = static_cast<double>(netlist.nodes.size());
  const double size = nodes + static_cast<double>(netlist.resistors.size());
  constexpr double kReduced = 60;  // bytes of a node or a resistor
  constexpr double kFactor = 10;   // and in the factor, a level of its nested dissection
  const auto pairs = static_cast<double>(options.pairs.size());
  // Of resistances alone each rank has a factor to itself.
  const double solutions = kDouble * size + (options.only_resistances ? kBytesOfResistance : kDouble * size) * pairs;
  const double shares = options.only_resistances ? 1 : ranks;
  return {.each = kReduced * size + solutions + kFactor * size * std::log2(nodes + 2) / shares};
}

Circuit circuit_that_fits(MPI_Comm comm, const Job& job) {
  require_memory(comm, "the circuit", circuit_memory(job));
  auto circuit = build_circuit(comm, job);
  const bool solved = std::filesystem::exists(std::filesystem::path(job.out) / "solution.h5");
  const bool to_solve = job.supervision != "monte_carlo" && all_sum(comm, std::int64_t{solved ? 1 : 0}) == 0;
  if (to_solve) require_solve_memory(comm, circuit, job.solve);
  return circuit;
}

}  // namespace kirchhoff
