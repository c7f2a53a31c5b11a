#include <fmt/format.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <vector>

#include "kirchhoff/circuit/nearest.hpp"
#include "oracles.hpp"
#include "solve/linear/even_layers.hpp"
#include "solve/linear/even_layers_table.hpp"
#include "solve/multigrid/stencil.hpp"

namespace kirchhoff {
namespace {

using oracles::MatrixXd;
using oracles::VectorXd;

constexpr double kRounding = 1e-12;

template <class System>
std::unique_ptr<EvenLayers> made(MPI_Comm comm, const Circuit& circuit) {
  return std::make_unique<System>(comm, circuit);
}

struct EvenLayersExample {
  std::string name;
  Circuit circuit;
  std::function<std::unique_ptr<EvenLayers>(MPI_Comm, const Circuit&)> system;
};

Circuit with_terminals(const std::vector<Coupling>& couplings) {
  const auto& space = couplings.front().space();
  return {space, couplings, oracles::mass_with_zeros(space, 1), oracles::mass_with_zeros(space, 2)};
}

/// Lattices of all shapes that need care: one category, rings of two and three, an odd number of layer pairs.
void add_lattices(std::vector<EvenLayersExample>& all) {
  for (const auto boundary : {Boundary::reflecting, Boundary::periodic}) {
    for (const auto& [s, d, layers] : std::vector<std::array<int, 3>>{
             {1, 2, 3}, {2, 2, 2}, {2, 1, 1}, {3, 2, 3}, {3, 3, 2}, {5, 1, 4}, {7, 1, 5}, {4, 2, 1}, {2, 4, 2}}) {
      for (const double sigma : {0.0, 1.5}) {
        const StateSpace space(s, d);
        std::vector<Coupling> couplings(static_cast<std::size_t>(layers), Coupling::lattice(space, 1, 3, boundary));
        if (sigma > 0) couplings = spread_couplings(MPI_COMM_WORLD, couplings, sigma, 7);
        all.push_back({fmt::format("{}^{}, L = {}, {}, sigma {}", s, d, layers,
                                   boundary == Boundary::periodic ? "periodic" : "reflecting", sigma),
                       with_terminals(couplings), made<EvenLayersStencil>});
      }
    }
  }
}

/// Neighbours of all distances, so that at three ranks some need states of both others.
void add_nearest(std::vector<EvenLayersExample>& all) {
  const StateSpace space(5, 2);
  const auto near = nearest_neighbours(space, grid_embedding(space), 6);
  for (const int layers : {1, 2, 5, 6}) {
    const std::vector<double> same(static_cast<std::size_t>(layers), 2.0);
    const std::vector<double> change(same.size(), 7.0);
    const auto circuit = with_terminals(nearest_couplings(space, near, same, change));
    all.push_back({fmt::format("nearest, L = {}, table", layers), circuit, made<EvenLayersTable>});
    all.push_back({fmt::format("nearest, L = {}, matrix", layers), circuit, made<EvenLayersMatrix>});
  }
}

void add_hamming(std::vector<EvenLayersExample>& all) {
  const std::vector<Coupling> couplings(3, Coupling::hamming(StateSpace(3, 2), 1, 4));
  all.push_back({"hamming", with_terminals(spread_couplings(MPI_COMM_WORLD, couplings, 1, 5)), made<EvenLayersMatrix>});
}

std::vector<EvenLayersExample> even_layers_examples() {
  std::vector<EvenLayersExample> all;
  add_lattices(all);
  add_nearest(all);
  add_hamming(all);
  return all;
}

Range states_of(MPI_Comm comm, const Circuit& circuit) {
  return partition(circuit.states(), size_of(comm), rank_of(comm));
}

/// A - A_eo A_oo^-1 A_oe of the even layers.
MatrixXd schur_complement(const Circuit& circuit) {
  const MatrixXd a = oracles::laplacian(circuit);
  std::vector<Eigen::Index> even;
  std::vector<Eigen::Index> odd;
  for (Eigen::Index v = 0; v < a.rows(); ++v) (v / circuit.states() % 2 == 0 ? even : odd).push_back(v);
  return a(even, even) - a(even, odd) * a(odd, odd).inverse() * a(odd, even);
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

TEST(EvenLayers, IsTheSchurComplementOfTheEvenLayers) {
  for (const auto& [name, circuit, make_system] : even_layers_examples()) {
    const MatrixXd schur = schur_complement(circuit);
    const VectorXd x = oracles::to_eigen(oracles::uniform_numbers(schur.rows(), -1, 1, 3));
    const auto mine = states_of(MPI_COMM_WORLD, circuit);

    const auto system = make_system(MPI_COMM_WORLD, circuit);
    std::vector<double> y(static_cast<std::size_t>(mine.size() * (circuit.layers() / 2 + 1)));
    system->multiply(piece(mine, circuit, x), y);

    const VectorXd product = whole(mine, circuit, circuit.layers() / 2 + 1, y);
    EXPECT_LT((product - schur * x).cwiseAbs().maxCoeff(), kRounding * schur.cwiseAbs().maxCoeff()) << name;
  }
}

TEST(EvenLayers, KnowsItsDiagonalWhereJacobiNeedsIt) {
  std::vector<EvenLayersExample> some;
  add_nearest(some);
  add_hamming(some);
  for (const auto& [name, circuit, make_system] : some) {
    const VectorXd expected = schur_complement(circuit).diagonal();
    const auto mine = states_of(MPI_COMM_WORLD, circuit);

    std::vector<double> diagonal(static_cast<std::size_t>(mine.size() * (circuit.layers() / 2 + 1)));
    make_system(MPI_COMM_WORLD, circuit)->diagonal(diagonal);

    const VectorXd all = whole(mine, circuit, circuit.layers() / 2 + 1, diagonal);
    EXPECT_LT((all - expected).cwiseAbs().maxCoeff(), kRounding * expected.maxCoeff()) << name;
  }
}

TEST(EvenLayers, EliminatesAndRecoversTheOddLayers) {
  for (const auto& [name, circuit, make_system] : even_layers_examples()) {
    const MatrixXd a = oracles::laplacian(circuit);
    const VectorXd phi = oracles::to_eigen(oracles::uniform_numbers(a.rows(), -1, 1, 4));
    const VectorXd b = a * phi;  // on all layers, unlike terminals
    const auto system = make_system(MPI_COMM_WORLD, circuit);
    const auto mine = states_of(MPI_COMM_WORLD, circuit);
    const auto local_b = piece(mine, circuit, b);
    const auto local_phi = piece(mine, circuit, layers_of(circuit, phi, 0));

    std::vector<double> reduced(local_phi.size());
    std::vector<double> product(local_phi.size());
    std::vector<double> recovered(local_b.size());
    system->multiply(local_phi, product);
    system->eliminate(local_b, reduced);
    system->recover(local_phi, local_b, recovered);

    const auto even = circuit.layers() / 2 + 1;
    const VectorXd difference = whole(mine, circuit, even, reduced) - whole(mine, circuit, even, product);
    EXPECT_LT(difference.cwiseAbs().maxCoeff(), kRounding * a.cwiseAbs().maxCoeff()) << name;
    const VectorXd error = whole(mine, circuit, circuit.layers() + 1, recovered) - phi;
    EXPECT_LT(error.cwiseAbs().maxCoeff(), 1e-10) << name;
  }
}

TEST(EvenLayersTable, AppliesWhereAllLayerPairsShareOneSymmetricTable) {
  const StateSpace space(4, 1);
  const auto near = nearest_neighbours(space, grid_embedding(space), 2);
  const auto nearest = [&](const std::vector<double>& change) {
    return with_terminals(nearest_couplings(space, near, std::vector<double>(change.size(), 1.0), change));
  };
  const std::vector<LayerEdge> one_way{{0, 0, 0, 1}, {0, 1, 1, 1}, {0, 2, 2, 1}, {0, 3, 3, 1},
                                       {0, 0, 3, 1}, {0, 0, 1, 1}, {0, 2, 1, 1}, {0, 3, 2, 1}};

  EXPECT_TRUE(EvenLayersTable::applies(nearest({5, 5, 5})));
  EXPECT_FALSE(EvenLayersTable::applies(nearest({5, 6, 5})));
  EXPECT_FALSE(EvenLayersTable::applies(with_terminals(couplings_from_edges(space, 1, one_way, "test"))));
  EXPECT_FALSE(EvenLayersTable::applies(oracles::uniform_circuit(Family::hamming, 3, 2, 3, 1, 10)));
}

TEST(EvenLayersStencil, DoesTheSameOnAnyNumberOfRanks) {
  const StateSpace space(33, 2);
  const std::vector<Coupling> uniform(4, Coupling::lattice(space, 1, 10, Boundary::periodic));
  const Circuit circuit(space, spread_couplings(MPI_COMM_WORLD, uniform, 1, 3), oracles::mass_with_zeros(space, 1),
                        oracles::mass_with_zeros(space, 2));
  const VectorXd x = oracles::to_eigen(oracles::uniform_numbers(3 * circuit.states(), -1, 1, 5));
  const auto product = [&](MPI_Comm comm) {
    EvenLayersStencil laplacian(comm, circuit);
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
