#include "kirchhoff/nodal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <span>

#include "kirchhoff/error.hpp"
#include "kirchhoff/session.hpp"
#include "solve/krylov.hpp"
#include "solve/reduction.hpp"

namespace kirchhoff {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

struct NodalPlan {
  LinearDefaults defaults;
  bool direct = false;
  int patience = PETSC_DEFAULT;  // iterations of a pass, after which something else is tried
  std::string reason;
};

/// The largest level of a breadth-first search through the reduced network's rows: how wide a cut is. A sheet of n
/// nodes has about sqrt(n), a network without locality a large share of n. The search starts at the far end of another
/// one.
std::int64_t width(const ReducedRows& all) {
  const auto rows = all.rows.size();
  std::vector<std::int64_t> seen(at(rows), -1);
  std::vector<std::int64_t> level;
  std::vector<std::int64_t> next;
  std::int64_t widest = 0;
  const auto search = [&](std::int64_t start, std::int64_t mark) {
    level.assign(1, start);
    seen[at(start)] = mark;
    std::int64_t last = start;
    while (!level.empty()) {
      next.clear();
      for (const auto row : level) {
        last = row;
        for (auto e = at(all.first[at(row)]); e < at(all.first[at(row) + 1]); ++e) {
          const auto other = all.column[e];
          if (seen[at(other)] == mark) continue;
          seen[at(other)] = mark;
          next.push_back(other);
        }
      }
      if (mark == 1) widest = std::max(widest, static_cast<std::int64_t>(level.size()));
      level.swap(next);
    }
    return last;
  };
  for (std::int64_t row = 0; row < rows; ++row) {
    if (seen[at(row)] < 0) search(search(row, 0), 1);
  }
  return widest;
}

NodalPlan direct_plan(MPI_Comm comm, const std::string& reason) {
  NodalPlan plan;
  plan.direct = true;
  plan.defaults.ksp_type = KSPPREONLY;
  plan.defaults.pc_type = PCCHOLESKY;
#ifdef PETSC_HAVE_SUITESPARSE
  if (size_of(comm) == 1) plan.defaults.package = MATSOLVERCHOLMOD;  // twice as fast as MUMPS, but on one rank only
#else
  static_cast<void>(comm);
#endif
  plan.reason = reason;
  return plan;
}

NodalPlan krylov_plan(const std::string& reason) {
  NodalPlan plan;
#ifdef PETSC_HAVE_HYPRE
  plan.defaults.pc_type = PCHYPRE;  // BoomerAMG is hypre's default
#else
  plan.defaults.pc_type = PCGAMG;
#endif
  plan.reason = reason;
  return plan;
}

constexpr std::int64_t kWidest = 5000;  // a factor's largest dense block: 0.2 GB, 4e10 operations

/// Which solver, and why; the measurements are in docs/networks.md. Local, the same on every rank.
NodalPlan choose(MPI_Comm comm, SolveMethod method, std::int64_t rows, std::int64_t widest,
                 std::size_t right_hand_sides) {
  constexpr std::int64_t kSmall = 5000;
  constexpr std::size_t kMany = 3;
  if (method == SolveMethod::direct) return direct_plan(comm, "asked for");
  if (method == SolveMethod::krylov) return krylov_plan("asked for");
  if (method != SolveMethod::automatic) {
    throw Error("option -solve_method: a network is solved by auto, krylov or direct; the other methods need layers");
  }
  if (rows <= kSmall) return direct_plan(comm, "a small network: a factorisation costs next to nothing");
  const auto cut = fmt::format("its widest level has {} of {} unknowns", widest, rows);
  if (widest > kWidest) return krylov_plan(fmt::format("{}: factors would fill in", cut));
  if (right_hand_sides >= kMany) {
    return direct_plan(
        comm, fmt::format("{}, so factors stay sparse, and they serve all {} right-hand sides", cut, right_hand_sides));
  }
  return krylov_plan(fmt::format("{}: for {} right-hand side{} multigrid is as fast and takes less memory", cut,
                                 right_hand_sides, right_hand_sides == 1 ? "" : "s"));
}

/// What one right-hand side led to.
struct Refined {
  std::vector<Double2> u;  // (rows), on every rank
  int iterations = 0;
  double residual = 0;  // ||b - A u|| / ||b|| in double-double
  double error = 0;     // of u, estimated, relative to the largest in its part of the network
};

/// The reduced network's equations and their solver.
class NodalSystem {
 public:
  /// `reduction` and `rows`, this rank's, must outlive it.
  NodalSystem(MPI_Comm comm, const Reduction& reduction, const ReducedRows& rows, const NodalPlan& plan)
      : comm_(comm), reduction_(reduction), part_(rows), patience_(plan.patience) {
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

  const ReducedRows& rows() const { return part_; }
  double seconds_assemble() const { return seconds_assemble_; }
  double seconds_setup() const { return solver_ ? solver_->seconds_setup() : 0; }
  std::string method() const { return solver_ ? solver_->method() : "none"; }

  /// @param injected (this rank's rows) right-hand side. Collective.
  Refined solve(const std::vector<Double2>& injected) {
    constexpr int kPasses = 60;
    constexpr double kReduction = 1e-7;  // of a Krylov method's pass
    constexpr double kRounding = 1e-17;  // below which nothing changes when potentials are rounded to double
    Refined result;
    result.u.assign(at(reduction_.rows), {});
    std::vector<Double2> residual = injected;
    const double norm_b = norm(residual);
    if (norm_b == 0) return result;
    std::vector<double> step(at(reduction_.rows));
    double size = norm_b;
    double last = 1;
    result.error = 1;
    for (int round = 0; round < kPasses; ++round) {
      result.iterations += correction(residual, size, kReduction, step);
      for (std::size_t k = 0; k < step.size(); ++k) result.u[k] += Double2(step[k]);
      const double change = largest_change(step, result.u);
      for (std::size_t k = 0; k < residual.size(); ++k) residual[k] = injected[k] - leaving(k, result.u);
      size = norm(residual);
      result.residual = size / norm_b;
      if (!std::isfinite(change) || !std::isfinite(size)) {
        result.error = kNan;
        break;
      }
      // The next change would be smaller by as much again; all of them together:
      const double ratio = change / last;
      last = change;
      if (size == 0) {
        result.error = 0;
        break;
      }
      if (round == 0) continue;
      result.error = ratio < 1 ? change * ratio / (1 - ratio) : 1;
      if (result.error <= kRounding || (ratio > 0.9 && round > 2)) break;
    }
    return result;
  }

 private:
  void assemble() {
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
  Double2 leaving(std::size_t k, const std::vector<Double2>& u) const {
    const auto& here = u[at(part_.rows.begin) + k];
    Double2 sum = part_.pinned[k] * here;
    for (auto e = at(part_.first[k]); e < at(part_.first[k + 1]); ++e) {
      sum += part_.conductance[e] * (here - u[at(part_.column[e])]);
    }
    return sum;
  }

  double norm(const std::vector<Double2>& values) const {
    double sum = 0;
    for (const auto& v : values) sum += v.high * v.high;
    return std::sqrt(all_sum(comm_, sum));
  }

  /// Approximates the solution for `residual`, of norm `size`, on every rank.
  int correction(const std::vector<Double2>& residual, double size, double reduction, std::vector<double>& step) {
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
  double largest_change(const std::vector<double>& step, const std::vector<Double2>& u) const {
    std::vector<double> of_step(reduction_.floating.size(), 0);
    std::vector<double> of_u(reduction_.floating.size(), 0);
    bool finite = true;
    for (std::size_t k = 0; k < step.size(); ++k) {
      const auto c = at(reduction_.part[k]);
      finite = finite && std::isfinite(step[k]);
      of_step[c] = std::max(of_step[c], std::abs(step[k]));
      of_u[c] = std::max(of_u[c], std::abs(u[k].high));
    }
    if (!finite) return kNan;
    double largest = 0;
    for (std::size_t c = 0; c < of_u.size(); ++c) {
      if (of_step[c] > 0) largest = std::max(largest, of_u[c] > 0 ? of_step[c] / of_u[c] : 1);
    }
    return largest;
  }

  MPI_Comm comm_;
  const Reduction& reduction_;
  const ReducedRows& part_;
  int patience_;
  std::vector<int> counts_;  // rows of each rank
  std::vector<int> starts_;
  Matrix matrix_;
  Vector b_;
  Vector x_;
  std::optional<LinearSolver> solver_;
  double seconds_assemble_ = 0;
};

/// From unknowns to nodes and resistors.
class Fields {
 public:
  /// @param driven whether voltage sources are on.
  Fields(const Netlist& netlist, const Reduction& reduction, const std::vector<Double2>& u, bool driven)
      : netlist_(netlist), reduction_(reduction), u_(u), driven_(driven) {}

  Double2 potential(std::int64_t node) const {
    const auto row = reduction_.row[at(node)];
    Double2 v = row < 0 ? Double2() : u_[at(row)];
    if (driven_) v += Double2(reduction_.offset[at(node)]);
    return v;
  }
  /// Through a resistor, from tail to head; zero for one of 0 ohm.
  Double2 current(std::size_t k) const {
    const auto& r = netlist_.resistors;
    if (!std::isfinite(r.value[k]) || r.value[k] == 0) return {};
    const auto a = reduction_.row[at(r.tail[k])];
    const auto b = reduction_.row[at(r.head[k])];
    Double2 drop;
    if (a != b) drop = (a < 0 ? Double2() : u_[at(a)]) - (b < 0 ? Double2() : u_[at(b)]);
    if (driven_) drop += two_sum(reduction_.offset[at(r.tail[k])], -reduction_.offset[at(r.head[k])]);
    return r.value[k] * drop;
  }

 private:
  const Netlist& netlist_;
  const Reduction& reduction_;
  const std::vector<Double2>& u_;
  bool driven_;
};

bool has_ideal_resistors(const Netlist& netlist) {
  const auto& g = netlist.resistors.value;
  return std::any_of(g.begin(), g.end(), [](double value) { return std::isinf(value); });
}

/// The solution's own sources: potentials, currents, and the figures that they are right.
void publish(const Netlist& netlist, const Reduction& reduction, const std::vector<Double2>& u, double largest_diagonal,
             NodalSolution& solution) {
  const auto n = netlist.nodes.size();
  const auto& r = netlist.resistors;
  const Fields fields(netlist, reduction, u, true);
  std::vector<Double2> mean(reduction.floating.size());
  std::vector<double> members(reduction.floating.size(), 0);
  for (std::size_t k = 0; k < n; ++k) {
    const auto c = at(reduction.component[k]);
    if (reduction.floating[c] == 0) continue;
    mean[c] += fields.potential(static_cast<std::int64_t>(k));
    members[c] += 1;
  }
  for (std::size_t c = 0; c < mean.size(); ++c) {
    if (members[c] > 0) mean[c] = (1 / members[c]) * mean[c];
  }
  solution.potential.resize(n);
  for (std::size_t k = 0; k < n; ++k) {
    solution.potential[k] = (fields.potential(static_cast<std::int64_t>(k)) - mean[at(reduction.component[k])]).value();
  }

  std::vector<Double2> need(n);  // current that ideal elements must bring to a node
  solution.current.resize(r.size());
  for (std::size_t k = 0; k < r.size(); ++k) {
    const Double2 current = fields.current(k);
    solution.current[k] = current.value();
    need[at(r.tail[k])] += current;
    need[at(r.head[k])] -= current;
  }
  const auto& sources = netlist.currents;
  for (std::size_t k = 0; k < sources.size(); ++k) {
    if (sources.tail[k] >= 0) need[at(sources.tail[k])] += Double2(sources.value[k]);
    need[at(sources.head[k])] -= Double2(sources.value[k]);
  }
  auto ideal = ideal_currents(netlist, need);
  solution.delivered = std::move(ideal.voltages);
  solution.undetermined = ideal.undetermined;
  for (std::size_t k = 0; k < r.size(); ++k) {
    if (std::isinf(r.value[k])) solution.current[k] = ideal.resistors[k];
  }

  // Everything from here on is recomputed from the potentials and currents as they are handed out.
  auto& report = solution.report;
  std::vector<double> residual(at(reduction.rows), 0);   // by Ohm's law from the potentials
  std::vector<double> imbalance(at(reduction.rows), 0);  // of the currents
  const auto add = [&](std::vector<double>& sums, std::int64_t node, double ampere) {
    if (node >= 0 && reduction.row[at(node)] >= 0) sums[at(reduction.row[at(node)])] += ampere;
  };
  std::vector<double> dissipated;
  for (std::size_t k = 0; k < r.size(); ++k) {
    if (!std::isfinite(r.value[k]) || r.value[k] == 0) continue;
    const double ohmic = r.value[k] * (solution.potential[at(r.tail[k])] - solution.potential[at(r.head[k])]);
    const double current = solution.current[k];
    dissipated.push_back(current * current / r.value[k]);
    if (reduction.row[at(r.tail[k])] == reduction.row[at(r.head[k])]) continue;
    add(residual, r.tail[k], -ohmic);
    add(residual, r.head[k], ohmic);
    add(imbalance, r.tail[k], -current);
    add(imbalance, r.head[k], current);
  }
  std::vector<double> delivered;
  for (std::size_t k = 0; k < sources.size(); ++k) {
    const double v_tail = sources.tail[k] < 0 ? 0 : solution.potential[at(sources.tail[k])];
    delivered.push_back(sources.value[k] * (solution.potential[at(sources.head[k])] - v_tail));
    for (auto* sums : {&residual, &imbalance}) {
      add(*sums, sources.tail[k], -sources.value[k]);
      add(*sums, sources.head[k], sources.value[k]);
    }
  }
  for (std::size_t k = 0; k < netlist.voltages.size(); ++k) {
    if (netlist.voltages.value[k] != 0) delivered.push_back(netlist.voltages.value[k] * ideal.along_forest[k]);
  }
  std::vector<double> of_row(at(reduction.rows), 0);
  for (std::size_t k = 0; k < n; ++k) {
    if (reduction.row[k] >= 0) of_row[at(reduction.row[k])] = solution.potential[k];
  }
  double norm_b = 0;
  double norm_r = 0;
  double norm_phi = 0;
  for (std::size_t k = 0; k < residual.size(); ++k) {
    norm_b += reduction.injected[k].high * reduction.injected[k].high;
    norm_r += residual[k] * residual[k];
    norm_phi += of_row[k] * of_row[k];
    report.residual_norm1 += std::abs(residual[k]);
    report.kcl_max_imbalance = std::max(report.kcl_max_imbalance, std::abs(imbalance[k]));
  }
  norm_b = std::sqrt(norm_b);
  if (norm_b > 0) {
    report.relative_residual = std::sqrt(norm_r) / norm_b;
    // ||A||_inf is at most twice the largest diagonal.
    report.residual_floor =
        4 * std::numeric_limits<double>::epsilon() * 2 * largest_diagonal * std::sqrt(norm_phi) / norm_b;
  }
  const double in = pairwise_sum(delivered);
  const double out = pairwise_sum(dissipated);
  report.energy_relative_error = out > 0 ? std::abs(in - out) / out : std::abs(in);
}

/// A solution that is not right is no answer.
void must_be_right(const Refined& refined, const NodalOptions& options, const std::string& method) {
  constexpr double kRight = 1e-12;  // relative to the largest potential of a component
  // Not "greater than": a NaN must fail too.
  if (refined.residual <= options.solve.tolerance && refined.error <= kRight) return;
  throw AgreedError(fmt::format(
      "the solve ({}) stopped at a relative residual of {:.1e} after {} iterations, its "
      "potentials known to {:.1e}: {}",
      method, refined.residual, refined.iterations, refined.error,
      options.solve.method == SolveMethod::krylov ? "try -solve_method direct"
                                                  : "the resistances differ too much for double precision"));
}

struct PairSolver {
  MPI_Comm comm;
  const Netlist& netlist;
  const Reduction& reduction;
  NodalSystem& system;
  const NodalOptions& options;
  NodalSolution& solution;

  /// 1 A into node i and, unless j < 0, out of node j.
  std::vector<Double2> driven(std::int64_t i, std::int64_t j) {
    const auto mine = system.rows().rows;
    std::vector<Double2> injected(at(mine.size()));
    for (const auto& [node, ampere] : {std::pair{i, 1.0}, std::pair{j, -1.0}}) {
      if (node < 0) continue;
      const auto row = reduction.row[at(node)];
      if (row >= mine.begin && row < mine.end) injected[at(row - mine.begin)] += Double2(ampere);
    }
    auto refined = system.solve(injected);
    must_be_right(refined, options, system.method());
    solution.report.iterations += refined.iterations;
    return std::move(refined.u);
  }

  void run() {
    const auto& pairs = options.pairs;
    const auto ranks = size_of(comm);
    const auto nodes = partition(static_cast<std::int64_t>(netlist.nodes.size()), ranks, rank_of(comm));
    const auto edges = partition(static_cast<std::int64_t>(netlist.resistors.size()), ranks, rank_of(comm));
    agree(comm, [&] {
      solution.pair_resistance.assign(pairs.size(), -1);
      solution.pair_potential.assign(pairs.size() * at(nodes.size()), 0);
      solution.pair_current.assign(pairs.size() * at(edges.size()), 0);
    });
    // Pairs that share their nodes are differences of fewer solutions: 1 A into each node and out at the pinned one.
    std::map<std::int64_t, std::vector<Double2>> of_node;
    for (const auto& [i, j] : pairs) {
      of_node[i];
      of_node[j];
    }
    const bool shared = of_node.size() < pairs.size();
    if (shared) {
      for (auto& [node, u] : of_node) u = driven(node, -1);
    }
    const bool ideal = has_ideal_resistors(netlist);
    for (std::size_t p = 0; p < pairs.size(); ++p) {
      heed_stop(comm);
      const auto [i, j] = pairs[p];
      if (reduction.component[at(i)] != reduction.component[at(j)]) continue;
      std::vector<Double2> u;
      if (shared) {
        u = of_node[i];
        const auto& other = of_node[j];
        for (std::size_t k = 0; k < u.size(); ++k) u[k] -= other[k];
      } else {
        u = driven(i, j);
      }
      const Fields fields(netlist, reduction, u, false);
      const Double2 low = fields.potential(j);
      solution.pair_resistance[p] = (fields.potential(i) - low).value();
      const auto part = reduction.component[at(i)];
      const bool floating = reduction.floating[at(part)] != 0;
      for (auto k = nodes.begin; k < nodes.end; ++k) {
        if (reduction.component[at(k)] != part) continue;
        auto& potential = solution.pair_potential[p * at(nodes.size()) + at(k - nodes.begin)];
        potential = (floating ? fields.potential(k) - low : fields.potential(k)).value();
      }
      double* current = solution.pair_current.data() + p * at(edges.size());
      for (auto k = edges.begin; k < edges.end; ++k) current[k - edges.begin] = fields.current(at(k)).value();
      add_figures(u, i, j, solution.pair_resistance[p], {current, at(edges.size())}, edges);
      if (ideal) add_ideal(fields, i, j, edges, current);
    }
  }

  /// The report has the worst of all solutions.
  void add_figures(const std::vector<Double2>& u, std::int64_t i, std::int64_t j, double resistance,
                   std::span<const double> current, Range edges) {
    const auto& rows = system.rows();
    const auto value = [&](std::int64_t row) { return u[at(row)].value(); };
    double residual = 0;
    double potential = 0;
    double diagonal = 0;
    double imbalance = 0;
    double residual1 = 0;
    const auto row_i = reduction.row[at(i)];
    const auto row_j = reduction.row[at(j)];
    for (auto row = rows.rows.begin; row < rows.rows.end; ++row) {
      const auto k = at(row - rows.rows.begin);
      const double b = (row == row_i ? 1.0 : 0.0) - (row == row_j ? 1.0 : 0.0);
      double ohmic = b - rows.pinned[k] * value(row);
      double kcl = ohmic;
      for (auto e = at(rows.first[k]); e < at(rows.first[k + 1]); ++e) {
        const auto other = rows.column[e];
        ohmic -= rows.conductance[e] * (value(row) - value(other));
        kcl -= (rows.conductance[e] * (u[at(row)] - u[at(other)])).value();
      }
      residual += ohmic * ohmic;
      residual1 += std::abs(ohmic);
      potential += value(row) * value(row);
      diagonal = std::max(diagonal, rows.diagonal(k));
      imbalance = std::max(imbalance, std::abs(kcl));
    }
    std::vector<double> dissipated;
    for (std::size_t k = 0; k < current.size(); ++k) {
      const double g = netlist.resistors.value[at(edges.begin) + k];
      if (g > 0 && std::isfinite(g)) dissipated.push_back(current[k] * current[k] / g);
    }
    std::array<double, 4> sums{residual, residual1, potential, pairwise_sum(dissipated)};
    all_sum(comm, std::span<double>(sums));
    const double norm_b = std::sqrt((row_i < 0 ? 0.0 : 1.0) + (row_j < 0 ? 0.0 : 1.0));
    auto& report = solution.report;
    const auto worst = [](double& figure, double now) { figure = std::max(figure, now); };
    if (row_i != row_j) {
      worst(report.relative_residual, std::sqrt(sums[0]) / norm_b);
      worst(report.residual_floor,
            4 * std::numeric_limits<double>::epsilon() * 2 * all_max(comm, diagonal) * std::sqrt(sums[2]) / norm_b);
      worst(report.energy_relative_error, std::abs(sums[3] - resistance) / resistance);  // at 1 A
    }
    worst(report.residual_norm1, sums[1]);
    worst(report.kcl_max_imbalance, all_max(comm, imbalance));
  }

  void add_ideal(const Fields& fields, std::int64_t i, std::int64_t j, Range edges, double* current) const {
    const auto& r = netlist.resistors;
    std::vector<Double2> need(netlist.nodes.size());
    for (std::size_t k = 0; k < r.size(); ++k) {
      const Double2 ampere = fields.current(k);
      need[at(r.tail[k])] += ampere;
      need[at(r.head[k])] -= ampere;
    }
    need[at(i)] -= Double2(1);
    need[at(j)] += Double2(1);
    const auto found = ideal_currents(netlist, std::move(need));
    for (auto k = edges.begin; k < edges.end; ++k) {
      if (std::isinf(r.value[at(k)])) current[k - edges.begin] = found.resistors[at(k)];
    }
  }
};

}  // namespace

namespace {

/// All right-hand sides by one plan.
NodalSolution solve_by(MPI_Comm comm, const Netlist& netlist, const NodalOptions& options, const Reduction& reduction,
                       const ReducedRows& rows, const NodalPlan& plan) {
  NodalSystem system(comm, reduction, rows, plan);
  const double set_up = wall_time();
  NodalSolution solution;
  auto& report = solution.report;
  const auto mine = system.rows().rows;
  const std::vector<Double2> injected(reduction.injected.begin() + mine.begin, reduction.injected.begin() + mine.end);
  const auto refined = system.solve(injected);
  must_be_right(refined, options, system.method());
  double diagonal = 0;
  for (std::size_t k = 0; k < injected.size(); ++k) diagonal = std::max(diagonal, system.rows().diagonal(k));
  publish(netlist, reduction, refined.u, all_max(comm, diagonal), solution);
  report.iterations = refined.iterations;
  report.effective_resistance = kNan;
  if (!options.pairs.empty()) {
    PairSolver{comm, netlist, reduction, system, options, solution}.run();
    if (options.pairs.size() == 1) report.effective_resistance = solution.pair_resistance[0];
  }
  report.method = system.method();
  report.reason = plan.reason;
  const bool grounded = netlist.ground >= 0;
  report.gauge = grounded ? "ground is at 0 V; the mean of a part without ground is zero"
                          : "mean of all potentials of a connected part is zero";
  report.unknowns = reduction.rows;
  report.edges = static_cast<std::int64_t>(netlist.resistors.size());
  report.components = reduction.components;
  report.ranks = size_of(comm);
  report.tolerance = options.solve.tolerance;
  report.seconds_assemble = system.seconds_assemble();
  report.seconds_setup = system.seconds_setup();
  report.seconds_solve = wall_time() - set_up;
  report.blas = blas_version();
  return solution;
}

}  // namespace

NodalSolution solve_network(MPI_Comm comm, const Netlist& netlist, const NodalOptions& options) {
  const double begin = wall_time();
  const auto reduction = agree(comm, [&] { return reduce(netlist); });
  std::int64_t widest = 0;
  const auto rows = agree(comm, [&] {
    if (reduction.rows > static_cast<std::int64_t>(PETSC_MAX_INT)) {
      throw Error(fmt::format("{} unknowns do not fit this PETSc's {}-bit integers: build with libpetsc64-real-dev",
                              reduction.rows, 8 * sizeof(PetscInt)));
    }
    if (size_of(comm) > 1 && rank_of(comm) > 0) {
      return reduced_rows(netlist, reduction, partition(reduction.rows, size_of(comm), rank_of(comm)));
    }
    auto all = reduced_rows(netlist, reduction, {0, reduction.rows});
    widest = width(all);
    if (size_of(comm) == 1) return all;
    return reduced_rows(netlist, reduction, partition(reduction.rows, size_of(comm), 0));
  });
  widest = static_cast<std::int64_t>(all_max(comm, static_cast<double>(widest)));
  auto plan =
      agree(comm, [&] { return choose(comm, options.solve.method, reduction.rows, widest, 1 + options.pairs.size()); });
  const double reduced = wall_time() - begin;
  const auto finish = [&](NodalSolution solution) {
    solution.report.seconds_assemble += reduced;
    solution.report.seconds_total = wall_time() - begin;
    solution.report.peak_memory_bytes = peak_memory(comm);
    return solution;
  };
  const bool may_change = options.solve.method == SolveMethod::automatic && !plan.direct && widest <= kWidest &&
                          !options::get("ksp_type") && !options::get("pc_type") && !options::get("ksp_max_it");
  if (!may_change) return finish(solve_by(comm, netlist, options, reduction, rows, plan));
  constexpr int kPatience = 300;
  plan.patience = kPatience;
  try {
    return finish(solve_by(comm, netlist, options, reduction, rows, plan));
  } catch (const AgreedError&) {
    return finish(solve_by(comm, netlist, options, reduction, rows,
                           direct_plan(comm, "multigrid did not reach what was asked for")));
  }
}

}  // namespace kirchhoff
