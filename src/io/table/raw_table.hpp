#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "io/table/understand.hpp"
#include "io/table/word_table.hpp"

namespace kirchhoff::detail {

/// The files of one table as words, before anything is known of their meaning.
struct RawTable {
  struct File {
    std::string path;
    bool text = false;                            // with lines, and not an array
    std::vector<std::vector<std::uint32_t>> ids;  // (columns of the first file) of each row, into `words`
    std::int64_t rows = 0;
  };

  std::vector<File> files;
  std::vector<WordTable> words;    // (columns of the first file)
  std::vector<std::string> names;  // (columns of the first file) empty where it has none
  char separator = ',';            // of the first file
  bool header = false;
  std::string account;  // what decided about the header, and the separator
};

/// Reads the files of a request. @throws Error naming file and line.
RawTable read_raw_table(std::span<const std::string> files, const TableRequest& request,
                        const std::vector<std::string>& missing);

}  // namespace kirchhoff::detail
