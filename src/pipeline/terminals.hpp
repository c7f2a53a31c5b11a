#pragma once

#include <mpi.h>

#include <string>

#include "kirchhoff/io/table/table.hpp"
#include "kirchhoff/states/distribution.hpp"
#include "pipeline/job.hpp"

namespace kirchhoff {

// Tables that a case names, and the terminals in them. Local; `comm` is for what is said about a file.

bool is_hdf5(const std::string& file);
/// Whether a file may hold several arrays by name: HDF5, and NumPy's archives.
bool has_datasets(const std::string& file);
/// A table of a case, saying which of its lines was taken for a header.
Table table_of(MPI_Comm comm, const std::string& file, const std::string& dataset = "");
/// Numbers of rows, which data frames write beside what they hold, are nothing that a circuit is made of.
/// @param way_out what is to be done about it. @throws Error naming file, line and column.
void refuse_index_column(const Table& table, const std::string& file, const std::string& way_out);

/// Whether the terminal's file holds a mass function: `dataset` says so, or is a path whose last part does.
/// @throws Error for a dataset that is neither mass nor samples.
bool holds_mass(const Terminal& terminal);
/// p or q (N). @throws Error naming the file, or where the name stands.
Mass terminal_mass(MPI_Comm comm, const StateSpace& space, const Terminal& terminal);

}  // namespace kirchhoff
