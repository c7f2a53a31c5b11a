// The texts that edge lists and Matrix Market take.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

#include "io/network/reader.hpp"
#include "kirchhoff/base/error.hpp"
#include "kirchhoff/base/text.hpp"
#include "kirchhoff/io/network/network_files.hpp"

namespace kirchhoff {

namespace {

/// Nodes of an edge list or a matrix: indices without ground's.
std::int64_t position(const Netlist& netlist, std::int64_t node) {
  return netlist.ground >= 0 && node > netlist.ground ? node - 1 : node;
}

/// What neither has a column for: sources and grounds, in files of their own. `first` is the first node's number.
std::vector<NetlistFile> side_files(const Netlist& netlist, std::int64_t first) {
  std::string grounds;
  std::string sources;
  const auto other = [&](const Branches& b, std::size_t k) {
    return b.tail[k] == netlist.ground ? b.head[k] : b.tail[k];
  };
  const auto grounded = [&](const Branches& b, std::size_t k) {
    return netlist.ground >= 0 && (b.tail[k] == netlist.ground || b.head[k] == netlist.ground) &&
           b.tail[k] != b.head[k];
  };
  const auto& r = netlist.resistors;
  for (std::size_t k = 0; k < r.size(); ++k) {
    if (grounded(r, k) && r.value[k] > 0) {
      fmt::format_to(std::back_inserter(grounds), "{} {}\n", position(netlist, other(r, k)) + first, 1 / r.value[k]);
    }
  }
  const auto& v = netlist.voltages;
  for (std::size_t k = 0; k < v.size(); ++k) {
    if (v.value[k] != 0) {
      throw Error(fmt::format("{} is a source of {} V, which only SPICE and HDF5 have a place for", netlist.where(v, k),
                              v.value[k]));
    }
    if (grounded(v, k)) fmt::format_to(std::back_inserter(grounds), "{} 0\n", position(netlist, other(v, k)) + first);
  }
  const auto& i = netlist.currents;
  for (std::size_t k = 0; k < i.size(); ++k) {
    for (const auto& [node, sign] : {std::pair{i.tail[k], -1.0}, std::pair{i.head[k], 1.0}}) {
      if (node >= 0 && node != netlist.ground) {
        fmt::format_to(std::back_inserter(sources), "{} {}\n", position(netlist, node) + first, sign * i.value[k]);
      }
    }
  }
  std::vector<NetlistFile> files;
  if (!sources.empty()) files.push_back({".sources.txt", "# node ampere\n" + sources});
  if (!grounds.empty()) files.push_back({".grounds.txt", "# node ohm\n" + grounds});
  return files;
}

/// Calls visit(tail, head, conductance) for what joins two nodes that are not ground.
template <class Visit>
void inner_edges(const Netlist& netlist, Visit&& visit) {
  const auto each = [&](const Branches& b, bool shorts) {
    for (std::size_t k = 0; k < b.size(); ++k) {
      if (b.tail[k] == b.head[k] || b.tail[k] == netlist.ground || b.head[k] == netlist.ground) continue;
      visit(position(netlist, b.tail[k]), position(netlist, b.head[k]),
            shorts ? std::numeric_limits<double>::infinity() : b.value[k]);
    }
  };
  each(netlist.resistors, false);
  each(netlist.voltages, true);  // 0 V, which side_files has seen to
}

/// A file of names where nodes are not called by their numbers, counted from `first`.
void add_names(std::vector<NetlistFile>& files, const Netlist& netlist, std::int64_t first) {
  bool same = true;
  for (std::size_t k = 0; k < netlist.nodes.size(); ++k) {
    const auto node = static_cast<std::int64_t>(k);
    same = same && (node == netlist.ground || netlist.nodes[k] == std::to_string(position(netlist, node) + first));
  }
  const auto called = [&](std::int64_t node) { return std::to_string(position(netlist, node) + first); };
  if (!same) files.push_back(detail::name_file(netlist, called));
}

}  // namespace

NetlistFile detail::name_file(const Netlist& netlist, const std::function<std::string(std::int64_t)>& called) {
  std::string text = "# here,name\n";
  for (std::size_t k = 0; k < netlist.nodes.size(); ++k) {
    const auto node = static_cast<std::int64_t>(k);
    if (node == netlist.ground) continue;
    const auto& name = netlist.nodes[k];
    const bool bare = name.find_first_of(" \t,;\"") == std::string::npos;
    text += called(node) + "," + (bare ? name : "\"" + name + "\"") + "\n";
  }
  return {".nodes.csv", std::move(text)};
}

std::vector<NetlistFile> edge_list_files(const Netlist& netlist) {
  auto files = side_files(netlist, 0);
  std::string text = "# node node ohm\n";
  inner_edges(netlist, [&](std::int64_t tail, std::int64_t head, double g) {
    if (g > 0) fmt::format_to(std::back_inserter(text), "{} {} {}\n", tail, head, 1 / g);
  });
  files.insert(files.begin(), {"", std::move(text)});
  add_names(files, netlist, 0);
  return files;
}

std::vector<NetlistFile> matrix_market_files(const Netlist& netlist) {
  auto files = side_files(netlist, 1);
  std::string text;
  std::int64_t count = 0;
  inner_edges(netlist, [&](std::int64_t tail, std::int64_t head, double g) {
    if (!std::isfinite(g)) {
      throw Error(fmt::format("{}: nodes {} and {} are tied by 0 ohm, which a matrix has no place for", netlist.origin,
                              tail + 1, head + 1));
    }
    fmt::format_to(std::back_inserter(text), "{} {} {}\n", std::max(tail, head) + 1, std::min(tail, head) + 1, g);
    ++count;
  });
  const auto order = static_cast<std::int64_t>(netlist.nodes.size()) - (netlist.ground >= 0 ? 1 : 0);
  files.insert(files.begin(), {"", fmt::format("%%MatrixMarket matrix coordinate real symmetric\n% conductances "
                                               "between nodes, siemens\n{} {} {}\n",
                                               order, order, count) +
                                       text});
  add_names(files, netlist, 1);
  return files;
}

}  // namespace kirchhoff
