#include "learn/task/prefix_law.hpp"

#include <limits>

namespace kirchhoff {

PrefixLaw::PrefixLaw(const StateSpace& space, std::int64_t most_nodes)
    : space_(space), most_nodes_(static_cast<std::size_t>(most_nodes)), nodes_(1) {}

std::int32_t PrefixLaw::child(std::int32_t node, int category) const {
  auto child = at(node).child;
  while (child >= 0 && at(child).category != category) child = at(child).sibling;
  return child;
}

void PrefixLaw::add(std::int64_t row) {
  const auto longest = static_cast<std::size_t>(space_.dimensions());
  if (nodes_.size() + longest > most_nodes_ || nodes_[0].count == std::numeric_limits<std::uint32_t>::max()) {
    nodes_.assign(1, {});
  }
  std::int32_t node = 0;
  ++nodes_[0].count;
  for (int d = 0; d < space_.dimensions(); ++d) {
    const int category = space_.coordinate(row, d);
    auto next = child(node, category);
    if (next < 0) {
      next = static_cast<std::int32_t>(nodes_.size());
      nodes_.push_back({-1, at(node).child, category, 0});
      nodes_[static_cast<std::size_t>(node)].child = next;
    }
    node = next;
    ++nodes_[static_cast<std::size_t>(node)].count;
  }
}

std::int32_t PrefixLaw::find(std::int64_t row, int length) const {
  std::int32_t node = 0;
  for (int d = 0; d < length && node >= 0; ++d) node = child(node, space_.coordinate(row, d));
  return node;
}

}  // namespace kirchhoff
