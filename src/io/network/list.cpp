// Lists of rows with what their headers say.
#include "io/network/list.hpp"

#include <charconv>

namespace kirchhoff::detail {
namespace {

constexpr KnownColumn kTails = {"source src from tail start node1 node_1 from_node fromnode fromnodeid u i", kTail};
constexpr KnownColumn kHeads = {"target tgt dst destination to head end node2 node_2 to_node tonode tonodeid v j",
                                kHead};
constexpr KnownColumn kOhms = {"resistance resistances ohm ohms r", kOhm};
constexpr KnownColumn kSiemensNames = {"conductance conductances siemens g", kSiemens};
constexpr KnownColumn kEdgeNames[] = {kTails, kHeads,        {"node nodes", kNode},
                                      kOhms,  kSiemensNames, {"weight value w", kValue}};
constexpr KnownColumn kPairNames[] = {kTails, kHeads, {"node nodes focal focal_node", kNode}};
constexpr KnownColumn kNodeNames = {"node nodes node_id nodeid node_name name vertex", kNode};
constexpr KnownColumn kSourceNames[] = {kNodeNames, {"ampere amperes amp amps a current currents i value", kAmpere}};
constexpr KnownColumn kGroundNames[] = {kNodeNames, kOhms, kSiemensNames, {"value", kValue}};

}  // namespace

const std::span<const KnownColumn> kEdgeColumns = kEdgeNames;
const std::span<const KnownColumn> kPairColumns = kPairNames;
const std::span<const KnownColumn> kSourceColumns = kSourceNames;
const std::span<const KnownColumn> kGroundColumns = kGroundNames;

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t whole = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), whole);
  if (error == std::errc() && end == text.data() + text.size()) return whole;
  const auto number = to_number(text);  // 4.3e+01, as numpy writes
  if (!number || *number != std::floor(*number) || std::abs(*number) >= kExactIntegers) return std::nullopt;
  return static_cast<std::int64_t>(*number);
}

std::pair<std::size_t, std::size_t> ends_of(const List& list) {
  const auto tail = list.column({kTail}, "the first node");
  const auto head = list.column({kHead}, "the second node");
  const auto nodes = list.all_of(kNode);
  if (tail && head && nodes.empty()) return {*tail, *head};
  if (!tail && !head && nodes.size() == 2) return {nodes[0], nodes[1]};
  list.fail_header("two columns for nodes are needed, called source and target (or from and to, tail and head)");
}

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

void require_width(const List& list, std::size_t width, std::string_view names) {
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

}  // namespace kirchhoff::detail
