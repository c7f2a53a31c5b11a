#include "kirchhoff/circuit/moves.hpp"

namespace kirchhoff {

MoveSet::MoveSet(const StateSpace& space, int layers, std::vector<ColumnGraph> graphs)
    : space_(space), layers_(layers), graphs_(std::move(graphs)) {
  graphs_.resize(static_cast<std::size_t>(space_.dimensions()), ColumnGraph::hamming);
  coordinate_.reserve(static_cast<std::size_t>(space_.all_categories()));
  for (int d = 0; d < space_.dimensions(); ++d) {
    offset_.push_back(static_cast<int>(coordinate_.size()));
    coordinate_.insert(coordinate_.end(), static_cast<std::size_t>(space_.categories(d)), d);
  }
}

int MoveSet::distance(std::span<const std::uint16_t> a, std::span<const std::uint16_t> b) const {
  int sum = 0;
  for (std::size_t j = 0; j < a.size(); ++j) sum += steps(j, a[j], b[j]);
  return sum;
}

int MoveSet::diameter() const {
  int sum = 0;
  for (std::size_t j = 0; j < graphs_.size(); ++j) sum += steps(j, 0, space_.categories(static_cast<int>(j)) - 1);
  return sum;
}

}  // namespace kirchhoff
