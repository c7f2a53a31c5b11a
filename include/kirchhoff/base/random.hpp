#pragma once

#include <Random123/philox.h>

#include <cmath>
#include <cstdint>
#include <numbers>

namespace kirchhoff {

/// Names of independent random streams; a stream's numbers never depend on what other streams drew.
enum class Stream : std::uint32_t {
  walk = 1,
  parameters = 2,
  batch = 3,
  resistance = 4,
  target_draw = 5,
  pair = 6,
  dropout = 7,
  jitter = 8,
  projection = 9
};

/// Random numbers as a pure function of (seed, stream, index): the same on any number of ranks.
///
/// Philox4x32-10 (Salmon et al., SC 2011): the key is the seed, the counter is (index, stream, block).
class Random {
 public:
  Random(std::uint64_t seed, Stream stream, std::uint64_t index)
      : key_{{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)}},
        counter_{{0, static_cast<std::uint32_t>(stream), static_cast<std::uint32_t>(index),
                  static_cast<std::uint32_t>(index >> 32)}} {}

  /// The next 64 bits of this index.
  std::uint64_t bits() {
    if (used_ == 2) {
      block_ = generator_(counter_, key_);
      ++counter_.v[0];
      used_ = 0;
    }
    const auto* word = &block_.v[2 * used_++];
    return (static_cast<std::uint64_t>(word[0]) << 32) | word[1];
  }

  /// Uniform in [0, 1), a multiple of 2^-53.
  double uniform() { return static_cast<double>(bits() >> 11) * 0x1.0p-53; }

  /// Uniform in {0..n-1}; n > 0. The bias is below n / 2^64.
  std::int64_t below(std::int64_t n) {
    __extension__ using Wide = unsigned __int128;
    return static_cast<std::int64_t>((static_cast<Wide>(bits()) * static_cast<std::uint64_t>(n)) >> 64);
  }

  /// Standard normal by Box-Muller.
  double normal() {
    const double u = 1.0 - uniform();
    return std::sqrt(-2.0 * std::log(u)) * std::cos(2.0 * std::numbers::pi * uniform());
  }

 private:
  r123::Philox4x32 generator_;
  r123::Philox4x32::key_type key_;
  r123::Philox4x32::ctr_type counter_;
  r123::Philox4x32::ctr_type block_{};
  int used_ = 2;
};

}  // namespace kirchhoff
