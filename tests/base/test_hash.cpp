#include <gtest/gtest.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "kirchhoff/base/hash.hpp"

namespace kirchhoff {
namespace {

// What xxh128sum of Debian's package xxhash prints of these bytes.
TEST(Hash, HasThePublishedAnswers) {
  EXPECT_EQ(Hash().text(), "99aa06d3014798d86001c324468d497f");
  EXPECT_EQ(Hash().add("a").text(), "a96faf705af16834e6c632b61e964e1f");
  EXPECT_EQ(Hash().add("foobar").text(), "3c9e102628997f44ac87b0b131c6992d");
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
