#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "kirchhoff/base/text.hpp"

namespace kirchhoff {
namespace {

const std::vector<std::string> kNames = {"uniform", "normal", "two_moons", "swiss_roll", "two_spirals"};

TEST(NearestName, IsTheOneWithTheFewestEdits) {
  EXPECT_EQ(nearest_name("normal", kNames), "normal");
  EXPECT_EQ(nearest_name("nromal", kNames), "normal");       // two letters swapped
  EXPECT_EQ(nearest_name("two_moon", kNames), "two_moons");  // one left out
  EXPECT_EQ(nearest_name("swissroll", kNames), "swiss_roll");
  EXPECT_EQ(nearest_name("two_spirals_", kNames), "two_spirals");
}

TEST(NearestName, IsTheFirstAmongEquals) {
  const std::vector<std::string> names = {"abcd", "abce"};

  EXPECT_EQ(nearest_name("abcf", names), "abcd");
}

TEST(NearestName, IsNoneWhenNothingIsNear) {
  EXPECT_EQ(nearest_name("checkerboard", kNames), "");
  EXPECT_EQ(nearest_name("", kNames), "");
  EXPECT_EQ(nearest_name("normal", {}), "");
}

TEST(DidYouMean, AsksOnlyWhenThereIsSomethingToAsk) {
  EXPECT_EQ(did_you_mean("unifrom", kNames), ", did you mean 'uniform'?");
  EXPECT_EQ(did_you_mean("checkerboard", kNames), "");
}

}  // namespace
}  // namespace kirchhoff
