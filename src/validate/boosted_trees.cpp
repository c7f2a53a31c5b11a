#include "validate/boosted_trees.hpp"

#include <cmath>

namespace kirchhoff::detail {
namespace {

constexpr int kTrees = 100;
constexpr double kRate = 0.1;   // of a tree's values that are added
constexpr double kRidge = 1.0;  // added to second derivatives
constexpr double kLeast =
    1.0;  // sum of second derivatives on either side of a question: four rows that nothing is known of

}  // namespace

std::size_t BoostedTrees::Tree::leaf(std::span<const std::uint16_t> row) const {
  std::size_t node = 0;
  for (std::size_t level = 0; level < kDepth; ++level) node = 2 * node + (questions[node].holds(row) ? 1 : 2);
  return node - (kLeaves - 1);
}

/// Grows one tree after another on the same rows, level by level, from sums of slopes by node, column and value.
class BoostedTrees::Grower {
 public:
  Grower(const TableRows& rows, std::span<const std::uint8_t> labels)
      : rows_(rows), labels_(labels), scores_(rows.count(), 0.0), slopes_(rows.count()), node_(rows.count()) {
    for (const int s : rows.categories) {
      first_.push_back(cells_);
      cells_ += static_cast<std::size_t>(s);
    }
  }

  Tree grow() {
    for (std::size_t i = 0; i < scores_.size(); ++i) {
      const double p = 1 / (1 + std::exp(-scores_[i]));
      slopes_[i] = {static_cast<double>(labels_[i]) - p, p * (1 - p)};
      node_[i] = 0;
    }
    Tree tree;
    for (std::size_t level = 0; level < kDepth; ++level) split(tree, (std::size_t{1} << level) - 1);
    std::array<Slopes, kLeaves> sums{};
    for (std::size_t i = 0; i < scores_.size(); ++i) add(sums[node_[i] - (kLeaves - 1)], slopes_[i]);
    for (std::size_t k = 0; k < kLeaves; ++k) tree.values[k] = kRate * sums[k].first / (sums[k].second + kRidge);
    for (std::size_t i = 0; i < scores_.size(); ++i) scores_[i] += tree.values[node_[i] - (kLeaves - 1)];
    return tree;
  }

 private:
  static void add(Slopes& sum, const Slopes& slopes) {
    sum.first += slopes.first;
    sum.second += slopes.second;
  }
  static double gain(const Slopes& s) { return s.first * s.first / (s.second + kRidge); }

  /// The nodes of a level, which begin at `begin` in the heap and are as many as `begin` + 1.
  void split(Tree& tree, std::size_t begin) {
    sums_.assign((begin + 1) * cells_, {});
    for (std::size_t i = 0; i < node_.size(); ++i) {
      auto* sums = &sums_[(node_[i] - begin) * cells_];
      const auto row = rows_.row(i);
      for (std::size_t d = 0; d < row.size(); ++d) add(sums[first_[d] + row[d]], slopes_[i]);
    }
    for (std::size_t node = 0; node <= begin; ++node) {
      tree.questions[begin + node] = best(std::span(sums_).subspan(node * cells_, cells_));
    }
    for (std::size_t i = 0; i < node_.size(); ++i) {
      node_[i] = 2 * node_[i] + (tree.questions[node_[i]].holds(rows_.row(i)) ? 1 : 2);
    }
  }

  Question best(std::span<const Slopes> sums) const {
    Question found;
    double greatest = 0;
    for (std::size_t d = 0; d < rows_.columns(); ++d) {
      const auto own = sums.subspan(first_[d], static_cast<std::size_t>(rows_.categories[d]));
      Slopes all;
      for (const auto& s : own) add(all, s);
      Slopes below;
      const auto ask = [&](const Slopes& part, std::size_t value, bool up_to) {
        const Slopes rest{all.first - part.first, all.second - part.second};
        if (part.second < kLeast || rest.second < kLeast) return;
        const double better = gain(part) + gain(rest) - gain(all);
        if (better <= greatest) return;
        greatest = better;
        found = {static_cast<std::uint32_t>(d), static_cast<std::uint16_t>(value), up_to};
      };
      for (std::size_t value = 0; value < own.size(); ++value) {
        add(below, own[value]);
        ask(own[value], value, false);
        ask(below, value, true);
      }
    }
    return found;
  }

  TableRows rows_;
  std::span<const std::uint8_t> labels_;
  std::vector<double> scores_;      // (count) log-odds so far
  std::vector<Slopes> slopes_;      // (count)
  std::vector<std::size_t> node_;   // (count) where in the heap a row has come to
  std::vector<std::size_t> first_;  // (D) where a column's values begin
  std::size_t cells_ = 0;           // values of all columns
  std::vector<Slopes> sums_;        // (nodes of a level x cells)
};

BoostedTrees::BoostedTrees(const TableRows& rows, std::span<const std::uint8_t> labels) {
  Grower grower(rows, labels);
  for (int k = 0; k < kTrees; ++k) trees_.push_back(grower.grow());
}

double BoostedTrees::score(std::span<const std::uint16_t> row) const {
  double sum = 0;
  for (const auto& tree : trees_) sum += tree.values[tree.leaf(row)];
  return sum;
}

}  // namespace kirchhoff::detail
