#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "kirchhoff/circuit/family/family.hpp"

namespace kirchhoff {

/// The edges of one layer pair by rows (x -> y) and by columns (y -> x), compressed; parallel edges are added up.
struct EdgeTable {
  struct Side {
    std::vector<std::int64_t> first;  // (N + 1)
    std::vector<std::int64_t> other;  // (m)
    std::vector<double> conductance;  // (m) [S]
  };
  Side forward;
  Side backward;
};

namespace family {

/// Any edges, listed: those of a file, or each state's nearest ones.
struct Table {
  std::shared_ptr<const EdgeTable> table;

  std::int64_t edges() const { return static_cast<std::int64_t>(table->forward.other.size()); }
  static const FamilyRow& file_row();
  static const FamilyRow& nearest_row();
};

}  // namespace family
}  // namespace kirchhoff
