#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "kirchhoff/io/network/network_files.hpp"

namespace kirchhoff::detail {

/// A matrix between nodes as a file has it, entry by entry.
struct NodeMatrix {
  struct Entry {
    std::int64_t low;
    std::int64_t high;
    bool lower;  // row > column
    double value;
    std::int64_t line;  // 0 where a file has no lines
  };

  std::string origin;            // the file, for messages
  bool symmetric = false;        // the file says so and has one of the two triangles
  std::int64_t order = 0;        // rows = columns
  std::int64_t first = 0;        // number of the first row and column
  std::int64_t size_line = 0;    // of the line that says the order
  std::vector<Entry> entries;    // off the diagonal
  std::vector<double> diagonal;  // (order)
  double least = 0;              // of the entries
  double most = 0;

  /// @param row, column from 0, below the order. @throws Error when a sum on the diagonal is not finite.
  void add(std::int64_t row, std::int64_t column, double value, std::int64_t line);
};

/// The network of a matrix: a Laplacian when all values off the diagonal are negative (what its rows have too much
/// joins the node to ground), conductances (or resistances) between nodes when none is. Entries that stand twice add
/// up. What stands on the diagonal of conductances joins a node to itself.
/// @throws Error for a matrix that is not symmetric or has both signs.
Netlist network_of(NodeMatrix matrix, const EdgeReading& reading);

}  // namespace kirchhoff::detail
