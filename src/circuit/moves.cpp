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

}  // namespace kirchhoff
