#include "io/network/reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "kirchhoff/base/error.hpp"

namespace kirchhoff::detail {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool same(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

}  // namespace

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
  std::uint64_t hash = 1469598103934665603U;  // FNV-1a, mixed at the end
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(lower(c))) * 1099511628211U;
  return hash ^ (hash >> 29U);
}

std::size_t NameTable::slot(std::string_view name, const std::vector<std::string>& names) const {
  const auto mask = slots_.size() - 1;
  auto at = static_cast<std::size_t>(hash_of(name)) & mask;
  const auto is_there = [&](const std::string& known) { return exact_ ? known == name : same(known, name); };
  while (slots_[at] != 0 && !is_there(names[static_cast<std::size_t>(slots_[at] - 1)])) at = (at + 1) & mask;
  return at;
}

void NameTable::grow(const std::vector<std::string>& names) {
  slots_.assign(std::max<std::size_t>(64, 4 * slots_.size()), 0);
  for (std::size_t k = 0; k < names.size(); ++k) slots_[slot(names[k], names)] = static_cast<std::int64_t>(k) + 1;
}

std::int64_t NameTable::index(std::string_view name, std::vector<std::string>& names) {
  if (slots_.size() < 2 * (names.size() + 1)) grow(names);
  const auto at = slot(name, names);
  if (slots_[at] == 0) {
    names.emplace_back(name);
    slots_[at] = static_cast<std::int64_t>(names.size());
  }
  return slots_[at] - 1;
}

std::int64_t NameTable::find(std::string_view name, const std::vector<std::string>& names) const {
  return slots_.empty() ? -1 : slots_[slot(name, names)] - 1;
}

}  // namespace kirchhoff::detail
