#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <numeric>
#include <span>
#include <vector>

#include "kirchhoff/base/error.hpp"
#include "kirchhoff/circuit/coupling.hpp"

namespace kirchhoff {

/// One layer's potentials in ascending order with prefix sums: sums over all states below a potential, and draws from
/// them, in O(log N). This is what makes the dense walk cheap (docs/theory.md, section 7).
class SortedLayer {
 public:
  explicit SortedLayer(std::span<const double> potential)
      : order_(checked(potential.size())), value_(potential.size()), prefix_(potential.size() + 1) {
    std::iota(order_.begin(), order_.end(), 0U);
    std::sort(order_.begin(), order_.end(), [&](std::uint32_t a, std::uint32_t b) {
      return potential[a] < potential[b] || (potential[a] == potential[b] && a < b);
    });
    for (std::size_t k = 0; k < order_.size(); ++k) value_[k] = potential[order_[k]];
    // Measured from the lowest potential, all terms are positive and the sums lose no digits to a common offset.
    for (std::size_t k = 0; k < order_.size(); ++k) prefix_[k + 1] = prefix_[k] + (value_[k] - value_[0]);
  }

  /// k, the number of states whose potential is strictly below f.
  std::uint32_t below(double f) const {
    return static_cast<std::uint32_t>(std::lower_bound(value_.begin(), value_.end(), f) - value_.begin());
  }

  /// Sum of f - phi over the k lowest states.
  double drop(std::uint32_t k, double f) const {
    return k == 0 ? 0.0 : static_cast<double>(k) * (f - value_[0]) - prefix_[k];
  }

  /// The state among the k lowest whose share of drop(k, f), taken in ascending order, covers `at` in [0, drop(k, f)).
  std::uint32_t draw(std::uint32_t k, double f, double at) const {
    const double height = f - value_[0];
    std::uint32_t low = 0;
    for (std::uint32_t high = k - 1; low < high;) {
      const std::uint32_t middle = low + (high - low) / 2;
      if (static_cast<double>(middle + 1) * height - prefix_[middle + 1] > at) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    return order_[low];
  }

 private:
  static std::size_t checked(std::size_t states) {
    if (states <= std::numeric_limits<std::uint32_t>::max()) return states;
    throw Error(fmt::format("walks of dense layers are for up to 2^32 - 1 states a layer, got {}", states));
  }

  std::vector<std::uint32_t> order_;
  std::vector<double> value_;
  std::vector<double> prefix_;
};

/// A layer sorted as a whole and, for family blocks, by groups: sums and draws over the sets that a state belongs to.
class SortedSets {
 public:
  SortedSets(const Coupling& coupling, std::span<const double> potential)
      : groups_(coupling.groups()), all_(potential) {
    if (groups_ == nullptr) return;
    for (std::int64_t g = 0; g < groups_->count(); ++g) of_group_.emplace_back(groups_->gather(g, potential));
  }

  const SortedLayer& all() const { return all_; }
  const SortedLayer& group_of(std::int64_t x) const { return of_group_[static_cast<std::size_t>(groups_->of(x))]; }
  bool alike(std::int64_t x, std::int64_t y) const { return groups_->of(x) == groups_->of(y); }
  /// The state that stands at this place of x's group.
  std::int64_t member(std::int64_t x, std::uint32_t place) const { return groups_->member(groups_->of(x), place); }

  /// Sum of f - phi over the states of x's set, all or its group, whose potential is below f.
  double drop(const StateSet& set, std::int64_t x, double f) const {
    const auto& sorted = set.kind == StateSet::Kind::all ? all_ : group_of(x);
    return sorted.drop(sorted.below(f), f);
  }

 private:
  const Groups* groups_;
  SortedLayer all_;
  std::vector<SortedLayer> of_group_;
};

}  // namespace kirchhoff
