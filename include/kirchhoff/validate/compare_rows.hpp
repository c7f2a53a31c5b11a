#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace kirchhoff {

// Sets of states given by their coordinates (count x D, row-major), where states may be too many to have indices.
// Local.

/// Unbiased estimate of MMD^2 (Gretton et al., JMLR 2012, lemma 6) with the kernel exp(-0.1 d), d the Hamming distance.
double mmd_squared(std::span<const std::uint16_t> a, std::span<const std::uint16_t> b, int dimensions);

/// Points of the plane coded in bits (codes_plane) against a density, on the 64 x 64 grid over the code's box.
struct PlanarComparison {
  double tv64 = 0;         // 1/2 sum |h - q|
  double off_support = 0;  // share in cells of less than 1e-6 of the density's mass, where 40,000 draws show nothing
};
/// @param histogram counts of the 64 x 64 cells.
PlanarComparison compare_planar(std::span<const double> histogram, std::span<const double> masses);
inline constexpr int kPlanarCells = 64;

}  // namespace kirchhoff
