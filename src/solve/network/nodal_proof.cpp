#include "solve/network/nodal_proof.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <queue>

namespace kirchhoff {
namespace {

constexpr double kUnit = 0x1p-100;  // of double-double arithmetic, some operations together

double magnitude_of(const Double2& value) { return std::abs(value.high); }

/// The resistance of the shortest path from each row to its part's pinned nodes; the largest of each part [ohm].
/// (E. W. Dijkstra, Numer. Math. 1 (1959) 269.)
std::vector<double> longest_ways(const Netlist& netlist, const Reduction& reduction) {
  const auto rows = at(reduction.rows);
  const auto& r = netlist.resistors;
  std::vector<std::int64_t> first(rows + 1, 0);
  const auto each_end = [&](auto&& visit) {
    for (std::size_t k = 0; k < r.size(); ++k) {
      const auto a = reduction.row[at(r.tail[k])];
      const auto b = reduction.row[at(r.head[k])];
      if (!conducts(r, k) || a == b) continue;
      if (a >= 0) visit(at(a), b, r.value[k]);
      if (b >= 0) visit(at(b), a, r.value[k]);
    }
  };
  each_end([&](std::size_t row, std::int64_t, double) { ++first[row + 1]; });
  for (std::size_t k = 0; k < rows; ++k) first[k + 1] += first[k];
  std::vector<std::pair<std::int64_t, double>> edges(at(first[rows]));
  auto next = first;
  constexpr double kFar = std::numeric_limits<double>::infinity();
  std::vector<double> way(rows, kFar);
  using Entry = std::pair<double, std::int64_t>;
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> queue;
  each_end([&](std::size_t row, std::int64_t other, double g) {
    edges[at(next[row]++)] = {other, 1 / g};
    if (other < 0 && 1 / g < way[row]) queue.emplace(way[row] = 1 / g, static_cast<std::int64_t>(row));
  });
  std::vector<double> longest(reduction.floating.size(), 0);
  while (!queue.empty()) {
    const auto [ohm, row] = queue.top();
    queue.pop();
    if (ohm > way[at(row)]) continue;
    auto& most = longest[at(reduction.part[at(row)])];
    most = std::max(most, ohm);
    for (auto e = first[at(row)]; e < first[at(row) + 1]; ++e) {
      const auto& [other, more] = edges[at(e)];
      if (other >= 0 && ohm + more < way[at(other)]) queue.emplace(way[at(other)] = ohm + more, other);
    }
  }
  return longest;
}

}  // namespace

/// What each row's currents leave over.
struct NodalProof::Balance {
  std::vector<double> left;      // (rows) imbalance [A]
  std::vector<double> hidden;    // (rows) more of it that rounding may hide
  std::vector<double> at_row;    // (rows) largest current, through a resistor or from outside
  std::vector<double> at_node;   // (nodes) largest current through a resistor
  std::vector<double> rounding;  // (m) of a resistor's current
  std::vector<double> in_part;   // (components) largest current
};

NodalProof::NodalProof(const Netlist& netlist, const Reduction& reduction, bool ways)
    : netlist_(netlist), reduction_(reduction) {
  if (ways) farthest_ = longest_ways(netlist, reduction);
}

NodalProof::Balance NodalProof::balance(const Drive& drive, const std::vector<Double2>& u) const {
  const auto& r = netlist_.resistors;
  const auto rows = at(reduction_.rows);
  const auto zeros = [](std::size_t n) { return std::vector<double>(n, 0); };
  Balance result{zeros(rows),     zeros(rows),
                 zeros(rows),     zeros(netlist_.nodes.size()),
                 zeros(r.size()), zeros(reduction_.floating.size())};
  std::vector<Double2> left(rows);
  const auto take = [&](std::int64_t node, const Double2& ampere, double rounding) {
    const auto row = reduction_.row[at(node)];
    auto& most = result.in_part[at(reduction_.component[at(node)])];
    most = std::max(most, magnitude_of(ampere));
    if (row < 0) return;
    left[at(row)] += ampere;
    result.hidden[at(row)] += rounding + kUnit * magnitude_of(ampere);
    result.at_row[at(row)] = std::max(result.at_row[at(row)], magnitude_of(ampere));
  };
  each_injection(netlist_, drive, [&](std::int64_t node, double ampere) { take(node, Double2(ampere), 0); });
  const auto of_row = [&](std::int64_t row) { return row < 0 ? Double2() : u[at(row)]; };
  for (std::size_t k = 0; k < r.size(); ++k) {
    if (!conducts(r, k)) continue;
    const auto [a, b] = std::pair(reduction_.row[at(r.tail[k])], reduction_.row[at(r.head[k])]);
    Double2 drop;
    double volt = 0;
    if (a != b) {
      drop = of_row(a) - of_row(b);
      volt = magnitude_of(of_row(a)) + magnitude_of(of_row(b));
    }
    if (drive.own()) {
      const auto& over_a = reduction_.offset[at(r.tail[k])];
      const auto& over_b = reduction_.offset[at(r.head[k])];
      const Double2 gap = over_a - over_b;
      auto& most = result.in_part[at(reduction_.component[at(r.tail[k])])];
      most = std::max(most, r.value[k] * magnitude_of(gap));  // what the sources would drive alone
      drop += gap;
      volt += magnitude_of(over_a) + magnitude_of(over_b);
    }
    const Double2 ampere = r.value[k] * drop;
    result.rounding[k] = kUnit * r.value[k] * volt;
    for (const auto node : {r.tail[k], r.head[k]}) {
      result.at_node[at(node)] = std::max(result.at_node[at(node)], magnitude_of(ampere));
    }
    if (a == b) continue;  // what circulates within ties is no part of a row's balance
    take(r.tail[k], -ampere, result.rounding[k]);
    take(r.head[k], ampere, result.rounding[k]);
  }
  for (std::size_t row = 0; row < rows; ++row) result.left[row] = magnitude_of(left[row]);
  return result;
}

namespace {

/// Notes an error relative to a scale; one that is no number counts as infinite.
void note_worst(double& most, double error, double scale) {
  if (error == 0) return;
  const double relative = scale > 0 && std::isfinite(error) ? error / scale : std::numeric_limits<double>::infinity();
  most = std::max(most, relative);
}

}  // namespace

double NodalProof::potential_error(const Balance& found, const std::vector<Double2>& u) const {
  if (farthest_.empty()) return 0;
  std::vector<double> missing(farthest_.size(), 0);
  std::vector<double> highest(farthest_.size(), 0);
  for (std::size_t row = 0; row < u.size(); ++row) {
    const auto c = at(reduction_.part[row]);
    missing[c] += found.left[row] + found.hidden[row];
    highest[c] = std::max(highest[c], magnitude_of(u[row]));
  }
  double most = 0;
  for (std::size_t c = 0; c < missing.size(); ++c) note_worst(most, missing[c] * farthest_[c], highest[c]);
  return most;
}

NodalErrors NodalProof::estimates(const Drive& drive, const std::vector<Double2>& u) const {
  const auto found = balance(drive, u);
  return {imbalance(found, u), potential_error(found, u)};
}

NodalErrors NodalProof::bounds(const Drive& drive, const std::vector<Double2>& u,
                               const std::vector<char>& carrying) const {
  const auto found = balance(drive, u);
  std::vector<double> missing(farthest_.size(), 0);
  for (std::size_t row = 0; row < u.size(); ++row) {
    missing[at(reduction_.part[row])] += found.left[row] + found.hidden[row];
  }
  NodalErrors errors{0, potential_error(found, u)};
  const auto& r = netlist_.resistors;
  for (std::size_t k = 0; k < r.size(); ++k) {
    const auto a = reduction_.row[at(r.tail[k])];
    const auto b = reduction_.row[at(r.head[k])];
    if (carrying[k] == 0 || a == b) continue;
    const double scale = std::max(found.at_node[at(r.tail[k])], found.at_node[at(r.head[k])]);
    note_worst(errors.current, missing[at(reduction_.component[at(r.tail[k])])] + found.rounding[k], scale);
  }
  return errors;
}

double NodalProof::imbalance(const Balance& found, const std::vector<Double2>& u) const {
  constexpr double kHidden = 64;           // what is left over beside what rounding hides
  constexpr double kUnderflow = 0x1p-900;  // of a part's largest current: smaller ones lose digits, and then vanish
  double most = 0;
  for (std::size_t row = 0; row < u.size(); ++row) {
    if (!std::isfinite(found.left[row])) return std::numeric_limits<double>::infinity();
    const double in_part = found.in_part[at(reduction_.part[row])];
    if (found.at_row[row] < kUnderflow * in_part && found.left[row] < kUnderflow * in_part) continue;
    note_worst(most, std::max(0.0, found.left[row] - kHidden * found.hidden[row]), found.at_row[row]);
    note_worst(most, found.hidden[row], in_part);
  }
  return most;
}

}  // namespace kirchhoff
