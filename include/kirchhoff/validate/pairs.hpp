#pragma once

#include <mpi.h>

#include <cstdint>
#include <span>
#include <vector>

#include "kirchhoff/validate/table_rows.hpp"

namespace kirchhoff {

// Two tables of the same columns against each other, by their counts.

/// (D) total variation 1/2 sum |share - share| of each column's values. Local.
std::vector<double> marginal_distances(const ColumnCounts& a, const ColumnCounts& b);

/// Cramer's V of a table of counts (rows x columns), in [0, 1], with the correction of its bias by Bergsma (J. Korean
/// Stat. Soc. 2013): independent columns have zero up to chance, however few rows. Values that never occur do not
/// count; 0 where a column has one value only. Local.
double cramers_v(std::span<const std::int64_t> counts, std::size_t rows, std::size_t columns);

/// What two tables show of every pair of columns: entries of the pairs (0,1), (0,2), ..., (1,2), ....
struct PairComparison {
  std::vector<double> distance;       // (D (D-1)/2) total variation of the values of the pair
  std::vector<double> association;    // Cramer's V in the first table
  std::vector<double> association_b;  // in the second
};
/// Where the pair (a, b), a < b, stands among those of D columns.
std::size_t pair_index(std::size_t a, std::size_t b, std::size_t columns);
/// @note Collective: each rank counts a part of the pairs; both tables are the same on all ranks.
PairComparison compare_pairs(MPI_Comm comm, const ColumnCounts& a, const ColumnCounts& b);

}  // namespace kirchhoff
