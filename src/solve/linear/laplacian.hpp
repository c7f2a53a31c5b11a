#pragma once

#include <petscksp.h>

#include <span>

#include "kirchhoff/circuit/circuit.hpp"
#include "kirchhoff/parallel/parallel.hpp"
#include "parallel/petsc.hpp"

namespace kirchhoff {

using Matrix = Handle<Mat, MatDestroy>;
using Vector = Handle<Vec, VecDestroy>;

/// A vector's local numbers.
class Local {
 public:
  explicit Local(Vec vector) : vector_(vector) {
    PetscInt size = 0;
    check(VecGetLocalSize(vector, &size));
    check(VecGetArray(vector, &data_));
    values = {data_, static_cast<std::size_t>(size)};
  }
  Local(const Local&) = delete;
  Local& operator=(const Local&) = delete;
  ~Local() { VecRestoreArray(vector_, &data_); }
  std::span<double> values;

 private:
  Vec vector_;
  double* data_ = nullptr;
};

/// The same to read, also where PETSc has locked the vector.
class LocalRead {
 public:
  explicit LocalRead(Vec vector) : vector_(vector) {
    PetscInt size = 0;
    check(VecGetLocalSize(vector, &size));
    check(VecGetArrayRead(vector, &data_));
    values = {data_, static_cast<std::size_t>(size)};
  }
  LocalRead(const LocalRead&) = delete;
  LocalRead& operator=(const LocalRead&) = delete;
  ~LocalRead() { VecRestoreArrayRead(vector_, &data_); }
  std::span<const double> values;

 private:
  Vec vector_;
  const double* data_ = nullptr;
};

/// Which rank holds which row. Ranks hold the same states of all layers, so that a layer's neighbours are mostly their
/// own and every rank has work on every layer; within a rank rows count layer by layer.
class Layout {
 public:
  Layout(MPI_Comm comm, const Circuit& circuit) : Layout(comm, circuit.states(), circuit.layers() + 1) {}
  /// Some of a circuit's layers, counted 0 .. layers - 1.
  Layout(MPI_Comm comm, std::int64_t states, std::int64_t layers);

  MPI_Comm comm() const { return comm_; }
  Range states() const { return mine_; }
  PetscInt local_rows() const { return static_cast<PetscInt>(mine_.size() * layers_); }
  PetscInt first_row() const { return static_cast<PetscInt>(mine_.begin * layers_); }
  /// Global row of vertex (l, x).
  PetscInt row(int l, std::int64_t x) const;

 private:
  MPI_Comm comm_;
  std::int64_t states_;
  std::int64_t layers_;
  int ranks_;
  Range mine_;
};

/// The Laplacian A as a distributed sparse matrix. @param grounded adds a conductance to ground at vertex (0,
/// 0), equal to its degree, which makes A positive definite and fixes the gauge phi(0, 0) = 0 without changing
/// any current. @note Collective.
Matrix assemble_laplacian(const Layout& layout, const Circuit& circuit, bool grounded);

/// The Laplacian of a dense circuit as an operator of O(N) a layer: a layer block of M is (1/r - 1/R) I + (1/R) 1 1^T.
/// `layout` and `circuit` must outlive it. @note Collective.
Matrix dense_laplacian(const Layout& layout, const Circuit& circuit);

/// Attaches the constant as A's null space. @note Collective.
void set_constant_null_space(MPI_Comm comm, Mat matrix);

/// b of Kirchhoff's law, its sum removed to rounding. @note Collective.
Vector terminals(const Layout& layout, const Circuit& circuit, Mat matrix);

}  // namespace kirchhoff
