#pragma once

#include <mpi.h>

#include <vector>

#include "kirchhoff/validate/table_rows.hpp"

namespace kirchhoff {

/// Of each row, in how many columns the nearest of `others` differs from it (Hamming distance).
/// @note Collective: each rank takes a part of the rows; both tables are the same on all ranks.
std::vector<int> nearest_distances(MPI_Comm comm, const TableRows& rows, const TableRows& others);

/// How near a set comes to the rows that were trained on.
struct Nearness {
  double mean_distance = 0;  // of a row, columns that differ from the nearest training row
  double copies = 0;         // share of rows that are a training row
};
/// @note Collective, as above.
Nearness nearness(MPI_Comm comm, const TableRows& rows, const TableRows& training);

/// How near two sets of rows come to the training rows: generated rows, and held-out rows, which are what chance does.
/// The distance to the closest record of SDMetrics, with the held-out baseline.
struct NearestRows {
  double mean = 0;                // of a generated row, columns that differ from the nearest training row
  double mean_held_out = 0;       // of a held-out row
  double copies = 0;              // share of generated rows that are a training row
  double copies_held_out = 0;     // of held-out rows
  double closer_to_training = 0;  // share of generated rows that are nearer to equally many training rows than to the
                                  // held-out ones; ties count half: 1/2 where nothing was copied
};
/// @note Collective, as above.
NearestRows compare_nearest(MPI_Comm comm, const TableRows& rows, const TableRows& held_out, const TableRows& training);

}  // namespace kirchhoff
