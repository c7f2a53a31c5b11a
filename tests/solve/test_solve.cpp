#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <petscsys.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "kirchhoff/base/error.hpp"
#include "kirchhoff/circuit/nearest.hpp"
#include "kirchhoff/currents/currents.hpp"
#include "kirchhoff/solve/solve.hpp"
#include "oracles.hpp"

namespace kirchhoff {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

// What issue 2 asks for. Residuals of 1e-12 times the condition numbers here (below 100) leave room.
constexpr double kMethodsAgreement = 1e-10;

std::vector<double> solved(MPI_Comm comm, const Circuit& circuit, SolveMethod method = SolveMethod::automatic) {
  const auto solution = solve(comm, circuit, {method, 1e-12});
  return {solution.potential.data().begin(), solution.potential.data().end()};
}

/// Sets a PETSc option while it lives.
class PetscOption {
 public:
  PetscOption(std::string name, const std::string& value) : name_(std::move(name)) {
    PetscOptionsSetValue(nullptr, name_.c_str(), value.c_str());
  }
  PetscOption(const PetscOption&) = delete;
  PetscOption& operator=(const PetscOption&) = delete;
  ~PetscOption() { PetscOptionsClearValue(nullptr, name_.c_str()); }

 private:
  std::string name_;
};

TEST(Solve, AgreesWithDenseLinearAlgebra) {
  for (const auto& [name, circuit] : oracles::examples()) {
    const auto expected = oracles::to_vector(oracles::potentials(circuit));

    const auto potential = solved(MPI_COMM_WORLD, circuit);

    EXPECT_LT(oracles::relative_difference(potential, expected), kMethodsAgreement) << name;
  }
}

TEST(Solve, AgreesDirectlyWithDenseLinearAlgebra) {
  for (const auto& [name, circuit] : oracles::examples()) {
    const auto expected = oracles::to_vector(oracles::potentials(circuit));

    const auto potential = solved(MPI_COMM_WORLD, circuit, SolveMethod::direct);

    EXPECT_LT(oracles::relative_difference(potential, expected), kMethodsAgreement) << name;
  }
}

TEST(Solve, AgreesBetweenKrylovAndDirectOnLargerCircuits) {
  std::vector<oracles::Example> larger;
  larger.push_back({"dense", oracles::uniform_circuit(Family::dense, 9, 2, 6, 1, 100)});
  larger.push_back({"hamming", oracles::uniform_circuit(Family::hamming, 5, 3, 6, 1, 10)});
  larger.push_back({"lattice", oracles::uniform_circuit(Family::lattice, 12, 2, 6, 1, 10)});
  for (const auto& [name, circuit] : larger) {
    const auto direct = solved(MPI_COMM_WORLD, circuit, SolveMethod::direct);

    const auto krylov = solved(MPI_COMM_WORLD, circuit, SolveMethod::krylov);

    EXPECT_LT(oracles::relative_difference(krylov, direct), kMethodsAgreement) << name;
  }
}

TEST(Solve, DoesNotDependOnTheNumberOfRanks) {
  for (const auto& [name, circuit] : oracles::examples()) {
    const auto alone = solved(MPI_COMM_SELF, circuit);

    const auto together = solved(MPI_COMM_WORLD, circuit);

    EXPECT_LT(oracles::relative_difference(together, alone), kMethodsAgreement) << name;
  }
}

/// Coefficients of a mean-free mode for one ampere in on layer 0: docs/theory.md, section 2. One ampere out on layer L
/// gives the same from the other end, with the opposite sign.
std::vector<double> mode_of_dense(int layers, double kappa, double delta) {
  std::vector<double> u;
  if (delta > 0) {
    const double t = std::acosh(kappa / delta);
    for (int l = 0; l <= layers; ++l) {
      u.push_back(std::cosh(t * (layers - l)) / (delta * std::sinh(t) * std::sinh(t * layers)));
    }
    return u;
  }
  Eigen::MatrixXd tridiagonal = Eigen::MatrixXd::Zero(layers + 1, layers + 1);
  for (int l = 0; l <= layers; ++l) {
    tridiagonal(l, l) = (l == 0 || l == layers) ? kappa : 2 * kappa;
    if (l > 0) tridiagonal(l, l - 1) = tridiagonal(l - 1, l) = -delta;
  }
  return oracles::to_vector(tridiagonal.partialPivLu().solve(Eigen::VectorXd::Unit(layers + 1, 0)));
}

std::vector<double> closed_form_of_dense(const Circuit& circuit, double same, double change) {
  const auto n = static_cast<double>(circuit.states());
  const int layers = circuit.layers();
  const double kappa = 1 / same + (n - 1) / change;
  const auto u = mode_of_dense(layers, kappa, 1 / same - 1 / change);
  std::vector<double> phi;
  for (int l = 0; l <= layers; ++l) {
    const double in = u[static_cast<std::size_t>(l)];
    const double out = -u[static_cast<std::size_t>(layers - l)];
    for (std::size_t x = 0; x < circuit.source().size(); ++x) {
      const double background = (layers / 2.0 - l) / (n * kappa);
      phi.push_back(background + in * (circuit.source()[x] - 1 / n) + out * (circuit.target()[x] - 1 / n));
    }
  }
  return phi;
}

TEST(Solve, HasTheClosedFormOnDenseCircuits) {
  struct Parameters {
    int categories;
    int dimensions;
    int layers;
    double same;
    double change;
  };
  const std::vector<Parameters> cases = {{5, 2, 1, 1, 2500}, {5, 2, 10, 1, 2500}, {50, 1, 10, 1, 50},
                                         {3, 3, 4, 2, 2},    {7, 1, 5, 3, 0.5},   {30, 2, 10, 1, 900}};
  for (const auto& c : cases) {
    const auto circuit =
        oracles::uniform_circuit(Family::dense, c.categories, c.dimensions, c.layers, c.same, c.change);

    const auto potential = solved(MPI_COMM_WORLD, circuit);

    const auto expected = closed_form_of_dense(circuit, c.same, c.change);
    EXPECT_LT(oracles::relative_difference(potential, expected), kMethodsAgreement) << c.layers << " " << c.change;
  }
}

TEST(Solve, AddsUpResistancesInSeries) {
  const StateSpace space(1, 1);  // one state: a chain of L resistors
  const std::vector<double> r = {1, 2.5, 0.25, 40};
  std::vector<Coupling> couplings;
  for (const double ohm : r) couplings.push_back(Coupling::dense(space, ohm, 7));
  const Circuit circuit(space, couplings, {1}, {1});

  const auto solution = solve(MPI_COMM_WORLD, circuit, {});

  const auto phi = solution.potential.data();
  EXPECT_NEAR(solution.report.effective_resistance, 43.75, 1e-10);  // sum of r; to the tolerance of the solve
  for (std::size_t l = 0; l < r.size(); ++l) EXPECT_NEAR(phi[l] - phi[l + 1], r[l], 1e-10) << l;  // at one ampere
}

TEST(Solve, AddsUpConductancesInParallel) {
  const StateSpace space(1, 1);
  const auto couplings = couplings_from_edges(space, 1, {{0, 0, 0, 1}, {0, 0, 0, 0.5}, {0, 0, 0, 2.5}}, "edges");
  const Circuit circuit(space, couplings, {1}, {1});

  const auto solution = solve(MPI_COMM_WORLD, circuit, {});

  EXPECT_NEAR(solution.report.effective_resistance, 0.25, 1e-12);  // 1 / (1 + 0.5 + 2.5)
}

TEST(Solve, BalancesWheatstonesBridge) {
  // a = (0, 0); b, c = (1, 0), (1, 1); d = (2, 0). The bridge of 5 ohm passes (2, 1), halfway; (0, 1) hangs on b.
  const StateSpace space(2, 1);
  const auto bridge = [&](double bd, double cd) {
    const std::vector<LayerEdge> edges = {{0, 0, 0, 1},      {0, 0, 1, 1 / 2.0}, {0, 1, 0, 1},      {1, 0, 0, 1 / bd},
                                          {1, 1, 0, 1 / cd}, {1, 0, 1, 1 / 2.5}, {1, 1, 1, 1 / 2.5}};
    return Circuit(space, couplings_from_edges(space, 2, edges, "edges"), {1, 0}, {1, 0});
  };

  const auto balanced = solve(MPI_COMM_WORLD, bridge(2, 4), {});
  const auto tilted = solve(MPI_COMM_WORLD, bridge(3, 4), {});

  const double tolerance = 1e-11;  // potentials of 1 V solved to 1e-12
  const auto b = balanced.potential.data();
  EXPECT_NEAR(b[2] - b[3], 0, tolerance);                           // no current: 1 / 2 = 2 / 4
  EXPECT_NEAR(balanced.report.effective_resistance, 2, tolerance);  // 3 and 6 ohm in parallel
  const auto t = tilted.potential.data();
  EXPECT_NEAR((t[2] - t[3]) / 5, 2.0 / 71, tolerance);  // by hand from the two mesh equations
  EXPECT_NEAR(tilted.report.effective_resistance, 170.0 / 71, tolerance);
  EXPECT_NEAR(t[1] - t[2], 0, tolerance);  // nothing flows into what only hangs on
}

TEST(Solve, ReportsWhatHoldsOfTheSolution) {
  for (const auto& [name, circuit] : oracles::examples()) {
    const auto solution = solve(MPI_COMM_WORLD, circuit, {});

    const auto& report = solution.report;
    const Eigen::VectorXd phi = oracles::to_eigen(solution.potential.data());
    const Eigen::MatrixXd a = oracles::laplacian(circuit);
    const Eigen::VectorXd b = oracles::injected(circuit);
    const double floor =
        4 * std::numeric_limits<double>::epsilon() * a.cwiseAbs().rowwise().sum().maxCoeff() * phi.norm() / b.norm();
    EXPECT_EQ(report.unknowns, circuit.vertices()) << name;
    EXPECT_EQ(report.edges, circuit.edges()) << name;
    EXPECT_EQ(report.components, 1) << name;
    EXPECT_EQ(report.ranks, size_of(MPI_COMM_WORLD)) << name;
    EXPECT_EQ(report.iterations == 0, report.method == "spectral") << name;  // a direct method iterates not
    EXPECT_GT(report.peak_memory_bytes, 1 << 20) << name;
    EXPECT_FALSE(report.method.empty() || report.reason.empty() || report.gauge.empty() || report.blas.empty()) << name;
    EXPECT_LE(report.relative_residual, 1e-12) << name;
    EXPECT_LE((b - a * phi).norm() / b.norm(), 1e-12 + floor) << name;
    EXPECT_NEAR(report.residual_floor, floor, 1e-10 * floor) << name;  // formulas equal: rounding of sums alone
    EXPECT_LE(report.kcl_max_imbalance, 1e-12) << name;
    EXPECT_LE(report.residual_norm1, 1e-12 * static_cast<double>(circuit.vertices())) << name;
    EXPECT_LE(report.energy_relative_error, 1e-10) << name;  // the figure of issue 2
    EXPECT_NEAR(report.effective_resistance, phi.dot(b), 1e-12 * phi.dot(b)) << name;
    EXPECT_NEAR(phi.mean(), 0, 1e-13 * phi.cwiseAbs().maxCoeff()) << name;  // the gauge, to rounding
  }
}

TEST(Solve, IsWithinTheFloorAtRatiosOfAHundredMillionOrRefuses) {
  const oracles::Resistances wild{{1, 1e8, 1, 1e-4}, {1e8, 1, 1e4, 1e4}};
  for (const auto family : {Family::dense, Family::hamming, Family::lattice}) {
    for (const auto method : {SolveMethod::krylov, SolveMethod::direct}) {
      const auto circuit = oracles::uniform_circuit(family, 3, 2, wild);
      using Exact = Eigen::Matrix<long double, Eigen::Dynamic, Eigen::Dynamic>;
      const Exact a = oracles::laplacian(circuit).cast<long double>();
      const Exact b = oracles::injected(circuit).cast<long double>();
      try {
        const auto solution = solve(MPI_COMM_WORLD, circuit, {method, 1e-12});

        const Exact phi = oracles::to_eigen(solution.potential.data()).cast<long double>();
        const double allowed = std::max(1e-12, solution.report.residual_floor);
        EXPECT_LE(solution.report.relative_residual, allowed) << to_string(family);
        // Twice: the residual recomputed here rounds otherwise than the program's.
        EXPECT_LE(static_cast<double>((b - a * phi).norm() / b.norm()), 2 * allowed) << to_string(family);
      } catch (const Error& refused) {
        EXPECT_THAT(refused.what(), HasSubstr("relative residual")) << to_string(family);
      }
    }
  }
}

TEST(Solve, AcceptsTheRoundingFloorForAnImpossibleTolerance) {
  for (const auto& [name, circuit] : oracles::examples()) {
    const auto solution = solve(MPI_COMM_WORLD, circuit, {SolveMethod::automatic, 1e-30});

    EXPECT_LE(solution.report.relative_residual, solution.report.residual_floor) << name;
    EXPECT_EQ(solution.report.tolerance, 1e-30) << name;
  }
}

TEST(Solve, ReachesTheRoundingFloorDirectlyWhereResistancesDiffer) {
  for (const auto family : {Family::dense, Family::hamming, Family::lattice}) {
    const auto circuit = oracles::uniform_circuit(family, 8, 2, 4, 1, 1e6);

    const auto report = solve(MPI_COMM_WORLD, circuit, {SolveMethod::direct, 1e-12}).report;

    EXPECT_LE(report.relative_residual, std::max(1e-12, report.residual_floor)) << to_string(family);
  }
}

TEST(Solve, NeverReturnsAnAnswerThatMisses) {
  const auto circuit = oracles::uniform_circuit(Family::lattice, 30, 2, 6, 1, 10);
  const PetscOption few("-ksp_max_it", "1");
  const PetscOption none("-pc_type", "none");

  EXPECT_THAT([&] { solve(MPI_COMM_WORLD, circuit, {}); },
              ThrowsMessage<AgreedError>(AllOf(HasSubstr("relative residual"), HasSubstr("1.0e-12"))));
}

Circuit nearest_grid(int side, double scale) {
  const StateSpace space(side, 2);
  const auto near = nearest_neighbours(space, grid_embedding(space), 8);
  return {space, nearest_couplings(space, near, std::vector(6, scale), std::vector(6, 10 * scale)),
          oracles::mass_with_zeros(space, 1), oracles::mass_with_zeros(space, 2)};
}

TEST(Solve, NeedsNoMoreIterationsOnLargerGridsOfNeighbours) {
  std::vector<std::int64_t> iterations;
  for (const int side : {16, 48}) {
    const auto solution = solve(MPI_COMM_WORLD, nearest_grid(side, 1), {});
    EXPECT_EQ(solution.report.method, "cg on even layers + spectral");
    iterations.push_back(solution.report.iterations);
  }
  EXPECT_LE(iterations[1], iterations[0] + 3);
  EXPECT_LE(iterations[1], 25);
}

TEST(Solve, ScalesWithTheResistancesOfNeighbours) {
  const auto one = solve(MPI_COMM_WORLD, nearest_grid(16, 1), {});
  for (const double scale : {1e-60, 1e60}) {
    const auto other = solve(MPI_COMM_WORLD, nearest_grid(16, scale), {});
    EXPECT_NEAR(other.report.effective_resistance / scale, one.report.effective_resistance, 1e-10) << scale;
  }
}

/// Whether the report's estimate covers the error of the potentials, which oracles of double precision suffice to see.
TEST(Solve, KnowsThePotentialsOfStatesThatAreAllButApart) {
  // Two states, 1 ohm from layer to layer and 1e12 ohm between them; p = q. By hand: each chain carries its own
  // current, and by symmetry nothing crosses.
  const StateSpace space(2, 1);
  std::vector<LayerEdge> edges;
  for (int l = 0; l < 4; ++l) {
    for (std::int64_t x = 0; x < 2; ++x) {
      edges.push_back({l, x, x, 1});
      edges.push_back({l, x, 1 - x, 1e-12});
    }
  }
  const Circuit circuit(space, couplings_from_edges(space, 4, edges, "edges"), {0.75, 0.25}, {0.75, 0.25});
  for (const auto method :
       {SolveMethod::automatic, SolveMethod::krylov, SolveMethod::even_layers, SolveMethod::direct}) {
    const auto solution = solve(MPI_COMM_WORLD, circuit, {method, 1e-12});

    const auto phi = solution.potential.data();
    const double allowed = 2 * (solution.report.potential_error_estimate + 1e-12);  // 1e-12 crosses
    for (std::size_t l = 0; l <= 4; ++l) {
      const double drops = 2 - static_cast<double>(l);
      EXPECT_NEAR(phi[2 * l], 0.75 * drops, allowed) << solution.report.method;
      EXPECT_NEAR(phi[2 * l + 1], 0.25 * drops, allowed) << solution.report.method;
    }
    EXPECT_LE(solution.report.potential_error_estimate, kWorstPotentials);
  }
}

TEST(Solve, TriesOtherMethodsBeforeItGivesUp) {
  // Weights over 24 decades: conjugate gradients do not get far, a factorisation does.
  const StateSpace space(4, 1);
  std::vector<LayerEdge> edges;
  for (int l = 0; l < 3; ++l) {
    for (std::int64_t x = 0; x < 4; ++x) {
      edges.push_back({l, x, x, x % 2 == 0 ? 1e12 : 1e-2});
      edges.push_back({l, x, (x + 1) % 4, 1e-12});
    }
  }
  const Mass even(4, 0.25);
  const Circuit circuit(space, couplings_from_edges(space, 3, edges, "edges"), even, even);
  try {
    const auto solution = solve(MPI_COMM_WORLD, circuit, {});
    EXPECT_LE(solution.report.potential_error_estimate, kWorstPotentials);
  } catch (const AgreedError& refused) {
    EXPECT_THAT(refused.what(), AllOf(HasSubstr("tried before: cg on even layers"), HasSubstr("cholesky")));
  }
}

TEST(Solve, TakesItsSolverFromTheOptions) {
  const auto circuit = oracles::uniform_circuit(Family::hamming, 3, 2, 3, 1, 10);
  const auto expected = oracles::to_vector(oracles::potentials(circuit));
  for (const std::string type : {"cg", "gmres", "minres", "bcgs", "pipecg"}) {
    const PetscOption ksp("-ksp_type", type);
    const PetscOption pc("-pc_type", "none");

    const auto solution = solve(MPI_COMM_WORLD, circuit, {});

    EXPECT_EQ(solution.report.method, type + " + none");
    EXPECT_LT(oracles::relative_difference(solution.potential.data(), expected), kMethodsAgreement) << type;
  }
}

TEST(Solve, TakesItsNormFromTheOptions) {
  const auto circuit = oracles::uniform_circuit(Family::hamming, 3, 2, 3, 1, 10);
  const PetscOption norm("-ksp_norm_type", "unpreconditioned");

  const auto solution = solve(MPI_COMM_WORLD, circuit, {});

  const auto expected = oracles::to_vector(oracles::potentials(circuit));
  EXPECT_LT(oracles::relative_difference(solution.potential.data(), expected), kMethodsAgreement);
}

TEST(Solve, RefusesOptionsThatItsSolverDoesNotKnow) {
  const auto circuit = oracles::uniform_circuit(Family::hamming, 3, 1, 2, 1, 10);
  const PetscOption misspelt("-ksp_tpye", "gmres");

  EXPECT_THAT([&] { solve(MPI_COMM_WORLD, circuit, {}); },
              ThrowsMessage<Error>(AllOf(HasSubstr("-ksp_tpye"), HasSubstr("did you mean 'ksp_type'"))));
}

TEST(Solve, RefusesToStoreALargeDenseCircuit) {
  const auto circuit = oracles::uniform_circuit(Family::dense, kDenseDirectStates + 1, 1, 1, 1, 10);

  EXPECT_THAT(
      [&] {
        solve(MPI_COMM_WORLD, circuit, {SolveMethod::direct, 1e-12});
      },
      ThrowsMessage<Error>(AllOf(HasSubstr("1050625 edges"), HasSubstr("solve_method"))));
}

}  // namespace
}  // namespace kirchhoff
