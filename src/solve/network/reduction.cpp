#include "solve/network/reduction.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "kirchhoff/base/error.hpp"

namespace kirchhoff {
namespace {

template <class Visit>
void each_resistor(const Netlist& netlist, Visit&& visit) {
  const auto& r = netlist.resistors;
  for (std::size_t k = 0; k < r.size(); ++k) {
    if (conducts(r, k)) visit(r.tail[k], r.head[k], r.value[k]);
  }
}

}  // namespace

Reduction reduce(const Netlist& netlist) {
  const auto n = netlist.nodes.size();
  Ties<Double2> ties(n);
  double largest = 0;
  each_ideal(netlist, [&](const Branches& branches, std::size_t k, double volt) {
    constexpr double kRounding = 1e-12;  // of values written with decimals
    largest = std::max(largest, std::abs(volt));
    if (std::abs(ties.tie(branches.tail[k], branches.head[k], volt).value()) <= kRounding * largest) return;
    throw Error(
        fmt::format("{} of {} V contradicts the voltage sources before it, which tie its nodes at another voltage",
                    netlist.where(branches, k), volt));
  });
  Ties<Double2> parts(n);
  std::vector<std::int64_t> tied(n);
  for (std::size_t k = 0; k < n; ++k) {
    tied[k] = ties.root(static_cast<std::int64_t>(k));
    parts.tie(static_cast<std::int64_t>(k), tied[k], 0);
  }
  std::vector<double> degree(n, 0);  // of ties' roots
  each_resistor(netlist, [&](std::int64_t tail, std::int64_t head, double g) {
    parts.tie(tail, head, 0);
    degree[at(tied[at(tail)])] += g;
    degree[at(tied[at(head)])] += g;
  });

  Reduction reduction;
  reduction.component.assign(n, -1);
  std::vector<std::int64_t> number(n, -1);  // of a part's root
  std::vector<std::int64_t> datum;          // (components) tie root that is pinned
  for (std::size_t k = 0; k < n; ++k) {
    const auto part = parts.root(static_cast<std::int64_t>(k));
    if (number[at(part)] < 0) {
      number[at(part)] = static_cast<std::int64_t>(datum.size());
      datum.push_back(tied[k]);
      reduction.floating.push_back(1);
    }
    const auto c = number[at(part)];
    reduction.component[k] = c;
    if (reduction.floating[at(c)] != 0 && degree[at(tied[k])] > degree[at(datum[at(c)])]) datum[at(c)] = tied[k];
    if (static_cast<std::int64_t>(k) == netlist.ground) {
      datum[at(c)] = tied[k];
      reduction.floating[at(c)] = 0;
    }
  }
  reduction.components = static_cast<std::int64_t>(datum.size());

  // Currents of floating parts must balance.
  std::vector<Double2> sum(datum.size());
  std::vector<double> size(datum.size(), 0);
  const auto& currents = netlist.currents;
  for (std::size_t k = 0; k < currents.size(); ++k) {
    for (const auto& [node, sign] : {std::pair{currents.tail[k], -1.0}, std::pair{currents.head[k], 1.0}}) {
      if (node < 0) continue;
      sum[at(reduction.component[at(node)])] += Double2(sign * currents.value[k]);
      size[at(reduction.component[at(node)])] += std::abs(currents.value[k]);
    }
  }
  for (std::size_t k = 0; k < n; ++k) {
    constexpr double kBalance = 1e-11;  // currents written with decimals, or many of them
    const auto c = at(reduction.component[k]);
    if (reduction.floating[c] == 0 || std::abs(sum[c].value()) <= kBalance * size[c]) continue;
    throw Error(
        fmt::format("{}: node '{}' and what it is joined to has no way to ground, but its current sources give it "
                    "{:.6g} A more than they take",
                    netlist.origin, netlist.nodes[k], sum[c].value()));
  }
  if (netlist.ground >= 0 && degree[at(tied[at(netlist.ground)])] == 0) {  // a name for the outside, no more
    std::int64_t members = 0;
    for (const auto root : tied) members += root == tied[at(netlist.ground)] ? 1 : 0;
    if (members == 1) --reduction.components;
  }

  reduction.row.assign(n, Reduction::kPinned);
  reduction.offset = tie_offsets<Double2>(netlist);
  std::vector<std::int64_t> row_of(n, Reduction::kPinned);  // of ties' roots
  for (std::size_t k = 0; k < n; ++k) {
    const auto root = tied[k];
    if (root == datum[at(reduction.component[k])]) continue;
    if (row_of[at(root)] < 0) {
      row_of[at(root)] = reduction.rows++;
      reduction.part.push_back(reduction.component[k]);
    }
    reduction.row[k] = row_of[at(root)];
  }

  reduction.injected.assign(at(reduction.rows), {});
  const auto inject = [&](std::int64_t node, const Double2& ampere) {
    if (node >= 0 && reduction.row[at(node)] >= 0) reduction.injected[at(reduction.row[at(node)])] += ampere;
  };
  for (std::size_t k = 0; k < currents.size(); ++k) {
    inject(currents.tail[k], -currents.value[k]);
    inject(currents.head[k], currents.value[k]);
  }
  each_resistor(netlist, [&](std::int64_t tail, std::int64_t head, double g) {
    const Double2 driven = g * (reduction.offset[at(tail)] - reduction.offset[at(head)]);
    inject(tail, -driven);
    inject(head, driven);
  });
  reduction.tie = std::move(tied);
  return reduction;
}

ReducedRows reduced_rows(const Netlist& netlist, const Reduction& reduction, Range rows) {
  ReducedRows result;
  result.rows = rows;
  const auto count = at(rows.size());
  result.first.assign(count + 1, 0);
  result.pinned.assign(count, 0);
  const auto each_end = [&](auto&& visit) {
    each_resistor(netlist, [&](std::int64_t tail, std::int64_t head, double g) {
      const auto a = reduction.row[at(tail)];
      const auto b = reduction.row[at(head)];
      if (a == b) return;
      if (a >= rows.begin && a < rows.end) visit(at(a - rows.begin), b, g);
      if (b >= rows.begin && b < rows.end) visit(at(b - rows.begin), a, g);
    });
  };
  each_end([&](std::size_t k, std::int64_t other, double g) {
    if (other < 0) {
      result.pinned[k] += g;
    } else {
      ++result.first[k + 1];
    }
  });
  for (std::size_t k = 0; k < count; ++k) result.first[k + 1] += result.first[k];
  struct Entry {
    std::int64_t column;
    double conductance;
  };
  std::vector<Entry> entries(at(result.first[count]));
  auto next = result.first;
  each_end([&](std::size_t k, std::int64_t other, double g) {
    if (other >= 0) entries[at(next[k]++)] = {other, g};
  });
  result.column.reserve(entries.size());
  result.conductance.reserve(entries.size());
  for (std::size_t k = 0; k < count; ++k) {  // ascending, resistors in parallel made one
    const auto begin = entries.begin() + result.first[k];
    const auto end = entries.begin() + result.first[k + 1];
    std::stable_sort(begin, end, [](const Entry& a, const Entry& b) { return a.column < b.column; });
    result.first[k] = static_cast<std::int64_t>(result.column.size());
    for (auto e = begin; e != end; ++e) {
      if (static_cast<std::int64_t>(result.column.size()) > result.first[k] && result.column.back() == e->column) {
        result.conductance.back() += e->conductance;
      } else {
        result.column.push_back(e->column);
        result.conductance.push_back(e->conductance);
      }
    }
  }
  result.first[count] = static_cast<std::int64_t>(result.column.size());
  return result;
}

IdealCurrents ideal_currents(const Netlist& netlist, std::vector<Double2> need) {
  constexpr double kUndetermined = std::numeric_limits<double>::quiet_NaN();
  IdealCurrents result;
  result.resistors.assign(netlist.resistors.size(), 0);
  result.voltages.assign(netlist.voltages.size(), 0);
  struct Element {
    std::int64_t tail;
    std::int64_t head;
    double* current;  // brought to the tail
    double sign;
  };
  std::vector<Element> elements;
  const auto n = netlist.nodes.size();
  std::vector<std::int64_t> first(n + 1, 0);
  each_ideal(netlist, [&](const Branches& branches, std::size_t k, double) {
    const bool source = &branches == &netlist.voltages;
    elements.push_back(
        {branches.tail[k], branches.head[k], source ? &result.voltages[k] : &result.resistors[k], source ? 1.0 : -1.0});
    ++first[at(branches.tail[k]) + 1];
    ++first[at(branches.head[k]) + 1];
  });
  for (std::size_t k = 0; k < n; ++k) first[k + 1] += first[k];
  std::vector<std::size_t> incident(at(first[n]));
  auto next = first;
  for (std::size_t e = 0; e < elements.size(); ++e) {
    incident[at(next[at(elements[e].tail)]++)] = e;
    incident[at(next[at(elements[e].head)]++)] = e;
  }
  // A spanning forest, breadth first; ground is a root, as it needs nothing.
  constexpr auto kNone = std::numeric_limits<std::size_t>::max();
  std::vector<std::size_t> up(n, kNone);  // element to the parent
  std::vector<std::int64_t> depth(n, -1);
  std::vector<std::int64_t> order;
  const auto parent = [&](std::int64_t node) {
    const auto& e = elements[up[at(node)]];
    return e.tail == node ? e.head : e.tail;
  };
  std::vector<char> in_forest(elements.size(), 0);
  const auto grow = [&](std::int64_t root) {
    if (depth[at(root)] >= 0 || first[at(root)] == first[at(root) + 1]) return;
    depth[at(root)] = 0;
    auto head = order.size();
    order.push_back(root);
    for (; head < order.size(); ++head) {
      const auto node = order[head];
      for (auto k = first[at(node)]; k < first[at(node) + 1]; ++k) {
        const auto e = incident[at(k)];
        const auto other = elements[e].tail == node ? elements[e].head : elements[e].tail;
        if (depth[at(other)] >= 0) continue;
        depth[at(other)] = depth[at(node)] + 1;
        up[at(other)] = e;
        in_forest[e] = 1;
        order.push_back(other);
      }
    }
  };
  if (netlist.ground >= 0) grow(netlist.ground);
  for (std::size_t k = 0; k < n; ++k) grow(static_cast<std::int64_t>(k));
  for (auto k = order.size(); k-- > 0;) {
    const auto node = order[k];
    if (up[at(node)] == kNone) continue;
    const auto& e = elements[up[at(node)]];
    *e.current = (e.tail == node ? e.sign : -e.sign) * need[at(node)].value();
    need[at(parent(node))] += need[at(node)];
  }
  result.along_forest = result.voltages;
  // An element outside the forest closes a loop: it and the forest's path between its ends are undetermined.
  std::vector<std::int64_t> above(n);  // the nearest node upward whose way up is not marked yet
  for (std::size_t k = 0; k < n; ++k) above[k] = static_cast<std::int64_t>(k);
  const auto unmarked = [&](std::int64_t node) {
    while (above[at(node)] != node) node = above[at(node)] = above[at(above[at(node)])];
    return node;
  };
  for (std::size_t e = 0; e < elements.size(); ++e) {
    if (in_forest[e] != 0) continue;
    *elements[e].current = kUndetermined;
    ++result.undetermined;
    auto a = unmarked(elements[e].tail);
    auto b = unmarked(elements[e].head);
    while (a != b) {
      auto& lower = depth[at(a)] >= depth[at(b)] ? a : b;
      *elements[up[at(lower)]].current = kUndetermined;
      ++result.undetermined;
      above[at(lower)] = parent(lower);
      lower = unmarked(lower);
    }
  }
  return result;
}

}  // namespace kirchhoff
