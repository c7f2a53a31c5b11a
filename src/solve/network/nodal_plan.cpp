#include "solve/network/nodal_plan.hpp"

#include <dlfcn.h>
#include <fmt/format.h>
#if __has_include(<suitesparse/SuiteSparse_config.h>)
#include <suitesparse/SuiteSparse_config.h>
#endif

#include <algorithm>

#include "kirchhoff/base/error.hpp"

namespace kirchhoff {

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

namespace {

/// A factorisation that fails is tried otherwise or is an error of ours: CHOLMOD need not speak of it.
void silence_cholmod() {
#if __has_include(<suitesparse/SuiteSparse_config.h>)
  using Config = decltype(SuiteSparse_config);
  if (auto* config = static_cast<Config*>(dlsym(RTLD_DEFAULT, "SuiteSparse_config"))) config->printf_func = nullptr;
#endif
}

/// Whether more than a tenth of the rows stand on the widest level.
bool is_wide(std::int64_t rows, std::int64_t widest) {
  constexpr std::int64_t kShare = 10;
  return widest > rows / kShare;
}

}  // namespace

bool without_locality(std::int64_t rows, std::int64_t widest) {
  constexpr std::int64_t kDenseFactor = 2000;  // rows up to which even a dense factor costs next to nothing
  return rows > kDenseFactor && (widest > kWidest || is_wide(rows, widest));
}

NodalPlan cheap_plan(std::int64_t rows, std::int64_t widest) {
  constexpr int kFew = 100;
  constexpr int kMore = 500;  // where a tenth of the rows stand on one level, any other solver takes far longer still
  NodalPlan plan;
  plan.defaults.pc_type = PCJACOBI;
  plan.patience = is_wide(rows, widest) ? kMore : kFew;
  plan.gives_up = true;
  plan.reason = fmt::format("its widest level has {} of {} unknowns, so that it has few slow modes", widest, rows);
  return plan;
}

NodalPlan direct_plan(MPI_Comm comm, const std::string& reason) {
  NodalPlan plan;
  plan.direct = true;
  plan.defaults.ksp_type = KSPPREONLY;
  plan.defaults.pc_type = PCCHOLESKY;
#ifdef PETSC_HAVE_SUITESPARSE
  silence_cholmod();
  if (size_of(comm) == 1) plan.defaults.package = MATSOLVERCHOLMOD;  // twice as fast as MUMPS, but on one rank only
#else
  static_cast<void>(comm);
#endif
  plan.reason = reason;
  return plan;
}

namespace {

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

}  // namespace

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

}  // namespace kirchhoff
