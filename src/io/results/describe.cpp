#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "io/hdf5/contents.hpp"
#include "io/hdf5/guard.hpp"
#include "io/hdf5/schema.hpp"
#include "io/results/provenance.hpp"
#include "kirchhoff/base/error.hpp"

namespace kirchhoff {
namespace {

std::string line_of_dataset(const Hdf5Reader& file, const std::string& name) {
  std::string unit;
  if (H5Aexists_by_name(file.id(), name.c_str(), schema::kUnit, H5P_DEFAULT) > 0) unit = file.text(schema::kUnit, name);
  return fmt::format("  {:<29} {:<20} {}\n", name, fmt::format("{}", fmt::join(file.shape(name), " x ")), unit);
}

std::string value_of(const Hdf5Reader& file, const std::string& name) {
  switch (file.class_of(name)) {
    case H5T_STRING:
      return file.text(name);
    case H5T_INTEGER:
      return fmt::format("{}", file.integer(name));
    case H5T_FLOAT:
      return fmt::format("{:.6g}", file.number(name));
    default:
      throw Error(fmt::format("{}: attribute {} is neither a text nor a number", file.path(), name));
  }
}

std::string describe(const std::string& path) {
  const Hdf5Reader file(path);
  const auto contents = list_contents(file);
  std::string attributes;
  std::string options;
  for (const auto& a : contents.attributes) {
    if (a.object != "/") continue;
    const auto value = value_of(file, a.name);
    if (a.name == schema::kOptions) {
      options = value;
    } else {
      attributes += fmt::format("  {:<24} {}\n", a.name, value);
    }
  }
  std::string datasets;
  for (const auto& name : contents.datasets) datasets += line_of_dataset(file, name);
  std::string indented;
  for (std::size_t at = 0; at < options.size();) {
    const auto end = std::min(options.find('\n', at), options.size());
    indented += "  " + options.substr(at, end - at) + "\n";
    at = end + 1;
  }
  return fmt::format("{}: {}\n{}datasets:\n{}options:\n{}", path, file.text(schema::kKind), attributes, datasets,
                     indented);
}

}  // namespace

std::string describe_file(const std::string& path) {
  const auto status = file_status(path, Check::all);
  if (status.state == FileState::whole) return describe(path) + "checksums:\n  all match\n";
  if (status.state != FileState::older) throw Error(status.reason);
  return guarded(path, [&] { return describe(path); }) + "checksums:\n  none: an older schema\n";
}

}  // namespace kirchhoff
