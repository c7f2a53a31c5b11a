#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include "kirchhoff/base/error.hpp"
#include "kirchhoff/io/table/table.hpp"
#include "kirchhoff/states/distribution.hpp"

namespace kirchhoff {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StrEq;
using testing::ThrowsMessage;

const std::vector<std::string> kPlanar = {"two_moons", "swiss_roll",  "circles",     "eight_gaussians",
                                          "pinwheel",  "two_spirals", "checkerboard"};

double mass_at(const std::string& name, std::int64_t row, std::int64_t column) {
  const StateSpace space(50, 2);
  return named_mass(space, name)[static_cast<std::size_t>(row * 50 + column)];
}

double largest_difference(const Mass& a, const std::vector<double>& b) {
  double largest = 0;
  for (std::size_t x = 0; x < a.size(); ++x) largest = std::max(largest, std::abs(a[x] - b[x]));
  return largest;
}

TEST(NamedMass, IsADistributionUnderEveryName) {
  const StateSpace space(9, 2);

  for (const auto& name : named_distributions()) {
    const Mass mass = named_mass(space, name);

    ASSERT_EQ(mass.size(), 81u) << name;
    EXPECT_NEAR(std::accumulate(mass.begin(), mass.end(), 0.0), 1.0, 1e-13) << name;
    EXPECT_GT(*std::min_element(mass.begin(), mass.end()), 0.0) << name;
  }
}

TEST(NamedMass, KnowsTheNamesOfTheDocumentation) {
  const auto names = named_distributions();

  EXPECT_THAT(std::vector<std::string>(names.begin(), names.end()),
              ElementsAre("uniform", "normal", "mixture", "two_moons", "swiss_roll", "circles", "eight_gaussians",
                          "pinwheel", "two_spirals", "checkerboard"));
}

TEST(NamedMass, AgreesWithTheReferenceFiles) {
  const char* folder = std::getenv("KIRCHHOFF_REFERENCE_DATA");
  if (folder == nullptr) GTEST_SKIP() << "KIRCHHOFF_REFERENCE_DATA is not set";
  const std::string toy50 = std::string(folder) + "/toy50/";

  const auto moons = read_table(toy50 + "moons50.csv");
  const auto roll = read_table(toy50 + "swissroll50.csv");
  const auto normal = read_table(toy50 + "normal50_1d.csv");

  ASSERT_EQ(moons.values.size(), 2500u);
  ASSERT_EQ(roll.values.size(), 2500u);
  ASSERT_EQ(normal.values.size(), 50u);
  EXPECT_LT(largest_difference(named_mass(StateSpace(50, 2), "two_moons"), moons.values), 1e-12);
  EXPECT_LT(largest_difference(named_mass(StateSpace(50, 2), "swiss_roll"), roll.values), 1e-12);
  EXPECT_LT(largest_difference(named_mass(StateSpace(50, 1), "normal"), normal.values), 1e-12);
}

// Three cells of the reference files, so that the definition is guarded without them too.
TEST(NamedMass, HasTheCheckValuesOfTheReference) {
  EXPECT_NEAR(mass_at("swiss_roll", 40, 25), 8.393756785e-4, 1e-12);
  EXPECT_NEAR(mass_at("swiss_roll", 25, 40), 2.024963397e-3, 1e-12);
  EXPECT_NEAR(mass_at("two_moons", 10, 25), 1.456749228e-5, 1e-14);
}

// Computed apart from this code, by a plain sum over the formulas of docs/distributions.md.
TEST(NamedMass, FollowsTheFormulasOfTheDocumentation) {
  struct Cell {
    const char* name;
    std::int64_t row;
    std::int64_t column;
    double mass;
  };
  const std::vector<Cell> cells = {
      {"circles", 25, 45, 9.188163266997441e-04},         {"circles", 12, 25, 5.317363233048198e-04},
      {"circles", 30, 33, 1.939865187910109e-03},         {"eight_gaussians", 41, 25, 4.353973196842996e-03},
      {"eight_gaussians", 36, 36, 4.411018931414140e-03}, {"eight_gaussians", 25, 30, 4.033014094047069e-07},
      {"pinwheel", 13, 37, 7.702296189312194e-07},        {"pinwheel", 35, 21, 4.763743938663384e-04},
      {"pinwheel", 33, 30, 3.736809264600508e-03},        {"two_spirals", 25, 25, 5.202528460829488e-04},
      {"two_spirals", 24, 6, 1.147271093407514e-03},      {"two_spirals", 33, 34, 1.748672491405461e-03}};

  for (const auto& cell : cells) {
    const double mass = mass_at(cell.name, cell.row, cell.column);

    EXPECT_NEAR(mass, cell.mass, 1e-12 * cell.mass + 1e-17) << cell.name << " " << cell.row << " " << cell.column;
  }
}

TEST(NamedMass, IsAnExactIntegralSoThatHalvingTheCellsAddsUp) {
  const StateSpace coarse(25, 2);
  const StateSpace fine(50, 2);

  for (const auto& name : named_distributions()) {
    const Mass whole = named_mass(coarse, name);
    const Mass parts = named_mass(fine, name);
    Mass sums(whole.size(), 0.0);
    for (std::size_t x = 0; x < parts.size(); ++x) sums[x / 50 / 2 * 25 + x % 50 / 2] += parts[x];

    EXPECT_LT(largest_difference(whole, sums), 1e-15) << name;
  }
}

TEST(NamedMass, FillsEverySecondSquareOfTheCheckerboard) {
  const Mass mass = named_mass(StateSpace(4, 2), "checkerboard");

  for (std::size_t x = 0; x < 16; ++x) {
    const double expected = (x / 4 + x % 4) % 2 == 0 ? 0.999 / 8 + 0.001 / 16 : 0.001 / 16;
    EXPECT_NEAR(mass[x], expected, 1e-15) << x;
  }
}

TEST(NamedMass, MultipliesTheNormalOverTheCoordinates) {
  const Mass axis = named_mass(StateSpace(7, 1), "normal");
  const StateSpace space(7, 3);

  const Mass mass = named_mass(space, "normal");

  for (std::int64_t x = 0; x < space.size(); ++x) {
    double product = 1;
    for (int d = 0; d < 3; ++d) product *= axis[static_cast<std::size_t>(space.coordinate(x, d))];
    EXPECT_NEAR(mass[static_cast<std::size_t>(x)], product, 1e-15 * product) << x;
  }
}

// By the same plain sum as above.
TEST(NamedMass, MixesThreeNormalsInAnyDimension) {
  const StateSpace space(10, 3);

  const Mass mass = named_mass(space, "mixture");

  const auto at = [&](int i, int j, int k) { return mass[static_cast<std::size_t>(i * 100 + j * 10 + k)]; };
  EXPECT_NEAR(at(2, 2, 2), 4.6204704692657354e-02, 1e-15);
  EXPECT_NEAR(at(2, 7, 7), 1.0592740006019919e-07, 1e-20);
  EXPECT_NEAR(at(5, 4, 5), 1.1407642503687298e-02, 1e-15);
}

TEST(NamedMass, KeepsRelativeAccuracyInTheTails) {
  const std::size_t last = 5999;
  const double left = 3 - 6.0 / 6000;

  const Mass mass = named_mass(StateSpace(6000, 1), "normal");

  const double inside = std::erf(3 / std::sqrt(2.0));
  const double expected = 0.5 * (std::erfc(left / std::sqrt(2.0)) - std::erfc(3 / std::sqrt(2.0))) / inside;
  EXPECT_NEAR(mass[last] / expected, 1.0, 1e-11);
  EXPECT_NEAR(mass[0] / expected, 1.0, 1e-11);
}

TEST(NamedMass, SuggestsTheNearestName) {
  EXPECT_THAT([] { named_mass(StateSpace(50, 2), "two_moon"); },
              ThrowsMessage<Error>(StrEq("unknown distribution 'two_moon', did you mean 'two_moons'?")));
}

TEST(NamedMass, RefusesSpacesOnWhichADensityIsNotDefined) {
  for (const auto& name : kPlanar) {
    EXPECT_THAT([&] { named_mass(StateSpace(50, 3), name); },
                ThrowsMessage<Error>(StrEq(name + " needs space_dimensions 2, got 3")));
    EXPECT_THAT([&] { named_mass(StateSpace(1, 2), name); },
                ThrowsMessage<Error>(StrEq(name + " needs space_categories 2 or more, got 1")));
  }
}

TEST(NamedMass, RefusesASpaceThatNoMemoryHolds) {
  EXPECT_THROW(named_mass(StateSpace(2, 61), "uniform"), Error);
  EXPECT_THROW(named_mass(StateSpace(2, 100), "normal"), Error);
}

TEST(EmpiricalMass, CountsRows) {
  const std::vector<std::uint16_t> samples = {0, 1, 2, 0, 0, 1, 0, 0};

  const Mass mass = empirical_mass(StateSpace(3, 2), samples);

  EXPECT_THAT(mass, ElementsAre(0.25, 0.5, 0, 0, 0, 0, 0.25, 0, 0));
}

TEST(EmpiricalMass, NamesRowAndColumnOfAValueThatIsNoState) {
  const std::vector<std::uint16_t> samples = {0, 1, 2, 3};

  EXPECT_THAT([&] { empirical_mass(StateSpace(3, 2), samples); },
              ThrowsMessage<Error>(StrEq("row 2, column 2: value 3 is not in 0..2")));
}

TEST(EmpiricalMass, NeedsWholeRows) {
  const std::vector<std::uint16_t> samples = {0, 1, 2};

  EXPECT_THAT([&] { empirical_mass(StateSpace(3, 2), samples); },
              ThrowsMessage<Error>(HasSubstr("do not make rows of 2")));
  EXPECT_THAT([] { empirical_mass(StateSpace(3, 2), {}); }, ThrowsMessage<Error>(HasSubstr("no samples")));
}

TEST(Smoothed, MixesInTheUniformDistribution) {
  EXPECT_THAT(smoothed({1, 0, 0, 0}, 0.5), ElementsAre(0.625, 0.125, 0.125, 0.125));
  EXPECT_THAT(smoothed({1, 0}, 0), ElementsAre(1, 0));
  EXPECT_THAT(smoothed({1, 0}, 1), ElementsAre(0.5, 0.5));
}

TEST(Smoothed, RefusesASmoothingThatIsNoShare) {
  for (const double wrong : {-0.1, 1.1, std::numeric_limits<double>::quiet_NaN()}) {
    EXPECT_THAT([&] { smoothed({1, 0}, wrong); }, ThrowsMessage<Error>(HasSubstr("it must be from 0 to 1")));
  }
}

TEST(CheckedMass, DividesByASumThatIsOffByRounding) {
  const Mass mass = checked_mass(StateSpace(2, 1), {0.5, 0.5 + 4e-10}, "q.csv");

  EXPECT_NEAR(mass[0] + mass[1], 1.0, 1e-15);
  EXPECT_NEAR(mass[0] / mass[1], 0.5 / (0.5 + 4e-10), 1e-15);
}

TEST(CheckedMass, NamesWhatIsWrong) {
  const StateSpace space(2, 2);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto check = [&](const Mass& mass) { checked_mass(space, mass, "target file q.csv"); };

  EXPECT_THAT([&] { check({0.5, 0.5}); }, ThrowsMessage<Error>(StrEq("target file q.csv: 2 masses for 4 states")));
  EXPECT_THAT(
      [&] {
        check({0.5, 0.75, -0.25, -1});
      },
      ThrowsMessage<Error>(StrEq("target file q.csv: state 2 (1, 0) has mass -0.25")));
  EXPECT_THAT(
      [&] {
        check({0.5, 0.5, 0, nan});
      },
      ThrowsMessage<Error>(StrEq("target file q.csv: state 3 (1, 1) has mass nan")));
  EXPECT_THAT(
      [&] {
        check({0.25, 0.25, 0, 0});
      },
      ThrowsMessage<Error>(StrEq("target file q.csv: the masses sum to 0.5, not to 1")));
  EXPECT_THAT([&] { check({0.25, 0.25, 0.25, 0.25 + 2e-9}); }, ThrowsMessage<Error>(HasSubstr("not to 1")));
}

}  // namespace
}  // namespace kirchhoff
