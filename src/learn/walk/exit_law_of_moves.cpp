#include <fmt/format.h>

#include <algorithm>

#include "kirchhoff/base/error.hpp"
#include "kirchhoff/learn/walk/neural_walk.hpp"
#include "kirchhoff/parallel/stop.hpp"
#include "learn/walk/pick.hpp"

namespace kirchhoff {

ExitLaw exit_law_of_moves(MPI_Comm comm, const MoveModel& model, const Mass& source) {
  const auto& space = model.space();
  const auto& moves = model.moves();
  if (!space.enumerable() || space.size() > kMostLawStates) {
    throw Error(fmt::format("the exit law of {} states: more than {}", space.text(), kMostLawStates));
  }
  const auto n = space.size();
  const int layers = moves.layers() + 1;
  const auto d = static_cast<std::size_t>(moves.dimensions());
  const auto m = static_cast<std::size_t>(moves.size());
  const auto mine = partition(n, size_of(comm), rank_of(comm));

  // The probabilities of the moves that each of my vertices has, one after the other in the order of MoveSet::visit.
  std::vector<float> table;
  std::vector<std::size_t> first;
  std::vector<std::int32_t> block_layers(kVerticesOfCall);
  std::vector<std::uint16_t> block_states(kVerticesOfCall * d, 0);
  std::vector<float> block(kVerticesOfCall * m);
  for (int l = 0; l < layers; ++l) {
    std::fill(block_layers.begin(), block_layers.end(), l);
    for (auto x = mine.begin; x < mine.end && !stop_requested(); x += static_cast<std::int64_t>(kVerticesOfCall)) {
      const auto rows = static_cast<std::size_t>(std::min<std::int64_t>(kVerticesOfCall, mine.end - x));
      for (std::size_t i = 0; i < rows; ++i) {
        space.coordinates(x + static_cast<std::int64_t>(i), std::span(block_states).subspan(i * d, d));
      }
      model.probabilities(block_layers, block_states, block);
      for (std::size_t i = 0; i < rows; ++i) {
        first.push_back(table.size());
        moves.visit(l, std::span<const std::uint16_t>(block_states).subspan(i * d, d),
                    [&](int k) { table.push_back(block[i * m + static_cast<std::size_t>(k)]); });
      }
    }
  }

  heed_stop(comm);
  const auto vertices = static_cast<std::size_t>(n) * static_cast<std::size_t>(layers);
  std::vector<double> mass(vertices, 0.0);  // of my states only
  std::vector<double> next(vertices, 0.0);
  ExitLaw law;
  law.mass.assign(static_cast<std::size_t>(n), 0.0);
  for (auto x = mine.begin; x < mine.end; ++x) mass[static_cast<std::size_t>(x)] = source[static_cast<std::size_t>(x)];
  std::vector<std::uint16_t> state(d);
  constexpr double kUnderWay = 1e-10;
  constexpr int kMostSweeps = 20000;
  law.lost = 1;
  for (int sweep = 0; sweep < kMostSweeps && law.lost > kUnderWay; ++sweep) {
    std::fill(next.begin(), next.end(), 0.0);
    std::size_t vertex = 0;
    for (int l = 0; l < layers; ++l) {
      const auto offset = static_cast<std::int64_t>(l) * n;
      for (auto x = mine.begin; x < mine.end; ++x, ++vertex) {
        const double w = mass[static_cast<std::size_t>(offset + x)];
        if (w == 0) continue;
        space.coordinates(x, state);
        const float* p = table.data() + first[vertex];
        moves.visit(l, state, [&](int k) {
          const double part = w * static_cast<double>(*p++);
          if (k == MoveSet::kLeave) {
            law.mass[static_cast<std::size_t>(x)] += part;
            return;
          }
          const auto [direction, j, value] = moves.step(k, l);
          auto y = offset + direction * n + x;
          if (j >= 0) y += (value - state[static_cast<std::size_t>(j)]) * space.stride(j);
          next[static_cast<std::size_t>(y)] += part;
        });
      }
    }
    if (size_of(comm) > 1) all_sum(comm, std::span<double>(next));
    mass.swap(next);
    law.lost = pairwise_sum(mass);
    heed_stop(comm);
  }
  if (size_of(comm) > 1) all_sum(comm, std::span<double>(law.mass));
  return law;
}

}  // namespace kirchhoff
