#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "kirchhoff/states/schema.hpp"

namespace kirchhoff {

/// What a case says of one column; what it leaves out is understood from the file.
struct ColumnRequest {
  std::string type;                ///< nominal | ordinal | binary | real | skip; "": as the file has it
  std::vector<std::string> order;  ///< all its words, from the lowest rank on
  int bins = 0;                    ///< of a column of numbers; 0: the table's
};

/// What a case says of a table.
struct TableRequest {
  std::string dataset;                              ///< of .h5 and .npz files
  std::string columns;                              ///< names or numbers from 0, "0-5,age"; "": all
  std::map<std::string, ColumnRequest> schema;      ///< by name; "*" is every column that is not named
  std::optional<std::vector<std::string>> missing;  ///< words for a missing entry, beside the empty one
  char separator = 0;                               ///< 0: by what the file says, as for the next
  std::optional<bool> header;
  int bins = 0;                   ///< of columns of many numbers; 0: 16, fewer for few rows
  bool keep_one_hot = false;      ///< blocks of one-hot columns stay bits
  std::vector<int> categories;    ///< (D) columns are codes 0..S_d-1; empty: they are words and numbers
  std::string option = "target";  ///< begins the options' names in messages
};

/// A table as codes.
struct TypedTable {
  Schema schema;
  std::vector<std::vector<std::uint16_t>> rows;  ///< of each file (count x D), row-major
  std::vector<std::int64_t> missing;             ///< (D) missing entries in the first file
  std::string account;                           ///< what was understood of the file, in one line
  std::vector<std::string> notes;                ///< what else is to be known, a line each

  /// What was understood, as the lines of an aligned table with a head.
  std::vector<std::string> lines() const;
};

/// Reads files of one table: .csv .txt .data .tsv (also compressed), .npy, .npz, .h5. The first one says what its
/// columns are; words are gathered over all of them.
///
/// Separator, header, missing entries and types are found as docs/tables.md says. Local; it reads on the calling rank.
/// @throws Error naming file, line and column (name and number from 1) of what cannot be used, and the option that
/// helps.
TypedTable read_typed_table(std::span<const std::string> files, const TableRequest& request);

/// "nominal, ordinal, ...": the types that a case may name.
std::span<const std::string> column_types();

}  // namespace kirchhoff
