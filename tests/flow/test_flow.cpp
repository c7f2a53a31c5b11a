#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "kirchhoff/flow/flow.hpp"
#include "kirchhoff/solve/solve.hpp"
#include "oracles.hpp"

namespace kirchhoff {
namespace {

// Both sides add up at most some hundred products of probabilities.
constexpr double kFlowRounding = 1e-13;

/// Probability to stop in each state of layer L, and to get stuck, of the absorbing chain.
ExitLaw law_of(const Circuit& circuit, const oracles::Chain& chain) {
  const Eigen::VectorXd passed = chain.visits.transpose() * oracles::to_eigen(circuit.source());
  const Eigen::VectorXd out = passed.cwiseProduct(chain.out).tail(circuit.states());
  return {oracles::to_vector(out), passed.dot(chain.stuck)};
}

double largest_difference(const std::vector<double>& a, const std::vector<double>& b) {
  return (oracles::to_eigen(a) - oracles::to_eigen(b)).cwiseAbs().maxCoeff();
}

TEST(ExactFlow, StopsWithTheTarget) {
  const auto circuit = oracles::uniform_circuit(Family::hamming, 3, 2, 2, 1, 5);
  const auto field = oracles::learned_like_field(circuit, 1);

  const Flow flow = exact_flow(circuit, field);

  EXPECT_EQ(flow.exit, circuit.target());
  EXPECT_EQ(flow.potential.data(), field.data());
}

TEST(LearnedFlow, StopsWithThePositivePartOfWhatArrivesAndDoesNotLeave) {
  for (const auto& [name, circuit] : oracles::examples()) {
    const auto field = oracles::learned_like_field(circuit, 2);
    const Eigen::VectorXd arriving = oracles::currents(circuit, field).colwise().sum();
    const auto expected = oracles::to_vector(arriving.tail(circuit.states()).cwiseMax(0.0));

    const Flow flow = learned_flow(circuit, field);

    ASSERT_GT(oracles::to_eigen(expected).maxCoeff(), 0) << name;
    EXPECT_LT(oracles::relative_difference(flow.exit, expected), kFlowRounding) << name;
  }
}

TEST(LearnedFlow, KnowsNothingOfTheTarget) {
  const auto circuit = oracles::uniform_circuit(Family::dense, 4, 1, 2, 1, 5);
  const Circuit other(circuit.space(), {circuit.coupling(0), circuit.coupling(1)}, circuit.source(), {0, 0, 0, 1});
  const auto field = oracles::learned_like_field(circuit, 3);

  const Flow flow = learned_flow(circuit, field);

  EXPECT_EQ(flow.exit, learned_flow(other, field).exit);
}

TEST(ExitLaw, OfTheExactFlowIsTheTargetWithinHalfTheResidual) {
  for (const auto& [name, circuit] : oracles::examples()) {
    const auto solution = solve(MPI_COMM_WORLD, circuit, {});

    const auto law = exit_law(MPI_COMM_WORLD, exact_flow(circuit, solution.potential.data()));

    double distance = law.lost / 2;
    for (std::size_t x = 0; x < law.mass.size(); ++x) distance += std::abs(law.mass[x] - circuit.target()[x]) / 2;
    EXPECT_LE(distance, solution.report.residual_norm1 / 2 + 1e-12) << name;  // docs/theory.md, section 6
  }
}

TEST(ExitLaw, OfTheLearnedFlowOfTheExactFieldIsTheTargetToo) {
  for (const auto& [name, circuit] : oracles::examples()) {
    const auto solution = solve(MPI_COMM_WORLD, circuit, {});

    const auto law = exit_law(MPI_COMM_WORLD, learned_flow(circuit, solution.potential.data()));

    EXPECT_LT(largest_difference(law.mass, circuit.target()), 1e-11) << name;  // a solve to 1e-12
  }
}

TEST(ExitLaw, IsTheAbsorbingChainsForExactFields) {
  for (const auto& [name, circuit] : oracles::examples()) {
    const auto field = oracles::to_vector(oracles::potentials(circuit));
    const auto expected = law_of(circuit, oracles::chain_of(circuit, field, circuit.target()));

    const auto law = exit_law(MPI_COMM_WORLD, exact_flow(circuit, field));

    EXPECT_LT(largest_difference(law.mass, expected.mass), kFlowRounding) << name;
    EXPECT_NEAR(law.lost, expected.lost, kFlowRounding) << name;
  }
}

TEST(ExitLaw, IsTheAbsorbingChainsForAnyField) {
  double most_lost = 0;
  for (const auto& [name, circuit] : oracles::examples()) {
    for (const std::uint64_t seed : {11, 12, 13, 14}) {
      const auto field = oracles::learned_like_field(circuit, seed);
      const Flow flow = learned_flow(circuit, field);
      const auto expected = law_of(circuit, oracles::chain_of(circuit, field, flow.exit));

      const auto law = exit_law(MPI_COMM_WORLD, flow);

      EXPECT_LT(largest_difference(law.mass, expected.mass), kFlowRounding) << name << " " << seed;
      EXPECT_NEAR(law.lost, expected.lost, kFlowRounding) << name << " " << seed;
      EXPECT_NEAR(oracles::to_eigen(law.mass).sum() + law.lost, 1, kFlowRounding) << name << " " << seed;
      most_lost = std::max(most_lost, law.lost);
    }
  }
  EXPECT_GT(most_lost, 0.01);  // else the loss was not tested
}

TEST(ExitLaw, IsTheAbsorbingChainsForFieldsWithTies) {
  for (const auto& [name, circuit] : oracles::examples()) {
    auto field = oracles::learned_like_field(circuit, 15);
    for (double& phi : field) phi = std::round(2 * phi);  // a handful of values: many equal, within and between layers
    const Flow flow = exact_flow(circuit, field);
    const auto expected = law_of(circuit, oracles::chain_of(circuit, field, flow.exit));

    const auto law = exit_law(MPI_COMM_WORLD, flow);

    EXPECT_LT(largest_difference(law.mass, expected.mass), kFlowRounding) << name;
    EXPECT_NEAR(law.lost, expected.lost, kFlowRounding) << name;
  }
}

TEST(ExitLaw, LosesEverythingInAFieldThatRises) {
  for (const auto& [name, circuit] : oracles::examples()) {
    std::vector<double> field;
    for (std::int64_t v = 0; v < circuit.vertices(); ++v) field.push_back(static_cast<double>(v / circuit.states()));

    const auto law = exit_law(MPI_COMM_WORLD, learned_flow(circuit, field));

    EXPECT_NEAR(law.lost, 1, kFlowRounding) << name;
    EXPECT_EQ(oracles::to_eigen(law.mass).cwiseAbs().maxCoeff(), 0) << name;
  }
}

TEST(ExitLaw, HasTheSameBitsOnAnyNumberOfRanks) {
  for (const auto& [name, circuit] : oracles::examples()) {
    const auto field = oracles::learned_like_field(circuit, 16);
    const Flow flow = learned_flow(circuit, field);
    const auto alone = exit_law(MPI_COMM_SELF, flow);

    const auto together = exit_law(MPI_COMM_WORLD, flow);

    EXPECT_EQ(together.mass, alone.mass) << name;
    EXPECT_EQ(together.lost, alone.lost) << name;
  }
}

}  // namespace
}  // namespace kirchhoff
