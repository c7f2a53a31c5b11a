#include "kirchhoff/circuit/circuit.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "base/disjoint_sets.hpp"
#include "kirchhoff/base/error.hpp"
#include "kirchhoff/base/random.hpp"
#include "kirchhoff/parallel/agree.hpp"
#include "kirchhoff/parallel/parallel.hpp"

namespace kirchhoff {
namespace {

void check_connected(const Circuit& circuit) {
  const auto& family = circuit.coupling(0).row();
  if (family.connected == Connected::always) return;
  const int pairs = family.connected == Connected::one_pair ? 1 : circuit.layers();
  const auto n = circuit.states();
  DisjointSets<std::int64_t> components(static_cast<std::size_t>(n * (pairs + 1)));
  for (int l = 0; l < pairs; ++l) {
    for (std::int64_t x = 0; x < n; ++x) {
      circuit.coupling(l).forward(x, [&](std::int64_t y, double) { components.join(l * n + x, (l + 1) * n + y); });
    }
  }
  if (components.count() == 1) return;
  std::int64_t v = 0;
  while (components.root(v) == components.root(0)) ++v;
  throw Error(
      fmt::format("the circuit falls into {} connected components: vertex (layer {}, state {}) is not joined to "
                  "vertex (layer 0, state 0), and no current can flow between them{}",
                  components.count(), v / n, v % n, family.when_apart));
}

EdgeTable::Side compress(std::int64_t states, const std::vector<LayerEdge>& edges, bool forward) {
  std::vector<const LayerEdge*> order;
  order.reserve(edges.size());
  for (const auto& edge : edges) order.push_back(&edge);
  const auto row = [&](const LayerEdge& e) { return forward ? e.from : e.to; };
  const auto other = [&](const LayerEdge& e) { return forward ? e.to : e.from; };
  std::stable_sort(order.begin(), order.end(), [&](const LayerEdge* a, const LayerEdge* b) {
    return std::pair(row(*a), other(*a)) < std::pair(row(*b), other(*b));
  });
  EdgeTable::Side side;
  side.first.assign(static_cast<std::size_t>(states) + 1, 0);
  std::pair<std::int64_t, std::int64_t> last{-1, -1};
  for (const auto* edge : order) {
    const std::pair key{row(*edge), other(*edge)};
    if (key == last) {
      side.conductance.back() += edge->conductance;
      continue;
    }
    side.other.push_back(key.second);
    side.conductance.push_back(edge->conductance);
    ++side.first[static_cast<std::size_t>(key.first) + 1];
    last = key;
  }
  std::partial_sum(side.first.begin(), side.first.end(), side.first.begin());
  return side;
}

}  // namespace

Circuit::Circuit(StateSpace space, std::vector<Coupling> couplings, Mass source, Mass target)
    : space_(std::move(space)),
      states_(space_.size()),
      couplings_(std::move(couplings)),
      source_(checked_mass(space_, std::move(source), "source")),
      target_(checked_mass(space_, std::move(target), "target")) {
  if (couplings_.empty()) throw Error("circuit_layers is 0: a circuit needs at least one layer pair");
  check_connected(*this);
}

std::int64_t Circuit::edges() const {
  return std::accumulate(couplings_.begin(), couplings_.end(), std::int64_t{0},
                         [](std::int64_t sum, const Coupling& c) { return sum + c.edges(); });
}

namespace {

/// @throws Error for an edge outside the layers or the states, or a conductance that is not positive and finite.
std::string checked_edge(const std::string& origin, std::size_t row, const LayerEdge& edge, int layers,
                         std::int64_t n) {
  auto where = fmt::format("{}: edge {} ({}, {}, {})", origin, row + 1, edge.layer, edge.from, edge.to);
  if (edge.layer < 0 || edge.layer >= layers) {
    throw Error(fmt::format("{}: the layer is outside 0..{}", where, layers - 1));
  }
  if (edge.from < 0 || edge.from >= n || edge.to < 0 || edge.to >= n) {
    throw Error(fmt::format("{}: a state is outside 0..{}", where, n - 1));
  }
  if (!std::isfinite(edge.conductance) || edge.conductance <= 0) {
    throw Error(fmt::format("{}: conductance {} S is not positive and finite", where, edge.conductance));
  }
  return where;
}

/// Node-shared room for the weights of all layer pairs, and the couplings that will read them.
struct Weighted {
  std::shared_ptr<SharedArray> storage;
  std::size_t stride = 0;  // of a layer pair
  std::vector<Coupling> couplings;

  Weighted(MPI_Comm comm, const std::vector<Coupling>& base)
      : stride(static_cast<std::size_t>(base.front().slots() * base.front().space().size())) {
    storage = std::make_shared<SharedArray>(comm, static_cast<std::int64_t>(stride * base.size()));
    for (std::size_t l = 0; l < base.size(); ++l) couplings.push_back(base[l].weighted({storage, l * stride}));
  }
  double& at(std::size_t layer, std::int64_t slot, std::int64_t x) {
    const auto n = couplings.front().space().size();
    return storage->data()[layer * stride + static_cast<std::size_t>(slot * n + x)];
  }
};

/// The slot by which x becomes y; -1 when the family does not join them.
std::int64_t slot_between(const Coupling& coupling, std::int64_t x, std::int64_t y) {
  std::int64_t found = -1;
  coupling.slots_of(x, [&](std::int64_t slot, std::int64_t, std::int64_t to, double) {
    if (to == y) found = slot;
  });
  return found;
}

}  // namespace

std::vector<Coupling> couplings_from_edges(const StateSpace& space, int layers, const std::vector<LayerEdge>& edges,
                                           const std::string& origin) {
  const auto n = space.size();
  std::vector<std::vector<LayerEdge>> of_layer(static_cast<std::size_t>(layers));
  for (std::size_t k = 0; k < edges.size(); ++k) {
    checked_edge(origin, k, edges[k], layers, n);
    of_layer[static_cast<std::size_t>(edges[k].layer)].push_back(edges[k]);
  }
  std::vector<Coupling> couplings;
  for (const auto& layer : of_layer) {
    auto table = std::make_shared<EdgeTable>();
    table->forward = compress(n, layer, true);
    table->backward = compress(n, layer, false);
    couplings.push_back(Coupling::from_table(space, std::move(table)));
  }
  return couplings;
}

std::vector<Coupling> weigh_couplings(MPI_Comm comm, const std::vector<Coupling>& couplings,
                                      const std::vector<LayerEdge>& edges, const std::string& origin) {
  const auto n = couplings.front().space().size();
  const auto mine = partition(n, size_of(comm), rank_of(comm));
  Weighted weighted(comm, couplings);
  agree(comm, [&] {
    for (std::size_t k = 0; k < edges.size(); ++k) {
      const auto& edge = edges[k];
      const auto where = checked_edge(origin, k, edge, static_cast<int>(couplings.size()), n);
      if (edge.from < mine.begin || edge.from >= mine.end) continue;
      const auto layer = static_cast<std::size_t>(edge.layer);
      const auto slot = slot_between(couplings[layer], edge.from, edge.to);
      if (slot < 0) {
        throw Error(
            fmt::format("{}: a {} circuit does not join these states", where, to_string(couplings[layer].family())));
      }
      auto& weight = weighted.at(layer, slot, edge.from);
      if (weight != 0) throw Error(where + ": the edge stands twice");
      weight = edge.conductance;
    }
    for (std::size_t l = 0; l < couplings.size(); ++l) {
      for (auto x = mine.begin; x < mine.end; ++x) {
        couplings[l].slots_of(x, [&](std::int64_t slot, std::int64_t, std::int64_t y, double) {
          if (weighted.at(l, slot, x) == 0) {
            throw Error(fmt::format("{}: edge ({}, {}, {}) is missing: every edge of the {} family needs a conductance",
                                    origin, l, x, y, to_string(couplings[l].family())));
          }
        });
      }
    }
  });
  weighted.storage->complete();
  return weighted.couplings;
}

std::vector<Coupling> spread_couplings(MPI_Comm comm, const std::vector<Coupling>& couplings, double sigma,
                                       std::uint64_t seed) {
  const auto n = couplings.front().space().size();
  const auto spread = [&](std::size_t l, std::int64_t x, std::int64_t y, double conductance) {
    const auto edge =
        (l * static_cast<std::uint64_t>(n) + static_cast<std::uint64_t>(x)) * static_cast<std::uint64_t>(n) +
        static_cast<std::uint64_t>(y);
    return conductance * std::exp(-sigma * Random(seed, Stream::resistance, edge).normal());
  };
  if (couplings.front().table()) {
    std::vector<Coupling> result;
    for (std::size_t l = 0; l < couplings.size(); ++l) {
      auto table = std::make_shared<EdgeTable>(*couplings[l].table());
      const auto vary = [&](EdgeTable::Side& side, bool forward) {
        for (std::int64_t row = 0; row < n; ++row) {
          for (auto k = side.first[static_cast<std::size_t>(row)]; k < side.first[static_cast<std::size_t>(row) + 1];
               ++k) {
            const auto i = static_cast<std::size_t>(k);
            side.conductance[i] = forward ? spread(l, row, side.other[i], side.conductance[i])
                                          : spread(l, side.other[i], row, side.conductance[i]);
          }
        }
      };
      vary(table->forward, true);
      vary(table->backward, false);
      result.push_back(couplings[l].with_table(std::move(table)));
    }
    return result;
  }
  if (couplings.front().slots() == 0) {
    throw Error(fmt::format("circuit_resistance_spread is for sparse circuits: the edges of a {} one are never stored",
                            to_string(couplings.front().family())));
  }
  const auto mine = partition(n, size_of(comm), rank_of(comm));
  Weighted weighted(comm, couplings);
  for (std::size_t l = 0; l < couplings.size(); ++l) {
    for (auto x = mine.begin; x < mine.end; ++x) {
      couplings[l].slots_of(x, [&](std::int64_t slot, std::int64_t, std::int64_t y, double g) {
        weighted.at(l, slot, x) = spread(l, x, y, g);
      });
    }
  }
  weighted.storage->complete();
  return weighted.couplings;
}

}  // namespace kirchhoff
