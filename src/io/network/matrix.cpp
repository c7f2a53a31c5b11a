// A matrix between nodes as a network.
#include "io/network/matrix.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
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
                          conductance(origin, entry.line, value,
                                      laplacian && values != EdgeValues::unit ? EdgeValues::conductance : values),
                          entry.line);
  }
  return off_diagonal;
}

/// What a row of a Laplacian has too much joins its node to ground.
void add_excess(Netlist& netlist, const NodeMatrix& matrix, const std::vector<double>& off_diagonal) {
  constexpr double kRounding = 1e-12;  // of the sum, as whoever wrote the file made it
  std::vector<std::string_view> grounded;
  double least = std::numeric_limits<double>::infinity();
  double most = 0;
  for (std::size_t k = 0; k < matrix.diagonal.size(); ++k) {
    const double excess = matrix.diagonal[k] - off_diagonal[k];
    if (std::abs(excess) <= kRounding * off_diagonal[k] && std::isfinite(off_diagonal[k])) continue;
    if (!(excess >= 0)) {
      throw Error(
          fmt::format("{}: row {} sums to {:.6g}: a Laplacian's rows sum to zero, or more where a node is grounded; "
                      "where that is rounding, -network_row_sums ignore takes what is off the diagonal alone",
                      netlist.origin, static_cast<std::int64_t>(k) + matrix.first, excess));
    }
    if (netlist.ground < 0) netlist.add_ground();
    netlist.resistors.add(static_cast<std::int64_t>(k), netlist.ground,
                          conductance(netlist.origin, matrix.size_line, excess, EdgeValues::conductance), 0);
    grounded.emplace_back(netlist.nodes[k]);
    least = std::min(least, excess);
    most = std::max(most, excess);
  }
  if (grounded.empty()) return;
  netlist.remarks.push_back(
      fmt::format("{} to ground by what {} too much, {:.3g} to {:.3g} S (-network_row_sums ignore: not): {}",
                  grounded.size() == 1 ? "a node is joined" : fmt::format("{} nodes are joined", grounded.size()),
                  grounded.size() == 1 ? "its row has" : "their rows have", least, most, listed(grounded)));
}

/// What stands on the diagonal of conductances or resistances joins a node to itself.
void add_loops(Netlist& netlist, const NodeMatrix& matrix, EdgeValues values) {
  for (std::size_t k = 0; k < matrix.diagonal.size(); ++k) {
    const auto node = static_cast<std::int64_t>(k);
    if (matrix.diagonal[k] == 0) continue;
    netlist.resistors.add(node, node, conductance(matrix.origin, matrix.size_line, matrix.diagonal[k], values), 0);
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

Netlist network_of(NodeMatrix matrix, const EdgeReading& reading) {
  const auto values = reading.values.value_or(EdgeValues::conductance);
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
  if (laplacian && reading.row_sums == RowSums::ground && values != EdgeValues::unit) {
    add_excess(netlist, matrix, off_diagonal);
  } else if (!laplacian) {
    add_loops(netlist, matrix, values);
  }
  return netlist;
}

}  // namespace kirchhoff::detail
