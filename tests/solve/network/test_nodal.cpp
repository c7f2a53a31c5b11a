#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "base/double2.hpp"
#include "kirchhoff/base/error.hpp"
#include "kirchhoff/base/random.hpp"
#include "kirchhoff/io/network/network_files.hpp"
#include "kirchhoff/solve/network/nodal.hpp"
#include "oracles.hpp"

namespace kirchhoff {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr double kAgreement = 1e-12;  // the program's potentials are right to rounding

NodalSolution solved(const Netlist& netlist, NodePairs pairs = {}, SolveMethod method = SolveMethod::automatic) {
  return solve_network(MPI_COMM_WORLD, netlist, {{method, 1e-12}, std::move(pairs)});
}
NodalSolution solved(const std::string& spice) { return solved(parse_spice("title\n" + spice, "a.sp")); }

std::int64_t node(const Netlist& netlist, const std::string& name) {
  const auto found = std::find(netlist.nodes.begin(), netlist.nodes.end(), name);
  EXPECT_NE(found, netlist.nodes.end()) << name;
  return found - netlist.nodes.begin();
}

/// Modified nodal analysis with dense long doubles, as in a textbook: unknowns are all potentials and the currents of
/// all ideal elements; ground's row says v = 0.
std::vector<double> oracle(const Netlist& netlist) {
  using Real = long double;
  const auto n = static_cast<Eigen::Index>(netlist.nodes.size());
  std::vector<std::array<double, 3>> ideal;
  const auto& r = netlist.resistors;
  const auto& v = netlist.voltages;
  for (std::size_t k = 0; k < v.size(); ++k) {
    ideal.push_back({static_cast<double>(v.tail[k]), static_cast<double>(v.head[k]), v.value[k]});
  }
  for (std::size_t k = 0; k < r.size(); ++k) {
    if (std::isinf(r.value[k])) ideal.push_back({static_cast<double>(r.tail[k]), static_cast<double>(r.head[k]), 0});
  }
  const auto size = n + static_cast<Eigen::Index>(ideal.size());
  Eigen::Matrix<Real, Eigen::Dynamic, Eigen::Dynamic> a(size, size);
  Eigen::Matrix<Real, Eigen::Dynamic, 1> b(size);
  a.setZero();
  b.setZero();
  for (std::size_t k = 0; k < r.size(); ++k) {
    if (std::isinf(r.value[k])) continue;
    const auto [i, j, g] = std::tuple(r.tail[k], r.head[k], static_cast<Real>(r.value[k]));
    a(i, i) += g;
    a(j, j) += g;
    a(i, j) -= g;
    a(j, i) -= g;
  }
  for (std::size_t k = 0; k < netlist.currents.size(); ++k) {
    if (netlist.currents.tail[k] >= 0) b(netlist.currents.tail[k]) -= netlist.currents.value[k];
    b(netlist.currents.head[k]) += netlist.currents.value[k];
  }
  for (std::size_t k = 0; k < ideal.size(); ++k) {
    const auto row = n + static_cast<Eigen::Index>(k);
    const auto i = static_cast<Eigen::Index>(ideal[k][0]);
    const auto j = static_cast<Eigen::Index>(ideal[k][1]);
    a(row, i) += 1;
    a(row, j) -= 1;
    a(i, row) += 1;
    a(j, row) -= 1;
    b(row) = ideal[k][2];
  }
  if (netlist.ground >= 0) {
    a.row(netlist.ground).setZero();
    a(netlist.ground, netlist.ground) = 1;
    b(netlist.ground) = 0;
  }
  const Eigen::VectorXd x = a.fullPivLu().solve(b).template cast<double>();
  return oracles::to_vector(x.head(n));
}

TEST(Nodal, HasTheAnswersOfTheTextbook) {
  const auto divider = solved("V1 a 0 10\nR1 a b 1k\nR2 b 0 3k\n");
  const auto source = solved("I1 0 a 2m\nR1 a b 1k\nR2 b 0 3k\n");

  EXPECT_NEAR(divider.potential[2], 7.5, 1e-14);
  EXPECT_NEAR(divider.current[0], 2.5e-3, 1e-17);
  EXPECT_NEAR(divider.delivered[0], 2.5e-3, 1e-17);
  EXPECT_EQ(divider.report.unknowns, 1);
  EXPECT_EQ(divider.report.components, 1);
  EXPECT_NEAR(source.potential[1], 8, 1e-14);
  EXPECT_NEAR(source.potential[2], 6, 1e-14);
  EXPECT_LE(source.report.energy_relative_error, 1e-14);
}

TEST(Nodal, MergesWhatIsTiedAndFindsTheCurrentsOfTies) {
  // a and b are one by a source of 0 V, c and d by 0 ohm; all current goes through both.
  const auto netlist = parse_spice("t\nI1 0 a 1\nVvia a b 0\nR1 b c 2\nRz c d 0\nR2 d 0 3\n", "a.sp");

  const auto solution = solved(netlist);

  EXPECT_EQ(solution.report.unknowns, 2);
  EXPECT_NEAR(solution.potential[node(netlist, "a")], 5, 1e-14);
  EXPECT_EQ(solution.potential[node(netlist, "a")], solution.potential[node(netlist, "b")]);
  EXPECT_EQ(solution.potential[node(netlist, "c")], solution.potential[node(netlist, "d")]);
  EXPECT_NEAR(solution.current[1], 1, 1e-14);     // from c to d
  EXPECT_NEAR(solution.delivered[0], -1, 1e-14);  // the source takes it in at a
  EXPECT_EQ(solution.undetermined, 0);
}

TEST(Nodal, HandlesFloatingSourcesExactly) {
  // A chain of sources to ground, a floating one between two dividers, and one that only raises a dangling node.
  const auto netlist = parse_spice(
      "t\nV1 a 0 1\nV2 b a 0.5\nV3 b c -2\nR1 c d 3\nR2 d 0 5\nVf d e 0.25\nR3 e f 2\nR4 f 0 1\nVx g f 7\n", "a.sp");

  const auto solution = solved(netlist);

  EXPECT_LT(oracles::relative_difference(solution.potential, oracle(netlist)), kAgreement);
  EXPECT_NEAR(solution.potential[node(netlist, "c")], 3.5, 1e-15);
  EXPECT_NEAR(solution.potential[node(netlist, "g")] - solution.potential[node(netlist, "f")], 7, 1e-14);
  EXPECT_NEAR(solution.delivered[4], 0, 1e-15);  // nothing flows to g
  EXPECT_LE(solution.report.energy_relative_error, 1e-14);
}

TEST(Nodal, LeavesCurrentsOfLoopsOfTiesOpen) {
  const auto solution = solved("V1 a 0 1\nV2 a 0 1\nR1 a b 1\nVs b c 0\nR2 c 0 1\nVl c d 0\nVm d c 0\n");

  EXPECT_EQ(solution.undetermined, 4);
  for (const auto k : {0, 1, 3, 4}) EXPECT_TRUE(std::isnan(solution.delivered[static_cast<std::size_t>(k)])) << k;
  EXPECT_NEAR(solution.delivered[2], -0.5, 1e-15);
  EXPECT_LE(solution.report.energy_relative_error, 1e-14);
}

TEST(Nodal, RefusesContradictionsAndImbalanceByName) {
  EXPECT_THAT([] { solved("V1 a 0 1\nV2 b a 1\nV3 b 0 2.5\n"); },
              ThrowsMessage<Error>(testing::AllOf(HasSubstr("a.sp:4: 'V3'"), HasSubstr("contradicts"))));
  EXPECT_THAT([] { solved("R1 a 0 1\nR2 b c 1\nI1 0 b 2\n"); },
              ThrowsMessage<Error>(testing::AllOf(HasSubstr("node 'b'"), HasSubstr("2 A more"))));
  EXPECT_THAT([] { solved("V1 a a 1\nR1 a 0 1\n"); }, ThrowsMessage<Error>(HasSubstr("contradicts")));
  EXPECT_NO_THROW(solved("V1 a 0 0.1\nV2 b a 0.2\nV3 b 0 0.3\nR1 b 0 1\n"));  // 0.1 + 0.2 is not 0.3
}

TEST(Nodal, SolvesEveryComponentInItsOwnGauge) {
  const auto netlist = parse_spice("t\nV1 a 0 2\nR1 a b 1\nR2 b 0 1\nI1 d c 3\nR3 c d 2\nR4 e f 1\n", "a.sp");

  const auto solution = solved(netlist);

  EXPECT_EQ(solution.report.components, 3);
  EXPECT_NEAR(solution.potential[node(netlist, "b")], 1, 1e-15);
  EXPECT_NEAR(solution.potential[node(netlist, "c")], 3, 1e-14);
  EXPECT_NEAR(solution.potential[node(netlist, "d")], -3, 1e-14);
  EXPECT_EQ(solution.potential[node(netlist, "e")], 0);
}

/// A random network: a spanning tree and extra resistors, some of 0 ohm, sources of all kinds.
Netlist random_network(std::uint64_t seed, int nodes, double spread) {
  Random random(seed, Stream::walk, 0);
  const auto pick = [&](int below) { return static_cast<int>(random.uniform() * below); };
  std::string text = "t\n";
  const auto name = [](int k) { return k == 0 ? std::string("0") : "n" + std::to_string(k); };
  const auto ohm = [&] { return std::pow(10.0, spread * (random.uniform() - 0.5)); };
  for (int k = 1; k < nodes; ++k) {
    const int other = pick(k);
    if (random.uniform() < 0.15) {
      text += fmt::format("V{} {} {} {}\n", k, name(k), name(other), pick(2) * random.uniform());
    } else {
      text += fmt::format("R{} {} {} {}\n", k, name(k), name(other), random.uniform() < 0.1 ? 0 : ohm());
    }
  }
  for (int k = 0; k < nodes; ++k)
    text += fmt::format("Rx{} {} {} {}\n", k, name(pick(nodes)), name(pick(nodes)), ohm());
  for (int k = 0; k < nodes / 2; ++k) {
    text += fmt::format("I{} {} {} {}\n", k, name(pick(nodes)), name(pick(nodes)), random.uniform() - 0.5);
  }
  return parse_spice(text, "random.sp");
}

TEST(Nodal, AgreesWithDenseModifiedNodalAnalysis) {
  for (std::uint64_t seed = 0; seed < 4; ++seed) {
    const auto netlist = random_network(seed, 40, 4);
    const auto expected = oracle(netlist);
    for (const auto method : {SolveMethod::automatic, SolveMethod::direct, SolveMethod::krylov}) {
      const auto solution = solved(netlist, {}, method);

      EXPECT_LT(oracles::relative_difference(solution.potential, expected), kAgreement) << seed;
      EXPECT_LE(solution.report.relative_residual, std::max(1e-12, solution.report.residual_floor)) << seed;
      EXPECT_LE(solution.report.energy_relative_error, 1e-12) << seed;
    }
  }
}

TEST(Nodal, FindsEffectiveResistancesOfManyPairs) {
  // A ring of 6 resistors of 1 ohm, and a component apart of 2 ohm.
  const auto netlist =
      parse_edge_list("0 1 1\n1 2 1\n2 3 1\n3 4 1\n4 5 1\n5 0 1\n7 8 2\n", "g.txt", {.values = EdgeValues::resistance});
  const auto pairs = all_pairs(netlist);

  const auto solution = solved(netlist, pairs);

  for (std::size_t k = 0; k < pairs.size(); ++k) {
    const auto [i, j] = pairs[k];
    const double steps = static_cast<double>(j - i);
    const double expected = i < 6 && j < 6 ? steps * (6 - steps) / 6 : (i >= 6 && j >= 6 ? 2 : -1);
    EXPECT_NEAR(solution.pair_resistance[k], expected, 1e-14) << i << " " << j;
  }
}

TEST(Nodal, DrivesOneAmpereFromTheSecondIntoTheFirst) {
  const auto netlist = parse_edge_list("0 1 1\n1 2 2\n7 8 2\n", "g.txt", {.values = EdgeValues::resistance});

  const auto solution = solved(netlist, {{2, 0}});

  std::vector<double> potential(5, 0);
  std::vector<double> current(3, 0);
  const auto nodes = partition(5, size_of(MPI_COMM_WORLD), rank_of(MPI_COMM_WORLD));
  const auto edges = partition(3, size_of(MPI_COMM_WORLD), rank_of(MPI_COMM_WORLD));
  ASSERT_EQ(static_cast<std::int64_t>(solution.pair_potential.size()), nodes.size());
  std::copy(solution.pair_potential.begin(), solution.pair_potential.end(), potential.begin() + nodes.begin);
  std::copy(solution.pair_current.begin(), solution.pair_current.end(), current.begin() + edges.begin);
  all_sum(MPI_COMM_WORLD, std::span<double>(potential));
  all_sum(MPI_COMM_WORLD, std::span<double>(current));
  EXPECT_THAT(potential, testing::Pointwise(testing::DoubleNear(1e-14), std::vector<double>{0, 1, 3, 0, 0}));
  EXPECT_THAT(current, testing::Pointwise(testing::DoubleNear(1e-14), std::vector<double>{-1, -1, 0}));
  EXPECT_NEAR(solution.report.effective_resistance, 3, 1e-14);
}

TEST(Nodal, AgreesWithTheLayeredSolve) {
  for (const auto& [name, circuit] : oracles::examples()) {
    const auto layered = solve(MPI_COMM_WORLD, circuit, {});

    const auto solution = solved(netlist_of(circuit));

    EXPECT_LT(oracles::relative_difference(solution.potential, layered.potential.data()), 1e-10) << name;
  }
}

TEST(Nodal, IsRightToRoundingWhateverTheResistances) {
  // A ladder whose resistances alternate between 1 and `ratio`: series and parallel rules give every potential without
  // a subtraction, so the expectation is right to rounding.
  for (const double ratio : {1e8, 1e12, 1e15, 1e-8, 1e-12, 1e-15}) {
    constexpr int kRungs = 12;
    std::string text = "I1 0 n0 1\n";
    for (int k = 0; k < kRungs; ++k) {
      text += fmt::format("R{} n{} n{} {:.17g}\nRs{} n{} 0 {:.17g}\n", k, k, k + 1, k % 2 == 0 ? 1.0 : ratio, k, k + 1,
                          k % 3 == 0 ? ratio : 1.0);
    }
    const auto netlist = parse_spice("t\n" + text, "ladder.sp");
    std::vector<double> below(kRungs + 1);  // conductance to ground seen from node k, all that is beyond it included
    for (int k = kRungs; k > 0; --k) {
      const double shunt = 1 / ((k - 1) % 3 == 0 ? ratio : 1.0);
      const double beyond =
          k == kRungs ? 0 : 1 / ((k % 2 == 0 ? 1.0 : ratio) + 1 / below[static_cast<std::size_t>(k) + 1]);
      below[static_cast<std::size_t>(k)] = shunt + beyond;
    }
    std::vector<double> expected = {1.0 + 1 / below[1]};
    for (int k = 1; k <= kRungs; ++k) {
      const double series = (k - 1) % 2 == 0 ? 1.0 : ratio;
      const double g = below[static_cast<std::size_t>(k)];
      expected.push_back(expected.back() / (1 + series * g));
    }
    try {
      const auto solution = solved(netlist);

      for (int k = 0; k <= kRungs; ++k) {
        const auto found = solution.potential[static_cast<std::size_t>(node(netlist, "n" + std::to_string(k)))];
        EXPECT_NEAR(found, expected[static_cast<std::size_t>(k)], 1e-11 * expected[0]) << ratio << " " << k;
      }
      EXPECT_LE(solution.report.kcl_max_imbalance, 1e-12) << ratio;
      EXPECT_LE(solution.report.relative_residual, std::max(1e-12, solution.report.residual_floor)) << ratio;
    } catch (const Error& refused) {
      ADD_FAILURE() << ratio << ": " << refused.what();
    }
  }
}

TEST(Nodal, SeesTheLeakThatSetsALevel) {
  // A part of 1 S held to ground by 1e15 ohm alone: no residual in ampere would notice its level.
  const auto netlist = parse_spice("t\nI1 a b 1\nR1 a c 1\nR2 c b 3\nRleak c 0 1e15\n", "leak.sp");

  const auto solution = solved(netlist);

  EXPECT_NEAR(solution.potential[node(netlist, "c")], 0, 1e-12);
  EXPECT_NEAR(solution.potential[node(netlist, "a")], -1, 1e-12);
  EXPECT_NEAR(solution.potential[node(netlist, "b")], 3, 1e-12);
}

TEST(Nodal, DoesNotDependOnTheNumberOfRanks) {
  const auto netlist = random_network(77, 200, 6);
  const NodePairs pairs = {{1, 150}, {3, 9}};

  const auto alone = solve_network(MPI_COMM_SELF, netlist, {{}, pairs});
  const auto together = solve_network(MPI_COMM_WORLD, netlist, {{}, pairs});

  EXPECT_LT(oracles::relative_difference(together.potential, alone.potential), 1e-14);
  EXPECT_LT(oracles::relative_difference(together.pair_resistance, alone.pair_resistance), 1e-14);
}

TEST(Nodal, NeverReturnsAnAnswerThatMisses) {
  const auto netlist = random_network(5, 60, 4);

  EXPECT_THAT(
      [&] {
        solve_network(MPI_COMM_WORLD, netlist, {{SolveMethod::automatic, 0}, {}});
      },
      ThrowsMessage<AgreedError>(HasSubstr("relative residual")));
}

/// Two random permutations of n nodes: four edges at each.
Netlist random_regular(std::int64_t n) {
  Netlist netlist;
  netlist.origin = "random";
  for (std::int64_t k = 0; k < n; ++k) netlist.nodes.push_back(std::to_string(k));
  for (std::uint64_t turn = 0; turn < 2; ++turn) {
    auto head = std::vector<std::int64_t>(static_cast<std::size_t>(n));
    std::iota(head.begin(), head.end(), std::int64_t{0});
    std::shuffle(head.begin(), head.end(), std::mt19937_64(turn));
    for (std::int64_t k = 0; k < n; ++k) netlist.resistors.add(k, head[static_cast<std::size_t>(k)], 1);
  }
  return netlist;
}

TEST(Nodal, SolvesGraphsWithoutLocalityByTheCheapestWay) {
  const auto netlist = random_regular(3000);

  const auto cheap = solved(netlist, {{0, 1}});
  const auto direct = solved(netlist, {{0, 1}}, SolveMethod::direct);

  EXPECT_THAT(cheap.report.method, HasSubstr("jacobi"));
  EXPECT_LT(cheap.refined_residual, 1e-20);
  EXPECT_NEAR(cheap.pair_resistance[0], direct.pair_resistance[0], 1e-13);
}

TEST(Nodal, GivesUpTheCheapestWayWhereItTakesLong) {
  constexpr std::int64_t kRandom = 3000;
  constexpr std::int64_t kTail = 1000;
  auto netlist = random_regular(kRandom);
  for (std::int64_t k = 0; k < kTail; ++k) {
    netlist.nodes.push_back("tail " + std::to_string(k));
    netlist.resistors.add(k == 0 ? 0 : kRandom + k - 1, kRandom + k, 0.5);
  }

  const auto solution = solved(netlist, {{0, kRandom + kTail - 1}});

  EXPECT_THAT(solution.report.method, testing::Not(HasSubstr("jacobi")));
  EXPECT_NEAR(solution.pair_resistance[0], 2.0 * kTail, 1e-9);
}

TEST(Double2, KeepsThirtyDigits) {
  const Double2 third = (1.0 / 3) * Double2(1.0);
  Double2 sum(1e16);
  sum += Double2(1.0);
  sum += third;
  sum -= Double2(1e16);

  EXPECT_DOUBLE_EQ(sum.value(), 1 + 1.0 / 3);
  EXPECT_EQ((3.0 * Double2(0.1) - Double2(0.3)).value(),
            3 * static_cast<long double>(0.1) - static_cast<long double>(0.3));
}

}  // namespace
}  // namespace kirchhoff
