#pragma once

#include <cstddef>
#include <string>

namespace kirchhoff::detail {

/// A file's name told apart: "d/q.csv.gz" has extension ".csv" and compression ".gz" (both in lower case, maybe empty).
struct FileKind {
  std::string extension;
  std::string compression;
};
FileKind kind_of(const std::string& path);

/// @throws Error when `size` bytes are too many for what `packed` bytes were decompressed from, or for the memory that
/// is available: what grows so much was made to fill it.
void check_growth(const std::string& path, std::size_t size, std::size_t packed);

/// @throws Error when not a byte of the file can be read: it is missing, a directory, or forbidden.
void require_readable(const std::string& path);

}  // namespace kirchhoff::detail
