#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <mpi.h>

#include <algorithm>
#include <vector>

#include "kirchhoff/validate/nearest_rows.hpp"
#include "table_rows.hpp"

namespace kirchhoff {
namespace {

using testing::ElementsAre;

std::vector<int> by_loops(const oracles::Table& rows, const oracles::Table& others) {
  std::vector<int> least;
  for (std::size_t i = 0; i < rows.count(); ++i) {
    int nearest = 1 << 20;
    for (std::size_t k = 0; k < others.count(); ++k) {
      int differing = 0;
      for (std::size_t j = 0; j < rows.categories.size(); ++j) differing += rows.at(i, j) != others.at(k, j) ? 1 : 0;
      nearest = std::min(nearest, differing);
    }
    least.push_back(nearest);
  }
  return least;
}

// More columns than a word has bits, and codes of one digit, several, and none.
TEST(NearestRows, AreThoseOfALoopOverAllPairs) {
  for (const int s : {1, 2, 5, 300}) {
    std::vector<int> categories(70, s);
    categories[3] = 2;
    const auto rows = oracles::chain_table(categories, 40, 0.9, 1);
    const auto others = oracles::chain_table(categories, 30, 0.9, 2);

    EXPECT_EQ(nearest_distances(MPI_COMM_WORLD, rows.rows(), others.rows()), by_loops(rows, others)) << s;
  }
}

TEST(NearestRows, TellCopiesFromRowsOfTheSameLaw) {
  const std::vector<int> categories(30, 4);
  const auto training = oracles::chain_table(categories, 400, 0.3, 1);
  const auto held_out = oracles::chain_table(categories, 100, 0.3, 2);
  const auto honest = oracles::chain_table(categories, 300, 0.3, 3);

  const auto of_honest = compare_nearest(MPI_COMM_WORLD, honest.rows(), held_out.rows(), training.rows());
  const auto of_copies = compare_nearest(MPI_COMM_WORLD, training.rows(), held_out.rows(), training.rows());

  EXPECT_NEAR(of_honest.mean / of_honest.mean_held_out, 1, 0.03);
  EXPECT_EQ(of_honest.copies, 0);
  EXPECT_NEAR(of_honest.closer_to_training, 0.5, 0.1);
  EXPECT_EQ(of_copies.mean, 0);
  EXPECT_EQ(of_copies.copies, 1);
  EXPECT_EQ(of_copies.mean_held_out, of_honest.mean_held_out);
  // A quarter of the training rows stands against the held-out rows: those hundred are found again, the others are not.
  EXPECT_NEAR(of_copies.closer_to_training, 0.25 + 0.75 * 0.5, 0.05);
}

TEST(NearestRows, CountCopiesAmongHeldOutRows) {
  const oracles::Table training{{2, 2}, {0, 0, 1, 1}};
  const oracles::Table held_out{{2, 2}, {0, 0, 0, 1}};
  const oracles::Table rows{{2, 2}, {1, 1, 1, 0, 0, 1, 0, 1}};

  const auto found = compare_nearest(MPI_COMM_WORLD, rows.rows(), held_out.rows(), training.rows());

  EXPECT_THAT(nearest_distances(MPI_COMM_WORLD, rows.rows(), training.rows()), ElementsAre(0, 1, 1, 1));
  EXPECT_EQ(found.mean, 0.75);
  EXPECT_EQ(found.copies, 0.25);
  EXPECT_EQ(found.mean_held_out, 0.5);
  EXPECT_EQ(found.copies_held_out, 0.5);
  // Columns from the training rows: 0 1 1 1; from the held-out rows: 1 1 0 0.
  EXPECT_EQ(found.closer_to_training, (1 + 0.5 + 0 + 0) / 4);
}

}  // namespace
}  // namespace kirchhoff
