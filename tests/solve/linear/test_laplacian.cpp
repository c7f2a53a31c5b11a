#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "oracles.hpp"
#include "solve/linear/laplacian.hpp"

namespace kirchhoff {
namespace {

constexpr double kMatrixRounding = 1e-13;  // sums of some tens of terms of size 1 to 100, relative to the largest

/// The operators under test: assembled for all families, matrix-free for dense.
std::vector<std::pair<std::string, Matrix>> operators(const Layout& layout, const Circuit& circuit) {
  std::vector<std::pair<std::string, Matrix>> all;
  all.emplace_back("assembled", assemble_laplacian(layout, circuit, false));
  if (circuit.joins_all()) all.emplace_back("matrix-free", dense_laplacian(layout, circuit));
  return all;
}

/// A field in natural order as this rank's piece of a vector, and back (on all ranks).
void scatter(const Layout& layout, const Circuit& circuit, const std::vector<double>& field, Vec v) {
  PetscScalar* values = nullptr;
  check(VecGetArrayWrite(v, &values));
  for (int l = 0; l <= circuit.layers(); ++l) {
    for (auto x = layout.states().begin; x < layout.states().end; ++x) {
      values[layout.row(l, x) - layout.first_row()] = field[static_cast<std::size_t>(l * circuit.states() + x)];
    }
  }
  check(VecRestoreArrayWrite(v, &values));
}

std::vector<double> gather(const Layout& layout, const Circuit& circuit, Vec v) {
  std::vector<double> field(static_cast<std::size_t>(circuit.vertices()));
  const PetscScalar* values = nullptr;
  check(VecGetArrayRead(v, &values));
  for (int l = 0; l <= circuit.layers(); ++l) {
    for (auto x = layout.states().begin; x < layout.states().end; ++x) {
      field[static_cast<std::size_t>(l * circuit.states() + x)] = values[layout.row(l, x) - layout.first_row()];
    }
  }
  check(VecRestoreArrayRead(v, &values));
  all_sum(layout.comm(), std::span<double>(field));
  return field;
}

std::vector<double> product(const Layout& layout, const Circuit& circuit, Mat matrix,
                            const std::vector<double>& field) {
  Vector in;
  Vector out;
  check(MatCreateVecs(matrix, in.out(), out.out()));
  scatter(layout, circuit, field, in.get());
  check(MatMult(matrix, in.get(), out.get()));
  return gather(layout, circuit, out.get());
}

double largest(const std::vector<double>& values) { return oracles::to_eigen(values).cwiseAbs().maxCoeff(); }

TEST(Laplacian, AnnihilatesConstants) {
  for (const auto& [name, circuit] : oracles::examples()) {
    const Layout layout(MPI_COMM_WORLD, circuit);
    const std::vector<double> one(static_cast<std::size_t>(circuit.vertices()), 1.0);
    const double degree = oracles::laplacian(circuit).diagonal().maxCoeff();
    for (const auto& [kind, matrix] : operators(layout, circuit)) {
      const auto image = product(layout, circuit, matrix.get(), one);

      EXPECT_LT(largest(image), kMatrixRounding * degree) << name << ", " << kind;
    }
  }
}

TEST(Laplacian, IsTheDenseMatrixOnRandomVectors) {
  for (const auto& [name, circuit] : oracles::examples()) {
    const Layout layout(MPI_COMM_WORLD, circuit);
    const Eigen::MatrixXd oracle = oracles::laplacian(circuit);
    for (const auto& [kind, matrix] : operators(layout, circuit)) {
      for (const std::uint64_t seed : {1, 2, 3}) {
        const auto field = oracles::uniform_numbers(circuit.vertices(), -1, 1, seed);
        const auto expected = oracles::to_vector(oracle * oracles::to_eigen(field));

        const auto image = product(layout, circuit, matrix.get(), field);

        EXPECT_LT(oracles::relative_difference(image, expected), kMatrixRounding) << name << ", " << kind;
      }
    }
  }
}

TEST(Laplacian, HasTheDegreesOnItsDiagonal) {
  for (const auto& [name, circuit] : oracles::examples()) {
    const Layout layout(MPI_COMM_WORLD, circuit);
    const auto expected = oracles::to_vector(oracles::laplacian(circuit).diagonal());
    for (const auto& [kind, matrix] : operators(layout, circuit)) {
      Vector diagonal;
      check(MatCreateVecs(matrix.get(), nullptr, diagonal.out()));
      check(MatGetDiagonal(matrix.get(), diagonal.get()));

      const auto degrees = gather(layout, circuit, diagonal.get());

      EXPECT_LT(oracles::relative_difference(degrees, expected), kMatrixRounding) << name << ", " << kind;
    }
  }
}

TEST(Laplacian, GainsTheDegreeOfTheFirstVertexWhenGrounded) {
  for (const auto& [name, circuit] : oracles::examples()) {
    const Layout layout(MPI_COMM_WORLD, circuit);
    const auto field = oracles::uniform_numbers(circuit.vertices(), 0.5, 1, 4);
    Eigen::MatrixXd oracle = oracles::laplacian(circuit);
    oracle(0, 0) *= 2;
    const auto expected = oracles::to_vector(oracle * oracles::to_eigen(field));

    const auto image = product(layout, circuit, assemble_laplacian(layout, circuit, true).get(), field);

    EXPECT_LT(oracles::relative_difference(image, expected), kMatrixRounding) << name;
  }
}

TEST(Laplacian, KnowsTheConstantAsItsNullSpace) {
  const auto circuit = oracles::uniform_circuit(Family::dense, 4, 1, 2, 1, 3);
  const Layout layout(MPI_COMM_WORLD, circuit);
  const Matrix matrix = dense_laplacian(layout, circuit);

  set_constant_null_space(MPI_COMM_WORLD, matrix.get());

  MatNullSpace space = nullptr;
  PetscBool holds = PETSC_FALSE;
  check(MatGetNullSpace(matrix.get(), &space));
  ASSERT_NE(space, nullptr);
  check(MatNullSpaceTest(space, matrix.get(), &holds));
  EXPECT_TRUE(holds);
}

TEST(Terminals, AreInjectedOnTheFirstLayerAndTakenFromTheLast) {
  for (const auto& [name, circuit] : oracles::examples()) {
    const Layout layout(MPI_COMM_WORLD, circuit);
    const Matrix matrix = assemble_laplacian(layout, circuit, false);

    const auto b = gather(layout, circuit, terminals(layout, circuit, matrix.get()).get());

    EXPECT_EQ(b, oracles::to_vector(oracles::injected(circuit))) << name;
  }
}

TEST(Layout, GivesEveryVertexARowOnTheRankThatHoldsItsState) {
  const auto circuit = oracles::uniform_circuit(Family::dense, 7, 1, 3, 1, 3);  // 7 states: uneven on 2 and 3 ranks
  const Layout layout(MPI_COMM_WORLD, circuit);
  std::vector<PetscInt> rows;
  std::vector<PetscInt> mine;

  for (int l = 0; l <= circuit.layers(); ++l) {
    for (std::int64_t x = 0; x < circuit.states(); ++x) {
      rows.push_back(layout.row(l, x));
      if (x >= layout.states().begin && x < layout.states().end) mine.push_back(rows.back());
    }
  }

  std::vector<PetscInt> all(rows.size());
  std::iota(all.begin(), all.end(), 0);
  std::vector<PetscInt> local(static_cast<std::size_t>(layout.local_rows()));
  std::iota(local.begin(), local.end(), layout.first_row());
  EXPECT_EQ(mine, local);  // layer by layer
  std::sort(rows.begin(), rows.end());
  EXPECT_EQ(rows, all);
}

TEST(Layout, GivesAVertexTheSameRowOnEveryRank) {
  const auto circuit = oracles::uniform_circuit(Family::dense, 8, 1, 2, 1, 3);
  const Layout layout(MPI_COMM_WORLD, circuit);
  std::vector<double> rows;
  for (int l = 0; l <= circuit.layers(); ++l) {
    for (std::int64_t x = 0; x < circuit.states(); ++x) rows.push_back(layout.row(l, x));
  }

  auto sums = rows;
  all_sum(MPI_COMM_WORLD, std::span<double>(sums));

  for (std::size_t i = 0; i < rows.size(); ++i) EXPECT_EQ(sums[i], size_of(MPI_COMM_WORLD) * rows[i]) << i;
}

}  // namespace
}  // namespace kirchhoff
