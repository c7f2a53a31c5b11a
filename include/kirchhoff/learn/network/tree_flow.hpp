#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "kirchhoff/circuit/moves.hpp"
#include "kirchhoff/states/tree_law.hpp"

namespace kirchhoff {

/// The unsigned flow toward a law of rows that is a tree, at any number of columns. On a circuit of one layer pair
/// whose columns are hamming, the current that changes column j to v on the way to x_L is about
///
///   g_j integral P_s(x | x_L) (h(s; v, v) / h(s; x_j, v) - 1) ds where x_L,j = v, and nothing elsewhere
///
/// (docs/theory.md, section 9; left out is the part that differs between the two layers, which is of short range). The
/// average over x_L of a tree is a sum of products along the tree: messages from leaf to root and back give it for all
/// columns and values at once, at each node s. A network of moves starts from it, and learns what the tree does not
/// know. Local.
class TreeFlow {
 public:
  /// @param change R_d [ohm] of each column (D). @param same r [ohm]. @throws Error for lattices or more layers.
  TreeFlow(const MoveSet& moves, const std::vector<double>& change, double same, TreeLaw law);
  TreeFlow(TreeFlow&&) noexcept;
  ~TreeFlow();

  /// Logarithms (M) of the flow along each move, up to a constant; for the moves that a vertex does not have, anything.
  void logits(std::int32_t layer, std::span<const std::uint16_t> state, std::span<float> out) const;

 private:
  struct Work;
  std::unique_ptr<Work> work_;
};

}  // namespace kirchhoff
