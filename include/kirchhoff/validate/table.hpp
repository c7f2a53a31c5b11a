#pragma once

#include <mpi.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "kirchhoff/validate/discriminator.hpp"
#include "kirchhoff/validate/nearest_rows.hpp"
#include "kirchhoff/validate/pairs.hpp"
#include "kirchhoff/validate/table_rows.hpp"

namespace kirchhoff {

/// The rows that a table of samples is held against. All are the same on every rank.
struct TableSides {
  TableRows samples;
  TableRows reference;  // rows that the network was not trained on: test rows, or those held out for choices
  TableRows training;
  TableRows held_out;  // that the tree's pseudo-count is chosen by; may be empty
};

/// Marginals, or pairs, of one table against the reference, beside those of equally many training rows: what such a
/// distance is where nothing is wrong but that rows are few.
struct DistanceBesideFloor {
  std::vector<double> samples;
  std::vector<double> training;
};

/// A table of samples against rows that the network has not seen. docs/validation.md, "Tables".
struct TableComparison {
  std::int64_t samples = 0;  // rows that can exist, of those given
  std::int64_t reference_rows = 0;
  std::int64_t training_rows = 0;
  std::int64_t floor_rows = 0;            // samples, and training rows, that distances are taken of
  StrayRows stray;                        // of all samples
  DistanceBesideFloor marginals;          // (D)
  std::vector<std::size_t> pair_columns;  // columns whose pairs were compared: all, or as many as can be afforded
  DistanceBesideFloor pairs;              // (m (m-1)/2), m = pair_columns
  std::vector<double> association;        // (the same) Cramer's V among the samples
  std::vector<double> association_reference;
  NearestRows nearest;
  Discriminator discriminator;
  std::optional<double> tree_log_likelihood;  // of the reference under the Chow-Liu tree of the training rows [nat]
  double tree_pseudo_count = 0;
};

/// @param seed of the order in which rows are taken where not all are. Nothing is compared but stray rows where no
/// sample can exist. @note Collective.
TableComparison compare_tables(MPI_Comm comm, const TableSides& sides, std::uint64_t seed);

/// Evenly chosen columns, all of them where their pairs can be counted in seconds. Local.
std::vector<std::size_t> affordable_columns(const TableRows& rows);

}  // namespace kirchhoff
