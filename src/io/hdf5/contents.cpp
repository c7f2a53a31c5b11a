#include "io/hdf5/contents.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <exception>

#include "io/hdf5/writer.hpp"
#include "kirchhoff/base/error.hpp"

namespace kirchhoff {
namespace {

constexpr std::size_t kMostNames = 10000;

struct Links {
  std::vector<std::string> names;
  std::string elsewhere;  // the first that is no plain name
};

// Nothing may be thrown through C code.
herr_t take_link(hid_t /*group*/, const char* name, const H5L_info_t* info, void* out) {
  try {
    auto& links = *static_cast<Links*>(out);
    if (info->type != H5L_TYPE_HARD && links.elsewhere.empty()) links.elsewhere = name;
    links.names.push_back(std::string("/") + name);
    return links.names.size() > kMostNames ? -1 : 0;
  } catch (const std::exception&) {
    return -1;
  }
}

herr_t take_attribute(hid_t /*object*/, const char* name, const H5A_info_t* /*info*/, void* out) {
  try {
    auto& names = *static_cast<std::vector<std::string>*>(out);
    names.emplace_back(name);
    return names.size() > kMostNames ? -1 : 0;
  } catch (const std::exception&) {
    return -1;
  }
}

}  // namespace

Contents list_contents(const Hdf5Reader& file) {
  Links links;
  if (H5Lvisit(file.id(), H5_INDEX_NAME, H5_ITER_INC, take_link, &links) < 0) {
    throw Error(fmt::format("{}: its names cannot be listed: {}", file.path(), last_hdf5_error()));
  }
  const auto unprintable = [](unsigned char c) { return c < 0x20 || c == 0x7f; };
  std::replace_if(links.elsewhere.begin(), links.elsewhere.end(), unprintable, '?');
  if (!links.elsewhere.empty())
    throw Error(fmt::format("{}: /{} is a link to elsewhere", file.path(), links.elsewhere));
  const auto plain = [&](const std::string& name) {
    if (std::any_of(name.begin(), name.end(), unprintable)) {
      throw Error(fmt::format("{}: holds a name that cannot be printed", file.path()));
    }
  };
  links.names.insert(links.names.begin(), "/");
  Contents contents;
  for (const auto& name : links.names) {
    plain(name);
    const Identifier object(H5Oopen(file.id(), name.c_str(), H5P_DEFAULT), H5Oclose);
    if (!object.valid()) throw Error(fmt::format("{}: cannot open {}: {}", file.path(), name, last_hdf5_error()));
    if (H5Iget_type(object.get()) == H5I_DATASET) contents.datasets.push_back(name);
    std::vector<std::string> attributes;
    hsize_t position = 0;
    if (H5Aiterate2(object.get(), H5_INDEX_NAME, H5_ITER_INC, &position, take_attribute, &attributes) < 0) {
      throw Error(fmt::format("{}: the attributes of {} cannot be listed", file.path(), name));
    }
    for (auto& attribute : attributes) {
      plain(attribute);
      contents.attributes.push_back({name, std::move(attribute)});
    }
  }
  return contents;
}

std::string hash_of_attribute(const Hdf5Reader& file, const AttributeName& attribute) {
  switch (file.class_of(attribute.name, attribute.object)) {
    case H5T_STRING:
      return hash_of_value(file.text(attribute.name, attribute.object));
    case H5T_INTEGER:
      return hash_of_value(file.integer(attribute.name, attribute.object));
    case H5T_FLOAT:
      return hash_of_value(file.number(attribute.name, attribute.object));
    default:
      throw Error(fmt::format("{}: attribute {} is neither a text nor a number", file.path(), attribute.name));
  }
}

std::uint64_t stored_bytes(const Hdf5Reader& file, const std::string& dataset) {
  return H5Dget_storage_size(file.dataset(dataset).get());
}

}  // namespace kirchhoff
