#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace kirchhoff::detail {

/// The different words of one column, numbered as they come, and how often each does. A million rows of 50 columns are
/// read in seconds: a word is hashed once, and kept once.
class WordTable {
 public:
  struct Word {
    std::string_view text;
    std::int64_t count = 0;   // in the first file
    std::int64_t others = 0;  // in the others
    std::int64_t line = 0;    // of its first record, or the row in a file without lines
    std::int32_t file = 0;    // that it is first in
    std::uint32_t hash = 0;
  };

  /// The number of a word, which occurs once more.
  std::uint32_t add(std::string_view text, std::int32_t file, std::int64_t line);
  /// One occurrence in the first file less: of a row that turned out to be the header.
  void take_back(std::uint32_t id) { --words_[id].count; }

  const std::vector<Word>& words() const { return words_; }

 private:
  std::string_view kept(std::string_view text);
  void grow();

  std::vector<Word> words_;
  std::vector<std::uint32_t> slots_;             // number + 1 of the word; 0: free. A power of two, at most half full
  std::vector<std::unique_ptr<char[]>> blocks_;  // of texts
  std::size_t room_ = 0;                         // left in the last block
  char* next_ = nullptr;
  std::uint32_t last_ = 0;
};

}  // namespace kirchhoff::detail
