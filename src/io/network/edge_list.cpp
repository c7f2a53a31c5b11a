// Edge lists.
#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "io/network/list.hpp"
#include "kirchhoff/base/error.hpp"
#include "kirchhoff/io/network/network_files.hpp"

namespace kirchhoff {
namespace {

using detail::kNoColumn;
using detail::List;
using detail::ValueColumn;

/// Ids to indices of their order. @return the ids, ascending.
std::vector<std::int64_t> number_nodes(Branches& edges) {
  const auto most = edges.size() == 0 ? std::int64_t{0}
                                      : std::max(*std::max_element(edges.tail.begin(), edges.tail.end()),
                                                 *std::max_element(edges.head.begin(), edges.head.end()));
  std::vector<std::int64_t> ids;
  if (most / 16 <= static_cast<std::int64_t>(edges.size())) {  // the rule: a table is fastest
    std::vector<std::int64_t> index(static_cast<std::size_t>(most) + 1, -1);
    for (const auto* ends : {&edges.tail, &edges.head}) {
      for (const auto id : *ends) index[static_cast<std::size_t>(id)] = 0;
    }
    for (std::size_t id = 0; id < index.size(); ++id) {
      if (index[id] < 0) continue;
      index[id] = static_cast<std::int64_t>(ids.size());
      ids.push_back(static_cast<std::int64_t>(id));
    }
    for (auto* ends : {&edges.tail, &edges.head}) {
      for (auto& id : *ends) id = index[static_cast<std::size_t>(id)];
    }
    return ids;
  }
  ids = edges.tail;
  ids.insert(ids.end(), edges.head.begin(), edges.head.end());
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  for (auto* ends : {&edges.tail, &edges.head}) {
    for (auto& id : *ends) id = std::lower_bound(ids.begin(), ids.end(), id) - ids.begin();
  }
  return ids;
}

}  // namespace

std::optional<std::optional<EdgeValues>> detail::edge_value_name(std::string_view name) {
  switch (detail::meaning_of(name, detail::kEdgeColumns)) {
    case detail::kOhm:
      return std::optional(EdgeValues::resistance);
    case detail::kSiemens:
      return std::optional(EdgeValues::conductance);
    case detail::kValue:
      return std::optional<EdgeValues>();
    default:
      return std::nullopt;
  }
}

namespace {

/// The nodes of an edge list, row by row: whole numbers, or names in the order of their appearance.
class EdgeNodes {
 public:
  EdgeNodes(const List& list, const EdgeReading& reading, Netlist& netlist)
      : list_(list), reading_(reading), netlist_(netlist), named_(reading.nodes == NodeNames::names) {}

  /// To be called with the first row of the list: it decides. A row of one of each is taken for a mistake.
  void decide(std::size_t tail, std::size_t head) {
    if (reading_.nodes == NodeNames::automatic) named_ = !list_.is_node_number(tail) && !list_.is_node_number(head);
  }
  std::int64_t node(std::size_t column) {
    if (named_) return table_.index(list_.name(column, reading_.nodes == NodeNames::names), netlist_.nodes);
    const auto id = list_.node(column);
    if (id < reading_.first) list_.fail(fmt::format("node {}: nodes count from {}", id, reading_.first));
    return id;
  }
  bool named() const { return named_; }

 private:
  const List& list_;
  const EdgeReading& reading_;
  Netlist& netlist_;
  bool named_;
  detail::NameTable table_{true};
};

/// A list without a header has three columns, or two and what nobody reads where edges have no values.
void require_edge(const List& list, EdgeNodes& nodes, bool unit) {
  if (list.has_header() || (unit && list.width() >= 2)) return;
  // What stands in a row says more than how many columns it has: a misspelt number, an empty field.
  if (!nodes.named()) {
    for (std::size_t c = 0; c < std::min<std::size_t>(2, list.width()); ++c) list.node(c);
  }
  if (list.width() > 3) list.number(2);
  if (list.width() == 2 && !unit) {
    list.fail(
        "column 3 is missing: 3 (node, node, value) are needed, or -network_values unit, which takes each edge as "
        "1 ohm");
  }
  detail::require_width(list, unit ? 2 : 3, unit ? "2 (node, node)" : "3 (node, node, value)");
}

std::string note_of(const List& list, std::pair<std::size_t, std::size_t> ends, const ValueColumn& value, bool named) {
  std::vector<std::size_t> used = {ends.first, ends.second};
  if (value.column != kNoColumn) used.push_back(value.column);
  auto note = list.note(used);
  if (named) note += "; nodes are names";
  if (value.values == EdgeValues::unit) {
    return note + (list.has_header() || list.width() == 2
                       ? "; edges are of 1 ohm"
                       : "; edges are of 1 ohm, and columns from the third on not read");
  }
  return note + (value.values == EdgeValues::resistance ? "; values are ohm" : "; values are siemens");
}

}  // namespace

Netlist parse_edge_list(std::string_view text, const std::string& origin, const EdgeReading& reading) {
  if (detail::holds_dictionaries(text)) {
    auto plain = reading;
    const auto rows = detail::without_dictionaries(text, origin, plain);
    return parse_edge_list(rows, origin, plain);
  }
  Netlist netlist;
  netlist.origin = origin;
  auto& edges = netlist.resistors;
  const bool unit = reading.values == EdgeValues::unit;
  List list(text, origin, detail::kEdgeColumns, unit ? 2 : 3, detail::is_number);
  EdgeNodes nodes(list, reading, netlist);
  std::pair<std::size_t, std::size_t> ends = {0, 1};
  ValueColumn value = {unit ? kNoColumn : 2, reading.values.value_or(EdgeValues::resistance)};
  if (list.has_header()) {
    ends = detail::ends_of(list);
    value = detail::value_of(list, reading.values);
  }
  bool first = true;
  while (list.next()) {
    if (std::exchange(first, false)) nodes.decide(ends.first, ends.second);
    require_edge(list, nodes, unit);
    const auto tail = nodes.node(ends.first);
    const auto head = nodes.node(ends.second);
    const double number = value.column == kNoColumn ? 1 : list.number(value.column);
    edges.add(tail, head, detail::conductance(origin, list.line(), number, value.values), list.line());
  }
  if (edges.size() == 0) throw Error(fmt::format("{} holds no edges", origin));
  if (!nodes.named()) {
    for (const auto id : number_nodes(edges)) netlist.nodes.push_back(std::to_string(id));
  }
  netlist.note = note_of(list, ends, value, nodes.named());
  detail::settle_duplicates(netlist, reading.duplicates);
  return netlist;
}

}  // namespace kirchhoff
