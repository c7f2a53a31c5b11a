#include "io/network/reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include "kirchhoff/base/error.hpp"

namespace kirchhoff::detail {
namespace {

/// Eight characters in lower case. (Each byte: whether it is at least 'A', and whether it is beyond 'Z', is carried
/// into its highest bit.)
std::uint64_t lower_of(std::uint64_t word) {
  constexpr std::uint64_t kOnes = 0x0101010101010101U;
  constexpr std::uint64_t kHighest = 0x80 * kOnes;
  const auto low = word & ~kHighest;
  const auto from_a = low + (0x80 - 'A') * kOnes;
  const auto beyond_z = low + (0x80 - 'Z' - 1) * kOnes;
  const auto upper = (from_a ^ beyond_z) & ~word & kHighest;
  return word | (upper >> 2U);  // 'a' - 'A' is a quarter of the highest bit
}

/// Up to eight characters, zeroes behind them.
std::uint64_t word_of(const char* text, std::size_t size) {
  std::uint64_t word = 0;
  std::memcpy(&word, text, size);
  return word;
}

constexpr std::size_t kWord = sizeof(std::uint64_t);

}  // namespace

bool same_name(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  std::size_t k = 0;
  for (; k + kWord <= a.size(); k += kWord) {
    const auto [x, y] = std::pair(word_of(&a[k], kWord), word_of(&b[k], kWord));
    if (x != y && lower_of(x) != lower_of(y)) return false;
  }
  return k == a.size() || lower_of(word_of(&a[k], a.size() - k)) == lower_of(word_of(&b[k], b.size() - k));
}

void fail(const std::string& origin, std::int64_t line, const std::string& what) {
  throw Error(line == 0 ? fmt::format("{}: {}", origin, what) : fmt::format("{}:{}: {}", origin, line, what));
}

double conductance(const std::string& origin, std::int64_t line, double value, EdgeValues values,
                   const std::string& what) {
  if (values == EdgeValues::unit) return 1;
  const bool ohm = values == EdgeValues::resistance;
  const auto subject = what.empty()
                           ? fmt::format("a {} of {} {}", ohm ? "resistance" : "conductance", value, ohm ? "ohm" : "S")
                           : fmt::format("{} has {} {}", what, value, ohm ? "ohm" : "S");
  if (value < 0) fail(origin, line, fmt::format("{}: it must not be negative", subject));
  if (!std::isfinite(value)) fail(origin, line, fmt::format("{}: it must be finite", subject));
  if (value != 0 && !std::isfinite(1 / value)) {
    fail(origin, line, fmt::format("{}: its {} cannot be represented", subject, ohm ? "conductance" : "resistance"));
  }
  return ohm ? 1 / std::abs(value) : std::abs(value);  // -0 is 0
}

std::string_view take_field(std::string_view& line, std::string_view separators) {
  const auto ends = [&](char c) {
    return kBlanks.find(c) != std::string_view::npos || separators.find(c) != std::string_view::npos;
  };
  std::size_t begin = 0;
  while (begin < line.size() && ends(line[begin])) ++begin;
  std::size_t end = begin;
  while (end < line.size() && !ends(line[end])) ++end;
  const auto field = line.substr(begin, end - begin);
  line.remove_prefix(end);
  return field;
}

std::uint64_t hash_of(std::string_view name) {
  constexpr std::uint64_t kMix = 0x9E3779B97F4A7C15U;  // 2^64 over the golden ratio
  std::uint64_t hash = name.size();
  const auto add = [&](std::uint64_t word) {
    hash = (hash ^ lower_of(word)) * kMix;
    hash ^= hash >> 32U;
  };
  std::size_t k = 0;
  for (; k + kWord <= name.size(); k += kWord) add(word_of(&name[k], kWord));
  if (k < name.size()) add(word_of(&name[k], name.size() - k));
  hash *= kMix;
  return hash ^ (hash >> 32U);
}

std::size_t NameTable::slot(std::string_view name, std::uint32_t hash, const std::vector<std::string>& names) const {
  const auto mask = slots_.size() - 1;
  auto at = static_cast<std::size_t>(hash) & mask;
  const auto is_there = [&](const Slot& each) {
    if (each.hash != hash) return false;
    const auto& known = names[each.index - 1];
    return exact_ ? known == name : same_name(known, name);
  };
  while (slots_[at].index != 0 && !is_there(slots_[at])) at = (at + 1) & mask;
  return at;
}

void NameTable::grow() {
  constexpr std::size_t kFirst = 64;
  const auto before = std::move(slots_);
  slots_.assign(std::max(kFirst, 2 * before.size()), {});
  const auto mask = slots_.size() - 1;
  for (const auto& each : before) {
    if (each.index == 0) continue;
    auto at = static_cast<std::size_t>(each.hash) & mask;
    while (slots_[at].index != 0) at = (at + 1) & mask;
    slots_[at] = each;
  }
}

std::int64_t NameTable::index(std::string_view name, std::vector<std::string>& names) {
  if (slots_.size() < 2 * (used_ + 1)) grow();
  const auto hash = static_cast<std::uint32_t>(hash_of(name));
  auto& found = slots_[slot(name, hash, names)];
  if (found.index == 0) {
    if (names.size() >= std::numeric_limits<std::uint32_t>::max()) throw Error("more than 4294967294 names");
    names.emplace_back(name);
    found = {hash, static_cast<std::uint32_t>(names.size())};
    ++used_;
  }
  return static_cast<std::int64_t>(found.index) - 1;
}

std::int64_t NameTable::find(std::string_view name, const std::vector<std::string>& names) const {
  if (slots_.empty()) return -1;
  return static_cast<std::int64_t>(slots_[slot(name, static_cast<std::uint32_t>(hash_of(name)), names)].index) - 1;
}

}  // namespace kirchhoff::detail
