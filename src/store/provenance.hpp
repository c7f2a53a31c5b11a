#pragma once

#include <string>

#include "kirchhoff/store.hpp"
#include "store/hdf5.hpp"

namespace kirchhoff {

/// Root attributes of every file. @note Collective.
void write_root(Hdf5Writer& file, const std::string& kind, const Provenance& provenance);
Provenance read_root(const Hdf5Reader& file);
/// @throws Error unless the file is of this kind, in a layout that this version reads.
void expect_kind(const Hdf5Reader& file, const std::string& kind);

}  // namespace kirchhoff
