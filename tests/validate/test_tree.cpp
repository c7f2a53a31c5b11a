#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <mpi.h>

#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "kirchhoff/validate/tree.hpp"
#include "table_rows.hpp"

namespace kirchhoff {
namespace {

/// Probability of a pair of values by the definition: counts and pseudo-counts.
double pair_share(const oracles::Table& t, std::size_t a, int x, std::size_t b, int y, double alpha) {
  double n = alpha / (t.categories[a] * t.categories[b]);
  for (std::size_t i = 0; i < t.count(); ++i) n += t.at(i, a) == x && t.at(i, b) == y ? 1 : 0;
  return n / (static_cast<double>(t.count()) + alpha);
}

double share(const oracles::Table& t, std::size_t a, int x, double alpha) {
  double n = alpha / t.categories[a];
  for (std::size_t i = 0; i < t.count(); ++i) n += t.at(i, a) == x ? 1 : 0;
  return n / (static_cast<double>(t.count()) + alpha);
}

/// The log-probability of a row of four columns under a tree given by its edges, as a product of pairs over singles.
double log_of_tree(const oracles::Table& t, const std::vector<std::array<std::size_t, 2>>& edges,
                   std::span<const std::uint16_t> row, double alpha) {
  double sum = 0;
  for (std::size_t d = 0; d < row.size(); ++d) sum += std::log(share(t, d, row[d], alpha));
  for (const auto& [a, b] : edges) {
    sum += std::log(pair_share(t, a, row[a], b, row[b], alpha) /
                    (share(t, a, row[a], alpha) * share(t, b, row[b], alpha)));
  }
  return sum;
}

/// All trees over four columns, by their Pruefer sequences.
std::vector<std::vector<std::array<std::size_t, 2>>> trees_of_four() {
  std::vector<std::vector<std::array<std::size_t, 2>>> trees;
  for (std::size_t code = 0; code < 16; ++code) {
    std::vector<std::size_t> sequence{code / 4, code % 4};
    std::vector<int> degree(4, 1);
    for (const auto s : sequence) ++degree[s];
    std::vector<std::array<std::size_t, 2>> edges;
    for (const auto s : sequence) {
      for (std::size_t leaf = 0; leaf < 4; ++leaf) {
        if (degree[leaf] != 1) continue;
        edges.push_back({leaf, s});
        --degree[leaf];
        --degree[s];
        break;
      }
    }
    std::vector<std::size_t> left;
    for (std::size_t v = 0; v < 4; ++v) {
      if (degree[v] == 1) left.push_back(v);
    }
    edges.push_back({left[0], left[1]});
    trees.push_back(edges);
  }
  return trees;
}

// Without smoothing the tree of the greatest information makes the training rows most likely (Chow and Liu); a tiny
// pseudo-count stands for none. All 16 trees are tried.
TEST(ChowLiuTree, MakesItsTrainingRowsAsLikelyAsAnyTreeCan) {
  for (unsigned seed = 0; seed < 5; ++seed) {
    const auto table = oracles::chain_table({3, 2, 4, 2}, 120, 0.4, seed);
    double greatest = -std::numeric_limits<double>::infinity();
    for (const auto& edges : trees_of_four()) {
      double sum = 0;
      for (std::size_t i = 0; i < table.count(); ++i) sum += log_of_tree(table, edges, table.rows().row(i), 1e-9);
      greatest = std::max(greatest, sum / static_cast<double>(table.count()));
    }

    const auto tree = ChowLiuTree::fit(MPI_COMM_WORLD, table.rows(), 1e-9);

    EXPECT_NEAR(tree.log_likelihood(table.rows()), greatest, 1e-9) << seed;
  }
}

TEST(ChowLiuTree, IsALawOverAllRows) {
  const auto table = oracles::chain_table({3, 2, 4, 2}, 50, 0.4, 7);
  const auto tree = ChowLiuTree::fit(MPI_COMM_WORLD, table.rows(), 2.5);

  double sum = 0;
  for (std::uint16_t x = 0; x < 48; ++x) {
    const auto digit = [x](int below, int s) { return static_cast<std::uint16_t>(x / below % s); };
    sum += std::exp(tree.log_probability(std::array{digit(1, 3), digit(3, 2), digit(6, 4), digit(24, 2)}));
  }

  EXPECT_NEAR(sum, 1, 1e-12);
}

TEST(ChowLiuTree, FindsAChain) {
  const auto table = oracles::chain_table({4, 4, 4, 4, 4, 4}, 2000, 0.7, 9);
  const auto tree = ChowLiuTree::fit(MPI_COMM_WORLD, table.rows(), 1);

  EXPECT_THAT(tree.parents(), testing::ElementsAre(-1, 0, 1, 2, 3, 4));
}

// The oracle fits every pseudo-count by itself.
TEST(ChowLiuTree, TakesThePseudoCountThatHeldOutRowsLike) {
  for (const std::size_t rows : {20u, 400u}) {
    const auto training = oracles::chain_table({5, 5, 5}, rows, 0.5, 11);
    const auto held_out = oracles::chain_table({5, 5, 5}, 200, 0.5, 12);
    const auto tree = ChowLiuTree::fit(MPI_COMM_WORLD, training.rows(), held_out.rows());
    const double chosen = tree.log_likelihood(held_out.rows());
    for (const double alpha : {0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0}) {
      const auto other = ChowLiuTree::fit(MPI_COMM_WORLD, training.rows(), alpha);
      EXPECT_GE(chosen, other.log_likelihood(held_out.rows()) - 1e-12) << alpha;
    }
  }
}

TEST(ChowLiuTree, OfOneColumnIsItsShares) {
  const oracles::Table table{{3}, {0, 0, 1, 2}};
  const auto tree = ChowLiuTree::fit(MPI_COMM_WORLD, table.rows(), 3);

  EXPECT_NEAR(tree.log_probability(std::array<std::uint16_t, 1>{0}), std::log(3.0 / 7), 1e-14);
}

}  // namespace
}  // namespace kirchhoff
