#include "solve/linear/even_layers.hpp"

#include <algorithm>

namespace kirchhoff {
namespace {

std::int64_t even_layers(const Circuit& circuit) { return circuit.layers() / 2 + 1; }
std::int64_t odd_layers(const Circuit& circuit) { return (circuit.layers() + 1) / 2; }

/// Lends an array to a vector for the time of a product.
class Lent {
 public:
  Lent(Vec vector, const double* data) : vector_(vector) { check(VecPlaceArray(vector, data)); }
  Lent(const Lent&) = delete;
  Lent& operator=(const Lent&) = delete;
  ~Lent() { VecResetArray(vector_); }

 private:
  Vec vector_;
};

/// Calls visit(i, k) for all local numbers i of the layers of one parity, which have number k among all layers.
template <class Visit>
void each_of_parity(std::size_t all, std::size_t width, std::size_t parity, Visit&& visit) {
  std::size_t i = 0;
  for (std::size_t begin = parity * width; begin < all; begin += 2 * width) {
    for (std::size_t k = begin; k < begin + width; ++k) visit(i++, k);
  }
}

}  // namespace

EvenLayersMatrix::EvenLayersMatrix(MPI_Comm comm, const Circuit& circuit)
    : even_layout_(comm, circuit.states(), even_layers(circuit)),
      odd_layout_(comm, circuit.states(), odd_layers(circuit)),
      width_(static_cast<std::size_t>(even_layout_.states().size())) {
  const auto states = even_layout_.states();
  const auto rows = odd_layout_.local_rows();
  const auto first = odd_layout_.first_row();
  const auto each_row = [&](auto&& visit) {
    for (int l = 1; l <= circuit.layers(); l += 2) {
      for (auto x = states.begin; x < states.end; ++x) visit(l, x, odd_layout_.row(l / 2, x));
    }
  };
  std::vector<PetscInt> on_rank(static_cast<std::size_t>(rows));
  std::vector<PetscInt> off_rank(static_cast<std::size_t>(rows));
  each_row([&](int l, std::int64_t x, PetscInt row) {
    const auto i = static_cast<std::size_t>(row - first);
    circuit.neighbours(
        l, x, [&](int, std::int64_t y, double) { ++(y >= states.begin && y < states.end ? on_rank : off_rank)[i]; });
  });
  check(MatCreateAIJ(comm, rows, even_layout_.local_rows(), PETSC_DETERMINE, PETSC_DETERMINE, 0, on_rank.data(), 0,
                     off_rank.data(), weights_.out()));
  check(MatSetOption(weights_.get(), MAT_NO_OFF_PROC_ENTRIES, PETSC_TRUE));
  check(MatCreateVecs(weights_.get(), even_.out(), odd_.out()));
  for (auto* vector : {&even_product_, &even_degree_}) check(VecDuplicate(even_.get(), vector->out()));
  check(VecDuplicate(even_.get(), diagonal_.out()));
  check(VecDuplicate(odd_.get(), odd_degree_.out()));

  std::vector<PetscInt> columns;
  std::vector<PetscScalar> values;
  check(VecSet(diagonal_.get(), 0));
  each_row([&](int l, std::int64_t x, PetscInt row) {
    columns.clear();
    values.clear();
    double degree = 0;
    circuit.neighbours(l, x, [&](int m, std::int64_t y, double g) {
      columns.push_back(even_layout_.row(m / 2, y));
      values.push_back(g);
      degree += g;
    });
    const auto count = static_cast<PetscInt>(columns.size());
    check(MatSetValues(weights_.get(), 1, &row, count, columns.data(), values.data(), INSERT_VALUES));
    check(VecSetValue(odd_degree_.get(), row, degree, INSERT_VALUES));
    for (auto& g : values) g *= -g / degree;
    check(VecSetValues(diagonal_.get(), count, columns.data(), values.data(), ADD_VALUES));
  });
  check(MatAssemblyBegin(weights_.get(), MAT_FINAL_ASSEMBLY));
  for (auto* vector : {&odd_degree_, &diagonal_}) {
    check(VecAssemblyBegin(vector->get()));
    check(VecAssemblyEnd(vector->get()));
  }
  check(MatAssemblyEnd(weights_.get(), MAT_FINAL_ASSEMBLY));
  const Local degree(even_degree_.get());
  std::size_t i = 0;
  for (int l = 0; l <= circuit.layers(); l += 2) {
    for (auto x = states.begin; x < states.end; ++x, ++i) {
      degree.values[i] = 0;
      circuit.neighbours(l, x, [&](int, std::int64_t, double g) { degree.values[i] += g; });
    }
  }
  const Local diagonal(diagonal_.get());
  for (i = 0; i < degree.values.size(); ++i) diagonal.values[i] += degree.values[i];
}

void EvenLayersMatrix::multiply(std::span<const double> x, std::span<double> y) {
  const Lent in(even_.get(), x.data());
  check(MatMult(weights_.get(), even_.get(), odd_.get()));
  check(VecPointwiseDivide(odd_.get(), odd_.get(), odd_degree_.get()));
  {
    const Lent out(even_product_.get(), y.data());
    check(MatMultTranspose(weights_.get(), odd_.get(), even_product_.get()));
  }
  const Local degree(even_degree_.get());
  for (std::size_t i = 0; i < y.size(); ++i) y[i] = degree.values[i] * x[i] - y[i];
}

void EvenLayersMatrix::diagonal(std::span<double> out) {
  const Local diagonal(diagonal_.get());
  std::copy(diagonal.values.begin(), diagonal.values.end(), out.begin());
}

void EvenLayersMatrix::eliminate(std::span<const double> b, std::span<double> even) {
  {
    const Local odd(odd_.get());
    each_of_parity(b.size(), width_, 1, [&](std::size_t i, std::size_t k) { odd.values[i] = b[k]; });
  }
  check(VecPointwiseDivide(odd_.get(), odd_.get(), odd_degree_.get()));
  check(MatMultTranspose(weights_.get(), odd_.get(), even_.get()));
  const Local sum(even_.get());
  each_of_parity(b.size(), width_, 0, [&](std::size_t i, std::size_t k) { even[i] = b[k] + sum.values[i]; });
}

void EvenLayersMatrix::recover(std::span<const double> even, std::span<const double> b, std::span<double> x) {
  const Lent in(even_.get(), even.data());
  check(MatMult(weights_.get(), even_.get(), odd_.get()));
  const Local odd(odd_.get());
  const Local degree(odd_degree_.get());
  each_of_parity(b.size(), width_, 1,
                 [&](std::size_t i, std::size_t k) { x[k] = (b[k] + odd.values[i]) / degree.values[i]; });
  each_of_parity(b.size(), width_, 0, [&](std::size_t i, std::size_t k) { x[k] = even[i]; });
}

namespace {

EvenLayers& system_of(Mat matrix) {
  void* context = nullptr;
  check(MatShellGetContext(matrix, static_cast<void*>(&context)));
  return *static_cast<EvenLayers*>(context);
}

PetscErrorCode multiply_even(Mat matrix, Vec in, Vec out) {
  const LocalRead x(in);
  const Local y(out);
  system_of(matrix).multiply(x.values, y.values);
  return 0;
}

PetscErrorCode diagonal_of_even(Mat matrix, Vec out) {
  system_of(matrix).diagonal(Local(out).values);
  return 0;
}

}  // namespace

Matrix even_layers_operator(const Layout& even_layout, EvenLayers& system) {
  Matrix matrix;
  check(MatCreateShell(even_layout.comm(), even_layout.local_rows(), even_layout.local_rows(), PETSC_DETERMINE,
                       PETSC_DETERMINE, &system, matrix.out()));
  const auto set = [&](MatOperation operation, auto* function) {
    check(MatShellSetOperation(matrix.get(), operation, reinterpret_cast<void (*)()>(function)));
  };
  set(MATOP_MULT, multiply_even);
  set(MATOP_GET_DIAGONAL, diagonal_of_even);
  check(MatSetOption(matrix.get(), MAT_SYMMETRIC, PETSC_TRUE));
  set_constant_null_space(even_layout.comm(), matrix.get());
  return matrix;
}

}  // namespace kirchhoff
