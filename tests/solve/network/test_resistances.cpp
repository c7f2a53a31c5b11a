// Effective resistances without potentials and currents.
#include <Eigen/Dense>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

#include "kirchhoff/base/error.hpp"
#include "kirchhoff/base/random.hpp"
#include "kirchhoff/io/network/network_files.hpp"
#include "kirchhoff/solve/network/nodal.hpp"
#include "solve/network/resistance_proof.hpp"
#include "solve/network/resistances.hpp"

namespace kirchhoff {
namespace {

NodalSolution only_resistances(MPI_Comm comm, const Netlist& netlist, NodePairs pairs, double approximate = 0,
                               SolveMethod method = SolveMethod::automatic) {
  return solve_network(comm, netlist, {{method, 1e-12}, std::move(pairs), {}, true, approximate});
}

/// A sheet of side x side nodes; resistances over `decades`.
Netlist sheet(int side, double decades) {
  Random random(11, Stream::walk, 0);
  Netlist netlist;
  netlist.origin = "sheet";
  for (int k = 0; k < side * side; ++k) netlist.nodes.push_back(std::to_string(k));
  const auto join = [&](int a, int b) {
    netlist.resistors.add(a, b, std::pow(10.0, decades * (random.uniform() - 0.5)));
  };
  for (int k = 0; k < side * side; ++k) {
    if ((k + 1) % side != 0) join(k, k + 1);
    if (k + side < side * side) join(k, k + side);
  }
  return netlist;
}

/// The inverse of the Laplacian without its last row, in long double.
class DenseResistances {
 public:
  explicit DenseResistances(const Netlist& netlist) : n_(static_cast<Eigen::Index>(netlist.nodes.size())) {
    Matrix a = Matrix::Zero(n_, n_);
    const auto& r = netlist.resistors;
    for (std::size_t k = 0; k < r.size(); ++k) {
      const auto g = static_cast<long double>(r.value[k]);
      a(r.tail[k], r.tail[k]) += g;
      a(r.head[k], r.head[k]) += g;
      a(r.tail[k], r.head[k]) -= g;
      a(r.head[k], r.tail[k]) -= g;
    }
    inverse_ = Matrix::Zero(n_, n_);
    inverse_.topLeftCorner(n_ - 1, n_ - 1) = a.topLeftCorner(n_ - 1, n_ - 1).inverse();
  }
  double of(std::int64_t i, std::int64_t j) const {
    return static_cast<double>(inverse_(i, i) + inverse_(j, j) - 2 * inverse_(i, j));
  }

 private:
  using Matrix = Eigen::Matrix<long double, Eigen::Dynamic, Eigen::Dynamic>;
  Eigen::Index n_;
  Matrix inverse_;
};

TEST(Resistances, AreThoseOfSeriesAndParallel) {
  // A ring of 6 resistors of 1 ohm, and a component apart of 2 ohm.
  const auto netlist = parse_edge_list("0 1 1\n1 2 1\n2 3 1\n3 4 1\n4 5 1\n5 0 1\n7 8 2\n", "g.txt");
  auto pairs = all_pairs(netlist);
  pairs.emplace_back(3, 3);

  const auto solution = only_resistances(MPI_COMM_WORLD, netlist, pairs);

  ASSERT_EQ(solution.pair_resistance.size(), pairs.size());
  ASSERT_EQ(solution.pair_error.size(), pairs.size());
  for (std::size_t k = 0; k < pairs.size(); ++k) {
    const auto [i, j] = pairs[k];
    const double steps = static_cast<double>(j - i);
    const double expected = i < 6 && j < 6 ? steps * (6 - steps) / 6 : (i >= 6 && j >= 6 ? 2 : -1);
    EXPECT_NEAR(solution.pair_resistance[k], expected, 1e-14) << i << " " << j;
    EXPECT_LE(solution.pair_error[k], 1e-13) << i << " " << j;
  }
  EXPECT_TRUE(solution.pair_potential.empty());
  EXPECT_TRUE(solution.pair_current.empty());
}

TEST(Resistances, AgreeWithADenseInverseWithinTheErrorThatTheyState) {
  const auto netlist = sheet(9, 4);
  const DenseResistances expected(netlist);
  const NodePairs few = {{0, 80}, {3, 4}, {80, 40}, {17, 18}};
  for (const auto& pairs : {few, all_pairs(netlist), edge_pairs(netlist)}) {
    for (const auto method : {SolveMethod::automatic, SolveMethod::krylov}) {
      const auto solution = only_resistances(MPI_COMM_WORLD, netlist, pairs, 0, method);

      double worst = 0;
      double beyond = 0;
      for (std::size_t k = 0; k < pairs.size(); ++k) {
        const double ohm = expected.of(pairs[k].first, pairs[k].second);
        const double error = std::abs(solution.pair_resistance[k] - ohm);
        worst = std::max(worst, solution.pair_error[k] / ohm);
        beyond = std::max(beyond, (error - solution.pair_error[k]) / ohm);
      }
      EXPECT_LE(worst, 1e-11);
      EXPECT_NEAR(solution.resistance_error, worst, 1e-6 * worst);
      EXPECT_LE(beyond, 1e-15);  // the oracle's own
      // One right-hand side for each node where pairs share them, else for each pair.
      EXPECT_EQ(solution.solves, static_cast<std::int64_t>(pairs.size() > 1000 ? 80 : pairs.size()));
    }
  }
}

TEST(Resistances, AreThoseOfTheFieldsWhereTiesAndGroundMergeNodes) {
  const auto netlist = parse_spice(
      "t\nV1 a 0 5\nR1 a b 3\nR2 b c 7\nVv c d 0\nR3 d 0 11\nRz d e 0\nR4 e f 2\nR5 f b 1\nI1 0 f 2\nR6 x y 4\n",
      "a.sp");
  const auto pairs = all_pairs(netlist);

  const auto solution = only_resistances(MPI_COMM_WORLD, netlist, pairs);

  const auto fields = solve_network(MPI_COMM_WORLD, netlist, {{}, pairs});
  ASSERT_EQ(solution.pair_resistance.size(), fields.pair_resistance.size());
  for (std::size_t k = 0; k < pairs.size(); ++k) {
    EXPECT_NEAR(solution.pair_resistance[k], fields.pair_resistance[k], 1e-14) << k;
  }
  EXPECT_EQ(solution.potential, fields.potential);  // the network's own sources are solved for too
}

TEST(Resistances, AreRightOrSolvedInMoreDigitsWhateverTheResistances) {
  // Chains in parallel with nothing: resistances add up.
  for (const double ratio : {1e9, 1e-9, 1e15, 1e-15}) {
    Netlist chain;
    chain.origin = "chain";
    std::vector<double> along = {0};
    for (int k = 0; k < 12; ++k) {
      const double ohm = k % 3 == 0 ? ratio : 1.0 + k;
      chain.nodes.push_back(std::to_string(k));
      chain.resistors.add(k, k + 1, 1 / ohm);
    }
    chain.nodes.emplace_back("12");
    const NodePairs pairs = {{0, 12}, {1, 2}, {3, 4}, {2, 10}, {5, 6}};

    const auto solution = only_resistances(MPI_COMM_WORLD, chain, pairs);

    for (std::size_t p = 0; p < pairs.size(); ++p) {
      double expected = 0;
      for (auto k = pairs[p].first; k < pairs[p].second; ++k) {
        expected += 1 / chain.resistors.value[static_cast<std::size_t>(k)];
      }
      EXPECT_NEAR(solution.pair_resistance[p] / expected, 1, 1e-11) << ratio << " " << p;
      EXPECT_LE(solution.pair_error[p], 1e-11 * expected) << ratio << " " << p;
    }
  }
}

TEST(Resistances, OfAllEdgesSumToTheNumberOfUnknowns) {
  const auto netlist = sheet(15, 2);
  const auto pairs = edge_pairs(netlist);

  const auto solution = only_resistances(MPI_COMM_WORLD, netlist, pairs);

  double sum = 0;  // R. M. Foster's theorem
  for (std::size_t k = 0; k < pairs.size(); ++k) sum += netlist.resistors.value[k] * solution.pair_resistance[k];
  EXPECT_NEAR(sum, 224, 1e-9);
}

TEST(Resistances, AreApproximateAsOftenAsStatedOnAnyNumberOfRanks) {
  const auto netlist = sheet(20, 2);
  const auto pairs = edge_pairs(netlist);
  const auto exact = only_resistances(MPI_COMM_WORLD, netlist, pairs);

  const auto rough = only_resistances(MPI_COMM_WORLD, netlist, pairs, 0.1);
  const auto alone = only_resistances(MPI_COMM_SELF, netlist, pairs, 0.1);

  std::size_t within = 0;
  for (std::size_t k = 0; k < pairs.size(); ++k) {
    const double off = std::abs(rough.pair_resistance[k] / exact.pair_resistance[k] - 1);
    if (off <= 0.1) ++within;
    EXPECT_LE(off, 0.3);  // 6 standard deviations
    EXPECT_NEAR(rough.pair_resistance[k] / alone.pair_resistance[k], 1, 1e-9);
  }
  EXPECT_GE(static_cast<double>(within), 0.92 * static_cast<double>(pairs.size()));
  EXPECT_EQ(rough.projections, projections(0.1));
  EXPECT_EQ(rough.confidence, 0.95);
}

TEST(Resistances, TakeAsManyProjectionsAsChiSquaredSays) {
  // The normal law's two sides of 95 percent, 1.96 standard deviations of sqrt(2 / k).
  for (const double error : {0.3, 0.1, 0.03}) {
    EXPECT_NEAR(static_cast<double>(projections(error)) * error * error / (2 * 1.96 * 1.96), 1, 0.02) << error;
  }
}

TEST(ResistanceProof, BoundsTheErrorOfPotentialsThatAreWrong) {
  const auto netlist = sheet(8, 3);
  const auto reduction = reduce(netlist);
  const auto rows = reduced_rows(netlist, reduction, {0, reduction.rows});
  const DenseResistances expected(netlist);
  const std::vector<NodePairs::value_type> pairs = {{0, 63}, {1, 2}, {30, 7}};
  const auto fields = solve_network(MPI_COMM_SELF, netlist, {{}, pairs});
  Random random(5, Stream::walk, 1);
  for (const double noise : {0.0, 1e-8, 1e-5, 1e-3}) {
    std::vector<RowPair> asked;
    std::vector<double> x(pairs.size() * 63);
    for (std::size_t p = 0; p < pairs.size(); ++p) {
      asked.emplace_back(reduction.row[at(pairs[p].first)], reduction.row[at(pairs[p].second)]);
      const double* potential = &fields.pair_potential[p * 64];
      double pinned = 0;
      for (std::size_t k = 0; k < 64; ++k) pinned = reduction.row[k] < 0 ? potential[k] : pinned;
      for (std::size_t k = 0; k < 64; ++k) {
        if (reduction.row[k] < 0) continue;
        x[p * 63 + at(reduction.row[k])] = potential[k] - pinned + noise * random.normal();
      }
    }
    ResistanceProof proof(reduction, rows);
    std::vector<JudgedResistance> judged(pairs.size());

    proof.judge(asked, x.data(), nullptr, judged);

    for (std::size_t p = 0; p < pairs.size(); ++p) {
      const double ohm = expected.of(pairs[p].first, pairs[p].second);
      EXPECT_LE(std::abs(judged[p].ohm - ohm), judged[p].error) << noise;
      EXPECT_LE(judged[p].ohm, ohm * (1 + 1e-14)) << noise;                            // Dirichlet's principle
      EXPECT_LE(std::abs(judged[p].ohm - ohm), 1e6 * noise * noise + 1e-13) << noise;  // of second order
    }
  }
}

}  // namespace
}  // namespace kirchhoff
