#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace kirchhoff {

/// A rectangular table of finite numbers, as read from a file.
struct Table {
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  std::vector<double> values;       ///< rows x columns, row-major
  bool integral = false;            ///< every value is a whole number
  std::vector<std::string> header;  ///< (columns) names, where a text file has a first row of them; else empty
  std::int64_t header_line = 0;
  std::string note;     ///< which line was taken for the header, for whoever reads the output; else empty
  std::string dataset;  ///< of an HDF5 file: the dataset that was read, without leading slash; else empty
};

/// Reads a table from a file; its format is told by the extension, after .gz, .bz2, .xz or .zst is taken off.
///
/// - .csv .txt .data .tsv: one row per line, separated by semicolons, commas, tabs or blanks: the first row decides,
///   for all. Blank lines and lines that start with # are skipped. A first row of words is a header when each can be a
///   name: it begins with a letter, is no word for a missing or truth value, and stands once.
/// - .npy (versions 1 to 3): little-endian f4 f8 i1 i2 i4 i8 u1 u2 u4 u8 b1, 1-D (one column) or 2-D, C or Fortran
/// order.
/// - .npz: such an array, `dataset` or the only one.
/// - .h5 .hdf5: `dataset`, or the only dataset of numbers in the file; 1-D is one column, dimensions after the second
/// are
///   flattened into the columns. Other formats have no datasets and take no notice of `dataset`.
///
/// @note Local: it reads on the calling rank only.
/// @throws Error naming the file and the line, or the row and column, of what is wrong: a missing or damaged file, an
/// unknown format, rows of different length, a field that is not a finite number, no number at all.
Table read_table(const std::string& path, const std::string& dataset = "");

/// The columns (from 0, in the order given) that a text like "0-63" or "0,2,5-7" names; an empty text means all.
/// @throws Error for a text of another form, a column not below `columns`, or one named twice.
std::vector<std::size_t> parse_columns(const std::string& text, std::size_t columns);

}  // namespace kirchhoff
