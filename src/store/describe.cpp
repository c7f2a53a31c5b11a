#include <fmt/format.h>

#include <string>

#include "kirchhoff/error.hpp"
#include "store/provenance.hpp"
#include "store/schema.hpp"

namespace kirchhoff {
namespace {

struct Listing {
  const Hdf5Reader* file;
  std::string text;
};

herr_t list_dataset(hid_t /*root*/, const char* name, const H5O_info_t* info, void* data) {
  if (info->type != H5O_TYPE_DATASET) return 0;
  auto& listing = *static_cast<Listing*>(data);
  std::string shape;
  for (const auto extent : listing.file->shape(name)) shape += fmt::format("{}{}", shape.empty() ? "" : " x ", extent);
  std::string unit;
  if (H5Aexists_by_name(listing.file->id(), name, schema::kUnit, H5P_DEFAULT) > 0) {
    unit = listing.file->text(schema::kUnit, name);
  }
  listing.text += fmt::format("  /{:<28} {:<20} {}\n", name, shape, unit);
  return 0;
}

struct Attributes {
  const Hdf5Reader* file;
  std::string short_ones;
  std::string options;
};

herr_t list_attribute(hid_t location, const char* name, const H5A_info_t* /*info*/, void* data) {
  auto& all = *static_cast<Attributes*>(data);
  const Identifier attribute(H5Aopen(location, name, H5P_DEFAULT), H5Aclose);
  const Identifier type(H5Aget_type(attribute.get()), H5Tclose);
  switch (H5Tget_class(type.get())) {
    case H5T_STRING:
      if (H5Tis_variable_str(type.get()) <= 0) break;  // not one of ours
      if (std::string(name) == schema::kOptions) {
        all.options = all.file->text(name);
      } else {
        all.short_ones += fmt::format("  {:<24} {}\n", name, all.file->text(name));
      }
      break;
    case H5T_INTEGER:
      all.short_ones += fmt::format("  {:<24} {}\n", name, all.file->integer(name));
      break;
    case H5T_FLOAT:
      all.short_ones += fmt::format("  {:<24} {:.6g}\n", name, all.file->number(name));
      break;
    default:
      break;
  }
  return 0;
}

}  // namespace

std::string describe_file(const std::string& path) {
  const Hdf5Reader file(path);
  if (H5Aexists(file.id(), schema::kKind) <= 0) throw Error(fmt::format("{}: not a file of this package", path));
  expect_kind(file, file.text(schema::kKind));
  Listing listing{&file, {}};
  H5Ovisit2(file.id(), H5_INDEX_NAME, H5_ITER_NATIVE, list_dataset, &listing, H5O_INFO_BASIC);
  Attributes attributes{&file, {}, {}};
  hsize_t position = 0;
  H5Aiterate2(file.id(), H5_INDEX_NAME, H5_ITER_NATIVE, &position, list_attribute, &attributes);
  std::string indented;
  for (std::size_t at = 0; at < attributes.options.size();) {
    const auto end = std::min(attributes.options.find('\n', at), attributes.options.size());
    indented += "  " + attributes.options.substr(at, end - at) + "\n";
    at = end + 1;
  }
  return fmt::format("{}: {}\n{}datasets:\n{}options:\n{}", path, file.text(schema::kKind), attributes.short_ones,
                     listing.text, indented);
}

}  // namespace kirchhoff
