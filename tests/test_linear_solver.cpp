#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "kirchhoff/error.hpp"
#include "oracles.hpp"
#include "solve/krylov.hpp"

namespace kirchhoff {
namespace {

/// The Laplacian of a circuit with its right-hand side, as PETSc's objects.
struct System {
  explicit System(const Circuit& circuit)
      : layout(MPI_COMM_WORLD, circuit),
        matrix(assemble_laplacian(layout, circuit, false)),
        b(terminals(layout, circuit, matrix.get())) {
    set_constant_null_space(MPI_COMM_WORLD, matrix.get());
    check(VecDuplicate(b.get(), x.out()));
  }

  /// ||b - A x|| / ||b||
  double residual() const {
    Vector r;
    PetscReal norm = 0;
    PetscReal norm_b = 0;
    check(VecDuplicate(b.get(), r.out()));
    check(MatMult(matrix.get(), x.get(), r.get()));
    check(VecAYPX(r.get(), -1, b.get()));
    check(VecNorm(r.get(), NORM_2, &norm));
    check(VecNorm(b.get(), NORM_2, &norm_b));
    return norm / norm_b;
  }

  Layout layout;
  Matrix matrix;
  Vector b;
  Vector x;
};

TEST(LinearSolver, SolvesManyRightHandSidesWithOneSetUp) {
  System system(oracles::uniform_circuit(Family::lattice, 5, 2, 4, 1, 10));
  LinearSolver solver(MPI_COMM_WORLD, system.matrix.get(), system.matrix.get(), {});
  std::vector<double> residuals;

  for (const double scale : {1.0, -3.0, 1e-9, 1e9}) {
    check(VecScale(system.b.get(), scale));
    const auto result = solver.solve(system.b.get(), system.x.get());
    EXPECT_NEAR(result.relative_residual, system.residual(), 1e-15);
    residuals.push_back(result.relative_residual);
  }

  EXPECT_THAT(residuals, testing::Each(testing::Le(1e-12)));
  EXPECT_EQ(solver.method(), "cg + jacobi");
}

TEST(LinearSolver, AnswersZeroWithZero) {
  System system(oracles::uniform_circuit(Family::hamming, 3, 2, 3, 1, 10));
  LinearSolver solver(MPI_COMM_WORLD, system.matrix.get(), system.matrix.get(), {});
  check(VecSet(system.b.get(), 0));
  check(VecSet(system.x.get(), 7));

  const auto result = solver.solve(system.b.get(), system.x.get());

  PetscReal norm = 0;
  check(VecNorm(system.x.get(), NORM_2, &norm));
  EXPECT_EQ(norm, 0);
  EXPECT_EQ(result.iterations, 0);
}

struct Scaling {
  Vec diagonal = nullptr;
  int calls = 0;
};

PetscErrorCode scale(PC pc, Vec in, Vec out) {
  Scaling* scaling = nullptr;
  PetscCall(PCShellGetContext(pc, static_cast<void*>(&scaling)));
  ++scaling->calls;
  return VecPointwiseDivide(out, in, scaling->diagonal);
}

TEST(LinearSolver, TakesAPreconditionerOfTheCallers) {
  System system(oracles::uniform_circuit(Family::hamming, 3, 2, 3, 1, 10));
  Vector diagonal;
  check(VecDuplicate(system.b.get(), diagonal.out()));
  check(MatGetDiagonal(system.matrix.get(), diagonal.get()));
  Scaling scaling{diagonal.get(), 0};
  LinearDefaults defaults;
  defaults.pc_type = PCSHELL;
  defaults.configure = [&](PC pc) {
    check(PCShellSetContext(pc, &scaling));
    check(PCShellSetApply(pc, scale));
  };
  LinearSolver solver(MPI_COMM_WORLD, system.matrix.get(), system.matrix.get(), defaults);

  const auto result = solver.solve(system.b.get(), system.x.get());

  EXPECT_EQ(solver.method(), "cg + shell");
  EXPECT_GE(scaling.calls, result.iterations);
  EXPECT_GT(result.iterations, 1);
  EXPECT_LE(system.residual(), 1e-12);
}

TEST(LinearSolver, SaysWhatItReachedWhenItMisses) {
  System system(oracles::uniform_circuit(Family::lattice, 12, 2, 6, 1, 10));
  LinearDefaults defaults;
  defaults.tolerance = 0;
  LinearSolver solver(MPI_COMM_WORLD, system.matrix.get(), system.matrix.get(), defaults);

  const auto result = solver.solve(system.b.get(), system.x.get());

  EXPECT_GT(result.relative_residual, 0);
  EXPECT_NEAR(result.relative_residual, system.residual(), 1e-15);
}

}  // namespace
}  // namespace kirchhoff
