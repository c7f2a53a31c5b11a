#include "kirchhoff/learn/walk/neural_walk.hpp"

#include <algorithm>
#include <array>

#include "kirchhoff/base/error.hpp"
#include "kirchhoff/parallel/progress.hpp"
#include "kirchhoff/parallel/stop.hpp"
#include "learn/walk/pick.hpp"

namespace kirchhoff {
namespace {

/// How many coordinates the moves of a vertex are spread over: (sum p)^2 / sum p^2.
double spread(std::span<const float> changes) {
  double sum = 0;
  double square = 0;
  for (const double p : changes) {
    sum += p;
    square += p * p;
  }
  return square > 0 ? sum * sum / square : 0;
}

}  // namespace

MoveWalks walk_moves(MPI_Comm comm, const MoveModel& model, const Draws& source, std::int64_t count, std::uint64_t seed,
                     double leap, bool keep_paths) {
  if (leap > 0 && model.moves().layers() > 1) throw Error("leaps need a circuit of one layer pair");
  const auto& moves = model.moves();
  const auto d = static_cast<std::size_t>(moves.dimensions());
  const auto m = static_cast<std::size_t>(moves.size());
  const auto mine = partition(count, size_of(comm), rank_of(comm));
  const auto rows = static_cast<std::size_t>(mine.size());
  MoveWalks walks;
  walks.first = mine.begin;
  walks.start.resize(rows * d);
  walks.end.resize(rows * d);
  walks.moves.resize(rows);
  walks.calls.resize(rows);
  walks.stuck.resize(rows);
  if (keep_paths) walks.path.resize(rows);

  struct Particle {
    std::size_t row = 0;
    std::int32_t moves = 0;
    std::int32_t calls = 0;
    Random random{0, Stream::walk, 0};
    bool active = false;
  };
  std::vector<Particle> particles(kVerticesOfCall);
  std::vector<std::int32_t> layers(kVerticesOfCall, 0);
  std::vector<std::uint16_t> states(kVerticesOfCall * d, 0);
  std::vector<float> probabilities(kVerticesOfCall * m);
  std::size_t next = 0;
  std::size_t done = 0;
  const auto state_of = [&](std::size_t i) { return std::span(states).subspan(i * d, d); };
  const auto enter = [&](std::size_t i) {
    auto& p = particles[i];
    p.active = next < rows;
    if (!p.active) return;
    p.row = next++;
    p.moves = 0;
    p.calls = 0;
    p.random = Random(seed, Stream::walk, static_cast<std::uint64_t>(mine.begin) + p.row);
    layers[i] = 0;
    source.draw(p.random, state_of(i));
    std::copy_n(state_of(i).begin(), d, walks.start.begin() + static_cast<std::ptrdiff_t>(p.row * d));
  };
  const auto leave = [&](std::size_t i, bool stuck) {
    const auto& p = particles[i];
    std::copy_n(state_of(i).begin(), d, walks.end.begin() + static_cast<std::ptrdiff_t>(p.row * d));
    walks.moves[p.row] = p.moves;
    walks.calls[p.row] = p.calls;
    walks.stuck[p.row] = stuck ? 1 : 0;
    if (keep_paths && p.moves > kLongestPath) walks.path[p.row] = {};
    ++done;
    enter(i);
  };
  Progress progress(comm, "sample", "walks", mine.size());
  for (std::size_t i = 0; i < kVerticesOfCall; ++i) enter(i);
  for (std::int64_t sweep = 0; done < rows && !stop_requested(); ++sweep) {
    model.probabilities(layers, states, probabilities);
    for (std::size_t i = 0; i < kVerticesOfCall; ++i) {
      auto& p = particles[i];
      if (!p.active) continue;
      ++p.calls;
      const auto probability = std::span(probabilities).subspan(i * m, m);
      int move = pick_move(probability, p.random.uniform());
      int layer = layers[i];
      if (keep_paths && p.moves <= kLongestPath) walks.path[p.row].push_back(move);
      if (!moves.apply(move, layer, state_of(i))) {
        leave(i, false);
        continue;
      }
      ++p.moves;
      if (leap > 0 && move >= moves.change(1, 0, 0)) {
        // The next moves as if those before had changed nothing but their own coordinates; until one would stay or
        // leave, which is better asked again. An odd number in all: layers alternate, as they do move by move.
        const int first = moves.change(1, 0, 0);
        const auto changes = probability.subspan(static_cast<std::size_t>(first));
        for (int pairs = static_cast<int>(leap * spread(changes) - 1) / 2; pairs > 0; --pairs) {
          std::array<int, 2> two{};
          for (int& next_move : two) {
            const int changed = moves.step(move, layer).coordinate;
            std::fill_n(changes.begin() + moves.change(1, changed, 0) - first, moves.space().categories(changed), 0.0F);
            next_move = pick_move(probability, p.random.uniform());
            if (next_move >= first) move = next_move;
          }
          if (two[0] < first || two[1] < first) break;
          for (const int next_move : two) moves.apply(next_move, layer, state_of(i));
          p.moves += 2;
        }
      }
      layers[i] = layer;
      if (p.moves >= kMostMoves) leave(i, true);
    }
    if (sweep % 64 == 0) progress.update(static_cast<std::int64_t>(done));
  }
  heed_stop(comm);
  return walks;
}

}  // namespace kirchhoff
