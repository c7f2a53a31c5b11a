#pragma once

#include <string>

#include "io/hdf5/hdf5.hpp"
#include "io/hdf5/writer.hpp"
#include "kirchhoff/io/results/store.hpp"
#include "kirchhoff/solve/solve.hpp"

namespace kirchhoff {

/// Root attributes of every file. @note Collective.
void write_root(Hdf5Writer& file, const std::string& kind, const Provenance& provenance);
Provenance read_root(const Hdf5Reader& file);
/// What the columns of a table mean, as the group /schema. @note Collective.
void write_schema(Hdf5Writer& file, const Schema& table);
/// A solve's figures, an attribute each, but for those that are in every root. @note Collective.
void write_figures(Hdf5Writer& file, const SolveReport& report);
void read_figures(const Hdf5Reader& file, SolveReport& report);
/// @throws Error unless the file is whole and of this kind, naming it and the reason.
void expect(const FileStatus& status, const std::string& path, const std::string& kind);

}  // namespace kirchhoff
