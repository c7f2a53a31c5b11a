#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <vector>

#include "kirchhoff/base/error.hpp"
#include "kirchhoff/states/draws.hpp"
#include "kirchhoff/validate/compare_rows.hpp"
#include "kirchhoff/validate/nearest_rows.hpp"
#include "kirchhoff/validate/statistics.hpp"

namespace kirchhoff {
namespace {

std::vector<std::uint16_t> draw_rows(const Draws& draws, std::int64_t count) {
  const auto d = static_cast<std::size_t>(draws.space().dimensions());
  std::vector<std::uint16_t> rows(static_cast<std::size_t>(count) * d);
  for (std::int64_t i = 0; i < count; ++i) {
    Random random(5, Stream::target_draw, static_cast<std::uint64_t>(i));
    draws.draw(random, std::span(rows).subspan(static_cast<std::size_t>(i) * d, d));
  }
  return rows;
}

std::vector<double> frequencies(const StateSpace& space, const std::vector<std::uint16_t>& rows) {
  return empirical_mass(space, rows);
}

TEST(Draws, FollowTheMassOfTheirOrigin) {
  const StateSpace space(5, 2);
  constexpr std::int64_t kCount = 100000;
  const double noise = 2 * std::sqrt(25.0 / (2 * 3.14159 * kCount));  // twice what TV shows by chance
  const std::vector<std::uint16_t> rows = {0, 1, 4, 4, 4, 4, 2, 3};
  const auto moons = named_mass(space, "two_moons");

  EXPECT_LT(total_variation(frequencies(space, draw_rows(Draws::from_rows(space, rows), kCount)),
                            empirical_mass(space, rows)),
            noise);
  EXPECT_LT(total_variation(frequencies(space, draw_rows(Draws::named(space, "two_moons"), kCount)), moons), noise);
  EXPECT_LT(total_variation(frequencies(space, draw_rows(Draws::from_mass(space, moons).smoothed(0.5), kCount)),
                            smoothed(moons, 0.5)),
            noise);
  EXPECT_LT(total_variation(frequencies(space, draw_rows(Draws::named(space, "uniform"), kCount)),
                            named_mass(space, "uniform")),
            noise);
}

TEST(Draws, RefuseWhatCannotBeDrawn) {
  const StateSpace space(3, 2);
  EXPECT_THROW(Draws::from_rows(space, {}), Error);
  EXPECT_THROW(Draws::from_rows(space, {0, 3}), Error);
  EXPECT_THROW(Draws::named(space, "two_moon"), Error);
  EXPECT_THROW(Draws::named(StateSpace(2, 40), "two_moons"), Error);
  EXPECT_THROW(Draws::named(StateSpace(2, 40), "normal"), Error);
  EXPECT_NO_THROW(Draws::named(StateSpace(2, 784), "uniform"));
}

TEST(PlanarCode, IsSignAndGrayCode) {
  // |v| / 4.7 * 32768 = 5 -> 0b101 -> Gray 0b111; and the far end of the box.
  const double step = 4.7 / 32768;
  const auto bits = planar_code(-5.5 * step, 100);
  const std::vector<int> x = {1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1};
  for (std::size_t k = 0; k < 16; ++k) EXPECT_EQ(bits[k], x[k]) << k;
  EXPECT_EQ(bits[16], 0);
  EXPECT_EQ(bits[17], 1);  // 32767 has the Gray code 100...0
  for (std::size_t k = 18; k < 32; ++k) EXPECT_EQ(bits[k], 0) << k;

  for (const double v : {-4.6, -1.0, -0.001, 0.001, 0.3, 2.5, 4.699}) {
    const auto point = planar_point(planar_code(v, -v));
    EXPECT_NEAR(point[0], v, step);
    EXPECT_NEAR(point[1], -v, step);
    const auto cell = planar_cell(planar_code(v, -v), 64);
    EXPECT_EQ(cell / 64, static_cast<std::int64_t>(std::floor((v + 4.7) / 9.4 * 64)));
    EXPECT_EQ(cell % 64, static_cast<std::int64_t>(std::floor((-v + 4.7) / 9.4 * 64)));
  }
}

TEST(PlanarCode, DrawsHaveTheCellMassesOfTheDensity) {
  const StateSpace space(2, 32);
  constexpr std::int64_t kCount = 20000;
  for (const std::string name : {"two_spirals", "checkerboard", "eight_gaussians", "swiss_roll"}) {
    const auto masses = planar_cell_masses(name, kPlanarCells);
    const auto rows = draw_rows(Draws::named(space, name), kCount);
    std::vector<double> cells(masses.size(), 0.0);
    for (std::size_t i = 0; i < rows.size(); i += 32) {
      cells[static_cast<std::size_t>(planar_cell(std::span(rows).subspan(i, 32), kPlanarCells))] += 1;
    }
    double chance = 0;  // expected TV of so many draws
    for (const double p : masses) chance += 0.5 * std::sqrt(2 * p * (1 - p) / (3.14159 * kCount));
    const auto found = compare_planar(cells, masses);

    EXPECT_LT(found.tv64, 1.05 * chance) << name;
    EXPECT_LT(found.off_support, 0.002) << name;
  }
  EXPECT_TRUE(planar_cell_masses("uniform", 64).empty());
}

TEST(MmdSquared, HasItsClosedFormOnTwoPoints) {
  using Rows = std::vector<std::uint16_t>;
  const Rows xx = {0, 0, 0, 0, 0, 0, 0, 0};
  const Rows yyy = {0, 1, 1, 1, 0, 1, 1, 1, 0, 1, 1, 1};  // three coordinates away
  const Rows xy = {0, 0, 0, 0, 0, 1, 1, 1};
  const Rows xxy = {0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1};
  const double k = std::exp(-0.3);

  EXPECT_NEAR(mmd_squared(xx, yyy, 4), 2 - 2 * k, 1e-15);       // rounding
  EXPECT_NEAR(mmd_squared(xy, xy, 4), 2 * k - (1 + k), 1e-15);  // unbiased: may be negative
  EXPECT_NEAR(mmd_squared(xxy, xx, 4), (1 + 2 * k) / 3 + 1 - 2 * (2 + k) / 3, 1e-15);
}

TEST(CompareRows, FindsCopiesAndDistances) {
  const std::vector<std::uint16_t> training = {0, 0, 0, 1, 1, 1};
  const std::vector<std::uint16_t> rows = {0, 0, 0, 0, 1, 1, 1, 1, 1, 0, 0, 1};
  const std::vector<int> categories(3, 2);
  const auto found = nearness(MPI_COMM_WORLD, {rows, categories}, {training, categories});

  EXPECT_DOUBLE_EQ(found.mean_distance, 0.5);
  EXPECT_DOUBLE_EQ(found.copies, 0.5);
}

}  // namespace
}  // namespace kirchhoff
