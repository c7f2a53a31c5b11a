#include "store/provenance.hpp"

#include <fmt/format.h>

#include "kirchhoff/error.hpp"
#include "kirchhoff/session.hpp"
#include "kirchhoff/version.hpp"
#include "store/schema.hpp"

namespace kirchhoff {

Provenance provenance(MPI_Comm comm, std::string problem_hash, std::string options) {
  return {std::move(problem_hash), std::move(options), size_of(comm),
          std::string(kVersion),   blas_version(),     petsc_version()};
}

void write_root(Hdf5Writer& file, const std::string& kind, const Provenance& p) {
  file.attribute(schema::kKind, kind);
  file.attribute(schema::kSchemaVersion, std::int64_t{schema::kVersion});
  file.attribute(schema::kPackageVersion, p.package_version);
  file.attribute(schema::kProblemHash, p.problem_hash);
  file.attribute(schema::kOptions, p.options);
  file.attribute(schema::kRanks, std::int64_t{p.ranks});
  file.attribute(schema::kBlas, p.blas);
  file.attribute(schema::kPetsc, p.petsc);
}

Provenance read_root(const Hdf5Reader& file) {
  return {
      file.text(schema::kProblemHash),    file.text(schema::kOptions), static_cast<int>(file.integer(schema::kRanks)),
      file.text(schema::kPackageVersion), file.text(schema::kBlas),    file.text(schema::kPetsc)};
}

void expect_kind(const Hdf5Reader& file, const std::string& kind) {
  const auto found = file.text(schema::kKind);
  if (found != kind) throw Error(fmt::format("{}: holds a {}, not a {}", file.path(), found, kind));
  const auto version = file.integer(schema::kSchemaVersion);
  if (version > schema::kVersion) {
    throw Error(
        fmt::format("{}: schema version {} is newer than this program's ({})", file.path(), version, schema::kVersion));
  }
}

Provenance read_provenance(const std::string& path) { return read_root(Hdf5Reader(path)); }

}  // namespace kirchhoff
