#include <numeric>
#include <unordered_map>

#include "kirchhoff/raster/landscape.hpp"

namespace kirchhoff {

std::int32_t Regions::root(std::int32_t label) const {
  while (parent_[static_cast<std::size_t>(label)] != label) label = parent_[static_cast<std::size_t>(label)];
  return label;
}

void Regions::put(std::int64_t cell, std::int32_t label) {
  auto& mine = label_[static_cast<std::size_t>(cell)];
  if (mine < 0) {
    mine = label;
    return;
  }
  const auto a = root(mine);
  const auto b = root(label);
  if (a != b) parent_[static_cast<std::size_t>(std::max(a, b))] = std::min(a, b);
}

void Regions::add(std::span<const std::int32_t> number) {
  if (label_.empty()) label_.assign(static_cast<std::size_t>(cells_), -1);
  std::unordered_map<std::int32_t, std::int32_t> labels;
  for (std::int64_t cell = 0; cell < cells_; ++cell) {
    const auto id = number[static_cast<std::size_t>(cell)];
    if (id == 0) continue;
    const auto [it, fresh] = labels.try_emplace(id, count());
    if (fresh) parent_.push_back(count());
    put(cell, it->second);
  }
}

void Regions::join(std::span<const std::int64_t> cells) {
  if (label_.empty()) label_.assign(static_cast<std::size_t>(cells_), -1);
  const auto label = count();
  parent_.push_back(label);
  for (const auto cell : cells) put(cell, label);
}

std::int32_t Regions::of(std::int64_t cell) const {
  if (label_.empty()) return -1;
  const auto label = label_[static_cast<std::size_t>(cell)];
  return label < 0 ? -1 : root(label);
}

}  // namespace kirchhoff
