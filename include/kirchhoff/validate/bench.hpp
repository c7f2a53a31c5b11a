#pragma once

#include <mpi.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "kirchhoff/circuit/circuit.hpp"
#include "kirchhoff/solve/solve.hpp"

namespace kirchhoff {

/// Times of a phase [s], one a repeat, in the order of the repeats: the slowest rank's.
struct Times {
  std::vector<double> seconds;

  double median() const;
  double least() const;
  double most() const;
};

/// How one method did on one circuit.
struct MethodBench {
  std::string name;      // what was asked for: one of solve_method_names()
  std::string not_done;  // why there are no times: it does not apply, it failed; "" when there are
  SolveReport report;    // of the last repeat
  Times assemble, setup, solve;
  Times solution;  // from circuit to potentials: assemble + setup + solve
  Times check;     // of residual, KCL and energy
  Times total;
  std::int64_t peak_memory_bytes = 0;   // most at any time of a solve, sum over ranks; 0 where it cannot be measured
  std::int64_t added_memory_bytes = 0;  // of it what was not there before
};

struct BenchOptions {
  std::vector<SolveMethod> methods;  // in this order; empty: all that are feasible
  double tolerance = 1e-12;
  int repeats = 5;
  double seconds = 20;  // a method that has taken so long is not repeated
};

struct BenchReport {
  double triad_bytes_per_second = 0;  // of all ranks together
  std::int64_t ranks = 1;
  std::int64_t states = 0;  // a layer
  std::int64_t layers = 0;  // layer pairs
  std::int64_t unknowns = 0;
  std::int64_t edges = 0;
  std::vector<MethodBench> methods;

  /// Seconds of one triad over vectors as long as the potentials, at the measured bandwidth: what streaming through
  /// the unknowns costs.
  double triad_seconds() const;
  /// The method of the least median time to the solution; nullptr when none succeeded.
  const MethodBench* best() const;
  const MethodBench* find(const std::string& name) const;
};

/// Circuits of more edges than this are not solved by SolveMethod::direct unless it is asked for by name.
inline constexpr std::int64_t kBenchDirectEdges = 1'000'000;

/// Memory bandwidth by the triad a = b + s c on all ranks at once [byte/s], 24 bytes an element as STREAM counts
/// (McCalpin 1995), the best of several passes over arrays that no cache holds. @note Collective.
double triad_bandwidth(MPI_Comm comm);

/// Solves the circuit by each method, again and again, the methods taking turns, so that what else the machine does
/// falls on all of them. What one method fails at is noted, and the others go on. @note Collective. @throws
/// Interrupted.
BenchReport bench_solve(MPI_Comm comm, const Circuit& circuit, const BenchOptions& options);

/// The text of bench.json. `head`: keys and values that go before the report's own. Local.
std::string bench_json(const BenchReport& report, const std::vector<std::pair<std::string, std::string>>& head);

/// The same as a table for people. Local.
std::string bench_table(const BenchReport& report);

}  // namespace kirchhoff
