#include <gtest/gtest.h>

#include <map>

#include "learn/task/prefix_law.hpp"

namespace kirchhoff {
namespace {

std::map<int, double> shares(const PrefixLaw& law, std::int32_t node) {
  std::map<int, double> result;
  law.visit(node, [&](int category, double share) { result[category] = share; });
  return result;
}

TEST(PrefixLaw, SharesAreThoseOfTheRowsWithThePrefix) {
  const StateSpace space(3, 2);  // a row (a, b) is 3 a + b
  PrefixLaw law(space);

  for (const int row : {3 * 0 + 1, 3 * 2 + 0, 3 * 2 + 1, 3 * 2 + 1}) law.add(row);

  EXPECT_EQ(shares(law, law.find(0, 0)), (std::map<int, double>{{0, 0.25}, {2, 0.75}}));
  EXPECT_EQ(shares(law, law.find(3 * 0 + 2, 1)), (std::map<int, double>{{1, 1.0}}));
  EXPECT_EQ(shares(law, law.find(3 * 2 + 2, 1)), (std::map<int, double>{{0, 1.0 / 3}, {1, 2.0 / 3}}));
}

TEST(PrefixLaw, HasOneNodeAPrefixAndNoneOfWhatItHasNotSeen) {
  const StateSpace space(3, 2);
  PrefixLaw law(space);

  for (const int row : {3 * 0 + 1, 3 * 2 + 0}) law.add(row);

  EXPECT_EQ(law.find(3 * 2 + 2, 1), law.find(3 * 2 + 0, 1));
  EXPECT_NE(law.find(3 * 2 + 0, 1), law.find(3 * 0 + 0, 1));
  EXPECT_EQ(law.find(3 * 0 + 0, 0), law.find(3 * 2 + 0, 0));
  EXPECT_EQ(law.find(3 * 1 + 0, 1), -1);
}

TEST(PrefixLaw, KnowsAPrefixWellThatTenRowsACategoryHaveHad) {
  const StateSpace space(3, 2);
  PrefixLaw law(space);

  law.add(3 * 1 + 1);
  for (int row = 0; row < 29; ++row) law.add(3 * 2 + row % 3);

  EXPECT_TRUE(law.well_known(law.find(0, 0)));
  EXPECT_FALSE(law.well_known(law.find(3 * 2, 1)));
  EXPECT_FALSE(law.well_known(-1));
  law.add(3 * 2);
  EXPECT_TRUE(law.well_known(law.find(3 * 2, 1)));
}

TEST(PrefixLaw, BeginsAnewWhenItIsFull) {
  const StateSpace space(10, 2);
  PrefixLaw law(space, 5);  // the root and two rows that share nothing

  for (const int row : {11, 22, 33}) law.add(row);

  EXPECT_EQ(law.find(11, 1), -1);
  EXPECT_EQ(shares(law, law.find(33, 0)), (std::map<int, double>{{3, 1.0}}));
  EXPECT_EQ(shares(law, law.find(33, 1)), (std::map<int, double>{{3, 1.0}}));
}

}  // namespace
}  // namespace kirchhoff
