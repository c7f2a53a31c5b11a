#include "solve/network/resistances.hpp"

#include <boost/math/special_functions/gamma.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "kirchhoff/base/error.hpp"
#include "kirchhoff/base/random.hpp"
#include "kirchhoff/parallel/agree.hpp"
#include "kirchhoff/parallel/progress.hpp"
#include "kirchhoff/parallel/stop.hpp"
#include "solve/network/nodal_system.hpp"

namespace kirchhoff {
namespace {

constexpr int kMostPasses = 6;
constexpr double kProbability = 0.95;

/// Columns that are solved together: enough for a factorisation to work on blocks, few enough for them to stay small
/// beside it.
std::int64_t columns_of_block(std::int64_t rows) {
  constexpr std::int64_t kNumbers = std::int64_t{1} << 20;
  constexpr std::int64_t kMost = 32;
  constexpr auto kLeast = static_cast<std::int64_t>(ResistanceProof::kLanes);
  return std::clamp(kNumbers / std::max<std::int64_t>(1, rows) / kLeast * kLeast, kLeast, kMost);
}

/// A share of right-hand sides on each rank, block by block in rounds that all ranks make together.
/// @param solve (begin, end) does a block and is local. @return false when it did so on any rank.
template <class Solve>
bool solve_shares(MPI_Comm comm, std::int64_t count, std::int64_t block, Solve&& solve) {
  const auto mine = partition(count, size_of(comm), rank_of(comm));
  const auto most = partition(count, size_of(comm), 0).size();  // rank 0 has no less than others
  Progress progress(comm, "solve", "right-hand sides", most);
  for (std::int64_t done = 0; done < most; done += block) {
    heed_stop(comm);
    const bool goes_on = agree(comm, [&] {
      const auto begin = std::min(mine.end, mine.begin + done);
      const auto end = std::min(mine.end, begin + block);
      try {
        return begin == end || solve(begin, end);
      } catch (const Interrupted&) {  // of this rank: all ranks hear of it next
        return true;
      }
    });
    if (all_max(comm, goes_on ? 0.0 : 1.0) > 0) return false;
    if (progress.due()) progress.update(done, "");
  }
  heed_stop(comm);
  return true;
}

/// Solves for pairs, each by itself.
class PairBlock {
 public:
  PairBlock(NodalSystem& system, ResistanceProof& proof, std::int64_t rows)
      : system_(system), proof_(proof), rows_(at(rows)) {}

  /// @param result of each pair. @return false where the plan gives up.
  bool solve(std::span<const RowPair> pairs, std::span<JudgedResistance> result, int& iterations) {
    std::vector<std::size_t> open(pairs.size());  // which pair a column belongs to
    for (std::size_t s = 0; s < open.size(); ++s) open[s] = s;
    b_.assign(pairs.size() * rows_, 0);
    x_.clear();
    for (std::size_t s = 0; s < pairs.size(); ++s) {
      if (pairs[s].first >= 0) b_[s * rows_ + at(pairs[s].first)] = 1;
      if (pairs[s].second >= 0) b_[s * rows_ + at(pairs[s].second)] = -1;
    }
    for (int pass = 0; pass < kMostPasses && !open.empty(); ++pass) {
      step_.resize(open.size() * rows_);
      const int took = system_.pass(b_, step_, static_cast<std::int64_t>(open.size()));
      iterations += took;
      if (system_.gives_up(took)) return false;
      if (pass == 0) {
        std::swap(x_, step_);
      } else {
        for (std::size_t k = 0; k < step_.size(); ++k) x_[k] += step_[k];
      }
      if (!judge(pairs, open, result) && pass > 0) break;
    }
    return true;
  }

 private:
  /// Judges what is open, and keeps open what is not right. @return whether any error fell by half.
  bool judge(std::span<const RowPair> pairs, std::vector<std::size_t>& open, std::span<JudgedResistance> result) {
    bool falls = false;
    std::size_t left = 0;
    for (std::size_t begin = 0; begin < open.size(); begin += ResistanceProof::kLanes) {
      const auto end = std::min(open.size(), begin + ResistanceProof::kLanes);
      std::vector<RowPair> judged;
      for (auto s = begin; s < end; ++s) judged.push_back(pairs[open[s]]);
      std::vector<JudgedResistance> found(judged.size());
      proof_.judge(judged, &x_[begin * rows_], &b_[begin * rows_], found);
      for (auto s = begin; s < end; ++s) {
        auto& known = result[open[s]];
        const auto& now = found[s - begin];
        falls = falls || now.error < 0.5 * known.error;
        known = now;
        if (now.error <= kRightResistance * now.ohm) continue;
        if (left != s) {
          std::copy_n(x_.begin() + static_cast<long>(s * rows_), rows_, x_.begin() + static_cast<long>(left * rows_));
          std::copy_n(b_.begin() + static_cast<long>(s * rows_), rows_, b_.begin() + static_cast<long>(left * rows_));
        }
        open[left++] = open[s];
      }
    }
    open.resize(left);
    b_.resize(left * rows_);
    x_.resize(left * rows_);
    return falls;
  }

  NodalSystem& system_;
  ResistanceProof& proof_;
  std::size_t rows_;
  std::vector<double> b_;  // (columns, rows) what is missing [A]
  std::vector<double> x_;  // (columns, rows) [V]
  std::vector<double> step_;
};

/// A node of pairs, and where its resistances go.
struct EndNode {
  std::int64_t row = 0;
  std::vector<std::pair<std::size_t, std::int64_t>> pairs;  // which pair, and the row at its other end
};

std::vector<EndNode> end_nodes(const std::vector<RowPair>& pairs) {
  std::vector<std::pair<std::int64_t, std::size_t>> ends;
  for (std::size_t p = 0; p < pairs.size(); ++p) {
    if (pairs[p].first >= 0) ends.emplace_back(pairs[p].first, p);
    if (pairs[p].second >= 0) ends.emplace_back(pairs[p].second, p);
  }
  std::sort(ends.begin(), ends.end());
  std::vector<EndNode> nodes;
  for (const auto& [row, p] : ends) {
    if (nodes.empty() || nodes.back().row != row) nodes.push_back({row, {}});
    nodes.back().pairs.emplace_back(p, pairs[p].first == row ? pairs[p].second : pairs[p].first);
  }
  return nodes;
}

/// Solves for 1 A into a node and out where its part is pinned, in double-double.
class NodeBlock {
 public:
  NodeBlock(NodalSystem& system, ResistanceProof& proof, const ReducedRows& all)
      : system_(system), proof_(proof), all_(all), rows_(at(all.rows.size())) {}

  /// Adds to `result` this end's part of each resistance, and of its error. @return false where the plan gives up.
  bool solve(std::span<const EndNode> nodes, Resistances& result) {
    b_.assign(nodes.size() * rows_, 0);
    u_.assign(nodes.size() * rows_, Double2());
    x_.resize(nodes.size() * rows_);
    dissipated_.assign(nodes.size(), std::numeric_limits<double>::infinity());
    for (std::size_t s = 0; s < nodes.size(); ++s) b_[s * rows_ + at(nodes[s].row)] = 1;
    constexpr int kPassesOfNodes = 10;
    for (int pass = 0; pass < kPassesOfNodes; ++pass) {
      const int took = system_.pass(b_, x_, static_cast<std::int64_t>(nodes.size()));
      result.iterations += took;
      if (system_.gives_up(took)) return false;
      for (std::size_t k = 0; k < x_.size(); ++k) u_[k] += Double2(x_[k]);
      residual_ = imbalance_ = 0;
      bool right = pass > 0;
      for (std::size_t s = 0; s < nodes.size(); ++s) {
        balance(nodes[s].row, s);
        if (pass == 0) continue;
        std::vector<double> missing(b_.begin() + static_cast<long>(s * rows_),
                                    b_.begin() + static_cast<long>((s + 1) * rows_));
        dissipated_[s] = std::sqrt(proof_.dissipation(missing, unsure_));
        for (const auto& [p, other] : nodes[s].pairs) {
          const double ohm = drop(s, nodes[s].row, other);
          right = right && dissipated_[s] * std::sqrt(2 * ohm) <= 0.4 * kRightResistance * ohm;
        }
      }
      if (right) break;
    }
    result.residual = std::max(result.residual, residual_);
    result.imbalance = std::max(result.imbalance, imbalance_);
    for (std::size_t s = 0; s < nodes.size(); ++s) {
      for (const auto& [p, other] : nodes[s].pairs) {
        result.ohm[p] += drop(s, nodes[s].row, other);
        result.error[p] += dissipated_[s];
      }
    }
    return true;
  }

 private:
  double drop(std::size_t s, std::int64_t row, std::int64_t other) const {
    const auto& here = u_[s * rows_ + at(row)];
    return (other < 0 ? here : here - u_[s * rows_ + at(other)]).value();
  }

  /// What is missing at each row, into b_, and what rounding may hide of it, into unsure_.
  void balance(std::int64_t row, std::size_t s) {
    constexpr double kDoubleDouble = 0x1p-100;  // of double-double arithmetic, some operations together
    const auto* u = &u_[s * rows_];
    unsure_.resize(rows_);
    double squares = 0;
    for (std::size_t k = 0; k < rows_; ++k) {
      Double2 leaving = all_.pinned[k] * u[k];
      double size = std::abs(leaving.high);
      for (auto e = at(all_.first[k]); e < at(all_.first[k + 1]); ++e) {
        const auto& there = u[at(all_.column[e])];
        leaving += all_.conductance[e] * (u[k] - there);
        size += all_.conductance[e] * (std::abs(u[k].high) + std::abs(there.high));
      }
      const double missing = (Double2(static_cast<std::int64_t>(k) == row ? 1.0 : 0.0) - leaving).value();
      b_[s * rows_ + k] = missing;
      unsure_[k] = static_cast<double>(all_.first[k + 1] - all_.first[k] + 4) * kDoubleDouble * size;
      squares += missing * missing;
      imbalance_ = std::max(imbalance_, std::abs(missing));
    }
    residual_ = std::max(residual_, std::sqrt(squares));
  }

  NodalSystem& system_;
  ResistanceProof& proof_;
  const ReducedRows& all_;
  std::size_t rows_;
  std::vector<double> b_;
  std::vector<double> x_;
  std::vector<Double2> u_;
  std::vector<double> unsure_;
  std::vector<double> dissipated_;  // root of the bound of what is missing
  double residual_ = 0;             // of the worst column
  double imbalance_ = 0;
};

void take_figures(MPI_Comm comm, const NodalSystem& system, Resistances& result) {
  result.method = system.method();
  result.seconds_assemble = system.seconds_assemble();
  result.seconds_setup = system.seconds_setup();
  for (auto* figure : {&result.residual, &result.imbalance, &result.energy}) *figure = all_max(comm, *figure);
  result.iterations = static_cast<int>(all_max(comm, result.iterations));
  all_sum(comm, std::span<double>(result.ohm));
  all_sum(comm, std::span<double>(result.error));
}

bool solve_pairs(MPI_Comm comm, NodalSystem& system, ResistanceProof& proof, std::int64_t rows,
                 const std::vector<RowPair>& pairs, Resistances& result) {
  PairBlock block(system, proof, rows);
  return solve_shares(comm, result.solves, columns_of_block(rows), [&](std::int64_t begin, std::int64_t end) {
    std::vector<JudgedResistance> found(at(end - begin), {0, std::numeric_limits<double>::infinity(), 0, 0, 0});
    if (!block.solve(std::span(pairs).subspan(at(begin), found.size()), found, result.iterations)) return false;
    for (std::size_t s = 0; s < found.size(); ++s) {
      const auto& judged = found[s];
      const auto& [first, second] = pairs[at(begin) + s];
      result.ohm[at(begin) + s] = judged.ohm;
      result.error[at(begin) + s] = judged.error;
      result.residual = std::max(result.residual, judged.residual / (first >= 0 && second >= 0 ? std::sqrt(2.0) : 1));
      result.imbalance = std::max(result.imbalance, judged.imbalance);
      // 2 b^T x - x^T A x, where b^T x was right, is twice the one less the other.
      result.energy = std::max(result.energy, std::abs(judged.dissipated - judged.ohm) / judged.ohm);
    }
    return true;
  });
}

bool solve_nodes(MPI_Comm comm, NodalSystem& system, ResistanceProof& proof, const ReducedRows& all,
                 const std::vector<EndNode>& nodes, Resistances& result) {
  NodeBlock block(system, proof, all);
  return solve_shares(comm, result.solves, columns_of_block(2 * all.rows.size()), [&](auto begin, auto end) {
    return block.solve(std::span(nodes).subspan(at(begin), at(end - begin)), result);
  });
}

}  // namespace

std::optional<Resistances> bounded_resistances(MPI_Comm comm, const Reduction& reduction, const ReducedRows& all,
                                               const NodalPlan& plan, const std::vector<RowPair>& pairs) {
  constexpr std::size_t kCostOfNode = 3;  // an estimate: a node's two passes, refined, against a pair's one
  Resistances result;
  result.ohm.assign(pairs.size(), 0);
  result.error.assign(pairs.size(), 0);
  if (pairs.empty()) return result;
  auto [system, proof] = agree(comm, [&] {
    return std::pair(NodalSystem(MPI_COMM_SELF, reduction, all, plan), ResistanceProof(reduction, all));
  });
  const auto nodes = end_nodes(pairs);
  const bool by_nodes = kCostOfNode * nodes.size() < pairs.size();
  result.solves = static_cast<std::int64_t>(by_nodes ? nodes.size() : pairs.size());
  const bool done = by_nodes ? solve_nodes(comm, system, proof, all, nodes, result)
                             : solve_pairs(comm, system, proof, reduction.rows, pairs, result);
  if (!done) return std::nullopt;
  take_figures(comm, system, result);
  constexpr double kUlps = 4 * 0x1p-53;
  for (std::size_t p = 0; by_nodes && p < pairs.size(); ++p) {
    // |(e_i - e_j)^T A^-1 r| <= sqrt(R) sqrt(r^T A^-1 r)
    result.error[p] = std::sqrt(2 * result.ohm[p]) * result.error[p] + kUlps * result.ohm[p];
  }
  return result;
}

std::int64_t projections(double error) {
  const auto probability = [&](std::int64_t k) {
    const double half = 0.5 * static_cast<double>(k);
    const double low = error < 1 ? boost::math::gamma_p(half, half * (1 - error)) : 0;
    return boost::math::gamma_p(half, half * (1 + error)) - low;
  };
  std::int64_t enough = 1;
  while (probability(enough) < kProbability) enough *= 2;
  std::int64_t few = enough / 2;
  while (enough - few > 1) {
    const auto middle = (few + enough) / 2;
    (probability(middle) < kProbability ? few : enough) = middle;
  }
  return enough;
}

namespace {

/// Random currents: standard normal numbers through the square roots of conductances, the same on any number of ranks.
void project(const ReducedRows& all, std::int64_t number, double* b) {
  const auto rows = all.rows.size();
  for (std::int64_t row = 0; row < rows; ++row) {
    const auto k = at(row);
    Random random(0, Stream::projection, static_cast<std::uint64_t>(number * rows + row));
    if (all.pinned[k] > 0) b[k] += std::sqrt(all.pinned[k]) * random.normal();
    for (auto e = at(all.first[k]); e < at(all.first[k + 1]); ++e) {
      const auto other = at(all.column[e]);
      if (other < k) continue;
      const double ampere = std::sqrt(all.conductance[e]) * random.normal();
      b[k] += ampere;
      b[other] -= ampere;
    }
  }
}

/// Takes what x carries away from b. @param norms (columns) of b at first, found where it is empty.
/// @return ||b||_2 of the worst column, relative to that.
double missing_of(const ReducedRows& all, const std::vector<double>& x, std::vector<double>& b,
                  std::vector<double>& norms) {
  const auto rows = at(all.rows.size());
  const bool first = norms.empty();
  norms.resize(b.size() / rows);
  double worst = 0;
  for (std::size_t s = 0; s < norms.size(); ++s) {
    double squares = 0;
    double before = 0;
    for (std::size_t k = 0; k < rows; ++k) {
      const double* v = &x[s * rows];
      double leaving = all.pinned[k] * v[k];
      for (auto e = at(all.first[k]); e < at(all.first[k + 1]); ++e) {
        leaving += all.conductance[e] * (v[k] - v[at(all.column[e])]);
      }
      auto& missing = b[s * rows + k];
      before += missing * missing;
      missing -= leaving;
      squares += missing * missing;
    }
    if (first) norms[s] = std::sqrt(before);
    worst = std::max(worst, std::sqrt(squares) / norms[s]);
  }
  return worst;
}

}  // namespace

std::optional<Resistances> approximate_resistances(MPI_Comm comm, const Reduction& reduction, const ReducedRows& all,
                                                   const NodalPlan& plan, const std::vector<RowPair>& pairs,
                                                   double error) {
  constexpr double kEnough = 1e-6;  // relative residual, far below what chance leaves
  Resistances result;
  result.ohm.assign(pairs.size(), 0);
  result.error.assign(pairs.size(), 0);
  if (pairs.empty()) return result;
  auto system = agree(comm, [&] { return NodalSystem(MPI_COMM_SELF, reduction, all, plan); });
  result.projections = result.solves = projections(error);
  result.confidence = kProbability;
  const auto rows = at(reduction.rows);
  std::vector<double> b;
  std::vector<double> x;
  std::vector<double> step;
  const bool done = solve_shares(comm, result.solves, columns_of_block(reduction.rows), [&](auto begin, auto end) {
    b.assign(at(end - begin) * rows, 0);
    for (auto s = begin; s < end; ++s) project(all, s, &b[at(s - begin) * rows]);
    x.assign(b.size(), 0);
    step.resize(b.size());
    std::vector<double> norms;
    for (int pass = 0;; ++pass) {
      const int took = system.pass(b, step, end - begin);
      result.iterations += took;
      if (system.gives_up(took)) return false;
      for (std::size_t k = 0; k < x.size(); ++k) x[k] += step[k];
      const double worst = missing_of(all, step, b, norms);
      result.residual = pass == 0 ? std::max(result.residual, worst) : worst;
      if (worst <= kEnough) break;
      if (pass == kMostPasses) {
        throw Error(fmt::format("the solve ({}) of random currents stopped at a relative residual of {:.1e}",
                                system.method(), worst));
      }
    }
    for (std::size_t s = 0; s < norms.size(); ++s) {
      const double* v = &x[s * rows];
      for (std::size_t p = 0; p < pairs.size(); ++p) {
        const double drop =
            (pairs[p].first < 0 ? 0 : v[pairs[p].first]) - (pairs[p].second < 0 ? 0 : v[pairs[p].second]);
        result.ohm[p] += drop * drop;
      }
    }
    return true;
  });
  if (!done) return std::nullopt;
  take_figures(comm, system, result);
  for (std::size_t p = 0; p < pairs.size(); ++p) {
    result.ohm[p] /= static_cast<double>(result.projections);
    result.error[p] = error * result.ohm[p];
  }
  return result;
}

}  // namespace kirchhoff
