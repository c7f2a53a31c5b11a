#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "kirchhoff/validate/table_rows.hpp"

namespace kirchhoff::detail {

/// Gradient-boosted trees for two classes of rows of categories: logistic loss, Newton steps, one depth for all.
class BoostedTrees {
 public:
  /// @param labels (count) 1 for the rows that scores are to be high of, else 0. Local.
  BoostedTrees(const TableRows& rows, std::span<const std::uint8_t> labels);

  /// The log-odds of label 1, as learned.
  double score(std::span<const std::uint16_t> row) const;

 private:
  static constexpr std::size_t kDepth = 3;
  static constexpr std::size_t kLeaves = std::size_t{1} << kDepth;

  /// Asks whether a column has `value`, or that and any below.
  struct Question {
    std::uint32_t column = 0;
    std::uint16_t value = 0;
    bool up_to = false;
    bool holds(std::span<const std::uint16_t> row) const { return up_to ? row[column] <= value : row[column] == value; }
  };
  /// Questions in order of a heap; the leaf of a row is 2 * node + 1 or + 2 below each.
  struct Tree {
    std::array<Question, kLeaves - 1> questions{};
    std::array<double, kLeaves> values{};
    std::size_t leaf(std::span<const std::uint16_t> row) const;
  };
  /// First and second derivatives of the loss, summed.
  struct Slopes {
    double first = 0;
    double second = 0;
  };
  class Grower;

  std::vector<Tree> trees_;
};

}  // namespace kirchhoff::detail
