// Edge lists, their files of sources and grounds, and Matrix Market.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <tuple>

#include "kirchhoff/error.hpp"
#include "kirchhoff/netlist.hpp"
#include "kirchhoff/text.hpp"
#include "netlist/reader.hpp"

namespace kirchhoff {
namespace {

constexpr std::string_view kListFieldEnds = ",;";
constexpr double kExactIntegers = 9007199254740992.0;  // 2^53

[[noreturn]] void fail(const std::string& origin, std::int64_t line, const std::string& what) {
  throw Error(fmt::format("{}:{}: {}", origin, line, what));
}

/// Lines of fields, without comments, empty lines and a header.
class ListRows {
 public:
  ListRows(std::string_view text, const std::string& origin) : lines_(text), origin_(origin) {}

  /// @return false behind the last row.
  bool next() {
    while (lines_.next(row_)) {
      if (row_.starts_with("\xEF\xBB\xBF")) row_.remove_prefix(3);
      if (row_.empty() || row_.front() == '#' || row_.front() == '%') continue;
      auto ahead = row_;
      const bool header = std::exchange(first_, false) && !to_number(detail::take_field(ahead, kListFieldEnds));
      if (!header) return true;
    }
    return false;
  }
  std::string_view field(std::string_view what) {
    const auto text = detail::take_field(row_, kListFieldEnds);
    if (text.empty()) fail(origin_, line(), fmt::format("{} is missing", what));
    return text;
  }
  bool more() const {
    auto ahead = row_;
    return !detail::take_field(ahead, kListFieldEnds).empty();
  }
  std::int64_t node(std::string_view what) {
    const auto text = field(what);
    std::int64_t id = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
    if (error == std::errc() && end == text.data() + text.size()) return id;
    const auto number = to_number(text);  // 4.3e+01, as numpy writes
    if (!number || *number != std::floor(*number) || std::abs(*number) >= kExactIntegers) {
      fail(origin_, line(), fmt::format("{} is {}: a node is a whole number", what, in_quotes(text)));
    }
    return static_cast<std::int64_t>(*number);
  }
  double number(std::string_view what) {
    const auto text = field(what);
    const auto value = to_number(text);
    if (!value || !std::isfinite(*value)) {
      fail(origin_, line(), fmt::format("{} is {}: a finite number is needed", what, in_quotes(text)));
    }
    return *value;
  }
  std::int64_t line() const { return lines_.number(); }

 private:
  detail::Lines lines_;
  const std::string& origin_;
  std::string_view row_;
  bool first_ = true;
};

double conductance(const std::string& origin, std::int64_t line, double value, EdgeValues values) {
  const bool ohm = values == EdgeValues::resistance;
  if (value < 0) {
    fail(origin, line,
         fmt::format("a {} of {} {}: it must not be negative", ohm ? "resistance" : "conductance", value,
                     ohm ? "ohm" : "S"));
  }
  const double g = ohm ? 1 / value : value;
  if (ohm && value > 0 && !std::isfinite(g)) {
    fail(origin, line, fmt::format("a resistance of {} ohm: its conductance cannot be represented", value));
  }
  return g;
}

void add(Branches& branches, std::int64_t tail, std::int64_t head, double value, std::int64_t line) {
  branches.tail.push_back(tail);
  branches.head.push_back(head);
  branches.value.push_back(value);
  branches.line.push_back(line);
}

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

/// Finds nodes by name: the netlist's own, which its readers left in ascending order, or any.
class Finder {
 public:
  explicit Finder(const Netlist& netlist) : netlist_(netlist) {
    std::vector<std::string> names;
    for (const auto& name : netlist.nodes) table_.index(name, names);
  }
  std::int64_t node(std::string_view name, const std::string& origin, std::int64_t line) const {
    auto found = table_.find(name, netlist_.nodes);
    if (found < 0) {
      const auto number = to_number(name);  // 4.3e+01 names node 43
      if (number && *number == std::floor(*number) && std::abs(*number) < kExactIntegers) {
        found = table_.find(std::to_string(static_cast<std::int64_t>(*number)), netlist_.nodes);
      }
    }
    if (found < 0) fail(origin, line, fmt::format("{} has no node {}", netlist_.origin, in_quotes(name)));
    return found;
  }

 private:
  const Netlist& netlist_;
  detail::NameTable table_;
};

}  // namespace

Netlist parse_edge_list(std::string_view text, const std::string& origin, EdgeValues values, std::int64_t first) {
  Netlist netlist;
  netlist.origin = origin;
  auto& edges = netlist.resistors;
  ListRows rows(text, origin);
  while (rows.next()) {
    const auto tail = rows.node("the first column");
    const auto head = rows.node("the second column");
    for (const auto id : {tail, head}) {
      if (id < first) fail(origin, rows.line(), fmt::format("node {}: nodes count from {}", id, first));
    }
    const double value = rows.number("the third column");
    add(edges, tail, head, conductance(origin, rows.line(), value, values), rows.line());
  }
  if (edges.size() == 0) throw Error(fmt::format("{} holds no edges", origin));
  for (const auto id : number_nodes(edges)) netlist.nodes.push_back(std::to_string(id));
  return netlist;
}

Netlist parse_matrix_market(std::string_view text, const std::string& origin, EdgeValues values) {
  detail::Lines lines(text);
  std::string_view line;
  if (!lines.next(line) || !line.starts_with("%%MatrixMarket")) fail(origin, 1, "not a Matrix Market file");
  std::string header(line);
  std::transform(header.begin(), header.end(), header.begin(), [](unsigned char c) { return std::tolower(c); });
  const auto says = [&](std::string_view word) { return header.find(word) != std::string::npos; };
  if (!says(" matrix") || !says(" coordinate")) fail(origin, 1, "a matrix in coordinate format is needed");
  if (says(" complex") || says(" skew-symmetric") || says(" hermitian")) {
    fail(origin, 1, "a real matrix, symmetric or general, is needed");
  }
  const bool pattern = says(" pattern");
  const bool symmetric = says(" symmetric");

  struct Entry {
    std::int64_t low;
    std::int64_t high;
    bool lower;  // row > column
    double value;
    std::int64_t line;
  };
  std::vector<Entry> entries;
  std::vector<double> diagonal;
  std::int64_t order = -1;
  std::int64_t expected = 0;
  std::int64_t read = 0;
  double least = 0;
  double most = 0;
  const auto whole = [&](std::string_view& rest, std::string_view what) {
    const auto field = detail::take_field(rest, "");
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value);
    if (error != std::errc() || end != field.data() + field.size()) {
      fail(origin, lines.number(), fmt::format("{} is {}: a whole number is needed", what, in_quotes(field)));
    }
    return value;
  };
  while (lines.next(line)) {
    if (line.empty() || line.front() == '%') continue;
    const auto row = whole(line, order < 0 ? "the number of rows" : "the row");
    const auto column = whole(line, order < 0 ? "the number of columns" : "the column");
    if (order < 0) {
      if (row != column || row < 1) fail(origin, lines.number(), "the matrix must be square");
      order = row;
      expected = whole(line, "the number of entries");
      diagonal.assign(static_cast<std::size_t>(order), 0);
      continue;
    }
    if (std::min(row, column) < 1 || std::max(row, column) > order) {
      fail(origin, lines.number(), fmt::format("entry ({}, {}) is outside 1..{}", row, column, order));
    }
    const auto field = pattern ? std::string_view("1") : detail::take_field(line, "");
    const auto value = to_number(field);
    if (!value || !std::isfinite(*value)) {
      fail(origin, lines.number(), fmt::format("value {} is not a finite number", in_quotes(field)));
    }
    ++read;
    if (row == column) {
      diagonal[static_cast<std::size_t>(row) - 1] += *value;
      continue;
    }
    least = std::min(least, *value);
    most = std::max(most, *value);
    entries.push_back({std::min(row, column) - 1, std::max(row, column) - 1, row > column, *value, lines.number()});
  }
  if (order < 0) throw Error(fmt::format("{}: the sizes are missing", origin));
  if (read != expected) throw Error(fmt::format("{}: {} entries, but {} were announced", origin, read, expected));
  if (least < 0 && most > 0) {
    throw Error(fmt::format("{}: off the diagonal a Laplacian is negative and conductances are positive; here are both",
                            origin));
  }
  const bool laplacian = least < 0;

  Netlist netlist;
  netlist.origin = origin;
  netlist.note = laplacian ? "taken as a Laplacian" : "taken as conductances between nodes";
  for (std::int64_t k = 1; k <= order; ++k) netlist.nodes.push_back(std::to_string(k));
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::tie(a.low, a.high, a.lower, a.line) < std::tie(b.low, b.high, b.lower, b.line);
  });
  std::vector<double> off_diagonal(diagonal.size(), 0);
  for (std::size_t at = 0; at < entries.size();) {
    const auto& entry = entries[at];
    double sum[2] = {0, 0};  // above and below the diagonal: entries that stand twice add up
    bool stands[2] = {false, false};
    for (; at < entries.size() && entries[at].low == entry.low && entries[at].high == entry.high; ++at) {
      sum[entries[at].lower ? 1 : 0] += std::abs(entries[at].value);
      stands[entries[at].lower ? 1 : 0] = true;
    }
    if (symmetric && stands[0] && stands[1]) {
      fail(origin, entry.line,
           fmt::format("({}, {}) stands above and below the diagonal of a symmetric matrix", entry.low + 1,
                       entry.high + 1));
    }
    const bool one_sided = stands[0] != stands[1] && (symmetric || !laplacian);
    if (!one_sided && sum[0] != sum[1]) {
      fail(origin, entry.line, fmt::format("the matrix is not symmetric at ({}, {})", entry.low + 1, entry.high + 1));
    }
    const double value = std::max(sum[0], sum[1]);
    off_diagonal[static_cast<std::size_t>(entry.low)] += value;
    off_diagonal[static_cast<std::size_t>(entry.high)] += value;
    add(netlist.resistors, entry.low, entry.high, laplacian ? value : conductance(origin, entry.line, value, values),
        entry.line);
  }
  for (std::size_t k = 0; k < diagonal.size(); ++k) {
    if (!laplacian) {
      if (diagonal[k] == 0) continue;
      throw Error(fmt::format("{}: conductances between nodes have nothing on the diagonal, but ({}, {}) is {}", origin,
                              k + 1, k + 1, diagonal[k]));
    }
    constexpr double kRounding = 1e-12;  // of the sum, as whoever wrote the file made it
    const double excess = diagonal[k] - off_diagonal[k];
    if (std::abs(excess) <= kRounding * off_diagonal[k]) continue;
    if (excess < 0) {
      throw Error(fmt::format("{}: row {} sums to {}: a Laplacian's rows sum to zero, or more where a node is grounded",
                              origin, k + 1, excess));
    }
    if (netlist.ground < 0) {
      netlist.ground = order;
      netlist.nodes.emplace_back("ground");
    }
    add(netlist.resistors, static_cast<std::int64_t>(k), netlist.ground, excess, 0);
  }
  return netlist;
}

void add_sources(Netlist& netlist, std::string_view text, const std::string& origin) {
  const Finder finder(netlist);
  ListRows rows(text, origin);
  while (rows.next()) {
    const auto node = finder.node(rows.field("the node"), origin, rows.line());
    add(netlist.currents, -1, node, rows.number("the current"), rows.line());
  }
}

void add_grounds(Netlist& netlist, std::string_view text, const std::string& origin) {
  const Finder finder(netlist);
  ListRows rows(text, origin);
  while (rows.next()) {
    const auto node = finder.node(rows.field("the node"), origin, rows.line());
    const double ohm = rows.number("the resistance");
    if (netlist.ground < 0) {
      netlist.ground = static_cast<std::int64_t>(netlist.nodes.size());
      netlist.nodes.emplace_back("ground");
    }
    const double g = conductance(origin, rows.line(), ohm, EdgeValues::resistance);
    if (ohm > 0) {
      add(netlist.resistors, node, netlist.ground, g, rows.line());
    } else {
      add(netlist.voltages, node, netlist.ground, 0, rows.line());
    }
  }
}

NodePairs parse_pairs(const Netlist& netlist, std::string_view text, const std::string& origin) {
  const Finder finder(netlist);
  NodePairs pairs;
  std::vector<std::int64_t> focal;
  detail::Lines lines(text);
  std::string_view row;
  while (lines.next(row)) {
    if (row.empty() || row.front() == '#' || row.front() == '%') continue;
    const auto first = detail::take_field(row, kListFieldEnds);
    const auto second = detail::take_field(row, kListFieldEnds);
    const auto node = finder.node(first, origin, lines.number());
    if (second.empty()) {
      focal.push_back(node);
    } else {
      pairs.emplace_back(node, finder.node(second, origin, lines.number()));
      if (pairs.back().first == pairs.back().second) {
        fail(origin, lines.number(), fmt::format("a pair of {} with itself", in_quotes(first)));
      }
    }
    if (!focal.empty() && !pairs.empty()) fail(origin, lines.number(), "some lines have one node and some have two");
  }
  for (std::size_t i = 0; i < focal.size(); ++i) {
    for (std::size_t j = i + 1; j < focal.size(); ++j) {
      if (focal[i] == focal[j]) {
        throw Error(fmt::format("{}: node {} stands twice", origin, netlist.nodes[static_cast<std::size_t>(focal[i])]));
      }
      pairs.emplace_back(focal[i], focal[j]);
    }
  }
  if (pairs.empty()) throw Error(fmt::format("{} holds no pair of nodes", origin));
  return pairs;
}

NodePairs all_pairs(const Netlist& netlist) {
  NodePairs pairs;
  const auto n = static_cast<std::int64_t>(netlist.nodes.size());
  for (std::int64_t i = 0; i < n; ++i) {
    for (std::int64_t j = i + 1; j < n && i != netlist.ground; ++j) {
      if (j != netlist.ground) pairs.emplace_back(i, j);
    }
  }
  return pairs;
}

std::string Netlist::where(const Branches& branches, std::size_t k) const {
  const char kind = &branches == &resistors ? 'r' : &branches == &voltages ? 'v' : 'i';
  const auto name = branches.names.empty() ? fmt::format("{} {}",
                                                         kind == 'r'   ? "edge"
                                                         : kind == 'v' ? "tie"
                                                                       : "source",
                                                         k + 1)
                                           : in_quotes(branches.names[k]);
  if (branches.line.empty() || branches.line[k] == 0) return fmt::format("{}: {}", origin, name);
  return fmt::format("{}:{}: {}", origin, branches.line[k], name);
}

Netlist netlist_of(const Circuit& circuit) {
  Netlist netlist;
  netlist.title = fmt::format("layered circuit: {} layers of {} states, node l_x is state x on layer l",
                              circuit.layers() + 1, circuit.states());
  const auto n = circuit.states();
  for (int l = 0; l <= circuit.layers(); ++l) {
    for (std::int64_t x = 0; x < n; ++x) netlist.nodes.push_back(fmt::format("{}_{}", l, x));
  }
  for (int l = 0; l < circuit.layers(); ++l) {
    for (std::int64_t x = 0; x < n; ++x) {
      circuit.coupling(l).forward(
          x, [&](std::int64_t y, double g) { add(netlist.resistors, l * n + x, (l + 1) * n + y, g, 0); });
    }
  }
  for (int l = 0; l <= circuit.layers(); ++l) {
    for (std::int64_t x = 0; x < n; ++x) {
      const double b = circuit.injected(l, x);
      if (b != 0) add(netlist.currents, -1, l * n + x, b, 0);
    }
  }
  return netlist;
}

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

}  // namespace

std::vector<NetlistFile> edge_list_files(const Netlist& netlist) {
  auto files = side_files(netlist, 0);
  std::string text = "# node node ohm\n";
  inner_edges(netlist, [&](std::int64_t tail, std::int64_t head, double g) {
    if (g > 0) fmt::format_to(std::back_inserter(text), "{} {} {}\n", tail, head, 1 / g);
  });
  files.insert(files.begin(), {"", std::move(text)});
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
  return files;
}

}  // namespace kirchhoff
