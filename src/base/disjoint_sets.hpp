#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <vector>

namespace kirchhoff {

/// Disjoint sets of 0 .. n - 1, each called by its least member, its root. Paths are halved as they are walked. Local.
template <class Integer>
class DisjointSets {
 public:
  explicit DisjointSets(std::size_t n) : parent_(n), count_(static_cast<Integer>(n)) {
    std::iota(parent_.begin(), parent_.end(), Integer{0});
  }

  Integer root(Integer k) {
    while (parent_[static_cast<std::size_t>(k)] != k) {
      auto& up = parent_[static_cast<std::size_t>(k)];
      up = parent_[static_cast<std::size_t>(up)];
      k = up;
    }
    return k;
  }
  void join(Integer a, Integer b) {
    a = root(a);
    b = root(b);
    if (a == b) return;
    parent_[static_cast<std::size_t>(std::max(a, b))] = std::min(a, b);
    --count_;
  }
  /// How many sets there are.
  Integer count() const { return count_; }
  /// (n) which set each member is in; sets are numbered in the order of their roots.
  std::vector<Integer> numbers() {
    std::vector<Integer> number(parent_.size());
    Integer next = 0;
    for (std::size_t k = 0; k < number.size(); ++k) {
      const auto top = static_cast<std::size_t>(root(static_cast<Integer>(k)));
      number[k] = top == k ? next++ : number[top];
    }
    return number;
  }

 private:
  std::vector<Integer> parent_;
  Integer count_;
};

}  // namespace kirchhoff
