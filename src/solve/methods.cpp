// The methods there are, and which one is chosen: docs/solving.md draws who calls whom.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "kirchhoff/base/error.hpp"
#include "kirchhoff/parallel/session.hpp"
#include "solve/method.hpp"
#include "solve/spectral/spectral.hpp"

namespace kirchhoff {

const std::vector<MethodRow>& methods() {
  static const std::vector<MethodRow> rows{spectral_method(), multigrid_method(), even_layers_method(), krylov_method(),
                                           direct_method()};
  return rows;
}

const std::vector<std::string>& solve_method_names() {
  static const auto names = [] {
    std::vector<std::string> all{"auto"};
    for (const auto& row : methods()) all.emplace_back(row.name);
    return all;
  }();
  return names;
}

const std::vector<std::pair<std::string, std::string>>& older_solve_method_names() {
  static const auto names = [] {
    std::vector<std::pair<std::string, std::string>> all;
    for (const auto& row : methods()) {
      for (const auto* older : row.older_names) all.emplace_back(older, row.name);
    }
    return all;
  }();
  return names;
}

namespace {

// Where one method overtakes another: docs/solving.md.
constexpr std::int64_t kStatesForMultigrid = 25000;
constexpr double kSmallSpread = 0.38;
constexpr double kSmallGrid = 200;  // squared, in steps along the edges

/// The spread of a lattice's conductances: the largest standard deviation of their logarithm over the edges of one slot
/// between the first two layers. Collective.
double log_spread(MPI_Comm comm, const Circuit& circuit) {
  const auto n = circuit.states();
  const auto mine = partition(n, size_of(comm), rank_of(comm));
  const auto& coupling = circuit.coupling(0);
  double largest = 0;
  for (int slot = 0; slot < coupling.slots(); ++slot) {
    std::array<double, 3> sums{};  // edges, logarithms, their squares
    for (auto x = mine.begin; x < mine.end; ++x) {
      const double g = coupling.weights()[static_cast<std::size_t>(slot * n + x)];
      if (g == 0) continue;
      const double log = std::log(g);
      sums[0] += 1;
      sums[1] += log;
      sums[2] += log * log;
    }
    all_sum(comm, std::span<double>(sums));
    if (sums[0] == 0) continue;
    const double mean = sums[1] / sums[0];
    largest = std::max(largest, std::sqrt(std::max(0.0, sums[2] / sums[0] - mean * mean)));
  }
  return largest;
}

/// What `automatic` begins with.
Plan best(MPI_Comm comm, const Circuit& circuit) {
  const bool lattice = circuit.coupling(0).lattice() != nullptr;
  const bool weighted = !circuit.coupling(0).weights().empty();
  if (solver_options_given()) return assembled(circuit);
  if (is_uniform(circuit)) return transformed();
  if (circuit.joins_all()) return assembled(circuit);
  if (circuit.coupling(0).table() && on_one_node(comm)) {
    // Jacobi's iterations grow with the number of steps from end to end of a coordinate.
    const double side = circuit.space().categories();
    const auto like = lattice_likeness(comm, circuit);
    if (side * side <= kSmallGrid * like.square_step) return even_layers(Smoothing::jacobi);
    auto plan = even_layers(Smoothing::spectral);
    plan.likeness = like;
    return plan;
  }
  if (is_plane(circuit) && !on_one_node(comm)) {
    // The iterations of algebraic multigrid do not grow, but its set-up is dear.
    return circuit.states() > kStatesForMultigrid ? assembled(circuit) : even_layers(Smoothing::jacobi);
  }
  if (!weighted || !lattice || !on_one_node(comm)) return even_layers(Smoothing::jacobi);
  return even_layers(log_spread(comm, circuit) < kSmallSpread ? Smoothing::spectral : Smoothing::multigrid);
}

/// What was asked for by name.
Plan asked(MPI_Comm comm, const Circuit& circuit, SolveMethod method) {
  const auto& rows = methods();
  const auto row = std::find_if(rows.begin(), rows.end(), [&](const auto& r) { return r.method == method; });
  if (row == rows.end()) throw Error("internal: a solve method without a row");
  const auto why_not = row->why_not(comm, circuit);
  if (!why_not.empty()) throw Error(fmt::format("solve_method {} {}", row->name, why_not));
  auto plan = row->plan(comm, circuit);
  plan.reason = plan.reason.empty() ? "asked for" : "asked for; " + plan.reason;
  return plan;
}

}  // namespace

std::vector<Plan> plans(MPI_Comm comm, const Circuit& circuit, SolveMethod method) {
  if (method != SolveMethod::automatic) return {asked(comm, circuit, method)};
  std::vector<Plan> all{best(comm, circuit)};
  if (solver_options_given()) return all;
  const bool dense = circuit.joins_all();
  if (all.front().engine->transforms) all.push_back(dense ? assembled(circuit) : even_layers(Smoothing::jacobi));
  // Within these a factorisation takes seconds (direct in docs/results/bench.md).
  constexpr std::int64_t kFactorised = 50000;  // unknowns
  constexpr std::int64_t kEdges = 2000000;
  if (circuit.vertices() <= kFactorised && circuit.edges() <= kEdges &&
      (!dense || circuit.states() <= kDenseDirectStates)) {
    all.push_back(factorised("a small circuit"));
  }
  return all;
}

}  // namespace kirchhoff
