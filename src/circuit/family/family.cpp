#include "kirchhoff/circuit/family/family.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "kirchhoff/base/error.hpp"
#include "kirchhoff/circuit/family/blocks.hpp"
#include "kirchhoff/circuit/family/dense.hpp"
#include "kirchhoff/circuit/family/hamming.hpp"
#include "kirchhoff/circuit/family/lattice.hpp"
#include "kirchhoff/circuit/family/table.hpp"

namespace kirchhoff {

const std::vector<FamilyRow>& families() {
  static const std::vector<FamilyRow> rows{family::Dense::row(),      family::Hamming::row(),
                                           family::Lattice::row(),    family::Table::nearest_row(),
                                           family::Table::file_row(), family::Blocks::row()};
  return rows;
}

const FamilyRow& row_of(Family family) {
  const auto& rows = families();
  const auto it = std::find_if(rows.begin(), rows.end(), [&](const auto& row) { return row.family == family; });
  if (it == rows.end()) throw Error("internal: a coupling family without a row");
  return *it;
}

std::string to_string(Family family) { return row_of(family).name; }

Groups Groups::by_coordinate(const StateSpace& space, int coordinate) {
  if (coordinate < 0 || coordinate >= space.dimensions()) {
    throw Error(
        fmt::format("circuit_group_coordinate is {}: the coordinates are 0 to {}", coordinate, space.dimensions() - 1));
  }
  Groups groups;
  groups.count_ = space.categories();
  groups.stride_ = space.stride(coordinate);
  groups.each_ = space.size() / groups.count_;
  return groups;
}

std::vector<double> Groups::gather(std::int64_t group, std::span<const double> layer) const {
  std::vector<double> values(static_cast<std::size_t>(size(group)));
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = layer[static_cast<std::size_t>(member(group, static_cast<std::int64_t>(i)))];
  }
  return values;
}

Groups Groups::by_label(std::span<const std::int64_t> labels) {
  std::map<std::int64_t, std::int32_t> numbers;
  for (const auto label : labels) numbers.try_emplace(label, 0);
  std::int32_t next = 0;
  for (auto& [label, number] : numbers) number = next++;
  Groups groups;
  groups.count_ = next;
  groups.first_.assign(static_cast<std::size_t>(next) + 1, 0);
  for (const auto label : labels) {
    groups.of_.push_back(numbers.at(label));
    ++groups.first_[static_cast<std::size_t>(groups.of_.back()) + 1];
  }
  for (std::size_t g = 0; g + 1 < groups.first_.size(); ++g) groups.first_[g + 1] += groups.first_[g];
  auto at = groups.first_;
  groups.members_.resize(labels.size());
  for (std::size_t x = 0; x < labels.size(); ++x) {
    groups.members_[static_cast<std::size_t>(at[static_cast<std::size_t>(groups.of_[x])]++)] =
        static_cast<std::int64_t>(x);
  }
  // Groups that follow each other and have as many states lie as those of a coordinate.
  const auto n = static_cast<std::int64_t>(labels.size());
  const auto each = n / groups.count_;
  const auto in_order = [&](std::int64_t x) { return groups.of_[static_cast<std::size_t>(x)] == x / each; };
  std::int64_t x = 0;
  while (x < n && each * groups.count_ == n && in_order(x)) ++x;
  if (x < n) return groups;
  Groups regular;
  regular.count_ = groups.count_;
  regular.stride_ = regular.each_ = each;
  return regular;
}

}  // namespace kirchhoff
