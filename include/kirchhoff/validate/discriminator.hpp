#pragma once

#include <mpi.h>

#include <cstdint>

#include "kirchhoff/validate/table_rows.hpp"

namespace kirchhoff {

/// How well a classifier tells generated rows from real ones that it has not seen.
struct Discriminator {
  double auc = 0.5;       // probability that it ranks a generated row above a real one: 1/2 where it cannot tell
  double auc_error = 0;   // standard error (DeLong et al., Biometrics 1988), at least that of chance
  std::int64_t rows = 0;  // of each kind
};

/// Gradient-boosted trees of depth 3 (Friedman 2001) over "this column has this value" and "this column has this value
/// or a lower one", taught on one half of the rows and tried on the other, both ways about. Equally many rows of each
/// kind are used, up to `most`. Fewer than 4 of each kind tell nothing: 1/2 with an error of 1/2.
/// @note Collective: both tables are the same on all ranks.
Discriminator discriminate(MPI_Comm comm, const TableRows& generated, const TableRows& real, std::size_t most = 4000);

/// Area under the curve that `scores` of either kind make (ties count half), and its standard error. Local.
Discriminator area_under_curve(std::span<const double> generated, std::span<const double> real);

}  // namespace kirchhoff
