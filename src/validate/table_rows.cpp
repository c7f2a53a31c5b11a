// Rows of a table and their counts.
#include "kirchhoff/validate/table_rows.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "kirchhoff/base/error.hpp"

namespace kirchhoff {
namespace {

constexpr std::size_t kBitsOfWord = 64;
// Of 10,000 rows a pass over two planes takes 0.2 us, counting rows one by one 12 to 20 us: 7 x 7 planes are worth it.
constexpr int kMostPlanar = 8;  // categories of a column that has planes

}  // namespace

TableRows TableRows::first(std::size_t rows) const {
  return {values.first(std::min(rows, count()) * columns()), categories};
}

StrayRows stray_rows(const TableRows& rows, const TableRows& training) {
  const auto d = rows.columns();
  std::vector<std::vector<bool>> seen;
  for (const int s : rows.categories) seen.emplace_back(static_cast<std::size_t>(s), false);
  for (std::size_t i = 0; i < training.count(); ++i) {
    for (std::size_t j = 0; j < d; ++j) {
      const auto value = training.row(i)[j];
      if (value < seen[j].size()) seen[j][value] = true;
    }
  }
  StrayRows stray;
  for (std::size_t i = 0; i < rows.count(); ++i) {
    bool impossible = false;
    bool unseen = false;
    for (std::size_t j = 0; j < d; ++j) {
      const auto value = rows.row(i)[j];
      if (value >= seen[j].size()) {
        impossible = true;
      } else if (!seen[j][value]) {
        unseen = true;
      }
    }
    stray.impossible += impossible ? 1 : 0;
    stray.unseen += unseen && !impossible ? 1 : 0;
  }
  return stray;
}

std::vector<std::uint16_t> possible_rows(const TableRows& rows) {
  std::vector<std::uint16_t> kept;
  kept.reserve(rows.values.size());
  for (std::size_t i = 0; i < rows.count(); ++i) {
    const auto row = rows.row(i);
    bool possible = true;
    for (std::size_t j = 0; j < row.size(); ++j) possible = possible && row[j] < rows.categories[j];
    if (possible) kept.insert(kept.end(), row.begin(), row.end());
  }
  return kept;
}

ColumnCounts::ColumnCounts(const TableRows& rows)
    : categories_(rows.categories.begin(), rows.categories.end()),
      rows_(rows.count()),
      words_((rows_ + kBitsOfWord - 1) / kBitsOfWord),
      codes_(rows.values.size()),
      planes_(categories_.size()) {
  for (std::size_t d = 0; d < columns(); ++d) {
    const int s = categories_[d];
    auto& counts = single_.emplace_back(static_cast<std::size_t>(s), 0);
    if (s <= kMostPlanar) planes_[d].assign(static_cast<std::size_t>(s - 1) * words_, 0);
    for (std::size_t i = 0; i < rows_; ++i) {
      const auto value = rows.values[i * columns() + d];
      if (value >= s) {
        throw Error(fmt::format("row {}, column {}: {} is not one of the {} categories", i + 1, d + 1, value, s));
      }
      codes_[d * rows_ + i] = value;
      ++counts[value];
      if (value > 0 && !planes_[d].empty()) {
        planes_[d][static_cast<std::size_t>(value - 1) * words_ + i / kBitsOfWord] |= std::uint64_t{1}
                                                                                      << (i % kBitsOfWord);
      }
    }
  }
}

std::span<const std::uint64_t> ColumnCounts::plane(std::size_t d, int value) const {
  return std::span(planes_[d]).subspan(static_cast<std::size_t>(value - 1) * words_, words_);
}

void ColumnCounts::of_pair(std::size_t a, std::size_t b, std::vector<std::int64_t>& out) const {
  const int wide = categories_[b];
  out.assign(static_cast<std::size_t>(categories_[a]) * static_cast<std::size_t>(wide), 0);
  if (categories_[a] <= kMostPlanar && wide <= kMostPlanar) {
    by_planes(a, b, out);
    return;
  }
  const auto* x = &codes_[a * rows_];
  const auto* y = &codes_[b * rows_];
  for (std::size_t i = 0; i < rows_; ++i) ++out[static_cast<std::size_t>(x[i]) * static_cast<std::size_t>(wide) + y[i]];
}

/// Value 0 of either column has what the other values leave.
void ColumnCounts::by_planes(std::size_t a, std::size_t b, std::vector<std::int64_t>& out) const {
  const auto wide = static_cast<std::size_t>(categories_[b]);
  const auto at = [&](int x, int y) -> std::int64_t& {
    return out[static_cast<std::size_t>(x) * wide + static_cast<std::size_t>(y)];
  };
  for (int y = 0; y < categories_[b]; ++y) at(0, y) = single_[b][static_cast<std::size_t>(y)];
  for (int x = 1; x < categories_[a]; ++x) {
    at(x, 0) = single_[a][static_cast<std::size_t>(x)];
    const auto first = plane(a, x);
    for (int y = 1; y < categories_[b]; ++y) {
      const auto second = plane(b, y);
      std::int64_t both = 0;
      for (std::size_t w = 0; w < words_; ++w) both += std::popcount(first[w] & second[w]);
      at(x, y) = both;
      at(x, 0) -= both;
    }
    for (int y = 0; y < categories_[b]; ++y) at(0, y) -= at(x, y);
  }
}

}  // namespace kirchhoff
