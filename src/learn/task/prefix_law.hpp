#pragma once

#include <cstdint>
#include <vector>

#include "kirchhoff/states/state_space.hpp"

namespace kirchhoff {

/// How often each category of a coordinate followed the coordinates before it (the prefix) in the rows seen so far: a
/// tree whose nodes are prefixes. Its size is bounded: once it is full it forgets all and begins anew, so that where
/// prefixes never repeat it says little more than the last row. Local.
class PrefixLaw {
 public:
  /// @param most_nodes of 16 bytes; at least a row's, D + 1.
  explicit PrefixLaw(const StateSpace& space, std::int64_t most_nodes = std::int64_t{1} << 22);

  void add(std::int64_t row);
  /// The node of the first `length` coordinates of a row, which is the same for all rows that share them; -1 when none
  /// was seen since the tree was last empty.
  std::int32_t find(std::int64_t row, int length) const;
  /// Whether the rows behind a node tell enough: ten a category.
  bool well_known(std::int32_t node) const {
    return node >= 0 && at(node).count >= 10 * static_cast<std::uint32_t>(space_.categories());
  }
  /// Calls visit(category, share) for each category that followed a node's prefix; shares are positive and sum to one.
  template <class Visit>
  void visit(std::int32_t node, Visit&& visit) const {
    const double all = at(node).count;
    for (auto child = at(node).child; child >= 0; child = at(child).sibling)
      visit(at(child).category, at(child).count / all);
  }

 private:
  struct Node {
    std::int32_t child = -1;    // the first one
    std::int32_t sibling = -1;  // the next child of the parent
    std::int32_t category = 0;
    std::uint32_t count = 0;  // rows that begin so
  };
  const Node& at(std::int32_t node) const { return nodes_[static_cast<std::size_t>(node)]; }
  std::int32_t child(std::int32_t node, int category) const;

  StateSpace space_;
  std::size_t most_nodes_;
  std::vector<Node> nodes_;
};

}  // namespace kirchhoff
