#include "io/table/one_hot.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <string_view>

#include "kirchhoff/base/text.hpp"

namespace kirchhoff::detail {
namespace {

constexpr std::size_t kFewestBits = 3;
constexpr std::int64_t kFewestRows = 20;  // in fewer, bits may look so by chance
constexpr auto kNoWord = std::numeric_limits<std::uint32_t>::max();

/// The number of the word 1 in a column of 0 and 1 (kNoWord - 1 in one of 0 alone), or kNoWord for any other column.
std::uint32_t word_of_one(const WordTable& words) {
  auto one = kNoWord - 1;
  const auto& all = words.words();
  for (std::uint32_t id = 0; id < all.size(); ++id) {
    if (all[id].count + all[id].others == 0 || all[id].text == "0") continue;
    if (all[id].text != "1") return kNoWord;
    one = id;
  }
  return one;
}

/// For each row of all files, whether one of the bits is 1.
class OnesPerRow {
 public:
  explicit OnesPerRow(const RawTable& raw) : raw_(raw) {
    for (const auto& file : raw.files) rows_ += static_cast<std::size_t>(file.rows);
    sums_.assign(rows_, 0);
  }
  /// Adds a column. @return whether no row has two; if one has, nothing more is to be asked of this.
  bool add(std::size_t column, std::uint32_t one) {
    std::size_t row = 0;
    for (const auto& file : raw_.files) {
      for (const auto id : file.ids[column]) {
        auto& sum = sums_[row++];
        if (id != one) continue;
        if (sum != 0) return false;
        sum = 1;
        ++covered_;
      }
    }
    return true;
  }
  /// Whether every row has one.
  bool all() const { return covered_ == rows_; }

 private:
  const RawTable& raw_;
  std::size_t rows_ = 0;
  std::size_t covered_ = 0;
  std::vector<char> sums_;  // (rows of all files)
};

std::size_t end_of_prefix(const std::string& name) {
  const auto at = name.find_last_of("_.=: -");
  return at == std::string::npos || at + 1 == name.size() ? std::string::npos : at;
}

class BlockFinder {
 public:
  BlockFinder(const RawTable& raw, const std::vector<std::size_t>& chosen, const std::vector<std::string>& names,
              const std::function<bool(std::size_t)>& fixed)
      : raw_(raw), names_(names) {
    for (const auto c : chosen) {
      ones_[c] = fixed(c) ? kNoWord : word_of_one(raw.words[c]);
      if (ones_[c] != kNoWord) bits_.push_back(c);
    }
  }

  std::vector<OneHotBlock> find() {
    by_name();
    side_by_side();
    return std::move(blocks_);
  }

 private:
  bool varies(std::size_t c) const { return ones_.at(c) != kNoWord - 1; }
  bool enough(const std::vector<std::size_t>& columns) const {
    return static_cast<std::size_t>(std::count_if(columns.begin(), columns.end(), [&](auto c) { return varies(c); })) >=
           kFewestBits;
  }

  void by_name() {
    std::map<std::string, std::vector<std::size_t>> groups;
    for (const auto c : bits_) {
      const auto end = end_of_prefix(raw_.names[c]);
      if (end != std::string::npos) groups[raw_.names[c].substr(0, end)].push_back(c);
    }
    for (const auto& [prefix, columns] : groups) {
      if (!enough(columns)) continue;
      OnesPerRow ones(raw_);
      const bool single = std::all_of(columns.begin(), columns.end(), [&](auto c) { return ones.add(c, ones_[c]); });
      if (single && ones.all()) take(columns);
    }
  }

  void side_by_side() {
    for (std::size_t k = 0; k < bits_.size();) {
      auto columns = block_from(k);
      if (columns.empty()) {
        ++k;
      } else {
        take(std::move(columns));  // and what is at k now comes next
      }
    }
  }

  /// Neighbouring columns from a place on, as long as no row has two, until every row has one; nothing when none has.
  std::vector<std::size_t> block_from(std::size_t k) {
    if (!varies(bits_[k])) return {};
    OnesPerRow ones(raw_);
    std::vector<std::size_t> columns;
    for (auto j = k; j < bits_.size() && bits_[j] == bits_[k] + (j - k); ++j) {
      if (!ones.add(bits_[j], ones_[bits_[j]])) return {};
      columns.push_back(bits_[j]);
      if (ones.all()) return enough(columns) ? columns : std::vector<std::size_t>{};
    }
    return {};
  }

  void take(std::vector<std::size_t> columns) {
    OneHotBlock block;
    std::erase_if(bits_, [&](auto c) { return std::find(columns.begin(), columns.end(), c) != columns.end(); });
    block.columns = std::move(columns);
    const auto& first = names_[block.columns.front()];
    const auto end = end_of_prefix(first);
    const bool common =
        end != std::string::npos && std::all_of(block.columns.begin(), block.columns.end(), [&](auto c) {
          return end_of_prefix(names_[c]) == end && names_[c].compare(0, end, first, 0, end) == 0;
        });
    block.name = common ? first.substr(0, end) : "";
    if (!common || std::find(names_.begin(), names_.end(), block.name) != names_.end()) {
      block.name = fmt::format("{}..{}", first, names_[block.columns.back()]);
    }
    for (const auto c : block.columns) {
      block.words.push_back(common ? names_[c].substr(end + 1) : names_[c]);
      block.ones.push_back(ones_[c]);
    }
    blocks_.push_back(std::move(block));
  }

  const RawTable& raw_;
  const std::vector<std::string>& names_;
  std::map<std::size_t, std::uint32_t> ones_;  // of the chosen columns
  std::vector<std::size_t> bits_;              // that are in no block yet
  std::vector<OneHotBlock> blocks_;
};

}  // namespace

std::vector<OneHotBlock> one_hot_blocks(const RawTable& raw, const std::vector<std::size_t>& chosen,
                                        const std::vector<std::string>& names,
                                        const std::function<bool(std::size_t)>& fixed) {
  if (raw.files[0].rows < kFewestRows) return {};
  return BlockFinder(raw, chosen, names, fixed).find();
}

}  // namespace kirchhoff::detail
