#include "kirchhoff/neural_walk.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "kirchhoff/error.hpp"
#include "kirchhoff/progress.hpp"
#include "kirchhoff/session.hpp"

namespace kirchhoff {
namespace {

/// Vertices of one call of the network, always as many: a matrix product's rounding depends on its shape.
constexpr std::size_t kBlock = 128;

/// A move with probability proportional to its entry; entries of moves that there are not are zero.
int pick(std::span<const float> probability, double u) {
  double sum = 0;
  for (const float p : probability) sum += p;
  double left = u * sum;
  int last = 0;
  for (std::size_t k = 0; k < probability.size(); ++k) {
    if (probability[k] <= 0) continue;
    last = static_cast<int>(k);
    left -= probability[k];
    if (left < 0) break;
  }
  return last;
}

}  // namespace

MoveWalks walk_moves(MPI_Comm comm, const MoveModel& model, const Draws& source, std::int64_t count,
                     std::uint64_t seed) {
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
  walks.stuck.resize(rows);

  struct Particle {
    std::size_t row = 0;
    std::int32_t moves = 0;
    Random random{0, Stream::walk, 0};
    bool active = false;
  };
  std::vector<Particle> particles(kBlock);
  std::vector<std::int32_t> layers(kBlock, 0);
  std::vector<std::uint16_t> states(kBlock * d, 0);
  std::vector<float> probabilities(kBlock * m);
  std::size_t next = 0;
  std::size_t done = 0;
  const auto state_of = [&](std::size_t i) { return std::span(states).subspan(i * d, d); };
  const auto enter = [&](std::size_t i) {
    auto& p = particles[i];
    p.active = next < rows;
    if (!p.active) return;
    p.row = next++;
    p.moves = 0;
    p.random = Random(seed, Stream::walk, static_cast<std::uint64_t>(mine.begin) + p.row);
    layers[i] = 0;
    source.draw(p.random, state_of(i));
    std::copy_n(state_of(i).begin(), d, walks.start.begin() + static_cast<std::ptrdiff_t>(p.row * d));
  };
  const auto leave = [&](std::size_t i, bool stuck) {
    const auto& p = particles[i];
    std::copy_n(state_of(i).begin(), d, walks.end.begin() + static_cast<std::ptrdiff_t>(p.row * d));
    walks.moves[p.row] = p.moves;
    walks.stuck[p.row] = stuck ? 1 : 0;
    ++done;
    enter(i);
  };
  Progress progress(comm, "sample", "walks", mine.size());
  for (std::size_t i = 0; i < kBlock; ++i) enter(i);
  for (std::int64_t sweep = 0; done < rows && !stop_requested(); ++sweep) {
    model.probabilities(layers, states, probabilities);
    for (std::size_t i = 0; i < kBlock; ++i) {
      auto& p = particles[i];
      if (!p.active) continue;
      const int move = pick(std::span(probabilities).subspan(i * m, m), p.random.uniform());
      int layer = layers[i];
      if (!moves.apply(move, layer, state_of(i))) {
        leave(i, false);
        continue;
      }
      layers[i] = layer;
      if (++p.moves >= kMostMoves) leave(i, true);
    }
    if (sweep % 64 == 0) progress.update(static_cast<std::int64_t>(done));
  }
  heed_stop(comm);
  return walks;
}

ExitLaw exit_law_of_moves(MPI_Comm comm, const MoveModel& model, const Mass& source) {
  const auto& space = model.space();
  const auto& moves = model.moves();
  if (!space.enumerable() || space.size() > kMostLawStates) {
    throw Error(fmt::format("the exit law of {} coordinates of {} categories: more than {} states", space.dimensions(),
                            space.categories(), kMostLawStates));
  }
  const auto n = space.size();
  const int layers = moves.layers() + 1;
  const auto d = static_cast<std::size_t>(moves.dimensions());
  const auto m = static_cast<std::size_t>(moves.size());
  const auto mine = partition(n, size_of(comm), rank_of(comm));

  // The probabilities of the moves that each of my vertices has, one after the other in the order of MoveSet::visit.
  std::vector<float> table;
  std::vector<std::size_t> first;
  std::vector<std::int32_t> block_layers(kBlock);
  std::vector<std::uint16_t> block_states(kBlock * d, 0);
  std::vector<float> block(kBlock * m);
  for (int l = 0; l < layers; ++l) {
    std::fill(block_layers.begin(), block_layers.end(), l);
    for (auto x = mine.begin; x < mine.end; x += static_cast<std::int64_t>(kBlock)) {
      const auto rows = static_cast<std::size_t>(std::min<std::int64_t>(kBlock, mine.end - x));
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
          const bool back = moves.layers() > 1 ? k >= moves.first(-1) : l == 1;
          const int rest = k - moves.first(back ? -1 : 1) - 1;
          auto y = offset + (back ? -n : n) + x;
          if (rest >= 0) {
            const int j = rest / moves.categories();
            y += (rest % moves.categories() - state[static_cast<std::size_t>(j)]) * space.stride(j);
          }
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

Estimate path_log_likelihood(MPI_Comm comm, const MoveModel& model, const WalkSupervision& conditional,
                             const Draws& source, std::span<const std::uint16_t> rows, int paths, std::uint64_t seed) {
  constexpr double kAtRandom = 0.02;
  const auto& moves = model.moves();
  const auto d = static_cast<std::size_t>(moves.dimensions());
  const auto m = static_cast<std::size_t>(moves.size());
  const auto count = static_cast<std::int64_t>(rows.size() / d);
  const auto mine = partition(count * paths, size_of(comm), rank_of(comm));
  // log of P(path under the model) / P(path as drawn); both start with the source.
  std::vector<double> log_ratio(static_cast<std::size_t>(count * paths), 0.0);

  struct Path {
    std::int64_t index = 0;
    std::int32_t moves = 0;
    Random random{0, Stream::walk, 0};
    double log_ratio = 0;
    bool active = false;
  };
  std::vector<Path> block(kBlock);
  std::vector<std::int32_t> layers(kBlock, 0);
  std::vector<std::uint16_t> states(kBlock * d, 0);
  std::vector<float> probabilities(kBlock * m);
  std::vector<float> proposal(m);
  std::vector<std::uint16_t> starts(kBlock * d, 0);
  std::int64_t next = mine.begin;
  std::int64_t done = 0;
  const auto state_of = [&](std::size_t i) { return std::span(states).subspan(i * d, d); };
  const auto enter = [&](std::size_t i) {
    auto& p = block[i];
    p.active = next < mine.end;
    if (!p.active) return;
    p.index = next++;
    p.moves = 0;
    p.log_ratio = 0;
    p.random = Random(seed, Stream::walk, (std::uint64_t{1} << 62) + static_cast<std::uint64_t>(p.index));
    layers[i] = 0;
    source.draw(p.random, state_of(i));
    for (std::size_t j = 0; j < d; ++j) starts[i * d + j] = state_of(i)[j];
  };
  for (std::size_t i = 0; i < kBlock; ++i) enter(i);
  while (done < mine.size() && !stop_requested()) {
    model.probabilities(layers, states, probabilities);
    for (std::size_t i = 0; i < kBlock; ++i) {
      auto& p = block[i];
      if (!p.active) continue;
      const auto goal = rows.subspan(static_cast<std::size_t>(p.index / paths) * d, d);
      const auto learned = std::span(probabilities).subspan(i * m, m);
      conditional.toward(layers[i], state_of(i), std::span(starts).subspan(i * d, d), goal, proposal);
      const bool at_goal = layers[i] == moves.layers() && std::equal(goal.begin(), goal.end(), state_of(i).begin());
      // The conditional walk says how often a move of each kind is made; which of them, the model: then the weight of a
      // step depends on the kind alone. A share follows the model itself, leaving elsewhere excepted.
      std::array<double, 9> drawn{};     // probability of each kind in the conditional walk: forward, backward, leaving
      std::array<double, 9> modelled{};  // in the model
      double anywhere = 0;
      const auto kind_of = [&](int k) {
        if (k == MoveSet::kLeave) return std::size_t{8};
        const bool back = moves.layers() > 1 ? k >= moves.first(-1) : layers[i] == 1;
        const int rest = k - moves.first(back ? -1 : 1) - 1;
        std::size_t kind = back ? 4 : 0;
        if (rest >= 0) {
          const auto j = static_cast<std::size_t>(rest / moves.categories());
          const bool right = state_of(i)[j] == goal[j];
          kind += right ? 3U : goal[j] == rest % moves.categories() ? 1U : 2U;
        }
        return kind;
      };
      moves.visit(layers[i], state_of(i), [&](int k) {
        if (k == MoveSet::kLeave && !at_goal) return;
        const auto at = static_cast<std::size_t>(k);
        drawn[kind_of(k)] += proposal[at];
        modelled[kind_of(k)] += learned[at];
        anywhere += learned[at];
      });
      moves.visit(layers[i], state_of(i), [&](int k) {
        auto& q = proposal[static_cast<std::size_t>(k)];
        if (k == MoveSet::kLeave && !at_goal) {
          q = 0;
          return;
        }
        const double own = learned[static_cast<std::size_t>(k)];
        const auto kind = kind_of(k);
        const double by_kind = modelled[kind] > 0 ? drawn[kind] * own / modelled[kind] : 0.0;
        q = static_cast<float>((1 - kAtRandom) * by_kind + kAtRandom * own / anywhere);
      });
      double total = 0;  // of one, but for kinds that the model never makes
      for (const float q : proposal) total += q;
      const int move = pick(proposal, p.random.uniform());
      p.log_ratio += std::log(static_cast<double>(learned[static_cast<std::size_t>(move)])) -
                     std::log(static_cast<double>(proposal[static_cast<std::size_t>(move)]) / total);
      int layer = layers[i];
      const bool goes_on = moves.apply(move, layer, state_of(i)) && ++p.moves < kMostMoves;
      layers[i] = layer;
      if (goes_on) continue;
      log_ratio[static_cast<std::size_t>(p.index)] = p.log_ratio;
      ++done;
      enter(i);
    }
  }
  heed_stop(comm);
  all_sum(comm, std::span<double>(log_ratio));

  Estimate estimate;
  double variance = 0;
  for (std::int64_t row = 0; row < count; ++row) {
    const auto part = std::span<const double>(log_ratio).subspan(static_cast<std::size_t>(row * paths),
                                                                 static_cast<std::size_t>(paths));
    const double top = *std::max_element(part.begin(), part.end());
    double sum = 0;
    double square = 0;
    for (const double r : part) {
      const double w = std::exp(r - top);
      sum += w;
      square += w * w;
    }
    const double mean = sum / paths;
    estimate.mean += top + std::log(mean);
    // The delta method: var(log mean) = var(w) / (paths mean^2).
    if (paths > 1) variance += std::max(0.0, square / paths - mean * mean) / (paths - 1.0) / (mean * mean);
  }
  estimate.mean /= static_cast<double>(count);
  estimate.error = std::sqrt(variance) / static_cast<double>(count);
  return estimate;
}

}  // namespace kirchhoff
