#include "solve/network/resistance_proof.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <queue>

namespace kirchhoff {
namespace {

constexpr double kUlp = 0x1p-53;
constexpr std::size_t kL = ResistanceProof::kLanes;
using LaneValues = std::array<double, kL>;

}  // namespace

/// The ways of least resistance. (E. W. Dijkstra, Numer. Math. 1 (1959) 269.)
ResistanceProof::ResistanceProof(const Reduction& reduction, const ReducedRows& all) : rows_(all) {
  const auto rows = at(reduction.rows);
  parent_.assign(rows, -1);
  ohm_.assign(rows, 0);
  order_.reserve(rows);
  std::vector<double> way(rows, std::numeric_limits<double>::infinity());
  std::vector<char> done(rows, 0);
  using Entry = std::pair<double, std::int32_t>;
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> queue;
  for (std::size_t k = 0; k < rows; ++k) {
    if (all.pinned[k] > 0) queue.emplace(way[k] = ohm_[k] = 1 / all.pinned[k], static_cast<std::int32_t>(k));
  }
  while (!queue.empty()) {
    const auto [ohm, row] = queue.top();
    queue.pop();
    const auto k = static_cast<std::size_t>(row);
    if (std::exchange(done[k], 1) != 0) continue;
    order_.push_back(row);
    for (auto e = at(all.first[k]); e < at(all.first[k + 1]); ++e) {
      const auto other = at(all.column[e]);
      const double step = 1 / all.conductance[e];
      if (done[other] != 0 || ohm + step >= way[other]) continue;
      way[other] = ohm + step;
      ohm_[other] = step;
      parent_[other] = row;
      queue.emplace(way[other], static_cast<std::int32_t>(other));
    }
  }
  for (std::size_t k = 0; k < rows; ++k) {  // ways that are too long for a double: nothing is known there
    if (done[k] != 0) continue;
    order_.push_back(static_cast<std::int32_t>(k));
    parent_[k] = -1;
    ohm_[k] = std::numeric_limits<double>::infinity();
  }
}

/// Currents that are missing at the rows, what rounding may hide of them, and the power of x.
void ResistanceProof::balance(std::span<const RowPair> pairs, std::span<JudgedResistance> result) {
  constexpr std::int64_t kRun = 16;  // terms of a sum in double, before it is added without rounding
  const auto rows = missing_.size() / kL;
  LaneValues power{};
  LaneValues rest{};
  for (std::size_t k = 0; k < rows; ++k) {
    const double* here = &x_[k * kL];
    LaneValues leaving{};
    LaneValues size{};
    LaneValues part{};
    for (std::size_t s = 0; s < kL; ++s) {
      const double ampere = rows_.pinned[k] * here[s];
      leaving[s] = ampere;
      size[s] = std::abs(ampere);
      part[s] = 2 * (ampere * here[s]);  // the other terms are met from both sides
    }
    const auto last = rows_.first[k + 1];
    for (auto begin = rows_.first[k]; begin < last || begin == rows_.first[k]; begin += kRun) {
      for (auto e = at(begin); e < at(std::min(begin + kRun, last)); ++e) {
        const double* there = &x_[at(rows_.column[e]) * kL];
        const double g = rows_.conductance[e];
        for (std::size_t s = 0; s < kL; ++s) {
          const double volt = here[s] - there[s];
          const double ampere = g * volt;
          leaving[s] += ampere;
          size[s] += std::abs(ampere);
          part[s] += ampere * volt;
        }
      }
      for (std::size_t s = 0; s < kL; ++s) {
        const Double2 sum = two_sum(power[s], part[s]);
        power[s] = sum.high;
        rest[s] += sum.low;
        part[s] = 0;
      }
    }
    const auto terms = static_cast<double>(last - rows_.first[k]) + 4;
    for (std::size_t s = 0; s < kL; ++s) {
      missing_[k * kL + s] = -leaving[s];
      unsure_[k * kL + s] = terms * kUlp * size[s];
    }
  }
  for (std::size_t s = 0; s < pairs.size(); ++s) {
    result[s].dissipated = 0.5 * (power[s] + rest[s]);
    for (const auto& [row, ampere] : {std::pair(pairs[s].first, 1.0), std::pair(pairs[s].second, -1.0)}) {
      if (row < 0) continue;
      missing_[at(row) * kL + s] += ampere;
      unsure_[at(row) * kL + s] += kUlp * std::abs(missing_[at(row) * kL + s]);
    }
  }
}

void ResistanceProof::judge(std::span<const RowPair> pairs, const double* x, double* residual,
                            std::span<JudgedResistance> result) {
  const auto rows = order_.size();
  x_.resize(rows * kL);
  missing_.resize(rows * kL);
  unsure_.resize(rows * kL);
  for (std::size_t s = 0; s < kL; ++s) {
    const double* column = x + std::min(s, pairs.size() - 1) * rows;
    for (std::size_t k = 0; k < rows; ++k) x_[k * kL + s] = column[k];
  }
  balance(pairs, result);
  LaneValues squares{};
  LaneValues most{};
  for (std::size_t k = 0; k < rows; ++k) {
    for (std::size_t s = 0; s < kL; ++s) {
      const double ampere = missing_[k * kL + s];
      squares[s] += ampere * ampere;
      most[s] = std::max(most[s], std::abs(ampere));
    }
  }
  for (std::size_t s = 0; residual != nullptr && s < pairs.size(); ++s) {
    for (std::size_t k = 0; k < rows; ++k) residual[s * rows + k] = missing_[k * kL + s];
  }
  LaneValues lost{};
  for (std::size_t i = order_.size(); i-- > 0;) {  // from the far ends inwards
    const auto k = static_cast<std::size_t>(order_[i]);
    const double* ampere = &missing_[k * kL];
    const double* hidden = &unsure_[k * kL];
    for (std::size_t s = 0; s < kL; ++s) {
      const double size = std::abs(ampere[s]) + hidden[s];
      lost[s] += ohm_[k] * size * size;
    }
    if (parent_[k] < 0) continue;
    double* next = &missing_[static_cast<std::size_t>(parent_[k]) * kL];
    double* unsure = &unsure_[static_cast<std::size_t>(parent_[k]) * kL];
    for (std::size_t s = 0; s < kL; ++s) {
      next[s] += ampere[s];
      unsure[s] += hidden[s] + 2 * kUlp * std::abs(next[s]);
    }
  }
  constexpr double kRounding = 64 * kUlp;  // of positive sums, resistors in parallel included
  for (std::size_t s = 0; s < pairs.size(); ++s) {
    const auto of_row = [&](std::int64_t row) { return row < 0 ? 0.0 : x_[at(row) * kL + s]; };
    const double drop = of_row(pairs[s].first) - of_row(pairs[s].second);
    auto& judged = result[s];
    judged.ohm = 2 * drop - judged.dissipated;
    judged.error = 1.001 * lost[s] + kRounding * (2 * std::abs(drop) + judged.dissipated);
    judged.residual = std::sqrt(squares[s]);
    judged.imbalance = most[s];
  }
}

double ResistanceProof::dissipation(std::vector<double>& missing, std::vector<double>& unsure) const {
  double lost = 0;
  for (std::size_t i = order_.size(); i-- > 0;) {
    const auto k = static_cast<std::size_t>(order_[i]);
    const double size = std::abs(missing[k]) + unsure[k];
    lost += ohm_[k] * size * size;
    if (parent_[k] < 0) continue;
    const auto next = static_cast<std::size_t>(parent_[k]);
    missing[next] += missing[k];
    unsure[next] += unsure[k] + 2 * kUlp * std::abs(missing[next]);
  }
  return 1.001 * lost;
}

}  // namespace kirchhoff
