#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "kirchhoff/base/error.hpp"
#include "kirchhoff/circuit/nearest.hpp"
#include "oracles.hpp"

namespace kirchhoff {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

using NeighbourRows = std::vector<std::vector<std::int64_t>>;

NeighbourRows rows_of(const Neighbourhoods& found) {
  NeighbourRows rows;
  for (std::size_t x = 0; x + 1 < found.first.size(); ++x) {
    rows.emplace_back(found.other.begin() + found.first[x], found.other.begin() + found.first[x + 1]);
  }
  return rows;
}

/// By sorting all distances of every state.
NeighbourRows sorted_neighbours(const Embedding& embedding, std::int64_t count) {
  const auto d = static_cast<std::size_t>(embedding.dimensions);
  const auto n = embedding.coordinates.size() / d;
  std::vector<std::set<std::int64_t>> joined(n);
  for (std::size_t x = 0; x < n; ++x) {
    std::vector<std::pair<double, std::int64_t>> others;
    for (std::size_t y = 0; y < n; ++y) {
      double square = 0;
      for (std::size_t i = 0; i < d; ++i) {
        const double step = embedding.coordinates[x * d + i] - embedding.coordinates[y * d + i];
        square += step * step;
      }
      if (y != x) others.emplace_back(square, static_cast<std::int64_t>(y));
    }
    std::sort(others.begin(), others.end());
    for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
      const auto y = others[i].second;
      joined[x].insert(y);
      joined[static_cast<std::size_t>(y)].insert(static_cast<std::int64_t>(x));
    }
  }
  NeighbourRows rows;
  for (const auto& row : joined) rows.emplace_back(row.begin(), row.end());
  return rows;
}

TEST(NearestNeighbours, AreThoseOfSortedDistances) {
  const int n = 300;
  for (const int d : {1, 2, 3, 10}) {
    const Embedding points{d, oracles::uniform_numbers(n * d, -3, 2, static_cast<std::uint64_t>(d))};
    for (const std::int64_t k : {1, 7, n - 1}) {
      EXPECT_EQ(rows_of(nearest_neighbours(StateSpace(n, 1), points, k)), sorted_neighbours(points, k))
          << d << " " << k;
    }
  }
}

TEST(NearestNeighbours, TakeTheLowerIndexOfEquallyNear) {
  for (const auto& [s, d] : std::vector<std::pair<int, int>>{{300, 1}, {17, 2}, {6, 3}, {2, 8}}) {
    const StateSpace space(s, d);
    for (const std::int64_t k : {1, 3, 4, 9, 30}) {
      const auto grid = grid_embedding(space);
      EXPECT_EQ(rows_of(nearest_neighbours(space, grid, k)), sorted_neighbours(grid, k)) << s << "^" << d << " " << k;
    }
  }
}

TEST(NearestNeighbours, CountStatesAtOnePlaceByTheirIndex) {
  Embedding points{2, {}};
  for (int x = 0; x < 60; ++x) points.coordinates.insert(points.coordinates.end(), {double(x / 20), 0.0});

  const auto found = rows_of(nearest_neighbours(StateSpace(60, 1), points, 3));

  EXPECT_EQ(found, sorted_neighbours(points, 3));
  EXPECT_THAT(found[1], testing::IsSupersetOf({0, 2, 3}));
  EXPECT_THAT(found[59], ElementsAre(40, 41, 42));
}

TEST(NearestNeighbours, DoNotDependOnTheUnit) {
  const Embedding points{3, oracles::uniform_numbers(3 * 200, -1, 1, 4)};
  const auto expected = rows_of(nearest_neighbours(StateSpace(200, 1), points, 5));
  for (const double unit : {0x1p-900, 0x1p900}) {  // whose squares are not numbers
    auto other = points;
    for (double& c : other.coordinates) c *= unit;

    EXPECT_EQ(rows_of(nearest_neighbours(StateSpace(200, 1), other, 5)), expected) << unit;
  }
}

TEST(NearestNeighbours, OfAGridAreItsNeighbours) {
  const StateSpace space(5, 2);

  const auto found = rows_of(nearest_neighbours(space, grid_embedding(space), 4));

  EXPECT_THAT(found[12], ElementsAre(7, 11, 13, 17));  // in the middle
}

TEST(NearestNeighbours, RefuseWhatIsNoEmbedding) {
  const StateSpace space(3, 1);
  const auto refuse = [&](const Embedding& e, std::int64_t k, const std::string& complaint) {
    EXPECT_THAT([&] { nearest_neighbours(space, e, k); }, ThrowsMessage<Error>(HasSubstr(complaint)));
  };
  const Embedding line{1, {0, 1, 2}};
  refuse(line, 0, "circuit_neighbours is 0: it must be between 1 and the number of other states, 2");
  refuse(line, 3, "circuit_neighbours is 3");
  refuse({1, {0, 1}}, 1, "2 rows for 3 states");
  refuse({2, {0, 1, 2, 3, 4}}, 1, "rows for 3 states");
  refuse({0, {}}, 1, "0 rows for 3 states");
  refuse({2, {0, 1, 2, 3, 4, std::nan("")}}, 1, "row 3, column 2 is nan");
  refuse({1, {0, -HUGE_VAL, 2}}, 1, "row 2, column 1 is -inf");
}

TEST(NearestCouplings, JoinEqualStatesAndNeighbours) {
  const StateSpace space(40, 1);
  const Embedding points{2, oracles::uniform_numbers(80, 0, 1, 6)};
  const auto joined = sorted_neighbours(points, 4);
  const std::vector<double> same = {0.5, 2, 0.5};
  const std::vector<double> change = {8, 4, 8};

  const auto couplings = nearest_couplings(space, nearest_neighbours(space, points, 4), same, change);

  ASSERT_EQ(couplings.size(), 3U);
  for (std::size_t l = 0; l < 3; ++l) {
    Eigen::MatrixXd expected = Eigen::MatrixXd::Identity(40, 40) / same[l];
    for (std::size_t x = 0; x < 40; ++x) {
      for (const auto y : joined[x]) expected(static_cast<Eigen::Index>(x), y) = 1 / change[l];
    }
    Eigen::MatrixXd backward = Eigen::MatrixXd::Zero(40, 40);
    for (int y = 0; y < 40; ++y) couplings[l].backward(y, [&](std::int64_t x, double g) { backward(x, y) += g; });

    EXPECT_EQ(oracles::matrix_of(couplings[l]), expected) << l;
    EXPECT_EQ(backward, expected) << l;
    EXPECT_EQ(couplings[l].edges(), (expected.array() > 0).count()) << l;
    EXPECT_EQ(couplings[l].family(), Family::nearest);
  }
}

TEST(NearestCouplings, RefuseResistancesThatAreNotPositive) {
  const StateSpace space(3, 1);
  const auto neighbourhoods = nearest_neighbours(space, grid_embedding(space), 1);
  EXPECT_THAT([&] { nearest_couplings(space, neighbourhoods, std::vector<double>{0}, std::vector<double>{1}); },
              ThrowsMessage<Error>(HasSubstr("circuit_resistance_same is 0 ohm")));
}

TEST(NearestCouplings, OfClustersFarApartMakeNoCircuit) {
  const StateSpace space(6, 1);
  const Embedding clusters{1, {0, 1, 2, 100, 101, 102}};
  const auto couplings = nearest_couplings(space, nearest_neighbours(space, clusters, 2), std::vector<double>{1, 1},
                                           std::vector<double>{3, 3});
  const Mass mass(6, 1.0 / 6);

  EXPECT_THAT([&] { Circuit(space, couplings, mass, mass); },
              ThrowsMessage<Error>(AllOf(HasSubstr("2 connected components"), HasSubstr("state 3"),
                                         HasSubstr("more circuit_neighbours"))));
}

}  // namespace
}  // namespace kirchhoff
