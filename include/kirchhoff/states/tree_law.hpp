#pragma once

#include <vector>

namespace kirchhoff {

/// A law of rows in which every column depends on one other (Chow and Liu, IEEE Trans. Inf. Theory 1968).
struct TreeLaw {
  std::vector<int> parents;                // (D) -1 for the first, which depends on none
  std::vector<int> order;                  // (D) columns, each after the one that it depends on
  std::vector<std::vector<double>> share;  // (D)(S_parent x S_d) probability of a value after the parent's; all > 0
};

}  // namespace kirchhoff
