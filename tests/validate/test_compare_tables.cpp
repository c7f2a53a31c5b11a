#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <mpi.h>

#include <numeric>
#include <vector>

#include "kirchhoff/validate/table.hpp"
#include "table_rows.hpp"

namespace kirchhoff {
namespace {

double mean_of(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

class CompareTables : public testing::Test {
 protected:
  TableComparison compare(const oracles::Table& samples) const {
    return compare_tables(MPI_COMM_WORLD, {samples.rows(), test_.rows(), training_.rows(), held_out_.rows()}, 5);
  }

  std::vector<int> categories_{2, 6, 3, 12, 4};
  oracles::Table training_ = oracles::chain_table(categories_, 900, 0.6, 1);
  oracles::Table held_out_ = oracles::chain_table(categories_, 100, 0.6, 2);
  oracles::Table test_ = oracles::chain_table(categories_, 400, 0.6, 3);
};

TEST_F(CompareTables, FindsDrawsOfTheLawAsGoodAsTrainingRows) {
  const auto found = compare(oracles::chain_table(categories_, 2000, 0.6, 4));

  EXPECT_EQ(found.samples, 2000);
  EXPECT_EQ(found.floor_rows, 900);
  EXPECT_EQ(found.reference_rows, 400);
  EXPECT_EQ(found.stray.impossible, 0);
  EXPECT_THAT(found.pair_columns, testing::ElementsAre(0, 1, 2, 3, 4));
  EXPECT_EQ(found.marginals.samples.size(), 5u);
  EXPECT_EQ(found.pairs.samples.size(), 10u);
  EXPECT_NEAR(mean_of(found.pairs.samples) / mean_of(found.pairs.training), 1, 0.2);
  EXPECT_NEAR(found.discriminator.auc, 0.5, 4 * found.discriminator.auc_error);
  EXPECT_NEAR(found.nearest.mean / found.nearest.mean_held_out, 1, 0.1);
  ASSERT_TRUE(found.tree_log_likelihood);
}

TEST_F(CompareTables, FindsIndependentColumnsWrongInPairsAlone) {
  const auto found = compare(oracles::chain_table(categories_, 2000, 0, 4));

  EXPECT_NEAR(mean_of(found.marginals.samples) / mean_of(found.marginals.training), 1, 0.5);
  EXPECT_GT(mean_of(found.pairs.samples), 2 * mean_of(found.pairs.training));
  EXPECT_GT(found.discriminator.auc, 0.7);
  EXPECT_LT(mean_of(found.association), 0.1);
  EXPECT_GT(mean_of(found.association_reference), 0.2);
}

TEST_F(CompareTables, LeavesOutRowsThatCannotExist) {
  auto samples = oracles::chain_table(categories_, 50, 0.6, 4);
  samples.values[5 * 7 + 2] = 3;

  const auto found = compare(samples);

  EXPECT_EQ(found.stray.impossible, 1);
  EXPECT_EQ(found.samples, 49);
  EXPECT_EQ(found.floor_rows, 49);
}

TEST_F(CompareTables, SaysNothingWhereNoSampleCanExist) {
  oracles::Table samples{categories_, {0, 6, 0, 0, 0}};

  const auto found = compare(samples);

  EXPECT_EQ(found.stray.impossible, 1);
  EXPECT_EQ(found.samples, 0);
  EXPECT_TRUE(found.pairs.samples.empty());
  EXPECT_FALSE(found.tree_log_likelihood);
}

TEST(AffordableColumns, AreAllOfATableOfUsualSizeAndEvenlyChosenOfAGreatOne) {
  const oracles::Table usual = oracles::chain_table(std::vector<int>(64, 17), 10, 0, 1);
  EXPECT_EQ(affordable_columns(usual.rows()).size(), 64u);

  const oracles::Table wide{std::vector<int>(3000, 1000), std::vector<std::uint16_t>(3000, 0)};
  const auto some = affordable_columns(wide.rows());
  EXPECT_GE(some.size(), 50u);
  EXPECT_LT(some.size(), 200u);
  EXPECT_EQ(some.front(), 0u);
  EXPECT_GT(some.back(), 2900u);
  EXPECT_LT(some.back(), 3000u);

  EXPECT_EQ(affordable_columns(oracles::Table{{7}, {0, 1}}.rows()), std::vector<std::size_t>{0});
}

}  // namespace
}  // namespace kirchhoff
