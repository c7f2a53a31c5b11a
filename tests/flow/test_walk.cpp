#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <vector>

#include "kirchhoff/flow/walk.hpp"
#include "oracles.hpp"

namespace kirchhoff {
namespace {

constexpr std::int64_t kWalks = 300000;
constexpr double kUnlikely = 1e-9;  // chance that a right program fails a statistical bound here, were the seed random

/// Total variation between a distribution of `outcomes` outcomes and the frequencies in n draws from it stays below
/// this: its mean is at most 1/2 sqrt(K / n), and one draw changes it by 1/n at most (McDiarmid).
double largest_variation(double outcomes, double n) {
  return 0.5 * std::sqrt(outcomes / n) + std::sqrt(-std::log(kUnlikely) / (2 * n));
}

/// A frequency in n trials of chance p stays this near to p (Bernstein).
double largest_deviation(double p, double n) {
  const double log = std::log(2 / kUnlikely);
  return std::sqrt(2 * p * (1 - p) * log / n) + log / (3 * n);
}

/// A flow with what its walks must obey.
struct Prediction {
  Eigen::MatrixXd ends;    // (N x n) chance to start in x and to stop for good at v
  Eigen::MatrixXd stuck;   // (N x n) chance to start in x and to get stuck at v
  Eigen::VectorXd passed;  // (n) chance to pass v
};

Prediction predict(const Flow& flow) {
  const auto& circuit = *flow.circuit;
  const auto chain = oracles::chain_of(circuit, flow.potential, flow.exit);
  const Eigen::VectorXd p = oracles::to_eigen(circuit.source());
  const Eigen::MatrixXd passed = p.asDiagonal() * chain.visits;
  return {passed * chain.out.asDiagonal(), passed * chain.stuck.asDiagonal(), passed.colwise().sum()};
}

/// Frequencies of (start, end, whether stuck) over all ranks; an end that is stuck is told by its state alone.
struct Frequencies {
  Eigen::MatrixXd ends;   // (N x N)
  Eigen::MatrixXd stuck;  // (N x N)
};

Frequencies count(const Circuit& circuit, const Walks& walks) {
  const auto n = circuit.states();
  std::vector<double> table(static_cast<std::size_t>(2 * n * n));
  for (std::size_t i = 0; i < walks.end.size(); ++i) {
    table[static_cast<std::size_t>((walks.stuck[i] * n + walks.start[i]) * n + walks.end[i])] += 1.0 / kWalks;
  }
  all_sum(MPI_COMM_WORLD, std::span<double>(table));
  using Rows = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const Eigen::Map<const Rows> both(table.data(), 2 * n, n);
  return {both.topRows(n), both.bottomRows(n)};
}

/// Exact and learned-like fields on all example circuits.
struct Field {
  std::string name;
  const Circuit* circuit;
  std::vector<double> potential;
  bool exact;

  Flow flow() const { return exact ? exact_flow(*circuit, potential) : learned_flow(*circuit, potential); }
};

std::vector<Field> fields(const std::vector<oracles::Example>& examples) {
  std::vector<Field> all;
  for (const auto& [name, circuit] : examples) {
    all.push_back({name + ", exact", &circuit, oracles::to_vector(oracles::potentials(circuit)), true});
    all.push_back({name + ", learned", &circuit, oracles::learned_like_field(circuit, 21), false});
  }
  return all;
}

TEST(Walk, HasTheJointLawOfStartAndEndOfTheAbsorbingChain) {
  const auto examples = oracles::examples();
  double most_stuck = 0;
  for (const auto& field : fields(examples)) {
    const Flow flow = field.flow();
    const auto n = field.circuit->states();
    const auto expected = predict(flow);

    const auto found = count(*field.circuit, walk(MPI_COMM_WORLD, flow, {kWalks, 1, false}));

    Eigen::MatrixXd stuck = Eigen::MatrixXd::Zero(n, n);  // by state, whatever the layer
    for (int l = 0; l <= field.circuit->layers(); ++l) stuck += expected.stuck.middleCols(l * n, n);
    const double distance =
        ((found.ends - expected.ends.rightCols(n)).cwiseAbs().sum() + (found.stuck - stuck).cwiseAbs().sum()) / 2;
    const auto outcomes =
        static_cast<double>((expected.ends.rightCols(n).array() > 0).count() + (stuck.array() > 0).count());
    EXPECT_LT(distance, largest_variation(outcomes, kWalks)) << field.name;
    most_stuck = std::max(most_stuck, stuck.sum());
  }
  EXPECT_GT(most_stuck, 0.01);  // else stuck walks were not tested
}

TEST(Walk, PassesEveryVertexAsOftenAsTheAbsorbingChain) {
  const auto examples = oracles::examples();
  for (const auto& field : fields(examples)) {
    const Flow flow = field.flow();
    const auto expected = predict(flow);

    const auto walks = walk(MPI_COMM_WORLD, flow, {kWalks, 2, true});

    ASSERT_EQ(walks.visits.size(), static_cast<std::size_t>(field.circuit->vertices())) << field.name;
    for (std::size_t v = 0; v < walks.visits.size(); ++v) {
      const double p = std::clamp(expected.passed(static_cast<Eigen::Index>(v)), 0.0, 1.0);
      EXPECT_NEAR(static_cast<double>(walks.visits[v]) / kWalks, p, largest_deviation(p, kWalks)) << field.name << v;
    }
  }
}

TEST(Walk, CountsAMoveForEveryVertexAfterTheFirst) {
  const auto examples = oracles::examples();
  for (const auto& field : fields(examples)) {
    const auto walks = walk(MPI_COMM_WORLD, field.flow(), {1000, 3, true});

    const auto here = std::accumulate(walks.moves.begin(), walks.moves.end(), std::int64_t{0});
    const auto moves = all_sum(MPI_COMM_WORLD, here);
    EXPECT_EQ(std::accumulate(walks.visits.begin(), walks.visits.end(), std::int64_t{0}), moves + 1000) << field.name;
  }
}

TEST(Walk, IsOnTheLastLayerWhenItStops) {
  const auto examples = oracles::examples();
  for (const auto& field : fields(examples)) {
    const int layers = field.circuit->layers();

    const auto walks = walk(MPI_COMM_WORLD, field.flow(), {1000, 4, false});

    std::int64_t impossible = 0;  // a walk of L + 2k moves, k of them backward, ends on layer L
    for (std::size_t i = 0; i < walks.moves.size(); ++i) {
      const bool possible = walks.moves[i] >= layers && (walks.moves[i] - layers) % 2 == 0;
      if (walks.stuck[i] == 0 && !possible) ++impossible;
    }
    EXPECT_EQ(impossible, 0) << field.name;
  }
}

// A rule that only moves forward makes every walk L moves long.
TEST(Walk, MovesBackwardWhereTheCurrentDoes) {
  for (const auto family : {Family::dense, Family::hamming, Family::lattice}) {
    const auto circuit = oracles::uniform_circuit(family, 8, 1, 4, 1, 100);
    const auto field = oracles::to_vector(oracles::potentials(circuit));
    const Flow flow = exact_flow(circuit, field);
    const double expected_moves = predict(flow).passed.sum() - 1;
    ASSERT_GT(expected_moves, circuit.layers() + 0.1);  // the exact currents do run backward

    const auto walks = walk(MPI_COMM_WORLD, flow, {kWalks, 5, false});

    std::int64_t longer = 0;
    for (const auto moves : walks.moves) longer += moves > circuit.layers() ? 1 : 0;
    const auto here = std::accumulate(walks.moves.begin(), walks.moves.end(), std::int64_t{0});
    const double mean = static_cast<double>(all_sum(MPI_COMM_WORLD, here)) / kWalks;
    const double most = static_cast<double>(circuit.vertices());  // no walk is longer (Hoeffding)
    EXPECT_GT(all_sum(MPI_COMM_WORLD, longer), kWalks / 100) << to_string(family);
    EXPECT_NEAR(mean, expected_moves, most * std::sqrt(std::log(2 / kUnlikely) / (2 * kWalks))) << to_string(family);
  }
}

TEST(Walk, SendsTheSameParticlesOnAnyNumberOfRanks) {
  const auto examples = oracles::examples();
  for (const auto& field : fields(examples)) {
    const Flow flow = field.flow();
    const auto alone = walk(MPI_COMM_SELF, flow, {1001, 6, true});

    const auto together = walk(MPI_COMM_WORLD, flow, {1001, 6, true});

    const auto mine = partition(1001, size_of(MPI_COMM_WORLD), rank_of(MPI_COMM_WORLD));
    const auto piece = [&](const auto& all) { return std::vector(all.begin() + mine.begin, all.begin() + mine.end); };
    EXPECT_EQ(together.first, mine.begin) << field.name;
    EXPECT_EQ(together.start, piece(alone.start)) << field.name;
    EXPECT_EQ(together.end, piece(alone.end)) << field.name;
    EXPECT_EQ(together.moves, piece(alone.moves)) << field.name;
    EXPECT_EQ(together.stuck, piece(alone.stuck)) << field.name;
    EXPECT_EQ(together.visits, alone.visits) << field.name;
  }
}

TEST(Walk, DependsOnTheSeed) {
  const auto circuit = oracles::uniform_circuit(Family::dense, 3, 2, 3, 1, 20);
  const auto field = oracles::to_vector(oracles::potentials(circuit));

  const auto one = walk(MPI_COMM_WORLD, exact_flow(circuit, field), {300, 1, false});
  const auto other = walk(MPI_COMM_WORLD, exact_flow(circuit, field), {300, 2, false});

  EXPECT_NE(one.end, other.end);
}

TEST(Walk, StartsNowhereAndStopsNowhereWithoutMass) {
  for (const auto& [name, circuit] : oracles::examples()) {
    const auto field = oracles::to_vector(oracles::potentials(circuit));

    const auto walks = walk(MPI_COMM_WORLD, exact_flow(circuit, field), {20000, 7, false});

    std::int64_t forbidden = 0;
    for (std::size_t i = 0; i < walks.end.size(); ++i) {
      forbidden += circuit.source()[static_cast<std::size_t>(walks.start[i])] > 0 ? 0 : 1;
      forbidden += walks.stuck[i] == 0 && circuit.target()[static_cast<std::size_t>(walks.end[i])] > 0 ? 0 : 1;
    }
    EXPECT_EQ(all_sum(MPI_COMM_WORLD, forbidden), 0) << name;
  }
}

TEST(Walk, GetsStuckAtOnceInAFieldThatRises) {
  for (const auto& [name, circuit] : oracles::examples()) {
    std::vector<double> field;
    for (std::int64_t v = 0; v < circuit.vertices(); ++v) field.push_back(static_cast<double>(v / circuit.states()));

    const auto walks = walk(MPI_COMM_WORLD, learned_flow(circuit, field), {100, 8, false});

    EXPECT_EQ(walks.end, walks.start) << name;
    EXPECT_EQ(walks.moves, std::vector<std::int32_t>(walks.end.size(), 0)) << name;
    EXPECT_EQ(walks.stuck, std::vector<std::uint8_t>(walks.end.size(), 1)) << name;
  }
}

}  // namespace
}  // namespace kirchhoff
