#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <utility>
#include <vector>

#include "kirchhoff/base/error.hpp"
#include "kirchhoff/validate/table_rows.hpp"
#include "table_rows.hpp"

namespace kirchhoff {
namespace {

using testing::ElementsAre;

// Two and eight categories are counted by planes of bits, nine and thirty row by row; 130 rows fill no whole word.
TEST(ColumnCounts, CountsPairsAsALoopOverRowsDoes) {
  const auto table = oracles::chain_table({2, 8, 3, 9, 30, 1, 2, 5}, 130, 0.5, 1);
  const ColumnCounts counts(table.rows());
  std::vector<std::int64_t> found;

  for (std::size_t a = 0; a < 8; ++a) {
    for (std::size_t b = 0; b < 8; ++b) {
      std::map<std::pair<int, int>, int> expected;
      for (std::size_t i = 0; i < table.count(); ++i) ++expected[{table.at(i, a), table.at(i, b)}];
      counts.of_pair(a, b, found);
      ASSERT_EQ(found.size(), static_cast<std::size_t>(table.categories[a] * table.categories[b]));
      for (int x = 0; x < table.categories[a]; ++x) {
        for (int y = 0; y < table.categories[b]; ++y) {
          EXPECT_EQ(found[static_cast<std::size_t>(x * table.categories[b] + y)], (expected[{x, y}]))
              << a << " " << b << " " << x << " " << y;
        }
      }
    }
  }
}

TEST(ColumnCounts, CountsSingleColumns) {
  const std::vector<int> categories{3, 2};
  const std::vector<std::uint16_t> values{0, 1, 2, 1, 2, 0};
  const ColumnCounts counts({values, categories});

  EXPECT_EQ(counts.rows(), 3u);
  EXPECT_THAT(counts.of(0), ElementsAre(1, 0, 2));
  EXPECT_THAT(counts.of(1), ElementsAre(1, 2));
}

TEST(ColumnCounts, NameTheRowAndColumnOfACodeThatCannotBe) {
  const std::vector<int> categories{3, 2};
  const std::vector<std::uint16_t> values{0, 1, 2, 2};
  try {
    const ColumnCounts counts({values, categories});
    FAIL() << "a code of 2 was taken for one of 2 categories";
  } catch (const Error& e) {
    EXPECT_STREQ(e.what(), "row 2, column 2: 2 is not one of the 2 categories");
  }
}

TEST(StrayRows, AreThoseThatCannotExistAndThoseWithNewValues) {
  const std::vector<int> categories{4, 2};
  const std::vector<std::uint16_t> training{0, 0, 1, 1, 1, 0};
  // In order: seen, impossible, a new value, both (counted as impossible), a new pair of known values.
  const std::vector<std::uint16_t> rows{0, 0, 1, 2, 3, 1, 2, 5, 0, 1};

  const auto stray = stray_rows({rows, categories}, {training, categories});

  EXPECT_EQ(stray.impossible, 2);
  EXPECT_EQ(stray.unseen, 1);
  EXPECT_THAT(possible_rows({rows, categories}), ElementsAre(0, 0, 3, 1, 0, 1));
}

TEST(TableRows, GivesItsFirstRowsOrAllOfThem) {
  const std::vector<int> categories{4, 2};
  const std::vector<std::uint16_t> values{0, 1, 2, 0, 3, 1};
  const TableRows rows{values, categories};

  EXPECT_EQ(rows.count(), 3u);
  EXPECT_THAT(rows.row(1), ElementsAre(2, 0));
  EXPECT_THAT(rows.first(2).values, ElementsAre(0, 1, 2, 0));
  EXPECT_EQ(rows.first(9).count(), 3u);
}

}  // namespace
}  // namespace kirchhoff
