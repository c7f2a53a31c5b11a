#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "kirchhoff/base/random.hpp"
#include "oracles.hpp"
#include "solve/spectral/modes.hpp"
#include "solve/spectral/spectral.hpp"
#include "solve/spectral/spectral_preconditioner.hpp"

namespace kirchhoff {
namespace {

struct Named {
  std::string name;
  Coupling coupling;
};

std::vector<Named> couplings() {
  std::vector<Named> all;
  for (const auto& [s, d] :
       std::vector<std::pair<int, int>>{{1, 2}, {2, 1}, {2, 3}, {3, 2}, {5, 2}, {20, 1}, {17, 2}}) {
    const StateSpace space(s, d);
    const auto size = std::to_string(s) + "^" + std::to_string(d);
    all.push_back({"dense " + size, Coupling::dense(space, 0.5, 8)});
    all.push_back({"hamming " + size, Coupling::hamming(space, 0.5, 8)});
    all.push_back({"reflecting " + size, Coupling::lattice(space, 0.5, 8, Boundary::reflecting)});
    all.push_back({"periodic " + size, Coupling::lattice(space, 0.5, 8, Boundary::periodic)});
    for (int k = 0; k < d; ++k) {
      const auto groups = std::make_shared<const Groups>(Groups::by_coordinate(space, k));
      all.push_back({"blocks " + size + " by " + std::to_string(k), Coupling::blocks(space, 0.5, 3, 8, groups)});
    }
  }
  return all;
}

template <class T>
std::vector<T> to_modes(const Coupling& coupling, std::vector<T> field, bool back = false) {
  ModeTransform<T> modes(coupling);
  const auto layers = static_cast<std::int64_t>(field.size()) / coupling.space().size();
  for (int d = 0; d < modes.dimensions(); ++d) {
    if (back) {
      modes.inverse(field.data(), d, {0, modes.lines(d, layers)});
    } else {
      modes.forward(field.data(), d, {0, modes.lines(d, layers)});
    }
  }
  return field;
}

TEST(ModeTransform, TurnsACouplingIntoItsEigenvalues) {
  for (const auto& [name, coupling] : couplings()) {
    const auto n = coupling.space().size();
    const auto x = oracles::uniform_numbers(n, -1, 1, 5);
    const auto product = oracles::to_vector(oracles::matrix_of(coupling) * oracles::to_eigen(x));
    const ModeTransform<double> modes(coupling);
    std::vector<double> e(static_cast<std::size_t>(n));
    modes.laplacian_eigenvalue({0, n}, e);

    const auto of_x = to_modes(coupling, x);
    const auto of_product = to_modes(coupling, product);

    double worst = 0;
    for (std::size_t m = 0; m < e.size(); ++m) {
      const double delta = coupling.same() + (modes.row_changes() - e[m]) * coupling.change();
      worst = std::max(worst, std::abs(of_product[m] - delta * of_x[m]));
    }
    EXPECT_LT(worst, 1e-13 * (1 + oracles::to_eigen(product).norm())) << name;
    EXPECT_EQ(e[0], 0) << name;
  }
}

TEST(ModeTransform, IsOrthonormalAndComesBack) {
  for (const auto& [name, coupling] : couplings()) {
    const auto x = oracles::uniform_numbers(3 * coupling.space().size(), -1, 1, 6);

    const auto modes = to_modes(coupling, x);
    const auto again = to_modes(coupling, modes, true);

    EXPECT_NEAR(oracles::to_eigen(modes).norm(), oracles::to_eigen(x).norm(), 1e-13 * oracles::to_eigen(x).norm())
        << name;
    EXPECT_LT(oracles::relative_difference(again, x), 1e-14 * 10) << name;
  }
}

TEST(ModeTransform, IsTheSameInSinglePrecision) {
  for (const auto& [name, coupling] : couplings()) {
    const auto x = oracles::uniform_numbers(2 * coupling.space().size(), -1, 1, 7);
    const auto expected = to_modes(coupling, x);

    const auto found = to_modes(coupling, std::vector<float>(x.begin(), x.end()));

    EXPECT_LT(oracles::relative_difference(std::vector<double>(found.begin(), found.end()), expected), 1e-5) << name;
  }
}

TEST(ModeTransform, CountsOnFromAnyMode) {
  const auto coupling = Coupling::lattice(StateSpace(3, 3), 1, 2, Boundary::periodic);
  const ModeTransform<double> modes(coupling);
  std::vector<double> all(27);
  modes.laplacian_eigenvalue({0, 27}, all);
  for (std::int64_t begin = 0; begin < 27; ++begin) {
    std::vector<double> part(static_cast<std::size_t>(27 - begin));

    modes.laplacian_eigenvalue({begin, 27}, part);

    EXPECT_EQ(part, std::vector<double>(all.begin() + begin, all.end()));
  }
}

std::vector<oracles::Example> uniform_examples() {
  auto all = oracles::examples();
  std::erase_if(all, [](const oracles::Example& e) { return !is_uniform(e.circuit); });
  all.push_back({"long lattice", oracles::uniform_circuit(Family::lattice, 5, 1, 40, 1, 3)});
  all.push_back({"one layer pair", oracles::uniform_circuit(Family::lattice, 5, 2, 1, 1, 3)});
  all.push_back({"hamming, R << r", oracles::uniform_circuit(Family::hamming, 3, 2, 5, 10, 0.1)});
  all.push_back({"lattice, R << r", oracles::uniform_circuit(Family::lattice, 4, 2, 5, 10, 0.1)});
  all.push_back({"periodic, R << r",
                 oracles::uniform_circuit(Family::lattice, 4, 2, {{9, 8, 7}, {0.1, 0.2, 0.1}}, Boundary::periodic)});
  return all;
}

TEST(SolveSpectral, AgreesWithDenseLinearAlgebra) {
  for (const auto& [name, circuit] : uniform_examples()) {
    const auto expected = oracles::to_vector(oracles::potentials(circuit));
    SharedArray field(MPI_COMM_WORLD, circuit.vertices());

    solve_spectral(MPI_COMM_WORLD, circuit, field);

    EXPECT_LT(oracles::relative_difference(field.data(), expected), 1e-12) << name;
  }
}

TEST(SolveSpectral, IsTheSameOnSeveralNodes) {
  for (const auto& [name, circuit] : uniform_examples()) {
    SharedArray alone(MPI_COMM_SELF, circuit.vertices());
    solve_spectral(MPI_COMM_SELF, circuit, alone);
    for (const int nodes : {2, 3}) {
      SharedArray field(MPI_COMM_WORLD, circuit.vertices(), rank_of(MPI_COMM_WORLD) % nodes);

      solve_spectral(MPI_COMM_WORLD, circuit, field);

      EXPECT_LT(oracles::relative_difference(field.data(), alone.data()), 1e-13) << name;
    }
  }
}

/// A right-hand side that sums to zero, and what a solver in precision T makes of it.
template <class T>
std::vector<double> corrected(const Circuit& circuit, const Schedule& schedule, const std::vector<double>& b) {
  SpectralSolver<T> solver(circuit.coupling(0), schedule, {});
  std::vector<T> field(b.begin(), b.end());
  solver.solve(field.data(), [] {});
  return {field.begin(), field.end()};
}

std::vector<double> balanced(std::int64_t count) {
  auto b = oracles::uniform_numbers(count, -1, 1, 8);
  const double mean = oracles::to_eigen(b).mean();
  for (double& value : b) value -= mean;
  return b;
}

TEST(SpectralSolver, InvertsTheSchurComplementOnEvenLayers) {
  for (const auto& [name, circuit] : uniform_examples()) {
    const auto n = circuit.states();
    const Eigen::MatrixXd a = oracles::laplacian(circuit);
    std::vector<Eigen::Index> even;
    std::vector<Eigen::Index> odd;
    for (Eigen::Index v = 0; v < a.rows(); ++v) ((v / n) % 2 == 0 ? even : odd).push_back(v);
    const Eigen::MatrixXd schur = a(even, even) - a(even, odd) * a(odd, odd).inverse() * a(odd, even);
    const auto b = balanced(schur.rows());

    const auto phi = corrected<double>(circuit, schedule_of(circuit), b);
    const auto single = corrected<float>(circuit, schedule_of(circuit), b);

    EXPECT_LT((schur * oracles::to_eigen(phi) - oracles::to_eigen(b)).norm(), 1e-11 * oracles::to_eigen(b).norm())
        << name;
    EXPECT_LT(oracles::relative_difference(single, phi), 2e-4) << name;
  }
}

TEST(MeanSchedule, IsTheCircuitsOwnWhereAllEdgesAreAlike) {
  for (const auto& [name, circuit] : oracles::examples()) {
    if (circuit.coupling(0).slots() == 0 || !is_uniform(circuit)) continue;
    const auto alike = oracles::spread(circuit, 1e-300);  // weights, all equal

    const auto schedule = mean_schedule(MPI_COMM_WORLD, alike);

    for (int l = 0; l < circuit.layers(); ++l) {
      const auto k = static_cast<std::size_t>(l);
      EXPECT_NEAR(schedule.same[k], circuit.coupling(l).same(), 1e-13) << name;
      EXPECT_NEAR(schedule.change[k], circuit.coupling(l).change(), 1e-13) << name;
    }
  }
}

TEST(LatticeLikeness, IsNearlyTheLatticeThatATableWasMadeFrom) {
  const int side = 200;
  const StateSpace space(side, 1);
  const auto lattice = Coupling::lattice(space, 2, 5, Boundary::reflecting);
  std::vector<LayerEdge> edges;
  for (int l = 0; l < 2; ++l) {
    for (std::int64_t x = 0; x < side; ++x) {
      lattice.forward(x, [&](std::int64_t y, double g) { edges.push_back({l, x, y, (l + 1) * g}); });
    }
  }
  const Circuit circuit(space, couplings_from_edges(space, 2, edges, "test"), oracles::mass_with_zeros(space, 1),
                        oracles::mass_with_zeros(space, 2));

  const auto like = lattice_likeness(MPI_COMM_WORLD, circuit);

  EXPECT_NEAR(like.square_step, 1, 1e-12);
  for (const std::size_t l : {0, 1}) {  // reflected changes count as equal states: one in `side`
    const auto scale = static_cast<double>(l + 1);
    EXPECT_NEAR(like.schedule.change[l] / scale, lattice.change(), lattice.change() * 1.5 / side);
    EXPECT_NEAR(like.schedule.same[l] / scale, lattice.same(), lattice.same() * 1.5 / side);
  }
}

}  // namespace
}  // namespace kirchhoff
