#include "kirchhoff/states/state_space.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>

#include "kirchhoff/base/error.hpp"

namespace kirchhoff {
namespace {

std::vector<int> repeated(int categories, int dimensions) {
  if (dimensions < 1) throw Error(fmt::format("space_dimensions is {}: it must be at least 1", dimensions));
  return std::vector<int>(static_cast<std::size_t>(dimensions), categories);
}

}  // namespace

StateSpace::StateSpace(int categories, int dimensions) : StateSpace(repeated(categories, dimensions)) {}

StateSpace::StateSpace(std::vector<int> categories) : categories_(std::move(categories)) {
  if (categories_.empty()) throw Error("space_dimensions is 0: it must be at least 1");
  for (const int s : categories_) {
    if (s < 1 || s > 65536) throw Error(fmt::format("space_categories is {}: it must be from 1 to 65536", s));
  }
  const auto [least, most] = std::minmax_element(categories_.begin(), categories_.end());
  common_ = *least == *most ? *least : 0;
  std::int64_t size = 1;
  stride_.assign(categories_.size(), 0);
  for (auto d = categories_.size(); d-- > 0;) {
    stride_[d] = size;
    if (size > (std::int64_t{1} << 62) / categories_[d]) return;  // size_ stays 0
    size *= categories_[d];
  }
  size_ = size;
}

void StateSpace::refuse_mixed() const {
  throw Error(
      fmt::format("the columns have different numbers of categories ({}), which only supervision walk knows", text()));
}

std::int64_t StateSpace::all_categories() const {
  return std::accumulate(categories_.begin(), categories_.end(), std::int64_t{0});
}

std::string StateSpace::text() const {
  constexpr std::size_t kFew = 6;
  if (uniform()) return fmt::format("{}^{}", common_, dimensions());
  std::string text;
  const auto add = [&](const std::string& factor) { text += (text.empty() ? "" : " x ") + factor; };
  if (categories_.size() <= kFew) {
    for (const int s : categories_) add(fmt::format("{}", s));
    return text;
  }
  std::map<int, int> times;
  for (const int s : categories_) ++times[s];
  for (const auto& [s, count] : times) add(count == 1 ? fmt::format("{}", s) : fmt::format("{}^{}", s, count));
  return text;
}

std::int64_t StateSpace::size() const {
  if (!enumerable()) throw Error(fmt::format("{} states are too many to enumerate", text()));
  return size_;
}

void StateSpace::coordinates(std::int64_t x, std::span<std::uint16_t> out) const {
  for (auto d = categories_.size(); d-- > 0;) {
    out[d] = static_cast<std::uint16_t>(x % categories_[d]);
    x /= categories_[d];
  }
}

std::int64_t StateSpace::index(std::span<const std::uint16_t> coordinates) const {
  std::int64_t x = 0;
  for (std::size_t d = 0; d < categories_.size(); ++d) x = x * categories_[d] + coordinates[d];
  return x;
}

std::size_t StateSpace::first_outside(std::span<const std::uint16_t> rows) const {
  for (std::size_t row = 0; row < rows.size(); row += categories_.size()) {
    for (std::size_t d = 0; d < categories_.size() && row + d < rows.size(); ++d) {
      if (rows[row + d] >= categories_[d]) return row + d;
    }
  }
  return rows.size();
}

int StateSpace::hamming(std::int64_t x, std::int64_t y) const {
  int distance = 0;
  for (auto d = categories_.size(); d-- > 0;) {
    distance += x % categories_[d] != y % categories_[d] ? 1 : 0;
    x /= categories_[d];
    y /= categories_[d];
  }
  return distance;
}

}  // namespace kirchhoff
