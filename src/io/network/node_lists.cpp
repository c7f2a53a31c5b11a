// The files of sources, grounds and pairs beside a network.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <tuple>
#include <utility>

#include "io/network/list.hpp"
#include "kirchhoff/base/error.hpp"
#include "kirchhoff/base/text.hpp"
#include "kirchhoff/io/network/network_files.hpp"

namespace kirchhoff {
namespace {

using detail::List;

/// Finds nodes by name: as it is written, else in other case where that leaves no doubt, else as a number.
class Finder {
 public:
  explicit Finder(const Netlist& netlist) : netlist_(netlist) {
    std::vector<std::string> names;
    for (const auto& name : netlist.nodes) exact_.index(name, names);
    names.clear();
    for (const auto& name : netlist.nodes) any_case_.index(name, names);
    if (names.size() != netlist.nodes.size()) any_case_ = detail::NameTable();
  }
  /// @return the node, or -1.
  std::int64_t find(std::string_view name) const {
    if (const auto found = find_name(name); found >= 0) return found;
    const auto number = detail::whole_number(name);  // 4.3e+01 names node 43
    return number ? find_name(std::to_string(*number)) : -1;
  }
  std::int64_t node(std::string_view name, const std::string& origin, std::int64_t line) const {
    const auto found = find(name);
    if (found < 0) detail::fail(origin, line, fmt::format("{} has no node {}", netlist_.origin, in_quotes(name)));
    return found;
  }

 private:
  std::int64_t find_name(std::string_view name) const {
    const auto found = exact_.find(name, netlist_.nodes);
    return found >= 0 ? found : any_case_.find(name, netlist_.nodes);
  }

  const Netlist& netlist_;
  detail::NameTable exact_{true};
  detail::NameTable any_case_;
};

/// Adds a branch that has no name of its own to those of a netlist, which may all have names.
void add_beside(Branches& branches, std::string_view kind, std::int64_t tail, std::int64_t head, double value,
                std::int64_t line) {
  const bool named = !branches.names.empty();
  branches.add(tail, head, value, line);
  if (named) branches.names.push_back(fmt::format("{}_{}", kind, branches.size()));
}

}  // namespace

void add_note(Netlist& netlist, const std::string& origin, const std::string& note) {
  if (note.empty()) return;
  if (!netlist.note.empty()) netlist.note += "; ";
  netlist.note += origin + ": " + note;
}

void add_sources(Netlist& netlist, std::string_view text, const std::string& origin) {
  const Finder finder(netlist);
  List list(text, origin, detail::kSourceColumns, 2, detail::is_number);
  std::size_t node = 0;
  std::size_t ampere = 1;
  if (list.has_header()) {
    const auto nodes = list.column({detail::kNode}, "the node");
    const auto currents = list.column({detail::kAmpere}, "the current");
    if (!nodes || !currents) list.fail_header("two columns are needed, called node and ampere");
    std::tie(node, ampere) = std::pair(*nodes, *currents);
  }
  while (list.next()) {
    detail::require_width(list, 2, "2 (node, ampere)");
    const double current = list.number(ampere);
    add_beside(netlist.currents, "source", -1, finder.node(list.field(node, "a node is needed"), origin, list.line()),
               current, list.line());
  }
  add_note(netlist, origin, list.note({node, ampere}));
}

void add_grounds(Netlist& netlist, std::string_view text, const std::string& origin) {
  const Finder finder(netlist);
  List list(text, origin, detail::kGroundColumns, 2, detail::is_number);
  std::size_t node_column = 0;
  detail::ValueColumn value = {1, EdgeValues::resistance};
  if (list.has_header()) {
    const auto nodes = list.column({detail::kNode}, "the node");
    if (!nodes) list.fail_header("two columns are needed, called node and ohm (or siemens)");
    node_column = *nodes;
    value = detail::value_of(list, {});
  }
  while (list.next()) {
    detail::require_width(list, 2, "2 (node, ohm)");
    const double number = list.number(value.column);
    const auto node = finder.node(list.field(node_column, "a node is needed"), origin, list.line());
    const double g = detail::conductance(origin, list.line(), number, value.values);
    if (netlist.ground < 0) netlist.add_ground();
    if (std::isfinite(g)) {
      add_beside(netlist.resistors, "ground", node, netlist.ground, g, list.line());
    } else {
      add_beside(netlist.voltages, "ground", node, netlist.ground, 0, list.line());
    }
  }
  add_note(netlist, origin, list.note({node_column, value.column}));
}

namespace {

void refuse_repeated(const Netlist& netlist, std::vector<std::int64_t> focal, const std::string& origin) {
  std::sort(focal.begin(), focal.end());
  const auto twice = std::adjacent_find(focal.begin(), focal.end());
  if (twice == focal.end()) return;
  throw Error(fmt::format("{}: node {} stands twice", origin, netlist.nodes[static_cast<std::size_t>(*twice)]));
}

void refuse_above(double most, double count, const std::string& origin) {
  if (count <= most) return;
  throw Error(
      fmt::format("{}: {:.10g} pairs of nodes, whose results would take more memory than there is: name fewer "
                  "than {:.10g} (-network_results resistance takes far less than potentials and currents)",
                  origin, count, most));
}

}  // namespace

NodePairs parse_pairs(const Netlist& netlist, std::string_view text, const std::string& origin, double most,
                      std::string* note) {
  const Finder finder(netlist);
  NodePairs pairs;
  std::vector<std::int64_t> focal;
  // Names may be anything, so that a first row of words is a header only where the network has no such node.
  List list(text, origin, detail::kPairColumns, 1, [&](std::string_view field) { return finder.find(field) >= 0; });
  std::pair<std::size_t, std::size_t> ends = {0, 1};
  bool one = list.width() == 1;
  if (list.has_header()) {
    const auto nodes = list.all_of(detail::kNode);
    one = nodes.size() == 1 && list.all_of(detail::kTail).empty() && list.all_of(detail::kHead).empty();
    ends = one ? std::pair(nodes[0], nodes[0]) : detail::ends_of(list);
  }
  while (list.next()) {
    if (!one) detail::require_width(list, 2, "1 or 2 (nodes)");
    const auto name = list.field(ends.first, "a node is needed");
    const auto node = finder.node(name, origin, list.line());
    if (one) {
      focal.push_back(node);
      continue;
    }
    pairs.emplace_back(node, finder.node(list.field(ends.second, "a node is needed"), origin, list.line()));
    if (pairs.back().first == pairs.back().second) list.fail(fmt::format("a pair of {} with itself", in_quotes(name)));
  }
  refuse_repeated(netlist, focal, origin);
  const auto count = static_cast<double>(focal.size());
  refuse_above(most, one ? count * (count - 1) / 2 : static_cast<double>(pairs.size()), origin);
  for (std::size_t i = 0; i < focal.size(); ++i) {
    for (std::size_t j = i + 1; j < focal.size(); ++j) pairs.emplace_back(focal[i], focal[j]);
  }
  if (pairs.empty()) throw Error(fmt::format("{} holds no pair of nodes", origin));
  if (note != nullptr) *note = list.note({ends.first, ends.second});
  return pairs;
}

NodePairs focal_pairs(const Netlist& netlist, std::string_view text, const std::string& origin, double most,
                      std::string* note) {
  const Finder finder(netlist);
  const List list(text, origin, detail::kPairColumns, 1,
                  [&](std::string_view field) { return finder.find(field) >= 0; });
  if (list.width() > 1 && list.all_of(detail::kNode).size() != 1) {
    detail::fail(origin, list.first_line(), "one node per line is needed (-network_pairs FILE takes pairs)");
  }
  return parse_pairs(netlist, text, origin, most, note);
}

NodePairs edge_pairs(const Netlist& netlist, double most) {
  const auto& r = netlist.resistors;
  refuse_above(most, static_cast<double>(r.size()), netlist.origin);
  NodePairs pairs;
  pairs.reserve(r.size());
  for (std::size_t k = 0; k < r.size(); ++k) pairs.emplace_back(r.tail[k], r.head[k]);
  return pairs;
}

NodePairs all_pairs(const Netlist& netlist, double most) {
  NodePairs pairs;
  const auto n = static_cast<std::int64_t>(netlist.nodes.size());
  const auto inner = static_cast<double>(n) - (netlist.ground < 0 ? 0 : 1);
  refuse_above(most, inner * (inner - 1) / 2, netlist.origin);
  for (std::int64_t i = 0; i < n; ++i) {
    for (std::int64_t j = i + 1; j < n && i != netlist.ground; ++j) {
      if (j != netlist.ground) pairs.emplace_back(i, j);
    }
  }
  return pairs;
}

}  // namespace kirchhoff
