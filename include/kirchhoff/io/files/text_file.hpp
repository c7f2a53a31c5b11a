#pragma once

#include <string>

namespace kirchhoff {

/// The whole text of a file, decompressed when its name ends in .gz, .bz2, .xz or .zst. @note Local.
/// @throws Error naming the file when it cannot be read or is damaged.
std::string read_text_file(const std::string& path);

/// Writes a text as `path`.tmp and renames it: whole or not at all. @note Local. @throws Error naming the file.
void write_text_file(const std::string& path, const std::string& text);

/// The same, compressed as gzip does. The same text gives the same bytes.
void write_gzip_file(const std::string& path, const std::string& text);

/// Renames `temporary` to `path`. @note Local. @throws Error naming the path, `temporary` being removed.
void replace_file(const std::string& temporary, const std::string& path);

}  // namespace kirchhoff
