#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "io/hdf5/hdf5.hpp"

namespace kirchhoff {

struct AttributeName {
  std::string object;
  std::string name;
};

/// What is in a file, by name, in alphabetical order.
struct Contents {
  std::vector<std::string> datasets;  // with their leading slash
  std::vector<AttributeName> attributes;
};

/// @throws Error naming a link that leads elsewhere (soft, external), or when there is too much.
Contents list_contents(const Hdf5Reader& file);

/// As in the seal. @throws Error when it is not one text or number.
std::string hash_of_attribute(const Hdf5Reader& file, const AttributeName& attribute);

/// The bytes that a dataset takes in its file.
std::uint64_t stored_bytes(const Hdf5Reader& file, const std::string& dataset);

}  // namespace kirchhoff
