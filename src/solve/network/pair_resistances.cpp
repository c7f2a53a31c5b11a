// From pairs of nodes to resistances between unknowns, and back.
#include "solve/network/pair_resistances.hpp"

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include "kirchhoff/base/error.hpp"
#include "kirchhoff/parallel/agree.hpp"
#include "solve/network/nodal_plan.hpp"
#include "solve/network/resistances.hpp"

namespace kirchhoff {
namespace {

/// What resistances are asked for, each once.
struct AskedResistances {
  std::vector<RowPair> pairs;    // ascending
  std::vector<std::int64_t> of;  // (asked for) which of them; kSame, kApart
  static constexpr std::int64_t kSame = -1;
  static constexpr std::int64_t kApart = -2;
};

AskedResistances asked_resistances(const Reduction& reduction, const NodePairs& asked) {
  AskedResistances result;
  const auto rows_of = [&](const auto& pair) {
    const auto [a, b] = std::pair(reduction.row[at(pair.first)], reduction.row[at(pair.second)]);
    return RowPair(std::max(a, b), std::min(a, b));
  };
  const auto apart = [&](const auto& pair) {
    return reduction.component[at(pair.first)] != reduction.component[at(pair.second)];
  };
  for (const auto& pair : asked) {
    const auto rows = rows_of(pair);
    if (!apart(pair) && rows.first != rows.second) result.pairs.push_back(rows);
  }
  std::sort(result.pairs.begin(), result.pairs.end());
  result.pairs.erase(std::unique(result.pairs.begin(), result.pairs.end()), result.pairs.end());
  result.of.reserve(asked.size());
  for (const auto& pair : asked) {
    const auto rows = rows_of(pair);
    const auto found = std::lower_bound(result.pairs.begin(), result.pairs.end(), rows) - result.pairs.begin();
    result.of.push_back(apart(pair)                 ? AskedResistances::kApart
                        : rows.first == rows.second ? AskedResistances::kSame
                                                    : found);
  }
  return result;
}

/// Resistances by the first plan that does not give up.
Resistances plain_resistances(MPI_Comm comm, const Reduction& reduction, const ReducedRows& all,
                              const NodalOptions& options, std::int64_t widest, const std::vector<RowPair>& pairs,
                              std::string& reason) {
  const bool approximate = options.approximate > 0;
  const auto solves = approximate ? static_cast<std::size_t>(projections(options.approximate)) : pairs.size();
  const bool free = options.solve.method == SolveMethod::automatic && !solver_options_given();
  std::vector<NodalPlan> plans;
  if (free && without_locality(reduction.rows, widest)) plans.push_back(cheap_plan(reduction.rows, widest));
  plans.push_back(
      agree(comm, [&] { return choose(MPI_COMM_SELF, options.solve.method, reduction.rows, widest, solves); }));
  for (const auto& plan : plans) {
    reason = plan.reason;
    try {
      auto found = approximate ? approximate_resistances(comm, reduction, all, plan, pairs, options.approximate)
                               : bounded_resistances(comm, reduction, all, plan, pairs);
      if (found) return std::move(*found);
    } catch (const AgreedError&) {  // a factorisation that breaks down says the same as one that is not right
      if (!free || approximate) throw;
    }
  }
  Resistances none;
  none.method = "none";
  none.ohm.assign(pairs.size(), 0);
  none.error.assign(pairs.size(), std::numeric_limits<double>::infinity());
  return none;
}

}  // namespace

void add_resistances(MPI_Comm comm, const Reduction& reduction, const ReducedRows& all, const NodalOptions& options,
                     std::int64_t widest, NodalSolution& solution) {
  auto& report = solution.report;
  const auto asked = asked_resistances(reduction, options.pairs);
  const auto found = plain_resistances(comm, reduction, all, options, widest, asked.pairs, report.reason);
  for (const auto of : asked.of) {
    const bool none = of < 0;
    solution.pair_resistance.push_back(of == AskedResistances::kApart ? -1 : none ? 0 : found.ohm[at(of)]);
    solution.pair_error.push_back(none ? 0 : found.error[at(of)]);
  }
  solution.solves = found.solves;
  solution.projections = found.projections;
  solution.confidence = found.confidence;
  report.method = found.method;
  report.iterations += found.iterations;
  report.relative_residual = std::max(report.relative_residual, found.residual);
  report.kcl_max_imbalance = std::max(report.kcl_max_imbalance, found.imbalance);
  report.energy_relative_error = std::max(report.energy_relative_error, found.energy);
  report.seconds_assemble += found.seconds_assemble;
  report.seconds_setup += found.seconds_setup;
  solution.refined_residual = std::max(solution.refined_residual, found.residual);
}

}  // namespace kirchhoff
