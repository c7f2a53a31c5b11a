#include "learn/walk/pilots.hpp"

#include "kirchhoff/circuit/conditional/quotient.hpp"
#include "kirchhoff/learn/walk/neural_walk.hpp"

namespace kirchhoff {

std::size_t way_of(const MoveSet& moves, int move, int layer, std::span<const std::uint16_t> state,
                   std::span<const std::uint16_t> end) {
  if (move == MoveSet::kLeave) return kLeaving;
  const auto [direction, coordinate, value] = moves.step(move, layer);
  const auto j = static_cast<std::size_t>(coordinate);
  auto kind = MoveKind::same;
  if (coordinate >= 0) {
    const int before = moves.steps(j, state[j], end[j]);
    const int after = moves.steps(j, value, end[j]);
    kind = after < before ? MoveKind::toward : after > before ? MoveKind::away : MoveKind::other;
  }
  return (direction < 0 ? 4 : 0) + static_cast<std::size_t>(kind);
}

Pilots send_pilots(MPI_Comm comm, const MoveModel& model, const Draws& source, std::uint64_t seed) {
  constexpr std::int64_t kPilots = 2048;
  // So that no start is impossible that no pilot had; against 2048 pilots it counts only for rare categories.
  constexpr double kPrior = 4;  // walks from an even start
  const auto& moves = model.moves();
  const auto d = static_cast<std::size_t>(moves.dimensions());
  const auto c = static_cast<std::size_t>(moves.all_categories());
  const auto walks = walk_moves(comm, model, source, kPilots, seed, 0, true);
  const auto diameter = static_cast<std::size_t>(moves.diameter());
  const auto vertices = static_cast<std::size_t>(moves.layers() + 1) * (diameter + 1);
  std::vector<double> counts(2 * c + vertices * kWays, 0.0);
  const auto ended = std::span(counts).first(c);
  const auto agreed = std::span(counts).subspan(c, c);
  const auto ways = std::span(counts).subspan(2 * c);
  for (std::size_t i = 0; i < walks.end.size(); ++i) {
    const auto at = static_cast<std::size_t>(moves.offset(i % d)) + walks.end[i];
    ended[at] += 1;
    if (walks.start[i] == walks.end[i]) agreed[at] += 1;
  }
  std::vector<std::uint16_t> state(d);
  for (std::size_t i = 0; i < walks.path.size(); ++i) {
    const auto start = std::span(walks.start).subspan(i * d, d);
    const auto end = std::span(walks.end).subspan(i * d, d);
    state.assign(start.begin(), start.end());
    int layer = 0;
    for (const int move : walks.path[i]) {
      const auto vertex =
          static_cast<std::size_t>(layer) * (diameter + 1) + static_cast<std::size_t>(moves.distance(state, end));
      ways[vertex * kWays + way_of(moves, move, layer, state, end)] += 1;
      moves.apply(move, layer, state);
    }
  }
  all_sum(comm, std::span<double>(counts));
  Pilots pilots;
  pilots.diameter = diameter;
  for (std::size_t j = 0; j < d; ++j) {
    const int s = moves.space().categories(static_cast<int>(j));
    for (int v = 0; v < s; ++v) {
      const auto at = static_cast<std::size_t>(moves.offset(j)) + static_cast<std::size_t>(v);
      pilots.agreement.push_back((agreed[at] + kPrior / s) / (ended[at] + kPrior));
    }
  }
  pilots.ways.assign(ways.begin(), ways.end());
  return pilots;
}

}  // namespace kirchhoff
