#include "kirchhoff/states/state_space.hpp"

#include <fmt/format.h>

#include "kirchhoff/base/error.hpp"

namespace kirchhoff {

StateSpace::StateSpace(int categories, int dimensions) : categories_(categories), dimensions_(dimensions) {
  if (categories < 1 || categories > 65536) {
    throw Error(fmt::format("space_categories is {}: it must be from 1 to 65536", categories));
  }
  if (dimensions < 1) throw Error(fmt::format("space_dimensions is {}: it must be at least 1", dimensions));
  std::int64_t size = 1;
  stride_.assign(static_cast<std::size_t>(dimensions), 0);
  for (int d = dimensions - 1; d >= 0; --d) {
    stride_[static_cast<std::size_t>(d)] = size;
    if (size > (std::int64_t{1} << 62) / categories) return;  // size_ stays 0
    size *= categories;
  }
  size_ = size;
}

std::int64_t StateSpace::size() const {
  if (!enumerable()) {
    throw Error(fmt::format("{}^{} states are too many to enumerate", categories_, dimensions_));
  }
  return size_;
}

void StateSpace::coordinates(std::int64_t x, std::span<std::uint16_t> out) const {
  for (int d = dimensions_ - 1; d >= 0; --d) {
    out[static_cast<std::size_t>(d)] = static_cast<std::uint16_t>(x % categories_);
    x /= categories_;
  }
}

std::int64_t StateSpace::index(std::span<const std::uint16_t> coordinates) const {
  std::int64_t x = 0;
  for (const auto c : coordinates) x = x * categories_ + c;
  return x;
}

int StateSpace::hamming(std::int64_t x, std::int64_t y) const {
  int distance = 0;
  for (int d = 0; d < dimensions_; ++d) {
    distance += x % categories_ != y % categories_ ? 1 : 0;
    x /= categories_;
    y /= categories_;
  }
  return distance;
}

}  // namespace kirchhoff
