#pragma once

#include <mpi.h>

#include <cstdint>
#include <span>
#include <vector>

#include "kirchhoff/validate/table_rows.hpp"

namespace kirchhoff {

/// The tree of Chow and Liu (IEEE Trans. Inf. Theory 1968): every column depends on one other. Of all such laws the one
/// that makes its training rows most likely; a yardstick that takes seconds.
///
/// Probabilities are (n_ab + alpha / (S_a S_b)) / (n + alpha) for a pair and (n_a + alpha / S_a) / (n + alpha) for a
/// column, so that pairs and columns agree; the mutual information of the tree's edges is that of these.
class ChowLiuTree {
 public:
  /// With the `pseudo_count` alpha > 0 given. @note Collective: each rank counts a part of the pairs; rows are the same
  /// on all ranks.
  static ChowLiuTree fit(MPI_Comm comm, const TableRows& training, double pseudo_count);
  /// With the alpha that makes the held-out rows most likely, of 0.1, 0.3, 1, ... 1000. @note Collective, as above.
  static ChowLiuTree fit(MPI_Comm comm, const TableRows& training, const TableRows& held_out);

  /// (D) the column that each depends on; -1 for the first, which depends on none.
  std::span<const int> parents() const { return parents_; }
  double pseudo_count() const { return pseudo_count_; }
  /// Logarithm of the probability of a row of possible codes [nat].
  double log_probability(std::span<const std::uint16_t> row) const;
  /// Its mean over rows. Local.
  double log_likelihood(const TableRows& rows) const;

 private:
  ChowLiuTree(const ColumnCounts& counts, std::vector<int> parents, double pseudo_count);

  std::vector<int> parents_;
  double pseudo_count_;
  std::vector<std::size_t> categories_;
  std::vector<std::vector<double>> logs_;  // (D)(S_parent x S_d) log-probability of a value after the parent's
};

}  // namespace kirchhoff
