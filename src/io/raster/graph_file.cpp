#include "kirchhoff/io/raster/graph_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "io/raster/word_rows.hpp"
#include "kirchhoff/base/error.hpp"

namespace kirchhoff {
namespace {

std::int32_t node_number(const detail::WordRows& rows, std::size_t column) {
  const auto number = rows.whole(column, "a node");
  if (number < 0) rows.fail(fmt::format("column {} is {}: nodes count from 0", column + 1, number));
  return number;
}

std::int64_t node_index(const detail::WordRows& rows, const std::map<std::string, std::int64_t>& index) {
  const auto found = index.find(std::to_string(node_number(rows, 0)));
  if (found == index.end()) rows.fail(fmt::format("node {} is not in the graph", node_number(rows, 0)));
  return found->second;
}

std::map<std::string, std::int64_t> indices(const Netlist& netlist) {
  std::map<std::string, std::int64_t> index;
  for (std::size_t k = 0; k < netlist.nodes.size(); ++k) index[netlist.nodes[k]] = static_cast<std::int64_t>(k);
  return index;
}

}  // namespace

Netlist parse_graph(std::string_view text, const std::string& origin, bool resistances) {
  std::map<std::pair<std::int32_t, std::int32_t>, double> edges;
  std::set<std::int32_t> numbers;
  detail::WordRows rows(text, origin);
  while (rows.next()) {
    rows.need(3, resistances ? "two nodes and a resistance [ohm]" : "two nodes and a conductance [S]");
    const auto a = node_number(rows, 0);
    const auto b = node_number(rows, 1);
    const double value = rows.number(2);
    const double siemens = resistances ? 1 / value : value;
    if (!(siemens >= 0) || std::isinf(siemens)) rows.fail(fmt::format("column 3 is {}: it must be above 0", value));
    numbers.insert({a, b});
    if (a == b) continue;
    const double sum = edges[{std::min(a, b), std::max(a, b)}] += siemens;
    if (std::isinf(sum) || (sum > 0 && std::isinf(1 / sum))) {
      rows.fail(
          fmt::format("column 3 is {}: the conductance of this edge, or its inverse, is no finite number", value));
    }
  }
  if (edges.empty()) throw Error(fmt::format("{}: holds no edges", origin));
  Netlist netlist;
  netlist.origin = origin;
  std::map<std::int32_t, std::int64_t> index;
  for (const auto number : numbers) {
    index[number] = static_cast<std::int64_t>(netlist.nodes.size());
    netlist.nodes.push_back(std::to_string(number));
  }
  for (const auto& [ends, siemens] : edges) netlist.resistors.add(index[ends.first], index[ends.second], siemens);
  return netlist;
}

std::vector<std::int64_t> parse_focal_nodes(std::string_view text, const std::string& origin, const Netlist& netlist) {
  const auto index = indices(netlist);
  std::vector<std::int64_t> nodes;
  detail::WordRows rows(text, origin);
  while (rows.next()) {
    rows.need(1, "a focal node");
    const auto node = node_index(rows, index);
    if (std::find(nodes.begin(), nodes.end(), node) != nodes.end()) {
      rows.fail(fmt::format("node {} stands twice", netlist.nodes[static_cast<std::size_t>(node)]));
    }
    nodes.push_back(node);
  }
  if (nodes.size() < 2) throw Error(fmt::format("{}: there are fewer than two focal nodes", origin));
  return nodes;
}

std::vector<std::pair<std::int64_t, double>> parse_node_values(std::string_view text, const std::string& origin,
                                                               const Netlist& netlist) {
  const auto index = indices(netlist);
  std::vector<std::pair<std::int64_t, double>> values;
  detail::WordRows rows(text, origin);
  while (rows.next()) {
    rows.need(2, "a node and a value");
    values.emplace_back(node_index(rows, index), rows.number(1));
  }
  return values;
}

}  // namespace kirchhoff
