#include "kirchhoff/solve/network/nodal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <span>

#include "kirchhoff/base/error.hpp"
#include "kirchhoff/parallel/agree.hpp"
#include "kirchhoff/parallel/session.hpp"
#include "kirchhoff/parallel/stop.hpp"
#include "solve/network/dead_ends.hpp"
#include "solve/network/nodal_fields.hpp"
#include "solve/network/nodal_plan.hpp"
#include "solve/network/nodal_proof.hpp"
#include "solve/network/nodal_system.hpp"
#include "solve/network/pair_resistances.hpp"
#include "solve/network/resistances.hpp"
#include "solve/network/star_mesh.hpp"

namespace kirchhoff {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kRight = 1e-12;  // of potentials and currents, relative to the largest of a part or at a node
constexpr std::int64_t kProvable =
    2000;  // unknowns up to which every error is bounded: all else is tried within a second
constexpr std::int64_t kEliminable = 20000;  // unknowns up to which more digits are tried at all

/// All that an engine needs to know of a network.
struct Problem {
  MPI_Comm comm;
  const Netlist& netlist;
  const NodalOptions& options;
  const Reduction& reduction;
  const ReducedRows& rows;  // this rank's
};

/// A bound of the condition: largest over least conductance, times unknowns.
double condition(const Problem& problem) {
  double least = std::numeric_limits<double>::infinity();
  double most = 0;
  const auto& r = problem.netlist.resistors;
  for (std::size_t k = 0; k < r.size(); ++k) {
    if (!conducts(r, k)) continue;
    least = std::min(least, r.value[k]);
    most = std::max(most, r.value[k]);
  }
  return most / least * static_cast<double>(problem.reduction.rows);
}
constexpr double kTrusted = 1e12;   // above, a factorisation in double might miss a soft mode altogether
constexpr double kHopeless = 1e16;  // above, it may not even come to an end

/// A way to solve the network for any drive.
class Engine {
 public:
  virtual ~Engine() = default;
  /// @note Collective. @throws AgreedError when the answer cannot be shown to be right.
  virtual NodalAnswer solve(const Drive& drive) = 0;
  /// Whether an answer that was put together from others is right. Local, the same on every rank.
  virtual bool right(const Drive& drive, NodalAnswer& answer) const = 0;
  virtual std::string method() const = 0;
  virtual double seconds_assemble() const { return 0; }
  virtual double seconds_setup() const = 0;
};

/// A PETSc solver, refined in double-double.
class RefinedEngine : public Engine {
 public:
  RefinedEngine(const Problem& problem, const NodalPlan& plan)
      : problem_(problem),
        provable_(problem.reduction.rows <= kProvable),
        system_(problem.comm, problem.reduction, problem.rows, plan),
        proof_(problem.netlist, problem.reduction, provable_ || condition(problem) > kTrusted) {
    if (provable_) dead_ends_.emplace(problem.netlist, problem.reduction);
  }

  std::string method() const override { return system_.method(); }
  double seconds_assemble() const override { return system_.seconds_assemble(); }
  double seconds_setup() const override { return system_.seconds_setup(); }

  NodalAnswer solve(const Drive& drive) override {
    last_ = {kNan, kNan};
    NodalAnswer answer;
    const auto refined = system_.solve(injected(drive), [&](const std::vector<Double2>& u) {
      answer.u = u;
      answer.error = 0;
      return right(drive, answer);
    });
    answer.iterations = refined.iterations;
    answer.residual = refined.residual;
    answer.error = std::max(refined.error, answer.error);  // NaN first: it stays
    constexpr double kMost = 1e-12;                        // estimated error of potentials, as proven
    // Not "greater than": a NaN must fail too.
    const bool converged = refined.residual <= problem_.options.solve.tolerance && refined.error <= kMost;
    if (converged && refined.accepted) return answer;
    throw AgreedError(fmt::format(
        "the solve ({}) stopped at a relative residual of {:.1e} after {} iterations, its potentials known "
        "to {:.1e} and its currents to {:.1e}: {}",
        method(), answer.residual, answer.iterations, std::max(answer.error, last_.potential), last_.current,
        problem_.options.solve.method == SolveMethod::krylov ? "try -solve_method direct"
                                                             : "the resistances differ too much for double precision"));
  }

  bool right(const Drive& drive, NodalAnswer& answer) const override {
    if (provable_) {
      const auto carrying = dead_ends_->carrying(drive);
      last_ = proof_.bounds(drive, answer.u, carrying);
      answer.current.clear();
      const Fields fields(problem_.netlist, problem_.reduction, answer, drive.own());
      std::vector<Double2> current(carrying.size());
      for (std::size_t k = 0; k < current.size(); ++k) current[k] = carrying[k] != 0 ? fields.current(k) : Double2();
      answer.current = std::move(current);
    } else {
      last_ = proof_.estimates(drive, answer.u);
    }
    answer.error = std::max(answer.error, last_.potential);
    return last_.current <= kRight && last_.potential <= kRight;
  }

 private:
  /// This rank's rows of a drive's right-hand side.
  std::vector<Double2> injected(const Drive& drive) const {
    const auto mine = problem_.rows.rows;
    const auto& all = problem_.reduction.injected;
    if (drive.own()) return {all.begin() + mine.begin, all.begin() + mine.end};
    std::vector<Double2> result(at(mine.size()));
    each_injection(problem_.netlist, drive, [&](std::int64_t node, double ampere) {
      const auto row = problem_.reduction.row[at(node)];
      if (row >= mine.begin && row < mine.end) result[at(row - mine.begin)] += Double2(ampere);
    });
    return result;
  }

  const Problem& problem_;
  bool provable_;
  NodalSystem system_;
  NodalProof proof_;
  std::optional<DeadEnds> dead_ends_;
  mutable NodalErrors last_;  // of the last answer that was judged
};

/// Star-mesh elimination in many digits; each rank does the whole of it.
class ExactEngine : public Engine {
 public:
  explicit ExactEngine(const Problem& problem) : problem_(problem) {
    const double begin = wall_time();
    agree(problem.comm, [&] { mesh_.emplace(problem.netlist, problem.reduction); });
    seconds_setup_ = wall_time() - begin;
  }

  std::string method() const override { return fmt::format("star-mesh elimination ({} digits)", mesh_->digits()); }
  double seconds_setup() const override { return seconds_setup_; }

  NodalAnswer solve(const Drive& drive) override {
    constexpr double kTwoDoubles = 0x1p-100;
    auto exact = agree(problem_.comm, [&] { return mesh_->solve(drive); });
    if (kTwoDoubles > problem_.options.solve.tolerance) {
      throw AgreedError(fmt::format("two doubles hold a relative residual of {:.1e}, but {:.1e} is asked for",
                                    kTwoDoubles, problem_.options.solve.tolerance));
    }
    return {std::move(exact.u), std::move(exact.current), 0, kTwoDoubles, exact.error};
  }
  bool right(const Drive& /*drive*/, NodalAnswer& /*answer*/) const override { return false; }  // each by itself

 private:
  const Problem& problem_;
  std::optional<StarMesh> mesh_;
  double seconds_setup_ = 0;
};

bool has_ideal_resistors(const Netlist& netlist) {
  const auto& g = netlist.resistors.value;
  return std::any_of(g.begin(), g.end(), [](double value) { return std::isinf(value); });
}

struct PairSolver {
  const Problem& problem;
  Engine& engine;
  NodalSolution& solution;

  NodalAnswer driven(const Drive& drive) {
    auto answer = engine.solve(drive);
    solution.report.iterations += answer.iterations;
    solution.refined_residual = std::max(solution.refined_residual, answer.residual);
    return answer;
  }

  void run() {
    MPI_Comm comm = problem.comm;
    const auto& netlist = problem.netlist;
    const auto& pairs = problem.options.pairs;
    const auto ranks = size_of(comm);
    nodes_ = partition(static_cast<std::int64_t>(netlist.nodes.size()), ranks, rank_of(comm));
    edges_ = partition(static_cast<std::int64_t>(netlist.resistors.size()), ranks, rank_of(comm));
    const bool handed_out = problem.options.each_pair != nullptr;
    const std::size_t kept = handed_out ? 1 : pairs.size();
    agree(comm, [&] {
      solution.pair_resistance.assign(pairs.size(), -1);
      if (problem.options.only_resistances) {
        solution.pair_error.assign(pairs.size(), 0);
        return;
      }
      solution.pair_potential.assign(kept * at(nodes_.size()), 0);
      solution.pair_current.assign(kept * at(edges_.size()), 0);
    });
    share();
    ideal_ = has_ideal_resistors(netlist);
    for (std::size_t p = 0; p < pairs.size(); ++p) {
      heed_stop(comm);
      const auto [i, j] = pairs[p];
      if (problem.reduction.component[at(i)] != problem.reduction.component[at(j)]) continue;
      if (problem.options.only_resistances) {
        take_resistance(p);
        continue;
      }
      const std::size_t slot = handed_out ? 0 : p;
      const std::span<double> potential(solution.pair_potential.data() + slot * at(nodes_.size()), at(nodes_.size()));
      const std::span<double> current(solution.pair_current.data() + slot * at(edges_.size()), at(edges_.size()));
      take(p, potential, current);
      if (handed_out) {
        problem.options.each_pair({p, solution.pair_resistance[p], potential, current, solution});
      }
    }
    if (handed_out) {
      solution.pair_potential.clear();
      solution.pair_current.clear();
    }
  }

  /// Solves a pair for its resistance alone.
  void take_resistance(std::size_t p) {
    const auto [i, j] = problem.options.pairs[p];
    const auto answer = of_pair({i, j});
    const Fields fields(problem.netlist, problem.reduction, answer, false);
    solution.pair_resistance[p] = (fields.potential(i) - fields.potential(j)).value();
    solution.pair_error[p] = error_of(answer, solution.pair_resistance[p]);
  }

  /// Solves a pair.
  void take(std::size_t p, std::span<double> potential, std::span<double> current) {
    const auto& reduction = problem.reduction;
    const auto [i, j] = problem.options.pairs[p];
    const auto answer = of_pair({i, j});
    const Fields fields(problem.netlist, reduction, answer, false);
    const Double2 low = fields.potential(j);
    solution.pair_resistance[p] = (fields.potential(i) - low).value();
    const auto part = reduction.component[at(i)];
    const bool floating = reduction.floating[at(part)] != 0;
    for (auto k = nodes_.begin; k < nodes_.end; ++k) {
      const bool here = reduction.component[at(k)] == part;
      const auto v = !here ? Double2() : floating ? fields.potential(k) - low : fields.potential(k);
      potential[at(k - nodes_.begin)] = v.value();
    }
    for (auto k = edges_.begin; k < edges_.end; ++k) current[at(k - edges_.begin)] = fields.current(at(k)).value();
    add_figures(fields, answer, {i, j}, solution.pair_resistance[p], current, edges_);
    if (ideal_) add_ideal(fields, i, j, edges_, current.data());
  }

  /// Pairs that share their nodes are differences of fewer solutions: 1 A into each node and out where the part is
  /// pinned. Finds which nodes those are, or none where each pair is better solved for itself.
  void share() {
    std::map<std::int64_t, std::optional<NodalAnswer>> of_node;
    for (const auto& [i, j] : problem.options.pairs) {
      of_node[i];
      of_node[j];
    }
    if (shares_ && of_node.size() < problem.options.pairs.size()) of_node_ = std::move(of_node);
  }

  /// Solved when it is first asked for, so that the first pairs need not wait for all nodes.
  const NodalAnswer& of_shared_node(std::int64_t node) {
    auto& answer = of_node_.at(node);
    if (!answer) {
      heed_stop(problem.comm);
      answer = driven({node, -1});
    }
    return *answer;
  }

  NodalAnswer of_pair(const Drive& drive) {
    if (!of_node_.empty()) {
      NodalAnswer answer = of_shared_node(drive.in);
      const auto& other = of_shared_node(drive.out).u;
      for (std::size_t k = 0; k < other.size(); ++k) answer.u[k] -= other[k];
      if (engine.right(drive, answer)) return answer;
    }
    return driven(drive);  // what is small beside both may have been lost in the difference
  }

  /// Of a resistance: no potential is farther from zero than the pair's two are from each other.
  static double error_of(const NodalAnswer& answer, double resistance) {
    return (2 * answer.error + std::numeric_limits<double>::epsilon()) * resistance;
  }

  /// The report has the worst of all solutions.
  void add_figures(const Fields& fields, const NodalAnswer& answer, const Drive& drive, double resistance,
                   std::span<const double> current, Range edges) {
    MPI_Comm comm = problem.comm;
    const auto& netlist = problem.netlist;
    const auto& reduction = problem.reduction;
    const auto& rows = problem.rows;
    const auto& u = answer.u;
    const auto value = [&](std::int64_t row) { return u[at(row)].value(); };
    const auto row_i = reduction.row[at(drive.in)];
    const auto row_j = reduction.row[at(drive.out)];
    double residual = 0;
    double potential = 0;
    double diagonal = 0;
    double residual1 = 0;
    for (auto row = rows.rows.begin; row < rows.rows.end; ++row) {
      const auto k = at(row - rows.rows.begin);
      double ohmic = (row == row_i ? 1.0 : 0.0) - (row == row_j ? 1.0 : 0.0) - rows.pinned[k] * value(row);
      for (auto e = at(rows.first[k]); e < at(rows.first[k + 1]); ++e) {
        ohmic -= rows.conductance[e] * (value(row) - value(rows.column[e]));
      }
      residual += ohmic * ohmic;
      residual1 += std::abs(ohmic);
      potential += value(row) * value(row);
      diagonal = std::max(diagonal, rows.diagonal(k));
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
    worst(report.kcl_max_imbalance, all_max(comm, imbalance(fields, drive)));
    worst(report.potential_error_estimate, answer.error);
  }

  /// Kirchhoff's law of the currents at this rank's rows [A].
  double imbalance(const Fields& fields, const Drive& drive) const {
    const auto& reduction = problem.reduction;
    const auto mine = problem.rows.rows;
    std::vector<Double2> left(at(mine.size()));
    const auto take = [&](std::int64_t node, const Double2& ampere) {
      const auto row = reduction.row[at(node)];
      if (row >= mine.begin && row < mine.end) left[at(row - mine.begin)] += ampere;
    };
    each_injection(problem.netlist, drive, [&](std::int64_t node, double ampere) { take(node, Double2(ampere)); });
    const auto& r = problem.netlist.resistors;
    for (std::size_t k = 0; k < r.size(); ++k) {
      if (reduction.row[at(r.tail[k])] == reduction.row[at(r.head[k])]) continue;
      const auto ampere = fields.current(k);
      take(r.tail[k], -ampere);
      take(r.head[k], ampere);
    }
    double most = 0;
    for (const auto& ampere : left) most = std::max(most, std::abs(ampere.value()));
    return most;
  }

  void add_ideal(const Fields& fields, std::int64_t i, std::int64_t j, Range edges, double* current) const {
    const auto& netlist = problem.netlist;
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

  bool shares_ = true;  // false: each pair for itself
  bool ideal_ = false;
  Range nodes_ = {};  // this rank's
  Range edges_ = {};
  std::map<std::int64_t, std::optional<NodalAnswer>> of_node_ = {};  // empty: each pair for itself
};

/// What holds whoever solves.
void add_facts(const Problem& problem, SolveReport& report) {
  report.gauge = problem.netlist.ground >= 0 ? "ground is at 0 V; the mean of a part without ground is zero"
                                             : "mean of all potentials of a connected part is zero";
  report.unknowns = problem.reduction.rows;
  report.edges = static_cast<std::int64_t>(problem.netlist.resistors.size());
  report.components = problem.reduction.components;
  report.ranks = size_of(problem.comm);
  report.tolerance = problem.options.solve.tolerance;
  report.blas = blas_version();
}

/// All right-hand sides by one engine.
NodalSolution solve_by(const Problem& problem, Engine& engine, bool shares, const std::string& reason) {
  MPI_Comm comm = problem.comm;
  const auto& netlist = problem.netlist;
  const auto& options = problem.options;
  const auto& reduction = problem.reduction;
  const auto& rows = problem.rows;
  const double set_up = wall_time();
  NodalSolution solution;
  auto& report = solution.report;
  const auto answer = engine.solve({});
  double diagonal = 0;
  for (std::size_t k = 0; k < at(rows.rows.size()); ++k) diagonal = std::max(diagonal, rows.diagonal(k));
  publish(netlist, reduction, answer, all_max(comm, diagonal), solution);
  report.iterations = answer.iterations;
  solution.refined_residual = answer.residual;
  report.potential_error_estimate = answer.error;
  report.effective_resistance = kNan;
  if (!options.pairs.empty()) {
    PairSolver pairs{problem, engine, solution};
    pairs.shares_ = shares;
    pairs.run();
    if (options.pairs.size() == 1) report.effective_resistance = solution.pair_resistance[0];
  }
  report.method = engine.method();
  report.reason = reason;
  report.seconds_assemble = engine.seconds_assemble();
  report.seconds_setup = engine.seconds_setup();
  report.seconds_solve = wall_time() - set_up;
  add_facts(problem, report);
  return solution;
}

/// Whether an error is one that all ranks have met, so that all may try something else.
bool shared_by_all(MPI_Comm comm, const Error& error) {
  return size_of(comm) == 1 || dynamic_cast<const AgreedError*>(&error) != nullptr;
}

/// What `auto` tries, one after the other, until an answer can be shown to be right.
NodalSolution solve_somehow(const Problem& problem, NodalPlan plan, std::int64_t widest) {
  constexpr int kPatience = 300;
  const auto comm = problem.comm;
  std::string failed;
  const auto by_plan = [&](const NodalPlan& tried) -> std::optional<NodalSolution> {
    try {
      RefinedEngine engine(problem, tried);
      return solve_by(problem, engine, true, tried.reason);
    } catch (const Error& error) {
      if (!shared_by_all(comm, error)) throw;
      failed = error.what();
      return std::nullopt;
    }
  };
  if (!plan.direct && widest <= kWidest) plan.patience = kPatience;
  const bool hopeless = problem.reduction.rows <= kProvable && condition(problem) > kHopeless;
  if (!hopeless && without_locality(problem.reduction.rows, widest)) {
    if (auto solution = by_plan(cheap_plan(problem.reduction.rows, widest))) return std::move(*solution);
  }
  if (hopeless) {
    failed = "the resistances differ too much for double precision";
  } else if (auto solution = by_plan(plan)) {
    return std::move(*solution);
  }
  if (!hopeless && !plan.direct && widest <= kWidest) {
    if (auto solution = by_plan(direct_plan(comm, "multigrid did not reach what was asked for"))) {
      return std::move(*solution);
    }
  }
  if (problem.reduction.rows > kEliminable) throw AgreedError(failed);
  try {
    ExactEngine engine(problem);
    return solve_by(problem, engine, false, "double precision could not be shown to be right at every node");
  } catch (const Error& error) {
    if (!shared_by_all(comm, error)) throw;
    throw AgreedError(fmt::format("{}; {}", failed, error.what()));
  }
}

NodalSolution solve_problem(const Problem& problem, std::int64_t widest) {
  const auto& options = problem.options;
  const auto plan = agree(problem.comm, [&] {
    return choose(problem.comm, options.solve.method, problem.reduction.rows, widest, 1 + options.pairs.size());
  });
  if (options.solve.method == SolveMethod::automatic && !solver_options_given()) {
    return solve_somehow(problem, plan, widest);
  }
  RefinedEngine engine(problem, plan);
  return solve_by(problem, engine, true, plan.reason);
}

/// Whether anything drives the network without pairs.
bool driven(const Reduction& reduction) {
  const auto& b = reduction.injected;
  const bool inside =
      std::any_of(reduction.offset.begin(), reduction.offset.end(), [](const Double2& volt) { return volt.high != 0; });
  return inside || std::any_of(b.begin(), b.end(), [](const Double2& ampere) { return ampere.high != 0; });
}

/// The network's own sources, without pairs; where it has none, all is zero without a solver.
NodalSolution solve_own(const Problem& problem, std::int64_t widest) {
  auto options = problem.options;
  options.pairs.clear();
  const Problem own{problem.comm, problem.netlist, options, problem.reduction, problem.rows};
  if (driven(problem.reduction)) return solve_problem(own, widest);
  NodalSolution solution;
  const NodalAnswer nothing{std::vector<Double2>(at(problem.reduction.rows)), {}, 0, 0, 0};
  publish(problem.netlist, problem.reduction, nothing, 0, solution);
  add_facts(own, solution.report);
  return solution;
}

/// Pairs whose resistances could not be shown to be right in double precision are solved as all fields are.
void solve_doubtful(const Problem& problem, std::int64_t widest, NodalSolution& solution) {
  auto options = problem.options;
  options.pairs.clear();
  std::vector<std::size_t> doubtful;
  for (std::size_t k = 0; k < problem.options.pairs.size(); ++k) {
    const double ohm = solution.pair_resistance[k];
    // Not "greater than": a NaN must fail too.
    if (ohm == -1 || solution.pair_error[k] <= kRightResistance * ohm) continue;
    doubtful.push_back(k);
    options.pairs.push_back(problem.options.pairs[k]);
  }
  if (doubtful.empty()) return;
  const auto fields = solve_problem({problem.comm, problem.netlist, options, problem.reduction, problem.rows}, widest);
  for (std::size_t k = 0; k < doubtful.size(); ++k) {
    solution.pair_resistance[doubtful[k]] = fields.pair_resistance[k];
    solution.pair_error[doubtful[k]] = fields.pair_error[k];
  }
  solution.report.method +=
      fmt::format("; {} of {} by {}", doubtful.size(), problem.options.pairs.size(), fields.report.method);
  solution.refined_residual = std::max(solution.refined_residual, fields.refined_residual);
}

NodalSolution solve_resistances(const Problem& problem, std::int64_t widest) {
  const double begin = wall_time();
  auto solution = solve_own(problem, widest);
  auto& report = solution.report;
  const bool whole = size_of(problem.comm) == 1;
  ReducedRows all;
  if (!whole) {
    all = agree(problem.comm, [&] {
      return reduced_rows(problem.netlist, problem.reduction, {0, problem.reduction.rows});
    });
  }
  add_resistances(problem.comm, problem.reduction, whole ? problem.rows : all, problem.options, widest, solution);
  if (problem.options.approximate == 0) solve_doubtful(problem, widest, solution);
  for (std::size_t k = 0; k < solution.pair_error.size(); ++k) {
    if (solution.pair_resistance[k] <= 0) continue;
    solution.resistance_error =
        std::max(solution.resistance_error, solution.pair_error[k] / solution.pair_resistance[k]);
  }
  report.effective_resistance = solution.pair_resistance.size() == 1 ? solution.pair_resistance[0] : kNan;
  report.potential_error_estimate = std::max(report.potential_error_estimate, solution.resistance_error);
  report.seconds_solve = wall_time() - begin;
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
  const double reduced = wall_time() - begin;
  const Problem problem{comm, netlist, options, reduction, rows};
  NodalSolution solution =
      options.only_resistances ? solve_resistances(problem, widest) : solve_problem(problem, widest);
  solution.report.seconds_assemble += reduced;
  solution.report.seconds_total = wall_time() - begin;
  solution.report.peak_memory_bytes = peak_memory(comm);
  return solution;
}

}  // namespace kirchhoff
