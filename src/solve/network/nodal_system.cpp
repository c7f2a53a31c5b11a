#include "solve/network/nodal_system.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace kirchhoff {
namespace {

constexpr double kReduction = 1e-7;  // of the residual, by a Krylov method's pass

}  // namespace

NodalSystem::NodalSystem(MPI_Comm comm, const Reduction& reduction, const ReducedRows& rows, const NodalPlan& plan)
    : comm_(comm), reduction_(reduction), part_(rows), gives_up_(plan.gives_up), patience_(plan.patience) {
  for (int k = 0; k < size_of(comm); ++k) {
    const auto range = partition(reduction.rows, size_of(comm), k);
    counts_.push_back(static_cast<int>(range.size()));
    starts_.push_back(static_cast<int>(range.begin));
  }
  if (reduction.rows == 0) return;
  const double begin = wall_time();
  assemble();
  check(MatCreateVecs(matrix_.get(), x_.out(), b_.out()));
  seconds_assemble_ = wall_time() - begin;
  solver_.emplace(comm, matrix_.get(), matrix_.get(), plan.defaults);
}

RefinedRows NodalSystem::solve(const std::vector<Double2>& injected,
                               const std::function<bool(const std::vector<Double2>&)>& accept) {
  constexpr int kPasses = 60;
  constexpr double kRounding = 1e-17;  // below which nothing changes when potentials are rounded to double
  RefinedRows result;
  std::vector<Double2> u(at(reduction_.rows));
  std::vector<Double2> residual = injected;
  const double norm_b = norm(residual);
  if (norm_b == 0) {
    result.accepted = accept(u);
    return result;
  }
  std::vector<double> step(at(reduction_.rows));
  double size = norm_b;
  double last = 1;
  result.error = 1;
  for (int round = 0; round < kPasses; ++round) {
    const int iterations = correction(residual, size, kReduction, step);
    result.iterations += iterations;
    if (gives_up_ && iterations >= patience_) {
      result.error = std::numeric_limits<double>::quiet_NaN();
      return result;
    }
    for (std::size_t k = 0; k < step.size(); ++k) u[k] += Double2(step[k]);
    const double change = largest_change(step, u);
    for (std::size_t k = 0; k < residual.size(); ++k) residual[k] = injected[k] - leaving(k, u);
    const double before = std::exchange(size, norm(residual));
    const bool falls = size < 0.5 * before;
    result.residual = size / norm_b;
    if (!std::isfinite(change) || !std::isfinite(size)) {
      result.error = std::numeric_limits<double>::quiet_NaN();
      return result;
    }
    // The next change would be smaller by as much again; all of them together:
    const double ratio = change / last;
    last = change;
    if (round == 0 && size > 0) continue;
    result.error = size == 0 ? 0 : ratio < 1 ? change * ratio / (1 - ratio) : 1;
    const bool settled = result.error <= kRounding;
    const bool ends = size == 0 || (ratio > 0.9 && round > 2) || round + 1 == kPasses;
    if (settled || ends) result.accepted = accept(u);
    if (ends || (settled && (result.accepted || !falls))) break;
  }
  return result;
}

int NodalSystem::pass(std::vector<double>& b, std::vector<double>& x, std::int64_t columns) {
  const auto rows = static_cast<PetscInt>(part_.rows.size());
  const auto count = static_cast<PetscInt>(columns);
  Matrix from;
  Matrix to;
  check(MatCreateDense(comm_, rows, PETSC_DECIDE, PETSC_DETERMINE, count, b.data(), from.out()));
  check(MatCreateDense(comm_, rows, PETSC_DECIDE, PETSC_DETERMINE, count, x.data(), to.out()));
  return solver_->pass(from.get(), to.get(), kReduction, patience_);
}

void NodalSystem::assemble() {
  const auto count = at(part_.rows.size());
  std::vector<PetscInt> on_rank(count, 1);  // the diagonal
  std::vector<PetscInt> off_rank(count, 0);
  for (std::size_t k = 0; k < count; ++k) {
    for (auto e = at(part_.first[k]); e < at(part_.first[k + 1]); ++e) {
      const auto c = part_.column[e];
      ++(c >= part_.rows.begin && c < part_.rows.end ? on_rank : off_rank)[k];
    }
  }
  const auto rows = static_cast<PetscInt>(count);
  check(MatCreate(comm_, matrix_.out()));
  check(MatSetSizes(matrix_.get(), rows, rows, PETSC_DETERMINE, PETSC_DETERMINE));
  check(MatSetType(matrix_.get(), MATAIJ));
  check(MatSetFromOptions(matrix_.get()));
  check(MatSeqAIJSetPreallocation(matrix_.get(), 0, on_rank.data()));
  check(MatMPIAIJSetPreallocation(matrix_.get(), 0, on_rank.data(), 0, off_rank.data()));
  check(MatSetOption(matrix_.get(), MAT_NO_OFF_PROC_ENTRIES, PETSC_TRUE));
  std::vector<PetscInt> columns;
  std::vector<PetscScalar> values;
  for (std::size_t k = 0; k < count; ++k) {
    const auto row = static_cast<PetscInt>(part_.rows.begin + static_cast<std::int64_t>(k));
    columns.assign(1, row);
    values.assign(1, part_.diagonal(k));
    for (auto e = at(part_.first[k]); e < at(part_.first[k + 1]); ++e) {
      columns.push_back(static_cast<PetscInt>(part_.column[e]));
      values.push_back(-part_.conductance[e]);
    }
    check(MatSetValues(matrix_.get(), 1, &row, static_cast<PetscInt>(columns.size()), columns.data(), values.data(),
                       INSERT_VALUES));
  }
  check(MatAssemblyBegin(matrix_.get(), MAT_FINAL_ASSEMBLY));
  check(MatAssemblyEnd(matrix_.get(), MAT_FINAL_ASSEMBLY));
  check(MatSetOption(matrix_.get(), MAT_SYMMETRIC, PETSC_TRUE));
  check(MatSetOption(matrix_.get(), MAT_SPD, PETSC_TRUE));
}

/// Current that leaves this rank's row k through its resistors [A].
Double2 NodalSystem::leaving(std::size_t k, const std::vector<Double2>& u) const {
  const auto& here = u[at(part_.rows.begin) + k];
  Double2 sum = part_.pinned[k] * here;
  for (auto e = at(part_.first[k]); e < at(part_.first[k + 1]); ++e) {
    sum += part_.conductance[e] * (here - u[at(part_.column[e])]);
  }
  return sum;
}

double NodalSystem::norm(const std::vector<Double2>& values) const {
  double sum = 0;
  for (const auto& v : values) sum += v.high * v.high;
  return std::sqrt(all_sum(comm_, sum));
}

/// Approximates the solution for `residual`, of norm `size`, on every rank.
int NodalSystem::correction(const std::vector<Double2>& residual, double size, double reduction,
                            std::vector<double>& step) {
  PetscScalar* values = nullptr;
  check(VecGetArrayWrite(b_.get(), &values));
  for (std::size_t k = 0; k < residual.size(); ++k) values[k] = residual[k].value() / size;
  check(VecRestoreArrayWrite(b_.get(), &values));
  const int iterations = solver_->pass(b_.get(), x_.get(), reduction, patience_);
  const PetscScalar* found = nullptr;
  check(VecGetArrayRead(x_.get(), &found));
  MPI_Allgatherv(found, static_cast<int>(residual.size()), MPI_DOUBLE, step.data(), counts_.data(), starts_.data(),
                 MPI_DOUBLE, comm_);
  check(VecRestoreArrayRead(x_.get(), &found));
  for (double& value : step) value *= size;
  return iterations;
}

/// max |step| / max |u|, each over a component; the largest of all components'.
double NodalSystem::largest_change(const std::vector<double>& step, const std::vector<Double2>& u) const {
  std::vector<double> of_step(reduction_.floating.size(), 0);
  std::vector<double> of_u(reduction_.floating.size(), 0);
  bool finite = true;
  for (std::size_t k = 0; k < step.size(); ++k) {
    const auto c = at(reduction_.part[k]);
    finite = finite && std::isfinite(step[k]);
    of_step[c] = std::max(of_step[c], std::abs(step[k]));
    of_u[c] = std::max(of_u[c], std::abs(u[k].high));
  }
  if (!finite) return std::numeric_limits<double>::quiet_NaN();
  double largest = 0;
  for (std::size_t c = 0; c < of_u.size(); ++c) {
    if (of_step[c] > 0) largest = std::max(largest, of_u[c] > 0 ? of_step[c] / of_u[c] : 1);
  }
  return largest;
}

}  // namespace kirchhoff
