#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "kirchhoff/states/schema.hpp"

namespace kirchhoff {

/// Rows of a table some of whose entries are missing: holes, to be filled.
struct HoleTable {
  /// A column of the file that belongs to a coordinate.
  struct Field {
    std::size_t coordinate = 0;
    std::size_t bit = 0;  // of a block of one-hot columns
    std::string name{};   // in the header
    std::vector<std::string> words{};
    std::vector<std::uint32_t> ids{};  // (count) of each row, into words
  };

  std::int64_t count = 0;
  std::vector<std::uint16_t> rows;  ///< (count x D) codes; kHole where the entry is missing
  std::vector<Field> fields;        ///< in the order of the file
};

/// Reads a file by what is known of its table. Columns are found by their names where the table has a header, and may
/// then stand in any order, beside others, which are passed over. Local. @throws Error naming file, line and column of
/// a word that its column does not have, and of a column that is not there.
HoleTable read_holes(const std::string& file, const Schema& schema);

/// The file's rows with their holes filled, as text: first the row's number from 1 and the draw's, then the columns as
/// in the file. What is given stands as it stood; a binned value is drawn as in samples.csv.
/// @param rows (count x draws x D) codes.
std::string completed_text(const Schema& schema, const HoleTable& table, std::span<const std::uint16_t> rows, int draws,
                           std::uint64_t seed);

}  // namespace kirchhoff
