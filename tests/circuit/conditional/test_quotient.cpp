#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <vector>

#include "kirchhoff/base/error.hpp"
#include "kirchhoff/circuit/conditional/quotient.hpp"
#include "kirchhoff/solve/solve.hpp"
#include "oracles.hpp"

namespace kirchhoff {
namespace {

HammingCircuit constant(int categories, int dimensions, int layers, double same, double change) {
  const auto count = static_cast<std::size_t>(layers);
  return {categories, dimensions, std::vector(count, same), std::vector(count, change)};
}

/// R above, at and below r; one coordinate; and r and R that differ from layer to layer.
std::vector<HammingCircuit> examples() {
  return {constant(3, 3, 5, 1, 8), constant(2, 4, 3, 1, 1),
          constant(3, 3, 1, 1, 1), constant(2, 5, 6, 1, 30),
          constant(4, 2, 4, 1, 2), constant(3, 3, 4, 5, 0.7),
          constant(4, 1, 3, 1, 2), {3, 3, {1, 2, 0.5, 3}, {8, 1, 20, 2.7}},
          {2, 5, {1, 3}, {2, 0.4}}};
}

std::string text(const HammingCircuit& c) {
  return "S " + std::to_string(c.categories) + ", D " + std::to_string(c.dimensions) + ", L " +
         std::to_string(c.same.size()) + ", R " + std::to_string(c.change.front());
}

/// The whole conditional circuit, every state a vertex: in evenly, out at (L, goal).
Circuit whole_circuit(const HammingCircuit& c, std::int64_t goal) {
  const StateSpace space(c.categories, c.dimensions);
  std::vector<Coupling> couplings;
  for (std::size_t l = 0; l < c.same.size(); ++l) {
    couplings.push_back(Coupling::hamming(space, c.same[l], c.change[l]));
  }
  Mass target(static_cast<std::size_t>(space.size()), 0.0);
  target[static_cast<std::size_t>(goal)] = 1;
  return {space, std::move(couplings), named_mass(space, "uniform"), std::move(target)};
}

/// Positive currents of the whole circuit, summed by class and kind of move, forward and backward.
struct Lumped {
  std::vector<std::array<double, 8>> current;  // (L+1) x (D+1)
  double moves = 0;
};

Lumped lump(const Circuit& circuit, std::int64_t goal, std::span<const double> potential) {
  const auto& space = circuit.space();
  const auto n = space.size();
  const auto classes = static_cast<std::size_t>(space.dimensions()) + 1;
  Lumped result{std::vector<std::array<double, 8>>(static_cast<std::size_t>(circuit.layers() + 1) * classes), 0};
  for (int l = 0; l <= circuit.layers(); ++l) {
    for (std::int64_t x = 0; x < n; ++x) {
      circuit.neighbours(l, x, [&](int to, std::int64_t y, double g) {
        const double i =
            g * (potential[static_cast<std::size_t>(l * n + x)] - potential[static_cast<std::size_t>(to * n + y)]);
        if (i <= 0) return;
        const int from_distance = space.hamming(x, goal);
        const int to_distance = space.hamming(y, goal);
        const auto kind = x == y                        ? MoveKind::same
                          : to_distance < from_distance ? MoveKind::toward
                          : to_distance > from_distance ? MoveKind::away
                                                        : MoveKind::other;
        auto& cell = result.current[static_cast<std::size_t>(l) * classes + static_cast<std::size_t>(from_distance)];
        cell[(to > l ? 0U : 4U) + static_cast<std::size_t>(kind)] += i;
        result.moves += i;
      });
    }
  }
  return result;
}

void expect_currents(const Quotient& quotient, const Lumped& lumped, double tolerance, const std::string& name) {
  double worst = 0;
  for (int l = 0; l <= quotient.layers(); ++l) {
    for (int d = 0; d <= quotient.dimensions(); ++d) {
      const auto& expected = lumped.current[static_cast<std::size_t>(l * (quotient.dimensions() + 1) + d)];
      for (const auto kind : kMoveKinds) {
        const auto k = static_cast<std::size_t>(kind);
        worst = std::max(worst, std::abs(quotient.forward(l, d, kind) - expected[k]));
        worst = std::max(worst, std::abs(quotient.backward(l, d, kind) - expected[4 + k]));
      }
    }
  }
  EXPECT_LT(worst, tolerance) << name;
  EXPECT_NEAR(quotient.expected_moves(), lumped.moves, tolerance * 1e2) << name;
}

TEST(Quotient, HasTheCurrentsOfTheWholeCircuit) {
  for (const auto& c : examples()) {
    const std::int64_t goal = 1;
    const auto circuit = whole_circuit(c, goal);
    const auto potential = oracles::to_vector(oracles::potentials(circuit));
    const auto lumped = lump(circuit, goal, potential);

    expect_currents(Quotient(c), lumped, 1e-13, text(c));
  }
}

TEST(Quotient, AgreesWithTheSolverOnThousandsOfStates) {
  for (const auto& c : {constant(2, 10, 5, 1, 6), constant(5, 4, 3, 1, 12), HammingCircuit{3, 6, {1, 2}, {5, 3}}}) {
    const std::int64_t goal = 7;
    const auto circuit = whole_circuit(c, goal);
    const auto solution = solve(MPI_COMM_WORLD, circuit, {SolveMethod::krylov, 1e-13});

    expect_currents(Quotient(c), lump(circuit, goal, solution.potential.data()), 1e-11, text(c));
  }
}

TEST(Quotient, MethodsAgree) {
  for (const auto& c : {constant(2, 32, 1, 1, 1), constant(2, 32, 7, 1, 30), constant(17, 64, 4, 1, 3),
                        constant(256, 784, 6, 1, 50), constant(3, 40, 5, 4, 0.5)}) {
    const Quotient cosine(c, Quotient::Method::cosine);
    const Quotient elimination(c, Quotient::Method::elimination);
    double worst = 0;
    for (int l = 0; l <= cosine.layers(); ++l) {
      for (int d = 0; d <= cosine.dimensions(); ++d) {
        for (const auto kind : kMoveKinds) {
          worst = std::max(worst, std::abs(cosine.forward(l, d, kind) - elimination.forward(l, d, kind)));
          worst = std::max(worst, std::abs(cosine.backward(l, d, kind) - elimination.backward(l, d, kind)));
        }
      }
    }

    EXPECT_LT(worst, 1e-12) << text(c);
  }
}

TEST(Quotient, ConservesTheFlowOfItsWalk) {
  auto all = examples();
  all.push_back(constant(2, 784, 50, 1, 100));
  all.push_back(constant(256, 784, 50, 1, 100));
  all.push_back(constant(2, 180, 1, 1, 1));
  for (const auto& c : all) {
    const Quotient q(c);
    const int dimensions = q.dimensions();
    std::vector<double> arriving(static_cast<std::size_t>((q.layers() + 1) * (dimensions + 1)), 0.0);
    const auto cell = [&](int l, int d) -> double& {
      return arriving[static_cast<std::size_t>(l * (dimensions + 1) + d)];
    };
    double visits = 0;
    for (int d = 0; d <= dimensions; ++d) {
      cell(0, d) += std::exp(q.log_states(d) - dimensions * std::log(c.categories));
    }
    for (int l = 0; l <= q.layers(); ++l) {
      for (int d = 0; d <= dimensions; ++d) {
        visits += q.visits(l, d);
        for (const auto kind : kMoveKinds) {
          const int to = d + (kind == MoveKind::away ? 1 : kind == MoveKind::toward ? -1 : 0);
          if (q.forward(l, d, kind) > 0) cell(l + 1, to) += q.forward(l, d, kind);
          if (q.backward(l, d, kind) > 0) cell(l - 1, to) += q.backward(l, d, kind);
        }
      }
    }
    double worst = 0;
    for (int l = 0; l <= q.layers(); ++l) {
      for (int d = 0; d <= dimensions; ++d) worst = std::max(worst, std::abs(cell(l, d) - q.visits(l, d)));
    }

    EXPECT_LT(worst, 1e-11) << text(c);
    EXPECT_LT(q.kcl_leftover(), 1e-12) << text(c);
    EXPECT_NEAR(visits, q.expected_moves() + 1, 1e-9) << text(c);
  }
}

TEST(Quotient, OnTwoLayersMendsHalfOfTheBits) {
  // docs/theory.md, section 8: D (S-1)/S moves that change, and parity costs about (S-1)/S more.
  EXPECT_NEAR(Quotient(constant(2, 32, 1, 1, 1)).expected_moves(), 16.5, 0.1);
  EXPECT_NEAR(Quotient(constant(4, 50, 1, 1, 1)).expected_moves(), 38.25, 0.2);
}

TEST(Quotient, HasThePotentialsOfTheWholeCircuit) {
  for (const auto& c : examples()) {
    const std::int64_t goal = 2 % c.categories;
    const auto circuit = whole_circuit(c, goal);
    const auto expected = oracles::to_vector(oracles::potentials(circuit));
    const auto lumped = Quotient(c).potentials();
    std::vector<double> potential;
    for (int l = 0; l <= circuit.layers(); ++l) {
      for (std::int64_t x = 0; x < circuit.states(); ++x) {
        potential.push_back(
            lumped[static_cast<std::size_t>(l * (c.dimensions + 1) + circuit.space().hamming(x, goal))]);
      }
    }

    EXPECT_LT(oracles::relative_difference(potential, expected), 1e-12) << text(c);
  }
}

TEST(Quotient, RefusesWhatIsNoCircuit) {
  EXPECT_THROW(Quotient(constant(1, 3, 2, 1, 1)), Error);
  EXPECT_THROW(Quotient(constant(2, 0, 2, 1, 1)), Error);
  EXPECT_THROW(Quotient(constant(2, 3, 0, 1, 1)), Error);
  EXPECT_THROW(Quotient(constant(2, 3, 2, 1, -1)), Error);
  EXPECT_THROW(Quotient({2, 3, {1, 1}, {1}}), Error);
  EXPECT_THROW(Quotient({2, 3, {1, 1}, {1, 2}}, Quotient::Method::cosine), Error);
}

}  // namespace
}  // namespace kirchhoff
