#include "solve/network/dead_ends.hpp"

#include <algorithm>

namespace kirchhoff {
namespace {

/// Blocks of a graph: an edge lies in the block of that of its ends which has the larger number.
class Blocks {
 public:
  /// @param first, other (n + 1), (2 m) neighbours; @param terminal (n) joined to a node outside, numbered 0.
  Blocks(const std::vector<std::int64_t>& first, const std::vector<std::int64_t>& other,
         const std::vector<char>& terminal)
      : first_(first), other_(other), terminal_(terminal), number_(terminal.size(), 0), low_(number_), up_(number_) {
    block_.assign(terminal.size(), -1);
    for (const bool of_terminals : {true, false}) {
      for (std::size_t node = 0; node < terminal.size(); ++node) {
        if (number_[node] == 0 && (terminal[node] != 0) == of_terminals) search(static_cast<std::int64_t>(node));
      }
    }
    for (const auto node : order_) {
      const auto up = up_[at(node)];
      const bool of_its_own = up < 0 || low_[at(node)] >= number_[at(up)];
      block_[at(node)] = of_its_own ? blocks_++ : block_[at(up)];
    }
  }

  std::size_t size() const { return at(blocks_); }
  std::size_t of_edge(std::int64_t a, std::int64_t b) const {
    return at(block_[at(number_[at(a)] > number_[at(b)] ? a : b)]);
  }
  /// The block of the edge from a terminal to the node outside.
  std::size_t of_terminal(std::int64_t node) const { return at(block_[at(node)]); }

 private:
  void enter(std::int64_t node, std::int64_t from) {
    up_[at(node)] = from;
    order_.push_back(node);
    path_.push_back(node);
    number_[at(node)] = static_cast<std::int64_t>(order_.size());
    low_[at(node)] = terminal_[at(node)] != 0 ? 0 : number_[at(node)];
  }

  /// Depth first.
  void search(std::int64_t start) {
    if (next_.empty()) next_ = first_;
    enter(start, -1);
    while (!path_.empty()) {
      const auto node = path_.back();
      auto& low = low_[at(node)];
      if (next_[at(node)] < first_[at(node) + 1]) {
        const auto other = other_[at(next_[at(node)]++)];
        if (number_[at(other)] == 0) {
          enter(other, node);
        } else {
          low = std::min(low, number_[at(other)]);
        }
        continue;
      }
      path_.pop_back();
      if (!path_.empty()) low_[at(path_.back())] = std::min(low_[at(path_.back())], low);
    }
  }

  const std::vector<std::int64_t>& first_;
  const std::vector<std::int64_t>& other_;
  const std::vector<char>& terminal_;
  std::vector<std::int64_t> number_;  // in the order of the search, from 1
  std::vector<std::int64_t> low_;     // the least number that a node's subtree reaches by one edge upward
  std::vector<std::int64_t> up_;      // by which node it was entered
  std::vector<std::int64_t> block_;   // of the edge by which it was entered
  std::vector<std::int64_t> next_;
  std::vector<std::int64_t> order_;
  std::vector<std::int64_t> path_;
  std::int64_t blocks_ = 0;
};

}  // namespace

DeadEnds::DeadEnds(const Netlist& netlist, const Reduction& reduction) : netlist_(netlist), reduction_(reduction) {
  const auto n = netlist.nodes.size();
  const auto each_edge = [&](auto&& visit) {
    const auto& r = netlist.resistors;
    for (std::size_t k = 0; k < r.size(); ++k) {
      if (conducts(r, k)) visit(r.tail[k], r.head[k]);
    }
    each_ideal(netlist, [&](const Branches& b, std::size_t k, double) {
      if (b.tail[k] != b.head[k]) visit(b.tail[k], b.head[k]);
    });
  };
  first_.assign(n + 1, 0);
  each_edge([&](std::int64_t a, std::int64_t b) { ++first_[at(a) + 1], ++first_[at(b) + 1]; });
  for (std::size_t k = 0; k < n; ++k) first_[k + 1] += first_[k];
  other_.resize(at(first_[n]));
  auto next = first_;
  each_edge([&](std::int64_t a, std::int64_t b) {
    other_[at(next[at(a)]++)] = b;
    other_[at(next[at(b)]++)] = a;
  });
}

std::vector<char> DeadEnds::terminals(const Drive& drive) const {
  std::vector<char> terminal(netlist_.nodes.size(), 0);
  std::vector<Double2> net(netlist_.nodes.size());
  each_injection(netlist_, drive, [&](std::int64_t node, double ampere) { net[at(node)] += Double2(ampere); });
  for (std::size_t k = 0; k < net.size(); ++k) terminal[k] = net[k].high != 0 ? 1 : 0;
  if (netlist_.ground >= 0) terminal[at(netlist_.ground)] = 1;  // takes what is left over
  if (!drive.own() && drive.out < 0) {
    for (std::size_t k = 0; k < terminal.size(); ++k) {
      const bool pinned = reduction_.row[k] == Reduction::kPinned;
      if (pinned && reduction_.component[k] == reduction_.component[at(drive.in)]) terminal[k] = 1;
    }
  }
  return terminal;
}

std::vector<char> DeadEnds::carrying(const Drive& drive) const {
  const auto terminal = terminals(drive);
  const Blocks blocks(first_, other_, terminal);
  std::vector<char> live(blocks.size(), 0);
  for (std::size_t node = 0; node < terminal.size(); ++node) {
    if (terminal[node] != 0) live[blocks.of_terminal(static_cast<std::int64_t>(node))] = 1;
  }
  const auto& v = netlist_.voltages;
  for (std::size_t k = 0; drive.own() && k < v.size(); ++k) {
    if (v.value[k] != 0 && v.tail[k] != v.head[k]) live[blocks.of_edge(v.tail[k], v.head[k])] = 1;
  }
  const auto& r = netlist_.resistors;
  std::vector<char> result(r.size(), 0);
  for (std::size_t k = 0; k < r.size(); ++k) {
    if (conducts(r, k)) result[k] = live[blocks.of_edge(r.tail[k], r.head[k])];
  }
  return result;
}

}  // namespace kirchhoff
