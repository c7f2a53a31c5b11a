// What a network's author may not know of it: parts without ground, self loops, edges that stand twice.
#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <vector>

#include "base/disjoint_sets.hpp"
#include "io/network/reader.hpp"
#include "kirchhoff/base/error.hpp"
#include "kirchhoff/base/text.hpp"
#include "kirchhoff/io/network/network_files.hpp"

namespace kirchhoff {
namespace {

/// Parts of the network: nodes that conductors and voltage sources join.
DisjointSets<std::int64_t> parts_of(const Netlist& netlist) {
  DisjointSets<std::int64_t> parts(netlist.nodes.size());
  const auto& r = netlist.resistors;
  for (std::size_t k = 0; k < r.size(); ++k) {
    if (r.value[k] != 0) parts.join(r.tail[k], r.head[k]);
  }
  for (std::size_t k = 0; k < netlist.voltages.size(); ++k) {
    parts.join(netlist.voltages.tail[k], netlist.voltages.head[k]);
  }
  return parts;
}

void warn_of_parts(Netlist& netlist) {
  if (netlist.ground < 0) return;
  auto parts = parts_of(netlist);
  const auto grounded = parts.root(netlist.ground);
  std::vector<std::int64_t> size(netlist.nodes.size(), 0);
  std::int64_t loose = 0;
  std::int64_t on_ground = 0;
  for (std::size_t k = 0; k < netlist.nodes.size(); ++k) {
    const auto root = parts.root(static_cast<std::int64_t>(k));
    if (root == grounded) ++on_ground;
    if (root == grounded) continue;
    if (size[static_cast<std::size_t>(root)]++ == 0) ++loose;
  }
  if (loose == 0) return;
  if (on_ground == 1) {
    netlist.remarks.emplace_back(
        "nothing but current sources leads to ground: potentials have the mean 0 V in each part");
    return;
  }
  constexpr std::int64_t kShown = 8;
  std::string shown;
  std::int64_t count = 0;
  for (std::size_t k = 0; k < size.size() && count < kShown; ++k) {
    if (size[k] == 0) continue;
    shown += fmt::format("{}{} ({} {})", count == 0 ? "" : ", ", in_quotes(netlist.nodes[k]), size[k],
                         size[k] == 1 ? "node" : "nodes");
    ++count;
  }
  if (loose > kShown) shown += fmt::format(" and {} more", loose - kShown);
  netlist.warnings.push_back(
      fmt::format("{}: {} {} no way to ground, where the mean of the potentials is 0 V: {} {}", netlist.origin,
                  loose == 1 ? "a part of the network" : fmt::format("{} parts of the network", loose),
                  loose == 1 ? "has" : "have", loose == 1 ? "that of" : "those of", shown));
}

void remark_loops(Netlist& netlist) {
  const auto& r = netlist.resistors;
  std::int64_t loops = 0;
  for (std::size_t k = 0; k < r.size(); ++k) loops += r.tail[k] == r.head[k] ? 1 : 0;
  if (loops == 0) return;
  netlist.remarks.push_back(fmt::format("{} from a node to itself {} no current",
                                        loops == 1 ? "a resistor" : fmt::format("{} resistors", loops),
                                        loops == 1 ? "carries" : "carry"));
}

/// Edges between the same two nodes are neighbours in this order.
struct OrderedEdge {
  std::int64_t low;
  std::int64_t high;
  bool backward;
  double value;
  std::size_t k;
};

/// @param nodes of the network. Edges are counted out by their lower node, so that what is sorted is what meets there.
std::vector<OrderedEdge> ordered(const Branches& edges, std::size_t nodes) {
  std::vector<std::size_t> first(nodes + 1, 0);
  const auto each_edge = [&](auto&& visit) {
    for (std::size_t k = 0; k < edges.size(); ++k) {
      const auto [low, high] = std::minmax(edges.tail[k], edges.head[k]);
      if (low != high) visit(OrderedEdge{low, high, edges.tail[k] > edges.head[k], edges.value[k], k});
    }
  };
  each_edge([&](const OrderedEdge& edge) { ++first[static_cast<std::size_t>(edge.low) + 1]; });
  for (std::size_t k = 0; k < nodes; ++k) first[k + 1] += first[k];
  std::vector<OrderedEdge> all(first[nodes]);
  auto next = first;
  each_edge([&](const OrderedEdge& edge) { all[next[static_cast<std::size_t>(edge.low)]++] = edge; });
  const auto edge_at = [&](std::size_t at) { return all.begin() + static_cast<std::ptrdiff_t>(at); };
  for (std::size_t k = 0; k < nodes; ++k) {
    std::sort(edge_at(first[k]), edge_at(first[k + 1]), [](const OrderedEdge& a, const OrderedEdge& b) {
      return std::tie(a.high, a.backward, a.value, a.k) < std::tie(b.high, b.backward, b.value, b.k);
    });
  }
  return all;
}

/// Whether edges between the same two nodes, in the order above, are as many and the same in both directions.
bool both_directions(const OrderedEdge* begin, const OrderedEdge* end) {
  const auto* back = std::find_if(begin, end, [](const OrderedEdge& edge) { return edge.backward; });
  return std::equal(begin, back, back, end,
                    [](const OrderedEdge& a, const OrderedEdge& b) { return a.value == b.value; });
}

void keep_edges(Branches& edges, const std::vector<bool>& dropped) {
  std::size_t kept = 0;
  for (std::size_t k = 0; k < edges.size(); ++k) {
    if (dropped[k]) continue;
    edges.tail[kept] = edges.tail[k];
    edges.head[kept] = edges.head[k];
    edges.value[kept] = edges.value[k];
    edges.line[kept] = edges.line[k];
    ++kept;
  }
  edges.tail.resize(kept);
  edges.head.resize(kept);
  edges.value.resize(kept);
  edges.line.resize(kept);
}

}  // namespace

void remark_structure(Netlist& netlist) {
  remark_loops(netlist);
  warn_of_parts(netlist);
}

void detail::settle_duplicates(Netlist& netlist, EdgeDuplicates choice) {
  auto& edges = netlist.resistors;
  const auto all = ordered(edges, netlist.nodes.size());
  std::vector<bool> dropped(edges.size(), false);
  std::int64_t pairs = 0;     // of nodes with an edge
  std::int64_t repeated = 0;  // with more than one
  bool symmetric = true;
  for (const auto *at = all.data(), *end = at + all.size(); at != end;) {
    const auto* next =
        std::find_if(at, end, [&](const OrderedEdge& e) { return e.low != at->low || e.high != at->high; });
    ++pairs;
    symmetric = symmetric && both_directions(at, next);
    if (next - at > 1) ++repeated;
    for (const auto* other = at + 1; choice == EdgeDuplicates::once && other != next; ++other) {
      if (other->value != at->value) {
        fail(netlist.origin, edges.line[std::max(at->k, other->k)],
             fmt::format("{} and {} are joined on line {} by another value: -network_duplicates once takes edges once "
                         "that stand twice with the same value",
                         in_quotes(netlist.nodes[static_cast<std::size_t>(at->low)]),
                         in_quotes(netlist.nodes[static_cast<std::size_t>(at->high)]),
                         edges.line[std::min(at->k, other->k)]));
      }
    }
    for (const auto* other = at; choice == EdgeDuplicates::once && other != next; ++other) dropped[other->k] = true;
    if (choice == EdgeDuplicates::once) {
      const auto* first = std::min_element(at, next, [](const auto& a, const auto& b) { return a.k < b.k; });
      dropped[first->k] = false;
    }
    at = next;
  }
  if (repeated == 0) return;
  if (choice == EdgeDuplicates::refused && symmetric) {
    throw Error(
        fmt::format("{}: every edge stands in both directions with the same value ({} {} of nodes): "
                    "-network_duplicates once takes each once (an undirected graph that was written as a "
                    "directed one), -network_duplicates parallel as resistors in parallel",
                    netlist.origin, pairs, pairs == 1 ? "pair" : "pairs"));
  }
  const auto count =
      fmt::format("{} of {} pairs of nodes stand{} more than once", repeated, pairs, repeated == 1 ? "s" : "");
  if (choice == EdgeDuplicates::once) {
    keep_edges(edges, dropped);
    netlist.remarks.push_back(count + ", and are taken once");
  } else {
    netlist.remarks.push_back(count + ": resistors in parallel (-network_duplicates once takes each once)");
  }
}

}  // namespace kirchhoff
