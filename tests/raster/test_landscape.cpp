#include <Eigen/Dense>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "kirchhoff/raster/landscape.hpp"
#include "kirchhoff/solve/network/nodal.hpp"

namespace kirchhoff {
namespace {

using testing::ElementsAre;

constexpr std::int64_t kRows = 7;
constexpr std::int64_t kColumns = 6;

Landscape random_landscape(unsigned seed, bool diagonal, bool average_resistance, double empty) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> uniform(0, 1);
  Landscape landscape;
  landscape.shape.rows = kRows;
  landscape.shape.columns = kColumns;
  landscape.diagonal = diagonal;
  landscape.average_resistance = average_resistance;
  for (std::int64_t cell = 0; cell < kRows * kColumns; ++cell) {
    landscape.conductance.push_back(uniform(random) < empty ? 0 : std::exp(4 * uniform(random) - 2));
  }
  return landscape;
}

/// The circuit by its definition, every cell against every other; cells of a region share an unknown.
struct DenseRaster {
  std::vector<Eigen::Index> unknown;  // (cells) -1: none
  Eigen::MatrixXd laplacian;

  DenseRaster(const Landscape& landscape, const std::vector<std::vector<std::int64_t>>& regions) {
    const auto cells = landscape.shape.cells();
    unknown.assign(static_cast<std::size_t>(cells), -1);
    Eigen::Index count = 0;
    for (std::int64_t cell = 0; cell < cells; ++cell) {
      if (landscape.conductance[static_cast<std::size_t>(cell)] > 0) unknown[static_cast<std::size_t>(cell)] = count++;
    }
    for (int pass = 0; pass < 3; ++pass) {  // regions that overlap become one
      for (const auto& region : regions) {
        Eigen::Index least = -1;
        for (const auto cell : region) least = std::max(least, unknown[static_cast<std::size_t>(cell)]);
        for (const auto cell : region) {
          const auto old = unknown[static_cast<std::size_t>(cell)];
          for (auto& u : unknown) {
            if (old >= 0 && u == old) u = least;
          }
          unknown[static_cast<std::size_t>(cell)] = least;
        }
      }
    }
    laplacian.setZero(count, count);
    for (std::int64_t a = 0; a < cells; ++a) {
      for (std::int64_t b = a + 1; b < cells; ++b) {
        const auto down = b / kColumns - a / kColumns;
        const auto right = std::abs(b % kColumns - a % kColumns);
        const auto distance = down + right;
        if (down > 1 || right > 1 || distance == 0 || (distance == 2 && !landscape.diagonal)) continue;
        join(landscape, a, b, std::sqrt(static_cast<double>(distance)));
      }
    }
  }

  void join(const Landscape& landscape, std::int64_t a, std::int64_t b, double length) {
    const auto i = unknown[static_cast<std::size_t>(a)];
    const auto j = unknown[static_cast<std::size_t>(b)];
    if (i < 0 || j < 0 || i == j) return;
    const double g = landscape.conductance[static_cast<std::size_t>(a)];
    const double h = landscape.conductance[static_cast<std::size_t>(b)];
    double joint = (g + h) / 2;
    if (landscape.average_resistance) joint = g == 0 || h == 0 ? 0 : 1 / ((1 / g + 1 / h) / 2);
    joint /= length;
    laplacian(i, i) += joint;
    laplacian(j, j) += joint;
    laplacian(i, j) -= joint;
    laplacian(j, i) -= joint;
  }

  /// 1 A from `low` into `high`, v(low) = 0; unknowns that are no cell's, or not joined, are at 0.
  Eigen::VectorXd potentials(Eigen::Index low, Eigen::Index high) const {
    Eigen::MatrixXd a = laplacian;
    Eigen::VectorXd b = Eigen::VectorXd::Zero(a.rows());
    b(high) = 1;
    a.row(low).setZero();
    a(low, low) = 1;
    return Eigen::MatrixXd(a).completeOrthogonalDecomposition().solve(b);
  }
  double through(const Eigen::VectorXd& v, Eigen::Index i) const {
    double in = 0;
    double out = 0;
    for (Eigen::Index j = 0; j < v.size(); ++j) {
      if (j == i) continue;
      const double ampere = -laplacian(i, j) * (v(j) - v(i));
      in += std::max(ampere, 0.0);
      out += std::max(-ampere, 0.0);
    }
    return std::max(in, out);
  }
};

void compare_with_dense(const Landscape& landscape, const std::vector<std::vector<std::int64_t>>& regions) {
  Regions joined(landscape.shape.cells());
  for (const auto& region : regions) joined.join(region);
  const auto nodes = raster_nodes(landscape, joined);
  const auto network = raster_network(landscape, nodes, std::vector<char>(static_cast<std::size_t>(nodes.parts), 1));
  const DenseRaster dense(landscape, regions);
  std::int64_t low = 0;
  while (network.node[static_cast<std::size_t>(low)] < 0) ++low;
  const auto at_low = network.node[static_cast<std::size_t>(low)];
  std::vector<std::int64_t> cells;
  NodalOptions options;
  for (std::int64_t cell = low + 1; cell < landscape.shape.cells(); ++cell) {
    const auto node = network.node[static_cast<std::size_t>(cell)];
    ASSERT_EQ(node < 0, dense.unknown[static_cast<std::size_t>(cell)] < 0) << cell;
    ASSERT_EQ(node == at_low,
              dense.unknown[static_cast<std::size_t>(cell)] == dense.unknown[static_cast<std::size_t>(low)]);
    const bool reached = node >= 0 && node != at_low && nodes.part[static_cast<std::size_t>(node)] == nodes.part[0];
    if (!reached || cell % 5 != 0) continue;
    cells.push_back(cell);
    options.pairs.emplace_back(node, at_low);
  }
  std::size_t seen = 0;
  options.each_pair = [&](const PairAnswer& answer) {
    ++seen;
    const auto comm = MPI_COMM_WORLD;
    const auto mine =
        partition(static_cast<std::int64_t>(network.netlist.resistors.size()), size_of(comm), rank_of(comm));
    const auto through = current_through_nodes(comm, network.netlist, mine, answer.current);
    const auto v = dense.potentials(dense.unknown[static_cast<std::size_t>(low)],
                                    dense.unknown[static_cast<std::size_t>(cells[answer.pair])]);
    const double ohm = v(dense.unknown[static_cast<std::size_t>(cells[answer.pair])]);
    EXPECT_NEAR(answer.resistance, ohm, 1e-11 * ohm);
    for (std::int64_t cell = 0; cell < landscape.shape.cells(); ++cell) {
      const auto node = network.node[static_cast<std::size_t>(cell)];
      if (node < 0 || nodes.part[static_cast<std::size_t>(node)] != nodes.part[0]) continue;
      EXPECT_NEAR(through[static_cast<std::size_t>(node)],
                  dense.through(v, dense.unknown[static_cast<std::size_t>(cell)]), 1e-10)
          << cell;
    }
  };
  const auto solution = solve_network(MPI_COMM_WORLD, network.netlist, options);
  EXPECT_EQ(seen, options.pairs.size());
  EXPECT_TRUE(solution.pair_current.empty());
  EXPECT_LE(solution.report.relative_residual, 1e-12);
}

TEST(Landscape, CircuitsAreThoseOfDenseAlgebra) {
  for (unsigned kind = 0; kind < 8; ++kind) {
    SCOPED_TRACE(kind);
    const auto landscape = random_landscape(kind, (kind & 1) != 0, (kind & 2) != 0, (kind & 4) != 0 ? 0.2 : 0.0);
    compare_with_dense(landscape, {});
    compare_with_dense(landscape, {{8, 9, 14}, {14, 30, 31}, {20, 35}});  // two that overlap, one far apart
  }
}

TEST(Landscape, RegionsTakeCellsWithoutDataOnlyBesideOneWithData) {
  auto landscape = random_landscape(3, true, false, 0);
  for (const int cell : {0, 1, 6, 7, 20, 21}) landscape.conductance[static_cast<std::size_t>(cell)] = 0;
  Regions regions(landscape.shape.cells());
  regions.join(std::vector<std::int64_t>{7, 8});    // one has data
  regions.join(std::vector<std::int64_t>{20, 21});  // none has
  const auto nodes = raster_nodes(landscape, regions);
  EXPECT_EQ(nodes.node[7], nodes.node[8]);
  EXPECT_GE(nodes.node[7], 0);
  EXPECT_EQ(nodes.node[20], -1);
  EXPECT_EQ(nodes.node[0], -1);
  EXPECT_EQ(nodes.count, kRows * kColumns - 6);
  compare_with_dense(landscape, {{7, 8}, {20, 21}});
  landscape.average_resistance = true;  // then nothing crosses from a cell without data
  compare_with_dense(landscape, {{7, 8}, {20, 21}});
}

TEST(Landscape, PartsThatAreNotKeptAreNotInTheCircuit) {
  auto landscape = random_landscape(5, false, true, 0);
  for (std::int64_t column = 0; column < kColumns; ++column) {
    landscape.conductance[static_cast<std::size_t>(3 * kColumns + column)] = 0;
  }
  const auto nodes = raster_nodes(landscape, Regions(landscape.shape.cells()));
  EXPECT_EQ(nodes.parts, 2);
  const auto network = raster_network(landscape, nodes, std::vector<char>{0, 1});
  EXPECT_EQ(network.netlist.nodes.size(), 18U);
  EXPECT_EQ(network.node[0], -1);
  EXPECT_EQ(network.netlist.nodes[0], "5_1");
  EXPECT_EQ(network.netlist.resistors.size(), 3U * 5 + 2U * 6);
}

TEST(Regions, OverlapMakesOne) {
  Regions regions(6);
  EXPECT_EQ(regions.of(0), -1);
  const std::vector<std::int32_t> number = {0, 4, 4, 0, -2, 0};
  regions.add(number);
  EXPECT_EQ(regions.of(1), regions.of(2));
  EXPECT_NE(regions.of(1), regions.of(4));
  regions.join(std::vector<std::int64_t>{2, 4, 5});
  EXPECT_EQ(regions.of(1), regions.of(4));
  EXPECT_EQ(regions.of(5), regions.of(1));
  EXPECT_EQ(regions.of(3), -1);
}

}  // namespace
}  // namespace kirchhoff
