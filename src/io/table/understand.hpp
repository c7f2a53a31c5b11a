#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "io/table/word_table.hpp"
#include "kirchhoff/io/table/typed_table.hpp"

namespace kirchhoff::detail {

/// One column of a table as it was read, and what the case says of it.
struct RawColumn {
  std::string name;
  std::int64_t place = 0;  // in the first file, from 0
  std::size_t coordinate = 0;
  WordTable words;
};

/// What is known of the table beside the column.
struct TableFacts {
  const TableRequest& request;
  std::vector<std::string> missing;  // words for a missing entry
  char point = '.';
  std::int64_t rows = 0;                                          // of the first file
  std::function<std::string(const WordTable::Word&)> where = {};  // "survey.csv:12", for messages
  std::string file{};                                             // the first one
};

/// What a column means, and the code of each of its words (-1: of none that is there).
struct UnderstoodColumn {
  Column column;
  std::vector<int> codes;
  std::int64_t missing = 0;  // entries in the first file
};

bool is_missing_word(const TableFacts& facts, std::string_view text);

/// "column 3, 'age'" of a column from 0.
std::string column_label(std::int64_t place, const std::string& name);

/// @param wish what the case says of it. @throws Error naming file, line and column.
UnderstoodColumn understand(const RawColumn& raw, const ColumnRequest& wish, const TableFacts& facts);

/// Edges of at most `bins` bins of about equally many entries; a value that fills a bin has one of its own.
/// @param values ascending and different, each with the number of its entries. @param decimals of the values, or -1.
std::vector<double> quantile_edges(const std::vector<std::pair<double, std::int64_t>>& values, int bins, int decimals);

/// Digits behind the point of numbers as they are written, at most; -1 where they do not lie on such a grid.
int decimals_of(const std::vector<std::string_view>& words, char point);

}  // namespace kirchhoff::detail
