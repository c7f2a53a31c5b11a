#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kirchhoff/learn/task/walk_supervision.hpp"
#include "kirchhoff/states/distribution.hpp"

/// The unsigned flow of a walk supervision on a space that can be enumerated, as the Markov chain that it is.
namespace kirchhoff::oracles {

struct WalkChain {
  std::vector<std::vector<float>> moves;  // (vertices)(M) probabilities, vertex = layer N + state
  std::vector<double> visits;             // (vertices) how often its walks visit each
  std::vector<double> law;                // (N) where they end
};

/// Calls visit(layer, state index, coordinates) at every vertex.
template <class Visit>
void every_vertex(const MoveSet& moves, Visit&& visit) {
  std::vector<std::uint16_t> state(static_cast<std::size_t>(moves.dimensions()));
  for (int l = 0; l <= moves.layers(); ++l) {
    for (std::int64_t x = 0; x < moves.space().size(); ++x) {
      moves.space().coordinates(x, state);
      visit(l, x, state);
    }
  }
}

/// The flow of all walks from `starts` to `ends` (count x D each), sent off with the probabilities `source`.
inline WalkChain chain_of(const WalkSupervision& supervision, const Mass& source, std::span<const std::uint16_t> starts,
                          std::span<const std::uint16_t> ends) {
  const auto& moves = supervision.moves();
  const auto n = moves.space().size();
  WalkChain chain;
  every_vertex(moves, [&](int l, std::int64_t, const std::vector<std::uint16_t>& state) {
    supervision.flow(l, state, starts, ends, chain.moves.emplace_back(static_cast<std::size_t>(moves.size())));
  });
  chain.visits.assign(chain.moves.size(), 0.0);
  chain.law.assign(static_cast<std::size_t>(n), 0.0);
  std::vector<double> mass(source.begin(), source.end());
  mass.resize(chain.moves.size(), 0.0);
  for (int sweep = 0; sweep < 2000; ++sweep) {
    std::vector<double> next(mass.size(), 0.0);
    std::size_t v = 0;
    every_vertex(moves, [&](int l, std::int64_t x, const std::vector<std::uint16_t>& state) {
      const auto& row = chain.moves[v];
      const double w = mass[v];
      chain.visits[v++] += w;
      for (int k = 0; k < moves.size(); ++k) {
        const double part = w * static_cast<double>(row[static_cast<std::size_t>(k)]);
        if (part == 0) continue;
        auto moved = state;
        int layer = l;
        if (moves.apply(k, layer, moved)) {
          next[static_cast<std::size_t>(layer * n + moves.space().index(moved))] += part;
        } else {
          chain.law[static_cast<std::size_t>(x)] += part;
        }
      }
    });
    mass.swap(next);
  }
  return chain;
}

}  // namespace kirchhoff::oracles
