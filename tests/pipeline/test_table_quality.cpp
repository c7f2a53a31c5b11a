#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <mpi.h>

#include <vector>

#include "kirchhoff/parallel/parallel.hpp"
#include "pipeline/table_quality.hpp"
#include "table_rows.hpp"

namespace kirchhoff {
namespace {

using testing::ElementsAre;

class TableQuality : public testing::Test {
 protected:
  TableQuality() {
    job_.space = StateSpace(categories_);
    rows_.training = oracles::chain_table(categories_, 300, 0.5, 1).values;
    rows_.held_out = oracles::chain_table(categories_, 50, 0.5, 2).values;
    rows_.test = oracles::chain_table(categories_, 80, 0.5, 3).values;
    // Each rank holds the walks of its part of the particles.
    const auto all = oracles::chain_table(categories_, kWalks, 0.5, 4);
    const auto mine = partition(kWalks, size_of(MPI_COMM_WORLD), rank_of(MPI_COMM_WORLD));
    walks_.first = mine.begin;
    walks_.moves.assign(static_cast<std::size_t>(mine.size()), 1);
    walks_.end.assign(all.values.begin() + mine.begin * 3, all.values.begin() + mine.end * 3);
    samples_ = all;
  }

  static constexpr std::int64_t kWalks = 200;
  std::vector<int> categories_{2, 5, 3};
  Job job_;
  TargetRows rows_;
  MoveWalks walks_;
  oracles::Table samples_;
};

TEST_F(TableQuality, LooksAtTheWalksOfAllRanksAgainstTheTestRows) {
  const auto report = table_quality(MPI_COMM_WORLD, job_, rows_, walks_, kWalks, nullptr);

  ASSERT_TRUE(report);
  EXPECT_EQ(report->against, "test rows");
  EXPECT_EQ(report->found.samples, kWalks);
  EXPECT_EQ(report->found.reference_rows, 80);
  ASSERT_EQ(report->shares.size(), 3u);
  for (std::size_t d = 0; d < 3; ++d) {
    std::vector<double> expected(static_cast<std::size_t>(categories_[d]), 0.0);
    for (std::size_t i = 0; i < samples_.count(); ++i) {
      expected[static_cast<std::size_t>(samples_.at(i, d))] += 1.0 / kWalks;
    }
    EXPECT_THAT(report->shares[d], testing::Pointwise(testing::DoubleNear(1e-12), expected));
  }
  EXPECT_EQ(report->columns[1].name, "x2");
  EXPECT_THAT(report->columns[2].words, ElementsAre("0", "1", "2"));
}

TEST_F(TableQuality, HasTheNamesAndWordsOfASchema) {
  Schema schema;
  schema.columns.resize(3);
  schema.columns[0].name = "sex";
  schema.columns[0].words = {"female", "male"};
  schema.columns[1].name = "trust";
  schema.columns[1].kind = Column::ordinal;
  schema.columns[1].words = {"1", "2", "3", "4", "NA"};
  schema.columns[1].missing = 4;
  schema.columns[2].name = "region";
  schema.columns[2].words = {"north", "south", "west"};

  const auto report = table_quality(MPI_COMM_WORLD, job_, rows_, walks_, kWalks, &schema);

  ASSERT_TRUE(report);
  EXPECT_EQ(report->columns[0].name, "sex");
  EXPECT_TRUE(report->columns[1].ordinal);
  EXPECT_THAT(report->columns[1].words, ElementsAre("1", "2", "3", "4", "missing"));
  EXPECT_FALSE(report->columns[2].ordinal);
}

TEST_F(TableQuality, TakesHeldOutRowsWhereThereAreNoTestRowsAndSaysSo) {
  rows_.test.clear();
  const auto report = table_quality(MPI_COMM_WORLD, job_, rows_, walks_, kWalks, nullptr);

  ASSERT_TRUE(report);
  EXPECT_EQ(report->against, "held-out rows");
  EXPECT_EQ(report->found.reference_rows, 50);

  rows_.held_out.clear();
  EXPECT_FALSE(table_quality(MPI_COMM_WORLD, job_, rows_, walks_, kWalks, nullptr));
}

TEST_F(TableQuality, SaysNothingOfATargetThatIsNoTable) {
  rows_.training.clear();

  EXPECT_FALSE(table_quality(MPI_COMM_WORLD, job_, rows_, walks_, kWalks, nullptr));
}

}  // namespace
}  // namespace kirchhoff
