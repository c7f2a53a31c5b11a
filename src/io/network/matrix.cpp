// A matrix between nodes as a network.
#include "io/network/matrix.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <tuple>

#include "io/network/reader.hpp"
#include "kirchhoff/base/error.hpp"

namespace kirchhoff::detail {
namespace {

/// Joins pairs of nodes by the entries off the diagonal. @return what they add up to in each row.
std::vector<double> add_entries(Netlist& netlist, NodeMatrix& matrix, bool laplacian, EdgeValues values) {
  const auto& origin = netlist.origin;
  auto& entries = matrix.entries;
  std::sort(entries.begin(), entries.end(), [](const NodeMatrix::Entry& a, const NodeMatrix::Entry& b) {
    return std::tie(a.low, a.high, a.lower, a.line) < std::tie(b.low, b.high, b.lower, b.line);
  });
  std::vector<double> off_diagonal(matrix.diagonal.size(), 0);
  for (std::size_t at = 0; at < entries.size();) {
    const auto& entry = entries[at];
    double sum[2] = {0, 0};  // above and below the diagonal: entries that stand twice add up
    bool stands[2] = {false, false};
    for (; at < entries.size() && entries[at].low == entry.low && entries[at].high == entry.high; ++at) {
      sum[entries[at].lower ? 1 : 0] += std::abs(entries[at].value);
      stands[entries[at].lower ? 1 : 0] = true;
    }
    if (matrix.symmetric && stands[0] && stands[1]) {
      fail(origin, entry.line,
           fmt::format("({}, {}) stands above and below the diagonal of a symmetric matrix", entry.low + matrix.first,
                       entry.high + matrix.first));
    }
    const bool one_sided = stands[0] != stands[1] && (matrix.symmetric || !laplacian);
    if (!one_sided && sum[0] != sum[1]) {
      fail(origin, entry.line,
           fmt::format("the matrix is not symmetric at ({}, {})", entry.low + matrix.first, entry.high + matrix.first));
    }
    const double value = std::max(sum[0], sum[1]);
    off_diagonal[static_cast<std::size_t>(entry.low)] += value;
    off_diagonal[static_cast<std::size_t>(entry.high)] += value;
    netlist.resistors.add(entry.low, entry.high,
                          conductance(origin, entry.line, value, laplacian ? EdgeValues::conductance : values),
                          entry.line);
  }
  return off_diagonal;
}

/// What a row of a Laplacian has too much joins its node to ground.
void add_excess(Netlist& netlist, const NodeMatrix& matrix, const std::vector<double>& off_diagonal) {
  constexpr double kRounding = 1e-12;  // of the sum, as whoever wrote the file made it
  for (std::size_t k = 0; k < matrix.diagonal.size(); ++k) {
    const double excess = matrix.diagonal[k] - off_diagonal[k];
    if (std::abs(excess) <= kRounding * off_diagonal[k] && std::isfinite(off_diagonal[k])) continue;
    if (!(excess >= 0)) {
      throw Error(fmt::format("{}: row {} sums to {}: a Laplacian's rows sum to zero, or more where a node is grounded",
                              netlist.origin, static_cast<std::int64_t>(k) + matrix.first, excess));
    }
    if (netlist.ground < 0) {
      netlist.ground = matrix.order;
      netlist.nodes.emplace_back("ground");
    }
    netlist.resistors.add(static_cast<std::int64_t>(k), netlist.ground,
                          conductance(netlist.origin, matrix.size_line, excess, EdgeValues::conductance), 0);
  }
}

}  // namespace

void NodeMatrix::add(std::int64_t row, std::int64_t column, double value, std::int64_t line) {
  if (row == column) {
    auto& sum = diagonal[static_cast<std::size_t>(row)];
    sum += value;
    if (!std::isfinite(sum)) {
      fail(origin, line, fmt::format("the entries at ({}, {}) add up to no finite number", row + first, row + first));
    }
    return;
  }
  least = std::min(least, value);
  most = std::max(most, value);
  entries.push_back({std::min(row, column), std::max(row, column), row > column, value, line});
}

Netlist network_of(NodeMatrix matrix, EdgeValues values) {
  if (matrix.least < 0 && matrix.most > 0) {
    throw Error(fmt::format("{}: off the diagonal a Laplacian is negative and conductances are positive; here are both",
                            matrix.origin));
  }
  const bool laplacian = matrix.least < 0;
  if (laplacian && values == EdgeValues::resistance) {
    throw Error(
        fmt::format("{}: its values are negative off the diagonal: a Laplacian, which holds conductances, but "
                    "-network_values says resistance",
                    matrix.origin));
  }
  Netlist netlist;
  netlist.origin = matrix.origin;
  netlist.note = laplacian                           ? "taken as a Laplacian"
                 : values == EdgeValues::conductance ? "taken as conductances between nodes"
                                                     : "taken as resistances between nodes";
  for (std::int64_t k = 0; k < matrix.order; ++k) netlist.nodes.push_back(std::to_string(k + matrix.first));
  const auto off_diagonal = add_entries(netlist, matrix, laplacian, values);
  if (laplacian) {
    add_excess(netlist, matrix, off_diagonal);
    return netlist;
  }
  for (std::size_t k = 0; k < matrix.diagonal.size(); ++k) {
    if (matrix.diagonal[k] == 0) continue;
    const auto node = static_cast<std::int64_t>(k) + matrix.first;
    throw Error(fmt::format("{}: conductances between nodes have nothing on the diagonal, but ({}, {}) is {}",
                            matrix.origin, node, node, matrix.diagonal[k]));
  }
  return netlist;
}

}  // namespace kirchhoff::detail
