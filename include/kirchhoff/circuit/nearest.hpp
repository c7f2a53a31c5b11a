#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kirchhoff/circuit/coupling.hpp"
#include "kirchhoff/states/state_space.hpp"

namespace kirchhoff {

/// Where each state lies: N rows of `dimensions` coordinates, row-major, in any unit.
struct Embedding {
  std::int64_t dimensions = 0;
  std::vector<double> coordinates;
};

/// The states as they are: their D coordinates 0..S-1.
Embedding grid_embedding(const StateSpace& space);

/// Which states are joined to which: ascending, never to themselves, and y to x where x is to y.
struct Neighbourhoods {
  std::vector<std::int64_t> first;  // (N + 1)
  std::vector<std::int64_t> other;  // (m)
};

/// x and y are joined when one is among the other's `count` nearest by Euclidean distance. The search is exact; of
/// states at equal distance those of lower index are nearer, so that nothing depends on how it is done. Local.
/// @throws Error unless the embedding has a row of finite coordinates for each state, and 1 <= count <= N - 1.
Neighbourhoods nearest_neighbours(const StateSpace& space, const Embedding& embedding, std::int64_t count);

/// Couplings of Family::nearest, one for each pair of r and R: equal states are joined by r, neighbours by R [ohm].
/// Layer pairs of equal r and R share one table of edges.
/// @throws Error unless all resistances are positive and finite.
std::vector<Coupling> nearest_couplings(const StateSpace& space, const Neighbourhoods& neighbourhoods,
                                        std::span<const double> same, std::span<const double> change);

}  // namespace kirchhoff
