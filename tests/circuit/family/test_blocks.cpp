#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "kirchhoff/base/error.hpp"
#include "kirchhoff/circuit/family/blocks.hpp"
#include "kirchhoff/solve/solve.hpp"
#include "oracles.hpp"

namespace kirchhoff {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::int64_t> members(const Groups& groups, std::int64_t group) {
  std::vector<std::int64_t> all;
  for (std::int64_t i = 0; i < groups.size(group); ++i) all.push_back(groups.member(group, i));
  return all;
}

TEST(Groups, OfACoordinateAreItsCategories) {
  const auto groups = Groups::by_coordinate(StateSpace(2, 3), 1);  // x = 4 a + 2 b + c

  EXPECT_EQ(groups.count(), 2);
  EXPECT_THAT(members(groups, 0), ElementsAre(0, 1, 4, 5));
  EXPECT_THAT(members(groups, 1), ElementsAre(2, 3, 6, 7));
  for (std::int64_t x = 0; x < 8; ++x) EXPECT_EQ(groups.of(x), x / 2 % 2) << x;
}

TEST(Groups, OfLabelsAreNumberedByLabel) {
  const auto groups = Groups::by_label(std::vector<std::int64_t>{30, -5, 30, 8, -5, 30});

  EXPECT_EQ(groups.count(), 3);
  EXPECT_THAT(members(groups, 0), ElementsAre(1, 4));
  EXPECT_THAT(members(groups, 1), ElementsAre(3));
  EXPECT_THAT(members(groups, 2), ElementsAre(0, 2, 5));
  EXPECT_EQ(groups.stride(), 0);
}

TEST(Groups, SideBySideAndOfOneSizeLieAsThoseOfACoordinate) {
  EXPECT_EQ(Groups::by_label(std::vector<std::int64_t>{4, 4, 4, 9, 9, 9}).stride(), 3);
  EXPECT_EQ(Groups::by_label(std::vector<std::int64_t>{4, 4, 9, 9, 9, 9}).stride(), 0);
  EXPECT_EQ(Groups::by_label(std::vector<std::int64_t>{9, 9, 4, 4}).stride(), 0);  // numbered by label
}

TEST(Groups, RefuseACoordinateThatIsNotThere) {
  try {
    Groups::by_coordinate(StateSpace(2, 3), 3);
    FAIL();
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), HasSubstr("circuit_group_coordinate is 3"));
  }
}

TEST(Blocks, RowSumsAreThoseOfTheDefinition) {
  for (const auto& [name, circuit] : oracles::examples()) {
    if (circuit.family() != Family::blocks) continue;
    for (int l = 0; l < circuit.layers(); ++l) {
      for (std::int64_t x = 0; x < circuit.states(); ++x) {
        const double sum = circuit.matrices[static_cast<std::size_t>(l)].row(x).sum();
        EXPECT_NEAR(circuit.coupling(l).row_sum(x), sum, 1e-14 * sum) << name;
      }
    }
  }
}

TEST(Blocks, HaveModesWhereGroupsAreSideBySideAndAllLayersAlike) {
  const StateSpace space(6, 1);
  const auto method = [&](const std::vector<std::int64_t>& labels, const std::vector<double>& within) {
    const auto groups = std::make_shared<const Groups>(Groups::by_label(labels));
    std::vector<Coupling> couplings;
    for (const double r : within) couplings.push_back(Coupling::blocks(space, 1, r, 40, groups));
    const Circuit circuit(space, couplings, oracles::mass_with_zeros(space, 1), oracles::mass_with_zeros(space, 2));
    return solve(MPI_COMM_WORLD, circuit, {}).report;
  };

  EXPECT_EQ(method({0, 0, 1, 1, 2, 2}, {5, 5}).method, "spectral");
  const auto uneven = method({0, 0, 0, 1, 2, 2}, {5, 5});
  EXPECT_THAT(uneven.method, HasSubstr("cg"));
  EXPECT_THAT(uneven.reason, HasSubstr("the groups have no modes in common"));
  EXPECT_THAT(method({0, 0, 1, 1, 2, 2}, {5, 7}).method, HasSubstr("cg"));
}

TEST(Blocks, OfEqualResistancesWithinAndWithoutAreDense) {
  const StateSpace space(5, 2);
  const auto groups = std::make_shared<const Groups>(Groups::by_coordinate(space, 0));
  const auto p = oracles::mass_with_zeros(space, 1);
  const auto q = oracles::mass_with_zeros(space, 2);
  const Circuit blocks(space, {3, Coupling::blocks(space, 1, 20, 20, groups)}, p, q);
  const Circuit dense(space, {3, Coupling::dense(space, 1, 20)}, p, q);

  const auto a = solve(MPI_COMM_WORLD, blocks, {});
  const auto b = solve(MPI_COMM_WORLD, dense, {});

  for (std::size_t v = 0; v < a.potential.data().size(); ++v) {
    EXPECT_NEAR(a.potential.data()[v], b.potential.data()[v], 1e-14) << v;
  }
}

}  // namespace
}  // namespace kirchhoff
