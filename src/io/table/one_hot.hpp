#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "io/table/raw_table.hpp"

namespace kirchhoff::detail {

/// Columns of 0 and 1 of which exactly one is 1 in every row: one column of as many categories, written as bits.
struct OneHotBlock {
  std::string name;                  // what the columns' names begin with, or "first..last"
  std::vector<std::size_t> columns;  // in the order of the file
  std::vector<std::string> words;    // the rest of their names
  std::vector<std::uint32_t> ones;   // for each column the number of its word that is 1
};

/// Blocks of three columns or more: of one name before the last _ . = : or blank, or else side by side.
/// @param chosen the columns that count. @param fixed those that the case speaks of, which are in no block.
std::vector<OneHotBlock> one_hot_blocks(const RawTable& raw, const std::vector<std::size_t>& chosen,
                                        const std::vector<std::string>& names,
                                        const std::function<bool(std::size_t)>& fixed);

}  // namespace kirchhoff::detail
