#pragma once

#include <string>

#include "kirchhoff/io/table/table.hpp"

namespace kirchhoff::detail {

/// The parsers below leave Table::integral to `finish`. `path` is for messages.
Table parse_text_table(const std::string& path, const std::string& text);
Table parse_npy(const std::string& path, const std::string& bytes);
/// The word that an npy file of a single text holds.
std::string parse_npy_text(const std::string& path, const std::string& bytes);
Table read_hdf5_table(const std::string& path, const std::string& dataset);

/// Checks that a table read from 8-byte integers holds none from `kExactIntegers` on.
void require_exact_integers(const std::string& path, const Table& table);

}  // namespace kirchhoff::detail
