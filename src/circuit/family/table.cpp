#include "kirchhoff/circuit/family/table.hpp"

namespace kirchhoff::family {

const FamilyRow& Table::file_row() {
  static const FamilyRow row{.family = Family::file,
                             .name = "file",
                             .options = {"circuit_file", "circuit_resistance_spread", "circuit_resistance_seed"},
                             .connected = Connected::all_pairs,
                             .edges_from = EdgesFrom::list,
                             .few_moves = true};
  return row;
}

const FamilyRow& Table::nearest_row() {
  static const FamilyRow row{
      .family = Family::nearest,
      .name = "nearest",
      .options = {"circuit_resistance_same", "circuit_resistance_change", "circuit_neighbours", "circuit_embedding",
                  "circuit_resistance_spread", "circuit_resistance_seed"},
      .connected = Connected::one_pair,
      .edges_from = EdgesFrom::nearness,
      .when_apart = "; more circuit_neighbours may do",
      .grid = true,
      .few_moves = true,
      // A state is joined to its nearest ones and to those whose nearest it is: 1.2 times as many, as a rule.
      .stored_moves = [](const StateSpace&, std::int64_t neighbours) {
        return 1 + 1.2 * static_cast<double>(neighbours);
      }};
  return row;
}

}  // namespace kirchhoff::family
