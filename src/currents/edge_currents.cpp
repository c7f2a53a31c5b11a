#include <algorithm>

#include "kirchhoff/currents/currents.hpp"

namespace kirchhoff {
namespace {

/// A coupling's table with values (moves x N) in the place of its conductances.
std::shared_ptr<const EdgeTable> table_of(const EdgeTable& edges, std::span<const double> values) {
  auto table = std::make_shared<EdgeTable>(edges);
  const std::size_t n = edges.forward.first.size() - 1;
  const auto place = [](const EdgeTable::Side& side, std::size_t row, std::int64_t other) {
    const auto begin = side.other.begin() + side.first[row];
    return std::find(begin, side.other.begin() + side.first[row + 1], other) - side.other.begin();
  };
  for (std::size_t x = 0; x < n; ++x) {
    for (auto k = edges.forward.first[x]; k < edges.forward.first[x + 1]; ++k) {
      const auto move = static_cast<std::size_t>(k - edges.forward.first[x]);
      const auto y = edges.forward.other[static_cast<std::size_t>(k)];
      const double value = values[move * n + x];
      table->forward.conductance[static_cast<std::size_t>(k)] = value;
      const auto back = place(edges.backward, static_cast<std::size_t>(y), static_cast<std::int64_t>(x));
      table->backward.conductance[static_cast<std::size_t>(back)] = value;
    }
  }
  return table;
}

}  // namespace

int moves_ahead(const Circuit& circuit) {
  if (const int slots = circuit.coupling(0).slots(); slots > 0) return slots;
  std::int64_t most = 0;
  for (int l = 0; l < circuit.layers(); ++l) {
    const auto& first = circuit.coupling(l).table()->forward.first;
    for (std::size_t x = 0; x + 1 < first.size(); ++x) most = std::max(most, first[x + 1] - first[x]);
  }
  return static_cast<int>(most);
}

EdgeCurrents::EdgeCurrents(const Circuit& circuit, std::shared_ptr<const SharedArray> values)
    : circuit_(circuit), values_(std::move(values)) {
  const auto moves = static_cast<std::size_t>(moves_ahead(circuit));
  const auto size = moves * static_cast<std::size_t>(circuit.states());
  for (int l = 0; l < circuit.layers(); ++l) {
    const auto& coupling = circuit.coupling(l);
    const auto offset = static_cast<std::size_t>(l) * size;
    pairs_.push_back(coupling.table()
                         ? coupling.with_table(table_of(*coupling.table(), values_->data().subspan(offset, size)))
                         : coupling.weighted({values_, offset}));
  }
}

}  // namespace kirchhoff
