// The kernels that decide how long a job takes, on one rank: what a solve is checked with, what a walk does at a move,
// and what a training passes through. `kirchhoff bench` times whole solves instead.
#include <benchmark/benchmark.h>

#include <vector>

#include "currents/sorted_layer.hpp"
#include "kirchhoff/base/random.hpp"
#include "kirchhoff/circuit/circuit.hpp"
#include "kirchhoff/circuit/nearest.hpp"
#include "kirchhoff/currents/currents.hpp"
#include "kirchhoff/flow/flow.hpp"
#include "kirchhoff/flow/walk.hpp"
#include "kirchhoff/learn/network/model.hpp"
#include "kirchhoff/parallel/session.hpp"
#include "kirchhoff/solve/solve.hpp"
#include "kirchhoff/validate/bench.hpp"

namespace kirchhoff {
namespace {

constexpr int kLayers = 10;

/// 100 x 100 states of any family, from one named distribution to another.
Circuit circuit_of(Family family) {
  const StateSpace space(100, 2);
  std::vector<Coupling> couplings;
  if (family == Family::nearest) {
    const std::vector<double> same(kLayers, 1);
    const std::vector<double> change(kLayers, 10);
    couplings = nearest_couplings(space, nearest_neighbours(space, grid_embedding(space), 8), same, change);
  }
  for (int l = 0; l < kLayers && family != Family::nearest; ++l) {
    couplings.push_back(family == Family::dense     ? Coupling::dense(space, 1, 10000)
                        : family == Family::hamming ? Coupling::hamming(space, 1, 10)
                                                    : Coupling::lattice(space, 1, 10, Boundary::reflecting));
  }
  return {space, std::move(couplings), named_mass(space, "two_moons"), named_mass(space, "swiss_roll")};
}

void count_edges(benchmark::State& state, const Circuit& circuit) {
  state.SetLabel(to_string(circuit.family()));
  state.counters["unknowns/s"] =
      benchmark::Counter(static_cast<double>(circuit.vertices()), benchmark::Counter::kIsIterationInvariantRate);
}

std::vector<double> numbers(std::int64_t count) {
  std::vector<double> values;
  for (std::int64_t i = 0; i < count; ++i) {
    values.push_back(Random(1, Stream::target_draw, static_cast<std::uint64_t>(i)).uniform());
  }
  return values;
}

void neighbours(benchmark::State& state) {
  const auto circuit = circuit_of(static_cast<Family>(state.range(0)));
  const auto potential = numbers(circuit.vertices());
  for (auto _ : state) {
    double heat = 0;
    for (int l = 0; l < circuit.layers(); ++l) {
      heat += edge_sum(circuit, potential, l, 1, {0, circuit.states()});
    }
    benchmark::DoNotOptimize(heat);
  }
  count_edges(state, circuit);
}

void check(benchmark::State& state) {
  const auto circuit = circuit_of(static_cast<Family>(state.range(0)));
  const auto potential = numbers(circuit.vertices());
  for (auto _ : state) benchmark::DoNotOptimize(check_solution(MPI_COMM_SELF, circuit, potential));
  count_edges(state, circuit);
}

void nearest(benchmark::State& state) {
  const StateSpace space(static_cast<int>(state.range(0)), 1);
  const Embedding points{3, numbers(3 * space.size())};
  for (auto _ : state) benchmark::DoNotOptimize(nearest_neighbours(space, points, 8));
  state.SetItemsProcessed(state.iterations() * space.size());
}

void sort_layer(benchmark::State& state) {
  const auto potential = numbers(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(SortedLayer(potential));
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

void draw(benchmark::State& state) {
  const SortedLayer layer(numbers(state.range(0)));
  const auto heights = numbers(1024);
  std::size_t i = 0;
  for (auto _ : state) {
    const double f = heights[++i % heights.size()];
    const auto k = layer.below(f);
    if (k > 0) benchmark::DoNotOptimize(layer.draw(k, f, 0.5 * layer.drop(k, f)));
  }
  state.SetItemsProcessed(state.iterations());
}

void walks(benchmark::State& state) {
  constexpr std::int64_t kWalks = 20000;
  const auto circuit = circuit_of(static_cast<Family>(state.range(0)));
  const auto solution = solve(MPI_COMM_SELF, circuit, {});
  const auto flow = exact_flow(circuit, solution.potential.data());
  for (auto _ : state) benchmark::DoNotOptimize(walk(MPI_COMM_SELF, flow, {kWalks, 1, false}));
  state.SetLabel(to_string(circuit.family()));
  state.SetItemsProcessed(state.iterations() * kWalks);
}

void exit_of(benchmark::State& state) {
  const auto circuit = circuit_of(static_cast<Family>(state.range(0)));
  const auto solution = solve(MPI_COMM_SELF, circuit, {});
  const auto flow = exact_flow(circuit, solution.potential.data());
  for (auto _ : state) benchmark::DoNotOptimize(exit_law(MPI_COMM_SELF, flow));
  count_edges(state, circuit);
}

void network(benchmark::State& state) {
  ModelOptions options;
  options.precision = static_cast<Precision>(state.range(0));
  Model model(StateSpace(50, 2), kLayers, options);
  model.initialise(1);
  for (auto _ : state) benchmark::DoNotOptimize(tabulate(MPI_COMM_SELF, model));
  state.SetLabel(options.precision == Precision::single ? "single" : "double");
  state.SetItemsProcessed(state.iterations() * model.space().size());
}

void triad(benchmark::State& state) {
  double best = 0;
  for (auto _ : state) best = std::max(best, triad_bandwidth(MPI_COMM_SELF));
  state.counters["byte/s"] = best;
}

const std::vector<std::int64_t> kSparse = {static_cast<std::int64_t>(Family::hamming),
                                           static_cast<std::int64_t>(Family::lattice),
                                           static_cast<std::int64_t>(Family::nearest)};
const std::vector<std::int64_t> kAll = {static_cast<std::int64_t>(Family::dense), kSparse[0], kSparse[1], kSparse[2]};
const std::vector<std::int64_t> kSizes = {1000, 100'000};
const std::vector<std::int64_t> kPrecisions = {static_cast<std::int64_t>(Precision::single),
                                               static_cast<std::int64_t>(Precision::double_)};

BENCHMARK(triad)->Iterations(1)->Unit(benchmark::kMillisecond);
BENCHMARK(neighbours)->ArgsProduct({kSparse})->Unit(benchmark::kMillisecond);
BENCHMARK(check)->ArgsProduct({kAll})->Unit(benchmark::kMillisecond);
BENCHMARK(nearest)->ArgsProduct({{1000, 50'000}})->Unit(benchmark::kMillisecond);
BENCHMARK(sort_layer)->ArgsProduct({kSizes})->Unit(benchmark::kMillisecond);
BENCHMARK(draw)->ArgsProduct({kSizes});
BENCHMARK(walks)->ArgsProduct({kAll})->Unit(benchmark::kMillisecond);
BENCHMARK(exit_of)->ArgsProduct({kAll})->Unit(benchmark::kMillisecond);
BENCHMARK(network)->ArgsProduct({kPrecisions})->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace kirchhoff

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  const kirchhoff::Session session(argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
