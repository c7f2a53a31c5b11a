#pragma once

#include <petscsf.h>

#include <span>
#include <vector>

#include "solve/linear/even_layers.hpp"

namespace kirchhoff {

/// EvenLayers of a circuit whose layer pairs all have one and the same table of edges, the same in both directions
/// (nearest, as a rule): the table is held once, not once a layer pair. Fields are turned so that the layers of a state
/// are neighbours; one pass through the table serves all layers, and what a vertex's two neighbouring layers hold is
/// added up before.
class EvenLayersTable final : public EvenLayers {
 public:
  /// Whether a circuit is of this kind. Local.
  static bool applies(const Circuit& circuit);

  /// @note Collective.
  EvenLayersTable(MPI_Comm comm, const Circuit& circuit);

  void multiply(std::span<const double> x, std::span<double> y) override;
  void diagonal(std::span<double> out) override;
  void eliminate(std::span<const double> b, std::span<double> even) override;
  void recover(std::span<const double> even, std::span<const double> b, std::span<double> x) override;

 private:
  enum class Parity { even, odd };
  using Forest = Handle<PetscSF, PetscSFDestroy>;

  int layers_of(Parity parity) const { return parity == Parity::even ? layers_ / 2 + 1 : (layers_ + 1) / 2; }
  /// Neighbouring layers of layer l: 1 at the terminals, 2 between.
  double sides(int l) const { return l == 0 || l == layers_ ? 1 : 2; }
  double degree(int l, std::size_t i) const { return sides(l) * degree_[i]; }

  /// in_ (state, layer of `to`) = sum over the neighbouring layers of value(layer's number among its parity, state).
  template <class Value>
  void add_neighbours(Parity to, Value&& value);
  /// sums_ (state, layer) = table times in_, whose other ranks' rows are fetched first.
  void multiply_table(Parity layers);
  /// Fills the rows of other ranks' states in a field of `count` numbers per state.
  void fetch(std::span<double> field, int count);

  int layers_;         // L
  std::size_t width_;  // states of this rank, before those of others that it needs
  std::vector<int> first_;
  std::vector<int> other_;
  std::vector<double> conductance_;
  std::vector<double> degree_;  // (width) of one side
  Forest forest_;               // whose states of others; null where none are needed by any rank
  std::vector<double> in_;      // (width and others' states, layers of one parity)
  std::vector<double> sums_;    // (width, layers of one parity)
};

}  // namespace kirchhoff
