#include "io/table/word_table.hpp"

#include <algorithm>
#include <functional>

namespace kirchhoff::detail {

std::uint32_t WordTable::add(std::string_view text, std::int32_t file, std::int64_t line) {
  const auto found = [&](std::uint32_t id) {
    auto& word = words_[id];
    ++(file == 0 ? word.count : word.others);
    last_ = id;
    return id;
  };
  if (last_ < words_.size() && words_[last_].text == text) return found(last_);
  if (2 * (words_.size() + 1) > slots_.size()) grow();
  const auto hash = static_cast<std::uint32_t>(std::hash<std::string_view>{}(text));
  const auto mask = slots_.size() - 1;
  auto slot = hash & mask;
  for (; slots_[slot] != 0; slot = (slot + 1) & mask) {
    const auto& word = words_[slots_[slot] - 1];
    if (word.hash == hash && word.text == text) return found(slots_[slot] - 1);
  }
  words_.push_back({kept(text), 0, 0, line, file, hash});
  slots_[slot] = static_cast<std::uint32_t>(words_.size());
  return found(static_cast<std::uint32_t>(words_.size() - 1));
}

std::string_view WordTable::kept(std::string_view text) {
  constexpr std::size_t kBlock = 1 << 14;
  if (text.size() > room_) {
    room_ = std::max(kBlock, text.size());
    next_ = blocks_.emplace_back(new char[room_]).get();
  }
  std::copy(text.begin(), text.end(), next_);
  const std::string_view copy(next_, text.size());
  next_ += text.size();
  room_ -= text.size();
  return copy;
}

void WordTable::grow() {
  constexpr std::size_t kLeast = 16;
  slots_.assign(std::max(kLeast, 2 * slots_.size()), 0);
  const auto mask = slots_.size() - 1;
  for (std::size_t id = 0; id < words_.size(); ++id) {
    auto slot = words_[id].hash & mask;
    while (slots_[slot] != 0) slot = (slot + 1) & mask;
    slots_[slot] = static_cast<std::uint32_t>(id + 1);
  }
}

}  // namespace kirchhoff::detail
