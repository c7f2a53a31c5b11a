#include <gtest/gtest.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "kirchhoff/hash.hpp"

namespace kirchhoff {
namespace {

// http://www.isthe.com/chongo/tech/comp/fnv, test vectors of FNV-1a with 64 bits.
TEST(Hash, HasThePublishedAnswers) {
  EXPECT_EQ(Hash().text(), "cbf29ce484222325");
  EXPECT_EQ(Hash().add("a").text(), "af63dc4c8601ec8c");
  EXPECT_EQ(Hash().add("foobar").text(), "85944171f73967e8");
}

TEST(Hash, TakesBytesInAnyPieces) { EXPECT_EQ(Hash().add("foo").add("bar").text(), Hash().add("foobar").text()); }

TEST(Hash, TakesTheBytesOfNumbers) {
  const std::vector<std::uint16_t> numbers = {0x6f66, 0x626f, 0x7261};  // "foobar", little-endian

  EXPECT_EQ(Hash().add(std::span<const std::uint16_t>(numbers)).text(), Hash().add("foobar").text());
}

TEST(Hash, SeesEveryBit) {
  const std::vector<double> values = {1.0, 2.0, 0.0};
  auto other = values;
  other[2] = -0.0;

  EXPECT_NE(Hash().add(std::span<const double>(values)).text(), Hash().add(std::span<const double>(other)).text());
}

TEST(Hash, SeesBytesAboveTheSignBit) { EXPECT_NE(Hash().add("\x80").text(), Hash().add(std::string(1, '\0')).text()); }

}  // namespace
}  // namespace kirchhoff
