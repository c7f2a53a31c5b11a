#pragma once

#include <mpi.h>

#include <cstdint>
#include <string>
#include <vector>

#include "kirchhoff/circuit/coupling.hpp"
#include "kirchhoff/states/distribution.hpp"
#include "kirchhoff/states/state_space.hpp"

namespace kirchhoff {

/// A layered circuit: N states on each of L+1 layers, a coupling between neighbouring layers, p injected on layer 0 and
/// q taken out on layer L. Vertex (l, x) has index l N + x in every array and file.
class Circuit {
 public:
  /// @param couplings one for each of the L >= 1 layer pairs, all over `space` and of one family.
  /// @param source, target p and q [A], distributions over the space (see checked_mass).
  /// @throws Error when the terminals are unbalanced or the circuit falls into several components, naming a vertex.
  Circuit(StateSpace space, std::vector<Coupling> couplings, Mass source, Mass target);

  const StateSpace& space() const { return space_; }
  std::int64_t states() const { return states_; }
  int layers() const { return static_cast<int>(couplings_.size()); }
  std::int64_t vertices() const { return states_ * (layers() + 1); }
  std::int64_t edges() const;
  Family family() const { return couplings_.front().family(); }
  /// Whether every state is joined to every state of the next layer, so that edges are never listed.
  bool joins_all() const { return couplings_.front().joins_all(); }
  /// Between layers l and l+1.
  const Coupling& coupling(int l) const { return couplings_[static_cast<std::size_t>(l)]; }
  const Mass& source() const { return source_; }
  const Mass& target() const { return target_; }
  /// Number of connected components; the constructor has seen to it that it is one.
  int components() const { return 1; }

  /// Current injected at (l, x) [A].
  double injected(int l, std::int64_t x) const {
    double b = 0;
    if (l == 0) b += source_[static_cast<std::size_t>(x)];
    if (l == layers()) b -= target_[static_cast<std::size_t>(x)];
    return b;
  }

  /// Calls visit(layer, state, conductance) for every vertex joined to (l, x), those of layer l+1 first.
  template <class Visit>
  void neighbours(int l, std::int64_t x, Visit&& visit) const {
    if (l < layers()) coupling(l).forward(x, [&](std::int64_t y, double g) { visit(l + 1, y, g); });
    if (l > 0) coupling(l - 1).backward(x, [&](std::int64_t y, double g) { visit(l - 1, y, g); });
  }

 private:
  StateSpace space_;
  std::int64_t states_;
  std::vector<Coupling> couplings_;
  Mass source_;
  Mass target_;
};

/// Couplings from a list of edges. `origin` names the list in messages; rows count from 1.
/// @throws Error for an edge outside the layers or the states, or a conductance that is not positive and finite.
std::vector<Coupling> couplings_from_edges(const StateSpace& space, int layers, const std::vector<LayerEdge>& edges,
                                           const std::string& origin);

/// The given couplings (one per layer pair, of a family with slots) with every edge's conductance taken from a list
/// that has each of their edges exactly once. @note Collective. @throws Error naming an edge that is missing, given
/// twice, or not of the family.
std::vector<Coupling> weigh_couplings(MPI_Comm comm, const std::vector<Coupling>& couplings,
                                      const std::vector<LayerEdge>& edges, const std::string& origin);

/// Multiplies the resistance of every edge (l, x) - (l+1, y) by exp(sigma z), z a standard normal number that is a
/// function of the seed and of (l N + x) N + y. Not for couplings that join all states, whose edges are not stored.
/// @note Collective.
std::vector<Coupling> spread_couplings(MPI_Comm comm, const std::vector<Coupling>& couplings, double sigma,
                                       std::uint64_t seed);

}  // namespace kirchhoff
