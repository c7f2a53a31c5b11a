#include <fmt/format.h>
#include <gtest/gtest.h>

#include <vector>

#include "oracles.hpp"
#include "solve/stencil.hpp"

namespace kirchhoff {
namespace {

using oracles::MatrixXd;
using oracles::VectorXd;

constexpr double kStencilRounding = 1e-12;

struct Example {
  std::string name;
  Circuit circuit;
};

/// Lattices of all shapes that need care: one category, rings of two and three, an odd number of layer pairs.
std::vector<Example> examples() {
  std::vector<Example> all;
  for (const auto boundary : {Boundary::reflecting, Boundary::periodic}) {
    for (const auto& [s, d, layers] : std::vector<std::array<int, 3>>{
             {1, 2, 3}, {2, 2, 2}, {2, 1, 1}, {3, 2, 3}, {3, 3, 2}, {5, 1, 4}, {7, 1, 5}, {4, 2, 1}, {2, 4, 2}}) {
      for (const double sigma : {0.0, 1.5}) {
        const StateSpace space(s, d);
        std::vector<Coupling> couplings(static_cast<std::size_t>(layers), Coupling::lattice(space, 1, 3, boundary));
        if (sigma > 0) couplings = spread_couplings(MPI_COMM_WORLD, couplings, sigma, 7);
        all.push_back(
            {fmt::format("{}^{}, L = {}, {}, sigma {}", s, d, layers,
                         boundary == Boundary::periodic ? "periodic" : "reflecting", sigma),
             Circuit(space, couplings, oracles::mass_with_zeros(space, 1), oracles::mass_with_zeros(space, 2))});
      }
    }
  }
  return all;
}

/// Every other layer of a field in natural order.
VectorXd layers_of(const Circuit& circuit, const VectorXd& field, int first) {
  const auto n = circuit.states();
  const int count = (circuit.layers() - first) / 2 + 1;
  VectorXd some(count * n);
  for (int j = 0; j < count; ++j) some.segment(j * n, n) = field.segment((2 * j + first) * n, n);
  return some;
}

/// A rank's piece of a field, and the whole from all pieces.
std::vector<double> piece(Range mine, const Circuit& circuit, const VectorXd& field) {
  const auto n = circuit.states();
  std::vector<double> local;
  for (Eigen::Index l = 0; l < field.size() / n; ++l) {
    for (auto x = mine.begin; x < mine.end; ++x) local.push_back(field(l * n + x));
  }
  return local;
}

VectorXd whole(Range mine, const Circuit& circuit, int layers, const std::vector<double>& local) {
  const auto n = circuit.states();
  std::vector<double> field(static_cast<std::size_t>(layers * n));
  for (int l = 0; l < layers; ++l) {
    for (auto x = mine.begin; x < mine.end; ++x) {
      field[static_cast<std::size_t>(l * n + x)] = local[static_cast<std::size_t>(l * mine.size() + x - mine.begin)];
    }
  }
  all_sum(MPI_COMM_WORLD, std::span<double>(field));
  return oracles::to_eigen(field);
}

TEST(ParityLaplacian, IsTheSchurComplementOfTheEvenLayers) {
  for (const auto& [name, circuit] : examples()) {
    const MatrixXd a = oracles::laplacian(circuit);
    std::vector<Eigen::Index> even;
    std::vector<Eigen::Index> odd;
    for (Eigen::Index v = 0; v < a.rows(); ++v) (v / circuit.states() % 2 == 0 ? even : odd).push_back(v);
    const MatrixXd schur = a(even, even) - a(even, odd) * a(odd, odd).inverse() * a(odd, even);
    const auto count = static_cast<std::int64_t>(even.size());
    const VectorXd x = oracles::to_eigen(oracles::uniform_numbers(count, -1, 1, 3));

    ParityLaplacian laplacian(MPI_COMM_WORLD, circuit);
    std::vector<double> y(static_cast<std::size_t>(laplacian.states().size() * (circuit.layers() / 2 + 1)));
    laplacian.multiply(piece(laplacian.states(), circuit, x), y);

    const VectorXd product = whole(laplacian.states(), circuit, circuit.layers() / 2 + 1, y);
    EXPECT_LT((product - schur * x).cwiseAbs().maxCoeff(), kStencilRounding * a.cwiseAbs().maxCoeff()) << name;
  }
}

TEST(ParityLaplacian, EliminatesAndRecoversTheOddLayers) {
  for (const auto& [name, circuit] : examples()) {
    const MatrixXd a = oracles::laplacian(circuit);
    const VectorXd phi = oracles::to_eigen(oracles::uniform_numbers(a.rows(), -1, 1, 4));
    const VectorXd b = a * phi;  // on all layers, unlike terminals
    ParityLaplacian laplacian(MPI_COMM_WORLD, circuit);
    const auto mine = laplacian.states();
    const auto local_b = piece(mine, circuit, b);
    const auto local_phi = piece(mine, circuit, layers_of(circuit, phi, 0));

    std::vector<double> reduced(local_phi.size());
    std::vector<double> product(local_phi.size());
    std::vector<double> recovered(local_b.size());
    laplacian.multiply(local_phi, product);
    laplacian.eliminate(local_b, reduced);
    laplacian.recover(local_phi, local_b, recovered);

    const auto even = circuit.layers() / 2 + 1;
    const VectorXd difference = whole(mine, circuit, even, reduced) - whole(mine, circuit, even, product);
    EXPECT_LT(difference.cwiseAbs().maxCoeff(), kStencilRounding * a.cwiseAbs().maxCoeff()) << name;
    const VectorXd error = whole(mine, circuit, circuit.layers() + 1, recovered) - phi;
    EXPECT_LT(error.cwiseAbs().maxCoeff(), 1e-10) << name;
  }
}

TEST(ParityLaplacian, DoesTheSameOnAnyNumberOfRanks) {
  const StateSpace space(33, 2);
  const std::vector<Coupling> uniform(4, Coupling::lattice(space, 1, 10, Boundary::periodic));
  const Circuit circuit(space, spread_couplings(MPI_COMM_WORLD, uniform, 1, 3), oracles::mass_with_zeros(space, 1),
                        oracles::mass_with_zeros(space, 2));
  const VectorXd x = oracles::to_eigen(oracles::uniform_numbers(3 * circuit.states(), -1, 1, 5));
  const auto product = [&](MPI_Comm comm) {
    ParityLaplacian laplacian(comm, circuit);
    std::vector<double> y(static_cast<std::size_t>(3 * laplacian.states().size()));
    laplacian.multiply(piece(laplacian.states(), circuit, x), y);
    if (comm == MPI_COMM_SELF) return oracles::to_eigen(y).eval();
    return whole(laplacian.states(), circuit, 3, y);
  };

  const VectorXd together = product(MPI_COMM_WORLD);
  const VectorXd alone = product(MPI_COMM_SELF);

  EXPECT_LT((together - alone).cwiseAbs().maxCoeff(), 1e-14);
}

}  // namespace
}  // namespace kirchhoff
