#include "io/results/provenance.hpp"

#include <fmt/format.h>

#include <type_traits>

#include "io/hdf5/guard.hpp"
#include "io/hdf5/schema.hpp"
#include "kirchhoff/base/error.hpp"
#include "kirchhoff/parallel/session.hpp"
#include "kirchhoff/version.hpp"

namespace kirchhoff {

Provenance provenance(MPI_Comm comm, std::string problem_hash, std::string options) {
  return {std::move(problem_hash), std::move(options), size_of(comm), std::string(kVersion),
          blas_version(),          petsc_version(),    nullptr};
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
  if (p.table) write_schema(file, *p.table);
}

Provenance read_root(const Hdf5Reader& file) {
  return {file.text(schema::kProblemHash),
          file.text(schema::kOptions),
          static_cast<int>(file.integer(schema::kRanks)),
          file.text(schema::kPackageVersion),
          file.text(schema::kBlas),
          file.text(schema::kPetsc),
          nullptr};
}

void expect(const FileStatus& status, const std::string& path, const std::string& kind) {
  if (status.state != FileState::whole) throw AgreedError(status.reason);
  if (status.kind != kind) throw AgreedError(fmt::format("{}: holds a {}, not a {}", path, status.kind, kind));
}

Provenance read_provenance(const std::string& path) {
  const auto status = file_status(path, Check::structure);
  const auto read = [&] { return read_root(Hdf5Reader(path)); };
  if (status.state == FileState::whole) return read();
  if (status.state != FileState::older) throw Error(status.reason);
  // HDF5 comes back from it, or does so in a process of its own.
  guarded(path, [&] { return read().options; });
  return read();
}

void write_figures(Hdf5Writer& file, const SolveReport& report) {
  visit_fields(report, [&](const std::string& name, const auto& value) {
    if (name != schema::kRanks && name != schema::kBlas) file.attribute(name, value);
  });
}

void read_figures(const Hdf5Reader& file, SolveReport& report) {
  visit_fields(report, [&]<class T>(const std::string& name, T& value) {
    if constexpr (std::is_same_v<T, std::string>) {
      value = file.text(name);
    } else if constexpr (std::is_same_v<T, double>) {
      value = file.number(name);
    } else {
      value = file.integer(name);
    }
  });
}

}  // namespace kirchhoff
