#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <set>
#include <vector>

#include "kirchhoff/base/random.hpp"

namespace kirchhoff {
namespace {

std::vector<std::uint64_t> first_bits(Random random, int count) {
  std::vector<std::uint64_t> bits;
  for (int i = 0; i < count; ++i) bits.push_back(random.bits());
  return bits;
}

// Random123's tests/kat_vectors, philox4x32 with 10 rounds.
TEST(Philox, HasThePublishedAnswers) {
  using Words = std::array<std::uint32_t, 4>;
  struct Answer {
    Words counter;
    std::array<std::uint32_t, 2> key;
    Words output;
  };
  const std::vector<Answer> answers = {{{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
                                       {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
                                        {0xffffffff, 0xffffffff},
                                        {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
                                       {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
                                        {0xa4093822, 0x299f31d0},
                                        {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}}};
  for (const auto& a : answers) {
    const auto output =
        r123::Philox4x32()({{a.counter[0], a.counter[1], a.counter[2], a.counter[3]}}, {{a.key[0], a.key[1]}});

    EXPECT_EQ((Words{output.v[0], output.v[1], output.v[2], output.v[3]}), a.output);
  }
}

TEST(Random, TakesItsBitsFromPhiloxInOrder) {
  const auto bits = first_bits(Random(0, Stream{0}, 0), 2);

  EXPECT_EQ(bits[0], 0x6627e8d5e169c58dULL);
  EXPECT_EQ(bits[1], 0xbc57ac4c9b00dbd8ULL);
}

TEST(Random, CountsBlocksStreamAndIndexInTheCounterAndTheSeedInTheKey) {
  const std::uint64_t seed = 0x0123456789abcdefULL;
  const std::uint64_t index = 0xfedcba9876543210ULL;

  const auto bits = first_bits(Random(seed, Stream::batch, index), 6);

  for (std::uint32_t block = 0; block < 3; ++block) {
    const auto output = r123::Philox4x32()({{block, 3, 0x76543210, 0xfedcba98}}, {{0x89abcdef, 0x01234567}});
    EXPECT_EQ(bits[2 * block], std::uint64_t{output.v[0]} << 32 | output.v[1]) << block;
    EXPECT_EQ(bits[2 * block + 1], std::uint64_t{output.v[2]} << 32 | output.v[3]) << block;
  }
}

TEST(Random, IsAFunctionOfSeedStreamAndIndex) {
  const auto bits = first_bits(Random(1, Stream::walk, 2), 5);

  EXPECT_EQ(first_bits(Random(1, Stream::walk, 2), 5), bits);
  std::set<std::uint64_t> all(bits.begin(), bits.end());
  for (const auto& other :
       {first_bits(Random(2, Stream::walk, 2), 5), first_bits(Random(1, Stream::batch, 2), 5),
        first_bits(Random(1, Stream::walk, 3), 5), first_bits(Random(1, Stream::target_draw, 2), 5)}) {
    all.insert(other.begin(), other.end());
  }
  EXPECT_EQ(all.size(), 25u);  // no number twice
}

constexpr int kDraws = 100000;
// Six standard deviations of a mean over the draws, for one draw of this deviation; the seed is fixed.
double tolerance(double deviation) { return 6 * deviation / std::sqrt(kDraws); }

TEST(Random, IsUniformBelowOne) {
  double mean = 0;
  double square = 0;
  double lag = 0;
  double last = 0.5;
  bool inside = true;
  for (std::uint64_t i = 0; i < kDraws / 10; ++i) {
    Random random(7, Stream::walk, i);
    for (int k = 0; k < 10; ++k) {
      const double u = random.uniform();
      inside = inside && u >= 0 && u < 1 && std::ldexp(u, 53) == std::floor(std::ldexp(u, 53));
      mean += u / kDraws;
      square += u * u / kDraws;
      lag += (u - 0.5) * (last - 0.5) / kDraws;
      last = u;
    }
  }

  EXPECT_TRUE(inside);
  EXPECT_NEAR(mean, 0.5, tolerance(std::sqrt(1 / 12.0)));
  EXPECT_NEAR(square, 1 / 3.0, tolerance(std::sqrt(4 / 45.0)));
  EXPECT_NEAR(lag, 0, tolerance(1 / 12.0));
}

TEST(Random, IsUniformBelowAnyNumber) {
  for (const std::int64_t n : {1, 2, 7, 1000}) {
    std::vector<double> share(static_cast<std::size_t>(n));
    Random random(8, Stream::walk, 1);
    for (int i = 0; i < kDraws; ++i) share.at(static_cast<std::size_t>(random.below(n))) += 1.0 / kDraws;

    double worst = 0;
    for (const double s : share) worst = std::max(worst, std::abs(s - 1.0 / static_cast<double>(n)));
    const double p = 1.0 / static_cast<double>(n);
    EXPECT_LE(worst, tolerance(std::sqrt(p * (1 - p))) + 1e-9) << n;  // and the rounding of the shares
  }
}

TEST(Random, ReachesBothHalvesOfAVeryLargeRange) {
  const std::int64_t n = std::int64_t{1} << 62;
  Random random(9, Stream::walk, 1);
  int upper = 0;
  bool inside = true;
  for (int i = 0; i < 1000; ++i) {
    const auto x = random.below(n);
    inside = inside && x >= 0 && x < n;
    upper += x >= n / 2 ? 1 : 0;
  }

  EXPECT_TRUE(inside);
  EXPECT_NEAR(upper, 500, 6 * std::sqrt(250));  // six standard deviations
}

TEST(Random, IsNormalToTheFourthMoment) {
  std::array<double, 4> moment{};
  for (std::uint64_t i = 0; i < kDraws; ++i) {
    const double z = Random(10, Stream::parameters, i).normal();
    moment[0] += z / kDraws;
    moment[1] += z * z / kDraws;
    moment[2] += z * z * z / kDraws;
    moment[3] += z * z * z * z / kDraws;
  }

  EXPECT_NEAR(moment[0], 0, tolerance(1));
  EXPECT_NEAR(moment[1], 1, tolerance(std::sqrt(2)));
  EXPECT_NEAR(moment[2], 0, tolerance(std::sqrt(15)));
  EXPECT_NEAR(moment[3], 3, tolerance(std::sqrt(96)));
}

}  // namespace
}  // namespace kirchhoff
