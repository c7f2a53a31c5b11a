#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "oracles.hpp"
#include "solve/multigrid/multigrid.hpp"

namespace kirchhoff {
namespace {

using oracles::MatrixXd;
using oracles::VectorXd;

Circuit lattice(int s, int d, int layers, double sigma, double change = 10, Boundary boundary = Boundary::reflecting) {
  const StateSpace space(s, d);
  std::vector<Coupling> couplings(static_cast<std::size_t>(layers), Coupling::lattice(space, 1, change, boundary));
  if (sigma > 0) couplings = spread_couplings(MPI_COMM_WORLD, couplings, sigma, 7);
  return Circuit(space, couplings, oracles::mass_with_zeros(space, 1), oracles::mass_with_zeros(space, 2));
}

double dot(MPI_Comm comm, const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return all_sum(comm, sum);
}

/// Iterations of conjugate gradients on the even layers until their residual has fallen by 1e10.
int iterations(const Circuit& circuit, bool precondition = true) {
  const MPI_Comm comm = MPI_COMM_WORLD;
  EvenLayersStencil laplacian(comm, circuit);
  LayeredMultigrid multigrid(comm, laplacian.stencil());
  const auto mine = laplacian.states();
  std::vector<double> b;
  for (int l = 0; l <= circuit.layers(); ++l) {
    for (auto x = mine.begin; x < mine.end; ++x) b.push_back(circuit.injected(l, x));
  }
  std::vector<double> r(static_cast<std::size_t>(mine.size() * (circuit.layers() / 2 + 1)));
  laplacian.eliminate(b, r);
  std::vector<double> z(r.size());
  std::vector<double> p(r.size());
  std::vector<double> q(r.size());
  const double target = 1e-10 * std::sqrt(dot(comm, r, r));
  double before = 1;
  for (int k = 0; k < 500; ++k) {
    if (std::sqrt(dot(comm, r, r)) <= target) return k;
    if (precondition) {
      multigrid.apply(r, z);
    } else {
      z = r;
    }
    const double rz = dot(comm, r, z);
    for (std::size_t i = 0; i < p.size(); ++i) p[i] = z[i] + (k > 0 ? rz / before : 0) * p[i];
    before = rz;
    laplacian.multiply(p, q);
    const double alpha = rz / dot(comm, p, q);
    for (std::size_t i = 0; i < r.size(); ++i) r[i] -= alpha * q[i];
  }
  return 500;
}

TEST(LayeredMultigrid, IsSymmetricAndPositiveDefiniteButForTheConstant) {
  const std::vector<Circuit> circuits = {lattice(5, 2, 3, 1),    lattice(9, 1, 4, 2),
                                         lattice(3, 3, 2, 0.5),  lattice(6, 2, 2, 1, 4, Boundary::periodic),
                                         lattice(2, 4, 3, 1, 2), lattice(7, 1, 5, 1, 1, Boundary::periodic)};
  for (const auto& circuit : circuits) {
    EvenLayersStencil laplacian(MPI_COMM_SELF, circuit);
    LayeredMultigrid multigrid(MPI_COMM_SELF, laplacian.stencil());
    const auto n = circuit.states() * (circuit.layers() / 2 + 1);
    MatrixXd inverse(n, n);
    std::vector<double> column(static_cast<std::size_t>(n));
    const MatrixXd off_constant = MatrixXd::Identity(n, n) - MatrixXd::Constant(n, n, 1.0 / static_cast<double>(n));
    for (Eigen::Index i = 0; i < n; ++i) {
      multigrid.apply(oracles::to_vector(off_constant.col(i)), column);
      inverse.col(i) = off_constant * oracles::to_eigen(column);
    }

    const MatrixXd asymmetry = inverse - inverse.transpose();
    const Eigen::SelfAdjointEigenSolver<MatrixXd> solver((inverse + inverse.transpose()) / 2);

    const double scale = solver.eigenvalues().maxCoeff();
    const auto name =
        fmt::format("{}^{}, L = {}", circuit.space().categories(), circuit.space().dimensions(), circuit.layers());
    EXPECT_LT(asymmetry.cwiseAbs().maxCoeff(), 1e-5 * scale) << name;
    EXPECT_LT(std::abs(solver.eigenvalues()(0)), 1e-5 * scale) << name;  // the constant
    EXPECT_GT(solver.eigenvalues()(1), 1e-4 * scale) << name;
  }
}

TEST(LayeredMultigrid, NeedsFewIterationsWhateverTheSize) {
  for (const auto& [sigma, bound] : std::vector<std::pair<double, int>>{{0, 25}, {0.25, 25}, {1, 30}, {2, 55}}) {
    const int small = iterations(lattice(24, 2, 8, sigma));
    const int large = iterations(lattice(75, 2, 8, sigma));
    EXPECT_LE(large, bound) << "sigma " << sigma;
    EXPECT_LE(large, small + 4 + small / 4) << "sigma " << sigma;
  }
}

TEST(LayeredMultigrid, ServesAnyNumberOfDimensionsLayersAndPeriodicEnds) {
  EXPECT_LE(iterations(lattice(300, 1, 20, 1)), 40);
  EXPECT_LE(iterations(lattice(13, 3, 6, 1)), 40);
  EXPECT_LE(iterations(lattice(7, 4, 4, 1)), 40);
  EXPECT_LE(iterations(lattice(12, 2, 301, 1)), 40);
  EXPECT_LE(iterations(lattice(33, 2, 1, 1)), 40);
  EXPECT_LE(iterations(lattice(37, 2, 8, 1, 10, Boundary::periodic)), 40);
  EXPECT_LE(iterations(lattice(30, 2, 8, 1, 1)), 60);
  EXPECT_GT(iterations(lattice(37, 2, 8, 1, 10, Boundary::periodic), false), 80);  // what it saves
}

TEST(LayeredMultigrid, DoesTheSameOnAnyNumberOfRanks) {
  const auto circuit = lattice(41, 2, 6, 1);
  const auto corrected = [&](MPI_Comm comm) {
    EvenLayersStencil laplacian(comm, circuit);
    LayeredMultigrid multigrid(comm, laplacian.stencil());
    const auto mine = laplacian.states();
    const auto n = circuit.states();
    const auto residual = oracles::uniform_numbers(4 * n, -1, 1, 9);
    std::vector<double> local;
    for (int j = 0; j < 4; ++j) {
      for (auto x = mine.begin; x < mine.end; ++x) local.push_back(residual[static_cast<std::size_t>(j * n + x)]);
    }
    std::vector<double> correction(local.size());
    multigrid.apply(local, correction);
    std::vector<double> field(static_cast<std::size_t>(4 * n));
    for (int j = 0; j < 4; ++j) {
      for (auto x = mine.begin; x < mine.end; ++x) {
        field[static_cast<std::size_t>(j * n + x)] =
            correction[static_cast<std::size_t>(j * mine.size() + x - mine.begin)];
      }
    }
    all_sum(comm, std::span<double>(field));
    return field;
  };

  EXPECT_LT(oracles::relative_difference(corrected(MPI_COMM_WORLD), corrected(MPI_COMM_SELF)), 1e-5);
}

}  // namespace
}  // namespace kirchhoff
