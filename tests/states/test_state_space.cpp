#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "kirchhoff/base/error.hpp"
#include "kirchhoff/states/state_space.hpp"

namespace kirchhoff {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

std::vector<std::uint16_t> coordinates_of(const StateSpace& space, std::int64_t x) {
  std::vector<std::uint16_t> row(static_cast<std::size_t>(space.dimensions()));
  space.coordinates(x, row);
  return row;
}

TEST(StateSpace, CountsWithTheFirstCoordinateMostSignificant) {
  const StateSpace space(5, 3);

  EXPECT_EQ(space.size(), 125);
  EXPECT_EQ(coordinates_of(space, 1 * 25 + 2 * 5 + 3), (std::vector<std::uint16_t>{1, 2, 3}));
  EXPECT_EQ(space.stride(0), 25);
  EXPECT_EQ(space.stride(2), 1);
}

TEST(StateSpace, FindsEveryStateByItsCoordinates) {
  for (const auto& space : {StateSpace(1, 3), StateSpace(2, 5), StateSpace(7, 1), StateSpace(4, 3)}) {
    for (std::int64_t x = 0; x < space.size(); ++x) {
      const auto row = coordinates_of(space, x);

      EXPECT_EQ(space.index(row), x);
      for (int d = 0; d < space.dimensions(); ++d) EXPECT_EQ(space.coordinate(x, d), row[static_cast<std::size_t>(d)]);
    }
  }
}

TEST(StateSpace, HasTheHammingDistanceOfTheCoordinates) {
  const StateSpace space(3, 4);
  for (std::int64_t x = 0; x < space.size(); ++x) {
    for (std::int64_t y = 0; y < space.size(); ++y) {
      const auto a = coordinates_of(space, x);
      const auto b = coordinates_of(space, y);
      int expected = 0;
      for (std::size_t d = 0; d < a.size(); ++d) expected += a[d] != b[d] ? 1 : 0;

      EXPECT_EQ(space.hamming(x, y), expected);
    }
  }
}

TEST(StateSpace, IsEnumerableUpToSixtyTwoBits) {
  EXPECT_EQ(StateSpace(2, 62).size(), std::int64_t{1} << 62);
  EXPECT_TRUE(StateSpace(2, 62).enumerable());
  EXPECT_FALSE(StateSpace(2, 63).enumerable());
  EXPECT_FALSE(StateSpace(65536, 784).enumerable());
  EXPECT_THAT([] { static_cast<void>(StateSpace(17, 784).size()); }, ThrowsMessage<Error>(HasSubstr("17^784 states")));
}

TEST(StateSpace, RefusesWhatIsNoSpace) {
  EXPECT_THAT([] { StateSpace(0, 1); }, ThrowsMessage<Error>(HasSubstr("space_categories is 0")));
  EXPECT_THAT([] { StateSpace(65537, 1); }, ThrowsMessage<Error>(HasSubstr("space_categories is 65537")));
  EXPECT_THAT([] { StateSpace(2, 0); }, ThrowsMessage<Error>(HasSubstr("space_dimensions is 0")));
}

TEST(StateSpace, EqualsOneOfTheSameShapeOnly) {
  EXPECT_EQ(StateSpace(3, 2), StateSpace(3, 2));
  EXPECT_NE(StateSpace(3, 2), StateSpace(9, 1));
}

}  // namespace
}  // namespace kirchhoff
