#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "oracles.hpp"
#include "solve/linear/krylov.hpp"

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

  for (const double scale : {1.0, -3.0, 1e-9, 1e9}) {
    check(VecScale(system.b.get(), scale));
    solver.pass(system.b.get(), system.x.get(), 1e-11);
    // Its own norm is the natural one, which differs by no more than the root of the condition, below 10^4 here.
    EXPECT_LE(system.residual(), 1e-9) << scale;
  }

  EXPECT_EQ(solver.method(), "cg + jacobi");
}

TEST(LinearSolver, TakesItsReductionFromTheOptions) {
  System system(oracles::uniform_circuit(Family::lattice, 5, 2, 4, 1, 10));
  LinearDefaults defaults;
  defaults.reduction = 1e-5;
  EXPECT_EQ(LinearSolver(MPI_COMM_WORLD, system.matrix.get(), system.matrix.get(), defaults).reduction(), 1e-5);
  PetscOptionsSetValue(nullptr, "-ksp_rtol", "1e-3");
  EXPECT_EQ(LinearSolver(MPI_COMM_WORLD, system.matrix.get(), system.matrix.get(), defaults).reduction(), 1e-3);
  PetscOptionsClearValue(nullptr, "-ksp_rtol");
}

TEST(LinearSolver, AnswersZeroWithZero) {
  System system(oracles::uniform_circuit(Family::hamming, 3, 2, 3, 1, 10));
  LinearSolver solver(MPI_COMM_WORLD, system.matrix.get(), system.matrix.get(), {});
  check(VecSet(system.b.get(), 0));
  check(VecSet(system.x.get(), 7));

  EXPECT_EQ(solver.pass(system.b.get(), system.x.get(), 1e-7), 0);

  PetscReal norm = 0;
  check(VecNorm(system.x.get(), NORM_2, &norm));
  EXPECT_EQ(norm, 0);
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

  const int iterations = solver.pass(system.b.get(), system.x.get(), 1e-13);

  EXPECT_EQ(solver.method(), "cg + shell");
  EXPECT_GE(scaling.calls, iterations);
  EXPECT_GT(iterations, 1);
  EXPECT_LE(system.residual(), 1e-11);
}

}  // namespace
}  // namespace kirchhoff
