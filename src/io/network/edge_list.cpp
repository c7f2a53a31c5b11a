// Edge lists, and the files of sources, grounds and pairs beside a network.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <tuple>
#include <utility>

#include "io/network/reader.hpp"
#include "kirchhoff/base/error.hpp"
#include "kirchhoff/base/text.hpp"
#include "kirchhoff/io/network/network_files.hpp"

namespace kirchhoff {
namespace {

using detail::conductance;
using detail::KnownColumn;

enum Meaning { kNode, kTail, kHead, kValue, kOhm, kSiemens, kAmpere };

constexpr KnownColumn kTails = {"source src from tail start node1 node_1 from_node fromnode fromnodeid u i", kTail};
constexpr KnownColumn kHeads = {"target tgt dst destination to head end node2 node_2 to_node tonode tonodeid v j",
                                kHead};
constexpr KnownColumn kOhms = {"resistance resistances ohm ohms r", kOhm};
constexpr KnownColumn kSiemensNames = {"conductance conductances siemens g", kSiemens};
constexpr KnownColumn kEdgeColumns[] = {kTails, kHeads,        {"node nodes", kNode},
                                        kOhms,  kSiemensNames, {"weight value w", kValue}};
constexpr KnownColumn kPairColumns[] = {kTails, kHeads, {"node nodes focal focal_node", kNode}};
constexpr KnownColumn kNodeNames = {"node nodes node_id nodeid node_name name vertex", kNode};
constexpr KnownColumn kSourceColumns[] = {kNodeNames, {"ampere amperes amp amps a current currents i value", kAmpere}};
constexpr KnownColumn kGroundColumns[] = {kNodeNames, kOhms, kSiemensNames, {"value", kValue}};

bool is_number(std::string_view field) { return to_number(field).has_value(); }

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t whole = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), whole);
  if (error == std::errc() && end == text.data() + text.size()) return whole;
  const auto number = to_number(text);  // 4.3e+01, as numpy writes
  if (!number || *number != std::floor(*number) || std::abs(*number) >= detail::kExactIntegers) return std::nullopt;
  return static_cast<std::int64_t>(*number);
}

/// A text of rows with what its header says, if it has one: a first row, or a comment right before it, of names that
/// the reader knows. What such a row looks like alone never makes it a header.
class List {
 public:
  /// @param least the fewest columns that a comment can name. @param is_data whether a field shows that its row is one
  /// of the list itself.
  template <class IsData>
  List(std::string_view text, const std::string& origin, std::span<const KnownColumn> known, std::size_t least,
       IsData&& is_data)
      : rows_(text, origin, "#%"), origin_(origin) {
    waiting_ = rows_.next();
    if (!waiting_) return;
    width_ = rows_.fields().size();
    first_line_ = rows_.line();
    // One word alone is rather a node, or a number misspelt.
    const auto words = std::min<std::size_t>(2, least);
    take_header(rows_.fields(), known, words, rows_.line());
    if (has_header() && std::any_of(rows_.fields().begin(), rows_.fields().end(), is_data)) {
      row_of_words_ = true;
      forget_header();
    }
    if (has_header()) {
      waiting_ = rows_.next();
      return;
    }
    const auto comment = rows_.comment_fields();
    if (comment.size() == width_ && width_ >= least) take_header(comment, known, words, rows_.comment_line());
    if (std::find(meanings_.begin(), meanings_.end(), detail::kUnknownColumn) != meanings_.end()) forget_header();
  }

  bool next() {
    if (!std::exchange(waiting_, false) && !rows_.next()) return false;
    const auto count = rows_.fields().size();
    if (count == width_) return true;
    const auto found = fmt::format("{} {}, but line {} has {} (columns are separated by {})", count,
                                   count == 1 ? "column" : "columns", first_line_, width_, rows_.separator());
    rows_.fail(count < width_ ? fmt::format("column {} is missing: {}", count + 1, found) : found);
  }
  bool has_header() const { return header_line_ > 0; }
  std::size_t width() const { return width_; }
  std::int64_t line() const { return rows_.line(); }
  std::int64_t first_line() const { return first_line_; }
  std::string_view separator() const { return rows_.separator(); }

  /// The only column that means one of these. @return nothing when there is none. @throws Error when there are more.
  std::optional<std::size_t> column(std::initializer_list<int> meanings, std::string_view what) const {
    std::vector<std::size_t> found;
    for (std::size_t c = 0; c < meanings_.size(); ++c) {
      if (std::find(meanings.begin(), meanings.end(), meanings_[c]) != meanings.end()) found.push_back(c);
    }
    if (found.size() > 1) {
      fail_header(fmt::format("columns {} and {} could both be {}", found[0] + 1, found[1] + 1, what));
    }
    return found.empty() ? std::nullopt : std::optional(found[0]);
  }
  std::vector<std::size_t> all_of(int meaning) const {
    std::vector<std::size_t> found;
    for (std::size_t c = 0; c < meanings_.size(); ++c) {
      if (meanings_[c] == meaning) found.push_back(c);
    }
    return found;
  }
  int meaning(std::size_t column) const { return meanings_[column]; }
  [[noreturn]] void fail_header(const std::string& what) const {
    detail::fail(origin_, header_line_, fmt::format("the header {}: {}", detail::listed(names_), what));
  }
  [[noreturn]] void fail(const std::string& what) const { rows_.fail(what); }
  /// How the text was understood. @param used the columns that were read.
  std::string note(const std::vector<std::size_t>& used) const {
    auto text = width_ == 1 ? std::string() : fmt::format("columns separated by {}", separator());
    if (row_of_words_) {
      text += fmt::format("{}line {} is a row, not a header", text.empty() ? "" : ", ", first_line_);
    }
    if (!has_header()) return text;
    std::vector<std::string_view> read;
    std::vector<std::string_view> unread;
    for (std::size_t c = 0; c < names_.size(); ++c) {
      (std::find(used.begin(), used.end(), c) != used.end() ? read : unread).push_back(names_[c]);
    }
    text += fmt::format("{}line {} names them: {}", text.empty() ? "" : ", ", header_line_, detail::listed(read));
    return unread.empty() ? text : text + fmt::format("; not read: {}", detail::listed(unread));
  }

  std::string_view field(std::size_t column, std::string_view needed) const {
    if (rows_.fields()[column].empty()) rows_.fail(column, needed);
    return rows_.fields()[column];
  }
  std::int64_t node(std::size_t column) const {
    constexpr std::string_view needed = "a node is a whole number (-network_nodes names: any name)";
    const auto id = whole_number(field(column, needed));
    if (!id) rows_.fail(column, needed);
    return *id;
  }
  std::string_view name(std::size_t column, bool numbers_too) const {
    const auto text = field(column, "a node is needed");
    if (!numbers_too && whole_number(text)) {
      rows_.fail(column,
                 fmt::format("nodes are names since line {} (-network_nodes names: this is one too)", first_line_));
    }
    const auto plain = [](unsigned char c) { return c >= 0x20 && c != 0x7f; };
    if (!std::all_of(text.begin(), text.end(), plain)) rows_.fail(column, "a name has no control characters");
    return text;
  }
  bool is_node_number(std::size_t column) const {
    return column < rows_.fields().size() && whole_number(rows_.fields()[column]).has_value();
  }
  double number(std::size_t column) const {
    const auto value = to_number(rows_.fields()[column]);
    if (!value || !std::isfinite(*value)) rows_.fail(column, "a finite number is needed");
    return *value;
  }

 private:
  void take_header(const std::vector<std::string_view>& fields, std::span<const KnownColumn> known, std::size_t words,
                   std::int64_t line) {
    std::vector<int> meanings;
    meanings.reserve(fields.size());
    for (const auto name : fields) meanings.push_back(detail::meaning_of(name, known));
    const auto said = std::count_if(meanings.begin(), meanings.end(), [](int m) { return m >= 0; });
    if (static_cast<std::size_t>(said) < words) return;
    meanings_ = std::move(meanings);
    names_ = fields;
    header_line_ = line;
  }
  void forget_header() {
    meanings_.clear();
    names_.clear();
    header_line_ = 0;
  }

  detail::Rows rows_;
  const std::string& origin_;
  bool waiting_ = false;  // a row has been read and not been given
  std::size_t width_ = 0;
  std::int64_t first_line_ = 0;
  std::int64_t header_line_ = 0;  // 0: there is none
  bool row_of_words_ = false;     // the first row has words of a header, and is none
  std::vector<int> meanings_;     // of the columns, by the header
  std::vector<std::string_view> names_;
};

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
    const auto number = whole_number(name);  // 4.3e+01 names node 43
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

/// The columns of the two ends of an edge or a pair, by the header.
std::pair<std::size_t, std::size_t> ends_of(const List& list) {
  const auto tail = list.column({kTail}, "the first node");
  const auto head = list.column({kHead}, "the second node");
  const auto nodes = list.all_of(kNode);
  if (tail && head && nodes.empty()) return {*tail, *head};
  if (!tail && !head && nodes.size() == 2) return {nodes[0], nodes[1]};
  list.fail_header("two columns for nodes are needed, called source and target (or from and to, tail and head)");
}

constexpr std::size_t kNoColumn = std::string_view::npos;

struct ValueColumn {
  std::size_t column = kNoColumn;  // none: there are no values
  EdgeValues values = EdgeValues::resistance;
};

/// The column of resistances or conductances by the header. @param chosen by the user; what contradicts it is refused.
ValueColumn value_of(const List& list, std::optional<EdgeValues> chosen) {
  if (chosen == EdgeValues::unit) return {kNoColumn, EdgeValues::unit};
  auto column = list.column({kValue, kOhm, kSiemens}, "the values");
  if (!column) {
    list.fail_header(
        "no column of values: it is called resistance, conductance or weight (-network_values unit: 1 ohm each)");
  }
  if (list.meaning(*column) == kValue) return {*column, chosen.value_or(EdgeValues::resistance)};
  const auto values = list.meaning(*column) == kOhm ? EdgeValues::resistance : EdgeValues::conductance;
  if (chosen && *chosen != values) {
    list.fail_header(fmt::format("column {} holds {}s, but -network_values says {}", *column + 1,
                                 values == EdgeValues::resistance ? "resistance" : "conductance",
                                 *chosen == EdgeValues::resistance ? "resistance" : "conductance"));
  }
  return {*column, values};
}

/// Without a header only a list of so many columns is understood.
void require_width(const List& list, std::size_t width, const std::string& names) {
  if (list.has_header() || list.width() == width) return;
  if (list.width() < width) {
    list.fail(fmt::format("column {} is missing: {} are needed, separated by blanks, tabs, commas or semicolons",
                          list.width() + 1, names));
  }
  list.fail(
      fmt::format("{} columns, where {} are expected (columns are separated by {}): a first line that names the "
                  "columns says which are which",
                  list.width(), names, list.separator()));
}

/// Adds a branch that has no name of its own to those of a netlist, which may all have names.
void add_beside(Branches& branches, std::string_view kind, std::int64_t tail, std::int64_t head, double value,
                std::int64_t line) {
  const bool named = !branches.names.empty();
  branches.add(tail, head, value, line);
  if (named) branches.names.push_back(fmt::format("{}_{}", kind, branches.size()));
}

void add_note(Netlist& netlist, const std::string& origin, const std::string& note) {
  if (note.empty()) return;
  if (!netlist.note.empty()) netlist.note += "; ";
  netlist.note += origin + ": " + note;
}

}  // namespace

std::optional<std::optional<EdgeValues>> detail::edge_value_name(std::string_view name) {
  switch (detail::meaning_of(name, kEdgeColumns)) {
    case kOhm:
      return std::optional(EdgeValues::resistance);
    case kSiemens:
      return std::optional(EdgeValues::conductance);
    case kValue:
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
  require_width(list, unit ? 2 : 3, unit ? "2 (node, node)" : "3 (node, node, value)");
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
  List list(text, origin, kEdgeColumns, unit ? 2 : 3, is_number);
  EdgeNodes nodes(list, reading, netlist);
  std::pair<std::size_t, std::size_t> ends = {0, 1};
  ValueColumn value = {unit ? kNoColumn : 2, reading.values.value_or(EdgeValues::resistance)};
  if (list.has_header()) {
    ends = ends_of(list);
    value = value_of(list, reading.values);
  }
  bool first = true;
  while (list.next()) {
    if (std::exchange(first, false)) nodes.decide(ends.first, ends.second);
    require_edge(list, nodes, unit);
    const auto tail = nodes.node(ends.first);
    const auto head = nodes.node(ends.second);
    const double number = value.column == kNoColumn ? 1 : list.number(value.column);
    edges.add(tail, head, conductance(origin, list.line(), number, value.values), list.line());
  }
  if (edges.size() == 0) throw Error(fmt::format("{} holds no edges", origin));
  if (!nodes.named()) {
    for (const auto id : number_nodes(edges)) netlist.nodes.push_back(std::to_string(id));
  }
  netlist.note = note_of(list, ends, value, nodes.named());
  detail::settle_duplicates(netlist, reading.duplicates);
  return netlist;
}

void add_sources(Netlist& netlist, std::string_view text, const std::string& origin) {
  const Finder finder(netlist);
  List list(text, origin, kSourceColumns, 2, is_number);
  std::size_t node = 0;
  std::size_t ampere = 1;
  if (list.has_header()) {
    const auto nodes = list.column({kNode}, "the node");
    const auto currents = list.column({kAmpere}, "the current");
    if (!nodes || !currents) list.fail_header("two columns are needed, called node and ampere");
    std::tie(node, ampere) = std::pair(*nodes, *currents);
  }
  while (list.next()) {
    require_width(list, 2, "2 (node, ampere)");
    const double current = list.number(ampere);
    add_beside(netlist.currents, "source", -1, finder.node(list.field(node, "a node is needed"), origin, list.line()),
               current, list.line());
  }
  add_note(netlist, origin, list.note({node, ampere}));
}

void add_grounds(Netlist& netlist, std::string_view text, const std::string& origin) {
  const Finder finder(netlist);
  List list(text, origin, kGroundColumns, 2, is_number);
  std::size_t node_column = 0;
  ValueColumn value = {1, EdgeValues::resistance};
  if (list.has_header()) {
    const auto nodes = list.column({kNode}, "the node");
    if (!nodes) list.fail_header("two columns are needed, called node and ohm (or siemens)");
    node_column = *nodes;
    value = value_of(list, {});
  }
  while (list.next()) {
    require_width(list, 2, "2 (node, ohm)");
    const double number = list.number(value.column);
    const auto node = finder.node(list.field(node_column, "a node is needed"), origin, list.line());
    const double g = conductance(origin, list.line(), number, value.values);
    if (netlist.ground < 0) {
      netlist.ground = static_cast<std::int64_t>(netlist.nodes.size());
      netlist.nodes.emplace_back("ground");
    }
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
      fmt::format("{}: {:.10g} pairs of nodes, whose potentials and currents would take more memory than there "
                  "is: name fewer than {:.10g}",
                  origin, count, most));
}

}  // namespace

NodePairs parse_pairs(const Netlist& netlist, std::string_view text, const std::string& origin, double most,
                      std::string* note) {
  const Finder finder(netlist);
  NodePairs pairs;
  std::vector<std::int64_t> focal;
  // Names may be anything, so that a first row of words is a header only where the network has no such node.
  List list(text, origin, kPairColumns, 1, [&](std::string_view field) { return finder.find(field) >= 0; });
  std::pair<std::size_t, std::size_t> ends = {0, 1};
  bool one = list.width() == 1;
  if (list.has_header()) {
    const auto nodes = list.all_of(kNode);
    one = nodes.size() == 1 && list.all_of(kTail).empty() && list.all_of(kHead).empty();
    ends = one ? std::pair(nodes[0], nodes[0]) : ends_of(list);
  }
  while (list.next()) {
    if (!one) require_width(list, 2, "1 or 2 (nodes)");
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
