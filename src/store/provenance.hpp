#pragma once

#include <string>

#include "kirchhoff/store.hpp"
#include "store/hdf5.hpp"
#include "store/writer.hpp"

namespace kirchhoff {

/// Root attributes of every file. @note Collective.
void write_root(Hdf5Writer& file, const std::string& kind, const Provenance& provenance);
Provenance read_root(const Hdf5Reader& file);
/// @throws Error unless the file is whole and of this kind, naming it and the reason.
void expect(const FileStatus& status, const std::string& path, const std::string& kind);

}  // namespace kirchhoff
