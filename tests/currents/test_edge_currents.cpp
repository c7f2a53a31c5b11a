#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "kirchhoff/currents/currents.hpp"
#include "kirchhoff/flow/flow.hpp"
#include "kirchhoff/flow/walk.hpp"
#include "kirchhoff/validate/validate.hpp"
#include "oracles.hpp"

namespace kirchhoff {
namespace {

constexpr double kEdgeRounding = 1e-12;

std::vector<oracles::Example> sparse_examples() {
  auto all = oracles::examples();
  std::erase_if(all, [](const auto& example) { return example.circuit.joins_all(); });
  return all;
}

std::shared_ptr<const SharedArray> shared(const std::vector<double>& values) {
  SharedArray array(MPI_COMM_WORLD, static_cast<std::int64_t>(values.size()));
  if (rank_of(MPI_COMM_WORLD) == 0) std::copy(values.begin(), values.end(), array.data().begin());
  array.complete();
  return std::make_shared<const SharedArray>(std::move(array));
}

/// Values (L x moves x N): current(l, x, y, g) of every edge, nonsense where there is none.
template <class Current>
std::vector<double> values_of(const Circuit& circuit, Current&& current) {
  const auto n = circuit.states();
  const auto moves = moves_ahead(circuit);
  std::vector<double> values(static_cast<std::size_t>(circuit.layers() * moves * n), 1e6);
  for (int l = 0; l < circuit.layers(); ++l) {
    for (std::int64_t x = 0; x < n; ++x) {
      each_move_ahead(circuit, l, x, [&](std::int64_t move, std::int64_t y, double g) {
        values[static_cast<std::size_t>((l * moves + move) * n + x)] = current(l, x, y, g);
      });
    }
  }
  return values;
}

std::vector<double> by_ohm(const Circuit& circuit, const std::vector<double>& potential) {
  const auto n = circuit.states();
  return values_of(circuit, [&](int l, std::int64_t x, std::int64_t y, double g) {
    return g * (potential[static_cast<std::size_t>(l * n + x)] - potential[static_cast<std::size_t>((l + 1) * n + y)]);
  });
}

TEST(EdgeCurrents, OfOhmsLawAreThoseOfThePotentials) {
  for (const auto& [name, circuit] : sparse_examples()) {
    const auto potential = oracles::learned_like_field(circuit, 31);
    const EdgeCurrents currents(circuit, shared(by_ohm(circuit, potential)));
    const NetCurrent net(circuit, potential);
    const auto expected = oracles::currents(circuit, potential);

    oracles::MatrixXd found = oracles::MatrixXd::Zero(expected.rows(), expected.cols());
    for (std::int64_t v = 0; v < circuit.vertices(); ++v) {
      const int l = static_cast<int>(v / circuit.states());
      const auto x = v % circuit.states();
      currents.leaving(l, x, [&](int m, std::int64_t y, double i) { found(v, m * circuit.states() + y) += i; });
      EXPECT_NEAR(currents.net(l, x), net(l, x), kEdgeRounding) << name;
    }

    EXPECT_LT((found - expected).cwiseAbs().maxCoeff(), kEdgeRounding) << name;
  }
}

TEST(EdgeCurrents, OfOhmsLawDriveTheSameWalksToTheSameLaw) {
  for (const auto& [name, circuit] : sparse_examples()) {
    const auto potential = oracles::learned_like_field(circuit, 32);
    const EdgeCurrents currents(circuit, shared(by_ohm(circuit, potential)));
    const auto by_potential = learned_flow(circuit, potential);
    const auto by_edge = learned_flow(circuit, currents);

    const auto expected = exit_law(MPI_COMM_WORLD, by_potential);
    const auto found = exit_law(MPI_COMM_WORLD, by_edge);
    const auto walks = walk(MPI_COMM_WORLD, by_edge, {300, 5, false});

    EXPECT_LT(oracles::relative_difference(by_edge.exit, by_potential.exit), kEdgeRounding) << name;
    EXPECT_LT(oracles::relative_difference(found.mass, expected.mass), kEdgeRounding) << name;
    EXPECT_NEAR(found.lost, expected.lost, kEdgeRounding) << name;
    EXPECT_EQ(walks.end, walk(MPI_COMM_WORLD, by_potential, {300, 5, false}).end) << name;
  }
}

TEST(EdgeCurrents, RunInCirclesToTheLawOfTheAbsorbingChain) {
  for (const auto& [name, circuit] : sparse_examples()) {
    const auto n = circuit.states();
    const auto numbers = oracles::uniform_numbers(circuit.layers() * n * n, -0.5, 1, 33);
    const auto current_of = [&](int l, std::int64_t x, std::int64_t y, double) {
      return numbers[static_cast<std::size_t>((l * n + x) * n + y)];
    };
    const EdgeCurrents currents(circuit, shared(values_of(circuit, current_of)));
    const auto flow = learned_flow(circuit, currents);
    oracles::MatrixXd matrix = oracles::MatrixXd::Zero(circuit.vertices(), circuit.vertices());
    for (int l = 0; l < circuit.layers(); ++l) {
      for (std::int64_t x = 0; x < n; ++x) {
        circuit.coupling(l).forward(x, [&](std::int64_t y, double) {
          matrix(l * n + x, (l + 1) * n + y) = current_of(l, x, y, 1);
          matrix((l + 1) * n + y, l * n + x) = -current_of(l, x, y, 1);
        });
      }
    }
    const auto chain = oracles::chain_of(circuit, matrix, flow.exit);
    const oracles::VectorXd passed = chain.visits.transpose() * oracles::to_eigen(circuit.source());
    const auto expected = oracles::to_vector(passed.cwiseProduct(chain.out).tail(n));

    const auto law = exit_law(MPI_COMM_WORLD, flow);

    EXPECT_LT(oracles::relative_difference(law.mass, expected), 1e-11) << name;
    EXPECT_NEAR(law.lost, passed.dot(chain.stuck), 1e-11) << name;
  }
}

TEST(EdgeCurrents, LoseWhatNeverLeavesACircle) {
  const auto circuit = oracles::uniform_circuit(Family::hamming, 2, 1, 1, 1, 1);
  // (0,0) -> (1,0) -> (0,1) -> (1,1) -> (0,0): what arrives leaves again, nothing comes out.
  const EdgeCurrents currents(
      circuit,
      shared(values_of(circuit, [](int, std::int64_t x, std::int64_t y, double) { return x == y ? 1. : -1.; })));
  const auto flow = learned_flow(circuit, currents);

  const auto law = exit_law(MPI_COMM_WORLD, flow);
  const auto walks = walk(MPI_COMM_WORLD, flow, {6, 1, false});

  EXPECT_NEAR(law.lost, 1, 1e-9);  // ten thousand passes
  EXPECT_EQ(law.mass, (std::vector<double>{0, 0}));
  EXPECT_EQ(std::count(walks.stuck.begin(), walks.stuck.end(), 1), static_cast<std::ptrdiff_t>(walks.stuck.size()));
}

TEST(EdgeCurrents, CompareAsThePotentialsTheyComeFrom) {
  for (const auto& [name, circuit] : sparse_examples()) {
    const auto exact = oracles::to_vector(oracles::potentials(circuit));
    const auto potential = oracles::learned_like_field(circuit, 34);
    const EdgeCurrents currents(circuit, shared(by_ohm(circuit, potential)));
    const auto expected = compare_currents(MPI_COMM_WORLD, circuit, exact, learned_flow(circuit, potential));

    const auto found = compare_currents(MPI_COMM_WORLD, circuit, exact, learned_flow(circuit, currents));

    const auto close = [&](double a, double b) { EXPECT_NEAR(a, b, kEdgeRounding * std::abs(b)) << name; };
    close(found.relative_l2, expected.relative_l2);
    close(found.sign_agreement, expected.sign_agreement);
    close(found.kcl_relative_imbalance, expected.kcl_relative_imbalance);
    close(found.kcl_max_imbalance, expected.kcl_max_imbalance);
    EXPECT_LT(oracles::relative_difference(found.relative_l2_by_layer, expected.relative_l2_by_layer), kEdgeRounding);
    for (std::size_t k = 0; k < found.by_decade.size(); ++k) {
      EXPECT_EQ(found.by_decade[k].edges, expected.by_decade[k].edges) << name;
    }
  }
}

}  // namespace
}  // namespace kirchhoff
