#pragma once

#include <mpi.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "kirchhoff/circuit/circuit.hpp"
#include "kirchhoff/parallel/parallel.hpp"

namespace kirchhoff {

enum class SolveMethod { automatic, spectral, multigrid, even_layers, krylov, direct };
/// What people call them, in the same order.
const std::vector<std::string>& solve_method_names();
/// Names that methods had before, each with the one that it has now.
const std::vector<std::pair<std::string, std::string>>& older_solve_method_names();

struct SolveOptions {
  SolveMethod method = SolveMethod::automatic;
  double tolerance = 1e-12;  // on ||b - A phi||_2 / ||b||_2, recomputed
};

/// A dense circuit of more states than this is refused by SolveMethod::direct, which has to store its N^2 edges.
inline constexpr std::int64_t kDenseDirectStates = 1024;

/// What was done, how long it took and how right it is; all figures are recomputed from
/// the potentials (check_solution).
struct SolveReport {
  std::string method;
  std::string reason;  // why this method
  std::string gauge;
  std::int64_t unknowns = 0;
  std::int64_t edges = 0;
  std::int64_t iterations = 0;
  std::int64_t components = 1;
  std::int64_t ranks = 1;
  double tolerance = 0;
  double relative_residual = 0;
  double residual_floor = 0;
  double residual_norm1 = 0;            // ||b - A phi||_1 [A]
  double potential_error_estimate = 0;  // of the potentials, relative to the largest of their part
  double kcl_max_imbalance = 0;         // [A]
  double energy_relative_error = 0;     // |sum I^2 R - phi.b| / |phi.b|
  double effective_resistance = 0;      // phi.b for unit current [ohm]
  double seconds_assemble = 0;
  double seconds_setup = 0;
  double seconds_solve = 0;
  double seconds_write = 0;
  double seconds_total = 0;
  std::int64_t peak_memory_bytes = 0;  // sum over ranks of the high-water mark
  std::string blas;
};

/// Calls visit(name, field) for every field of a report that files and report.json carry: the one list of their names.
template <class Report, class Visit>
void visit_fields(Report& report, Visit&& visit) {
  visit("method", report.method);
  visit("reason", report.reason);
  visit("gauge", report.gauge);
  visit("unknowns", report.unknowns);
  visit("edges", report.edges);
  visit("iterations", report.iterations);
  visit("tolerance", report.tolerance);
  visit("relative_residual", report.relative_residual);
  visit("residual_floor", report.residual_floor);
  visit("residual_norm1", report.residual_norm1);
  visit("potential_error_estimate", report.potential_error_estimate);
  visit("kcl_max_imbalance", report.kcl_max_imbalance);
  visit("energy_relative_error", report.energy_relative_error);
  visit("effective_resistance", report.effective_resistance);
  visit("components", report.components);
  visit("seconds_assemble", report.seconds_assemble);
  visit("seconds_setup", report.seconds_setup);
  visit("seconds_solve", report.seconds_solve);
  visit("seconds_write", report.seconds_write);
  visit("seconds_total", report.seconds_total);
  visit("peak_memory_bytes", report.peak_memory_bytes);
  visit("ranks", report.ranks);
  visit("blas", report.blas);
}

/// The potentials [V] of a circuit, (L+1) x N in natural order, visible to every rank, and
/// the proof that they are right.
struct Solution {
  SharedArray potential;
  SolveReport report;
};

/// Potentials of which no more is known than this, relative to the largest, are refused (or to the tolerance, if that
/// is larger).
inline constexpr double kWorstPotentials = 1e-8;

/// Solves A phi = b exactly. Gauge: the mean over all vertices is zero. PETSc options (-ksp_type, -pc_type, ...) win
/// over the defaults. docs/theory.md, sections 1, 2 and 6.
/// SolveMethod::automatic tries what else can solve the circuit when one method misses, and says so in the reason.
/// @note Collective. @throws Error when the result misses the tolerance (or the rounding floor, if that is larger), or
/// its potentials may be off by more than kWorstPotentials: a wrong answer is never returned. @throws Interrupted.
Solution solve(MPI_Comm comm, const Circuit& circuit, const SolveOptions& options);

}  // namespace kirchhoff
