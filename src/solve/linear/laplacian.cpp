#include "solve/linear/laplacian.hpp"

#include <fmt/format.h>

#include <memory>
#include <vector>

namespace kirchhoff {

Layout::Layout(MPI_Comm comm, std::int64_t states, std::int64_t layers)
    : comm_(comm),
      states_(states),
      layers_(layers),
      ranks_(size_of(comm)),
      mine_(partition(states_, ranks_, rank_of(comm))) {
  if (states * layers > static_cast<std::int64_t>(PETSC_MAX_INT)) {
    throw Error(fmt::format("{} unknowns do not fit this PETSc's {}-bit integers: build with libpetsc64-real-dev",
                            states * layers, 8 * sizeof(PetscInt)));
  }
}

PetscInt Layout::row(int l, std::int64_t x) const {
  if (x >= mine_.begin && x < mine_.end) {
    return static_cast<PetscInt>(mine_.begin * layers_ + l * mine_.size() + (x - mine_.begin));
  }
  const auto base = states_ / ranks_;
  const auto extra = states_ % ranks_;
  const auto in_large = extra * (base + 1);  // the first `extra` ranks hold one state more
  const auto owner = x < in_large ? x / (base + 1) : extra + (x - in_large) / base;
  const auto range = partition(states_, ranks_, static_cast<int>(owner));
  return static_cast<PetscInt>(range.begin * layers_ + l * range.size() + (x - range.begin));
}

Matrix assemble_laplacian(const Layout& layout, const Circuit& circuit, bool grounded) {
  const auto rows = layout.local_rows();
  const auto first = layout.first_row();
  const auto states = layout.states();
  const auto each_row = [&](auto&& visit) {
    for (int l = 0; l <= circuit.layers(); ++l) {
      for (auto x = states.begin; x < states.end; ++x) visit(l, x, layout.row(l, x));
    }
  };

  std::vector<PetscInt> on_rank(static_cast<std::size_t>(rows), 1);  // the diagonal
  std::vector<PetscInt> off_rank(static_cast<std::size_t>(rows), 0);
  each_row([&](int l, std::int64_t x, PetscInt row) {
    const auto i = static_cast<std::size_t>(row - first);
    circuit.neighbours(
        l, x, [&](int, std::int64_t y, double) { ++(y >= states.begin && y < states.end ? on_rank : off_rank)[i]; });
  });

  Matrix matrix;
  check(MatCreate(layout.comm(), matrix.out()));
  check(MatSetSizes(matrix.get(), rows, rows, PETSC_DETERMINE, PETSC_DETERMINE));
  check(MatSetType(matrix.get(), MATAIJ));
  check(MatSetFromOptions(matrix.get()));
  check(MatSeqAIJSetPreallocation(matrix.get(), 0, on_rank.data()));
  check(MatMPIAIJSetPreallocation(matrix.get(), 0, on_rank.data(), 0, off_rank.data()));
  check(MatSetOption(matrix.get(), MAT_NO_OFF_PROC_ENTRIES, PETSC_TRUE));

  std::vector<PetscInt> columns;
  std::vector<PetscScalar> values;
  each_row([&](int l, std::int64_t x, PetscInt row) {
    columns.assign(1, row);
    values.assign(1, 0.0);
    double degree = 0;
    circuit.neighbours(l, x, [&](int m, std::int64_t y, double g) {
      columns.push_back(layout.row(m, y));
      values.push_back(-g);
      degree += g;
    });
    values[0] = grounded && row == 0 ? 2 * degree : degree;
    check(MatSetValues(matrix.get(), 1, &row, static_cast<PetscInt>(columns.size()), columns.data(), values.data(),
                       INSERT_VALUES));
  });
  check(MatAssemblyBegin(matrix.get(), MAT_FINAL_ASSEMBLY));
  check(MatAssemblyEnd(matrix.get(), MAT_FINAL_ASSEMBLY));
  check(MatSetOption(matrix.get(), MAT_SYMMETRIC, PETSC_TRUE));
  if (grounded) check(MatSetOption(matrix.get(), MAT_SPD, PETSC_TRUE));
  return matrix;
}

namespace {

struct DenseContext {
  MPI_Comm comm;
  const Circuit* circuit;
  Range states;              // on this rank
  std::size_t width;         // as many
  std::size_t sets;          // of a layer: all states, and each group of family blocks
  std::vector<double> sums;  // (L+1) x sets of the vector, over all ranks
};

/// Adds up the vector's layers, and the groups in them.
void add_up(DenseContext& context, const PetscScalar* x) {
  const auto* groups = context.circuit->coupling(0).groups();
  std::fill(context.sums.begin(), context.sums.end(), 0.0);
  for (int l = 0; l <= context.circuit->layers(); ++l) {
    const PetscScalar* here = x + static_cast<std::size_t>(l) * context.width;
    double* sums = context.sums.data() + static_cast<std::size_t>(l) * context.sets;
    sums[0] = pairwise_sum({here, context.width});
    for (std::size_t i = 0; groups != nullptr && i < context.width; ++i) {
      sums[1 + groups->of(context.states.begin + static_cast<std::int64_t>(i))] += here[i];
    }
  }
  all_sum(context.comm, std::span<double>(context.sums));
}

DenseContext& context_of(Mat matrix) {
  DenseContext* context = nullptr;
  MatShellGetContext(matrix, static_cast<void*>(&context));
  return *context;
}

PetscErrorCode dense_multiply(Mat matrix, Vec in, Vec out) {
  auto& context = context_of(matrix);
  const auto& circuit = *context.circuit;
  const auto width = context.width;
  const int top = circuit.layers();
  const PetscScalar* x = nullptr;
  PetscScalar* y = nullptr;
  PetscCall(VecGetArrayRead(in, &x));
  PetscCall(VecGetArrayWrite(out, &y));
  add_up(context, x);
  const auto* groups = circuit.coupling(0).groups();
  for (int l = 0; l <= top; ++l) {
    const PetscScalar* here = x + static_cast<std::size_t>(l) * width;
    PetscScalar* result = y + static_cast<std::size_t>(l) * width;
    for (std::size_t i = 0; i < width; ++i) result[i] = 0;
    const auto add = [&](const Coupling& c, int m) {
      const PetscScalar* there = x + static_cast<std::size_t>(m) * width;
      const double* sums = context.sums.data() + static_cast<std::size_t>(m) * context.sets;
      const auto parts = set_sums(c);
      const double alike = parts.front().conductance;  // the state's own
      const double shared = c.change() * sums[0];
      if (groups == nullptr) {
        const double kappa = c.row_sum(0);
        for (std::size_t i = 0; i < width; ++i) result[i] += kappa * here[i] - alike * there[i] - shared;
        return;
      }
      const double of_group = parts[1].conductance;
      for (std::size_t i = 0; i < width; ++i) {
        const auto state = context.states.begin + static_cast<std::int64_t>(i);
        const double in_group = of_group * sums[1 + groups->of(state)];
        result[i] += c.row_sum(state) * here[i] - alike * there[i] - in_group - shared;
      }
    };
    if (l < top) add(circuit.coupling(l), l + 1);
    if (l > 0) add(circuit.coupling(l - 1), l - 1);
  }
  PetscCall(VecRestoreArrayWrite(out, &y));
  PetscCall(VecRestoreArrayRead(in, &x));
  return 0;
}

PetscErrorCode dense_diagonal(Mat matrix, Vec out) {
  const auto& context = context_of(matrix);
  const auto& circuit = *context.circuit;
  PetscScalar* y = nullptr;
  PetscCall(VecGetArrayWrite(out, &y));
  for (int l = 0; l <= circuit.layers(); ++l) {
    for (std::size_t i = 0; i < context.width; ++i) {
      const auto state = context.states.begin + static_cast<std::int64_t>(i);
      double degree = 0;
      if (l < circuit.layers()) degree += circuit.coupling(l).row_sum(state);
      if (l > 0) degree += circuit.coupling(l - 1).row_sum(state);
      y[static_cast<std::size_t>(l) * context.width + i] = degree;
    }
  }
  PetscCall(VecRestoreArrayWrite(out, &y));
  return 0;
}

PetscErrorCode dense_destroy(Mat matrix) {
  delete &context_of(matrix);
  return 0;
}

}  // namespace

Matrix dense_laplacian(const Layout& layout, const Circuit& circuit) {
  const auto* groups = circuit.coupling(0).groups();
  const auto sets = 1 + static_cast<std::size_t>(groups == nullptr ? 0 : groups->count());
  auto context = std::make_unique<DenseContext>(
      DenseContext{layout.comm(), &circuit, layout.states(), static_cast<std::size_t>(layout.states().size()), sets,
                   std::vector<double>(sets * (static_cast<std::size_t>(circuit.layers()) + 1))});
  Matrix matrix;
  check(MatCreateShell(layout.comm(), layout.local_rows(), layout.local_rows(), PETSC_DETERMINE, PETSC_DETERMINE,
                       context.get(), matrix.out()));
  static_cast<void>(context.release());  // now the matrix's
  const auto set = [&](MatOperation operation, auto* function) {
    check(MatShellSetOperation(matrix.get(), operation, reinterpret_cast<void (*)()>(function)));
  };
  set(MATOP_MULT, dense_multiply);
  set(MATOP_GET_DIAGONAL, dense_diagonal);
  set(MATOP_DESTROY, dense_destroy);
  check(MatSetOption(matrix.get(), MAT_SYMMETRIC, PETSC_TRUE));
  return matrix;
}

void set_constant_null_space(MPI_Comm comm, Mat matrix) {
  Handle<MatNullSpace, MatNullSpaceDestroy> constant;
  check(MatNullSpaceCreate(comm, PETSC_TRUE, 0, nullptr, constant.out()));
  check(MatSetNullSpace(matrix, constant.get()));
}

Vector terminals(const Layout& layout, const Circuit& circuit, Mat matrix) {
  Vector b;
  check(MatCreateVecs(matrix, nullptr, b.out()));
  PetscScalar* values = nullptr;
  check(VecGetArrayWrite(b.get(), &values));
  std::size_t i = 0;
  for (int l = 0; l <= circuit.layers(); ++l) {
    for (auto x = layout.states().begin; x < layout.states().end; ++x) values[i++] = circuit.injected(l, x);
  }
  check(VecRestoreArrayWrite(b.get(), &values));
  return b;
}

}  // namespace kirchhoff
