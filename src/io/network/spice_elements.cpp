// Elements of SPICE netlists as resistors and constant sources.
#include "io/network/spice_elements.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <utility>

#include "io/network/spice_waveform.hpp"
#include "kirchhoff/base/error.hpp"
#include "kirchhoff/base/text.hpp"

namespace kirchhoff::detail {
namespace {

struct RefusedKind {
  char letter;
  std::string_view what;
};
constexpr std::string_view kUnsymmetric = "a controlled source, which makes the matrix unsymmetric";
constexpr std::string_view kNonlinear = "nonlinear";
constexpr RefusedKind kRefusedKinds[] = {
    {'e', kUnsymmetric},
    {'f', kUnsymmetric},
    {'g', kUnsymmetric},
    {'h', kUnsymmetric},
    {'b',
     "a source given by a formula of voltages and currents, which makes the network nonlinear or its matrix "
     "unsymmetric"},
    {'d', kNonlinear},
    {'q', kNonlinear},
    {'m', kNonlinear},
    {'j', kNonlinear},
    {'z', kNonlinear},
    {'s', "a switch"},
    {'w', "a switch"},
    {'t', "a transmission line"},
    {'o', "a transmission line"},
    {'u', "a transmission line"},
    {'y', "a transmission line"},
    {'p', "a set of transmission lines"},
    {'a', "a model in code"},
    {'n', "a model in code"},
};

char kind_of_element(std::string_view name) {
  return static_cast<char>(std::tolower(static_cast<unsigned char>(name.front())));
}

}  // namespace

/// A card on its way to become a branch.
struct SpiceElements::Element {
  std::string_view name;  // as it is written
  SpiceFields fields;
  SpicePlace place;
  SpiceScope& scope;
  std::int64_t tail = 0;
  std::int64_t head = 0;
};

/// What a resistor's card says. Empty: nothing.
struct SpiceElements::Resistor {
  std::optional<double> ohm;
  const SpiceModel* model = nullptr;
  std::optional<double> tc1, tc2, tce, temperature, length, width;
  double above = 0;  // the network's temperature [K]
  double scale = 1;
  double multiplier = 1;
};

SpiceElements::SpiceElements(const SpiceFiles& files, const std::set<std::string>& globals, GroundNames ground_names,
                             Netlist& netlist)
    : files_(files), globals_(globals), ground_names_(ground_names), netlist_(netlist) {}

void SpiceElements::set_temperatures(double temperature, double nominal) {
  temperature_ = temperature;
  nominal_ = nominal;
}

void SpiceElements::fail(const Element& element, const std::string& what) const {
  const auto inside = element.scope.prefix();
  files_.fail(
      element.place,
      fmt::format("{}{}: {}", in_quotes(element.name),
                  inside.empty() ? "" : fmt::format(" of {}", in_quotes(inside.substr(0, inside.size() - 1))), what));
}

void SpiceElements::take(const SpiceCard& card, SpiceScope& scope) {
  Element element{{}, SpiceFields(card.text), card.place, scope};
  element.name = element.fields.next();
  if (element.name.empty()) {
    files_.fail(card.place, fmt::format("{} is neither an element nor a card", in_quotes(card.text)));
  }
  switch (kind_of_element(element.name)) {
    case 'r':
      return resistor(element);
    case 'v':
      return source(netlist_.voltages, element);
    case 'i':
      return source(netlist_.currents, element);
    case 'c':
      element.tail = node(element);
      element.head = node(element);
      ++capacitors_;
      return;
    case 'l':
      element.tail = node(element);
      element.head = node(element);
      ++inductors_;
      return add(netlist_.voltages, element, 0);
    case 'k':  // couples inductors, which does nothing at dc
      return;
    default:
      break;
  }
  const auto kind = kind_of_element(element.name);
  const auto* row = std::find_if(std::begin(kRefusedKinds), std::end(kRefusedKinds),
                                 [&](const RefusedKind& each) { return each.letter == kind; });
  const auto why = row == std::end(kRefusedKinds) ? std::string() : fmt::format(" ({})", row->what);
  files_.fail(card.place, fmt::format("element {} is not of a kind that is read here{}: R, V, I, C, L and X are",
                                      in_quotes(element.name), why));
}

std::int64_t SpiceElements::ground(std::string_view name) {
  if (name != "0" && std::find(grounds_.begin(), grounds_.end(), name) == grounds_.end()) grounds_.emplace_back(name);
  if (netlist_.ground < 0) netlist_.ground = table_.index("0", netlist_.nodes);
  return netlist_.ground;
}

std::string SpiceElements::node_name(std::string_view name, const SpiceScope& scope) const {
  if (scope.caller() == nullptr) return std::string(name);
  auto lower = lower_case(name);
  if (is_ground_name(lower, ground_names_) || globals_.contains(lower)) return lower;
  if (const auto* outside = scope.port(lower)) return *outside;
  return scope.prefix() + lower;
}

std::int64_t SpiceElements::node(Element& element) {
  const auto name = element.fields.next();
  if (name.empty()) fail(element, "it needs two nodes");
  std::int64_t index = 0;
  if (element.scope.caller() == nullptr) {
    index = is_ground_name(name, ground_names_) ? ground(name) : table_.index(name, netlist_.nodes);
  } else {
    const auto full = node_name(name, element.scope);
    index = is_ground_name(full, ground_names_) ? ground(full) : table_.index(full, netlist_.nodes);
  }
  if (uses_.size() < netlist_.nodes.size()) uses_.resize(netlist_.nodes.size(), 0);
  auto& uses = uses_[static_cast<std::size_t>(index)];
  uses = static_cast<unsigned char>(std::min(2, uses + 1));
  return index;
}

void SpiceElements::add(Branches& branches, const Element& element, double value) {
  if (element.scope.caller() == nullptr) {
    branches.names.emplace_back(element.name);
  } else {  // r.x1.x2.r1, as ngspice prints it
    branches.names.push_back(
        fmt::format("{}.{}{}", kind_of_element(element.name), element.scope.prefix(), lower_case(element.name)));
  }
  branches.add(element.tail, element.head, value, element.place.line);
  if (files_.names().size() > 1) {
    branches.file.resize(branches.size() - 1, 0);
    branches.file.push_back(element.place.file);
  }
}

bool SpiceElements::read_resistor_key(Element& element, Resistor& resistor, std::string_view key) {
  const auto name = lower_case(key);
  const auto field = element.fields.value();
  if (field.empty()) fail(element, fmt::format("{} has no value", in_quotes(key)));
  static constexpr std::array<std::string_view, 3> kOfOtherAnalyses = {"ac", "noisy", "noise"};
  if (std::find(kOfOtherAnalyses.begin(), kOfOtherAnalyses.end(), name) != kOfOtherAnalyses.end()) return false;
  const double value = element.scope.value(field, element.place);
  if (name == "r" || name == "resistance") {
    resistor.ohm = value;
  } else if (name == "tc1" || name == "tc") {
    resistor.tc1 = value;
  } else if (name == "tc2") {
    resistor.tc2 = value;
  } else if (name == "tce") {
    resistor.tce = value;
  } else if (name == "temp") {
    resistor.temperature = value;
  } else if (name == "dtemp") {
    resistor.above = value;
  } else if (name == "m") {
    if (value < 0) fail(element, fmt::format("m={}: there cannot be less than no copy of it", value));
    resistor.multiplier = value;
  } else if (name == "scale") {
    resistor.scale = value;
  } else if (name == "l") {
    resistor.length = value;
  } else if (name == "w") {
    resistor.width = value;
  } else {
    fail(element, fmt::format("{} is not read here", in_quotes(key)));
  }
  return name == "tc";
}

void SpiceElements::read_resistor(Element& element, Resistor& resistor) {
  bool after_tc = false;  // tc=0.1,0.01 or tc=0.1 0.01
  for (auto field = element.fields.next(); !field.empty(); field = element.fields.next()) {
    if (element.fields.assigned()) {
      after_tc = read_resistor_key(element, resistor, field);
      continue;
    }
    const auto name = lower_case(field);
    const auto* model = resistor.model == nullptr ? element.scope.body().model(name) : nullptr;
    if (model != nullptr) {
      resistor.model = model;
    } else if (std::exchange(after_tc, false) && (resistor.ohm || resistor.model)) {
      resistor.tc2 = element.scope.value(field, element.place);
    } else if (!resistor.ohm) {
      const bool word = std::isalpha(static_cast<unsigned char>(field.front())) != 0;
      if (word && expression_size(field) == field.size() && field.find('(') == std::string_view::npos &&
          field.find_first_of("+-*/") == std::string_view::npos && !element.scope.knows(name)) {
        fail(element, fmt::format("its resistance {} is no number, parameter or model", in_quotes(field)));
      }
      resistor.ohm = element.scope.value(field, element.place);
    } else {
      fail(element, fmt::format("{} is not read here", in_quotes(field)));
    }
  }
}

double SpiceElements::model_value(Element& element, const SpiceModel& model, const char* key, double otherwise) const {
  const auto found = model.parameters.find(key);
  return found == model.parameters.end() ? otherwise : element.scope.scope_of(model).value(found->second);
}

/// As ngspice has it: the resistance of the card, of the model's sheet, or of the model, times its change with
/// temperature. https://ngspice.sourceforge.io/docs.html, section 3.3 of the manual.
double SpiceElements::resistance(Element& element, const Resistor& resistor) const {
  constexpr double kDefaultLength = 1e-5;  // m
  constexpr double kPerDegree = 1.01;      // of tce
  static const SpiceModel kNone;
  const auto& model = resistor.model != nullptr ? *resistor.model : kNone;
  const auto of_model = [&](const char* key, double otherwise) { return model_value(element, model, key, otherwise); };
  const auto has = [&](const char* key) { return model.parameters.contains(key); };
  double ohm = 0;
  if (resistor.ohm) {
    ohm = *resistor.ohm;
  } else if (has("rsh")) {
    const double length = resistor.length.value_or(of_model("l", kDefaultLength));
    const double width = resistor.width.value_or(of_model(has("w") ? "w" : "defw", kDefaultLength));
    const double shorter = 2 * of_model(has("short") ? "short" : "dlr", 0);
    const double narrower = 2 * of_model(has("narrow") ? "narrow" : "dw", 0);
    ohm = of_model("rsh", 0) * (length - shorter) / (width - narrower);
  } else if (has("r") || has("res")) {
    ohm = of_model(has("r") ? "r" : "res", 0);
  } else {
    fail(element, "it has no resistance");
  }
  const double degrees = resistor.temperature.value_or(temperature_ + resistor.above) - of_model("tnom", nominal_);
  const double tc1 = resistor.tc1.value_or(of_model("tc1", 0));
  const double tc2 = resistor.tc2.value_or(of_model("tc2", 0));
  const double factor = resistor.tce || has("tce")
                            ? std::pow(kPerDegree, resistor.tce.value_or(of_model("tce", 0)) * degrees)
                            : 1 + degrees * (tc1 + degrees * tc2);
  return ohm * factor * resistor.scale;
}

void SpiceElements::resistor(Element& element) {
  element.tail = node(element);
  element.head = node(element);
  Resistor resistor;
  // Most cards have one number and nothing else.
  auto ahead = element.fields;
  const auto only = scaled_number(ahead.next());
  if (only && ahead.rest().empty()) {
    resistor.ohm = *only;
  } else {
    read_resistor(element, resistor);
  }
  if (resistor.model != nullptr && resistor.model->type != "r" && resistor.model->type != "res") {
    fail(element, fmt::format("its model is of type {}, not R", in_quotes(resistor.model->type)));
  }
  const double ohm = resistance(element, resistor);
  const double copies = resistor.multiplier * element.scope.multiplier();
  const double g = conductance(files_.name(element.place.file), element.place.line, ohm, EdgeValues::resistance,
                               in_quotes(element.name));
  const double total = copies == 0 ? 0 : g * copies;
  if (total > 0 && !std::isfinite(1 / total)) fail(element, "its resistance cannot be represented");
  if (std::isinf(total) && std::isfinite(g)) fail(element, "its conductance cannot be represented");
  add(netlist_.resistors, element, total);
}

void SpiceElements::source(Branches& branches, Element& element) {
  element.tail = node(element);
  element.head = node(element);
  auto& fields = element.fields;
  std::optional<double> dc;
  std::optional<double> start;  // of a function of time
  double copies = &branches == &netlist_.currents ? element.scope.multiplier() : 1;
  const auto number_ahead = [&](SpiceFields& from) -> std::optional<double> {
    auto after = from;
    const auto field = after.next();
    if (field.empty() || (!scaled_number(field) && enclosed(field) != field.size())) return std::nullopt;
    from = after;
    return element.scope.value(field, element.place);
  };
  for (auto field = fields.next(); !field.empty(); field = fields.next()) {
    const auto word = lower_case(field);
    const bool assigned = fields.assigned();
    if (word == "ac" || word == "distof1" || word == "distof2") {  // of another analysis: magnitude and phase
      for (int k = 0; k < 2 && number_ahead(fields); ++k) continue;
    } else if (is_waveform(word)) {
      std::vector<double> arguments;
      const auto inside = fields.parentheses();
      SpiceFields list(inside.value_or(std::string_view()));
      auto& from = inside ? list : fields;
      while (const auto number = number_ahead(from)) arguments.push_back(*number);
      if (inside && !trimmed(list.rest()).empty()) {
        fail(element, fmt::format("{} in {} is not read here", in_quotes(trimmed(list.rest())), word));
      }
      std::string why;
      start = value_at_start(word, arguments, why);
      if (!why.empty() && !dc) fail(element, fmt::format("{}: {}", word, why));
    } else if (assigned && word == "m" && &branches == &netlist_.currents) {
      copies *= element.scope.value(fields.value(), element.place);
    } else if (assigned && word != "dc") {
      fail(element, fmt::format("{} is not read here", in_quotes(field)));
    } else {
      const auto value = assigned ? fields.value() : word == "dc" ? fields.next() : field;
      if (value.empty()) fail(element, "dc has no value");
      if (dc) fail(element, fmt::format("{} is not read here: a source has one constant value", in_quotes(value)));
      dc = element.scope.value(value, element.place);
    }
  }
  const double value = copies * dc.value_or(start.value_or(0));
  if (!std::isfinite(value)) fail(element, "its value is not finite");
  add(branches, element, value);
}

std::vector<std::string_view> SpiceElements::nodes_of_one_element() const {
  std::vector<std::string_view> names;
  for (std::size_t k = 0; k < uses_.size(); ++k) {
    if (uses_[k] == 1 && static_cast<std::int64_t>(k) != netlist_.ground) names.emplace_back(netlist_.nodes[k]);
  }
  return names;
}

void SpiceElements::finish() {
  refuse_double_names();
  auto& remarks = netlist_.remarks;
  if (!grounds_.empty()) {
    remarks.push_back(fmt::format("{} {} ground; -network_ground_names 0 makes {}",
                                  listed({grounds_.begin(), grounds_.end()}), grounds_.size() == 1 ? "is" : "are",
                                  grounds_.size() == 1 ? "it a node like others" : "them nodes like others"));
  }
  if (capacitors_ + inductors_ > 0) {
    remarks.push_back(fmt::format("at dc: {} {} open, {} {} of 0 V", capacitors_,
                                  capacitors_ == 1 ? "capacitor is" : "capacitors are", inductors_,
                                  inductors_ == 1 ? "inductor is a source" : "inductors are sources"));
  }
  const auto names = nodes_of_one_element();
  if (!names.empty()) {
    remarks.push_back(fmt::format("{} joined to one element only: {}",
                                  names.size() == 1 ? "a node is" : fmt::format("{} nodes are", names.size()),
                                  listed(names)));
  }
  if (netlist_.ground < 0)
    remarks.emplace_back("no element is joined to ground: potentials have the mean 0 V in each part");
}

void SpiceElements::refuse_double_names() const {
  struct Seen {
    std::uint64_t hash;
    std::size_t k;  // of all elements
  };
  const std::array<const Branches*, 3> kinds = {&netlist_.resistors, &netlist_.voltages, &netlist_.currents};
  std::size_t count = 0;
  for (const auto* branches : kinds) count += branches->size();
  // Groups by the hash's highest bits first, so that what is sorted lies in the cache.
  constexpr unsigned kBits = 12;
  std::vector<std::uint64_t> hashes;
  hashes.reserve(count);
  std::vector<std::size_t> first((std::size_t{1} << kBits) + 1, 0);
  for (const auto* branches : kinds) {
    for (const auto& name : branches->names) {
      hashes.push_back(hash_of(name));
      ++first[(hashes.back() >> (64 - kBits)) + 1];
    }
  }
  for (std::size_t group = 1; group < first.size(); ++group) first[group] += first[group - 1];
  std::vector<Seen> seen(count);
  auto next = first;
  for (std::size_t k = 0; k < count; ++k) seen[next[hashes[k] >> (64 - kBits)]++] = {hashes[k], k};
  const auto group_at = [&](std::size_t at) { return seen.begin() + static_cast<std::ptrdiff_t>(at); };
  for (std::size_t group = 0; group + 1 < first.size(); ++group) {
    std::sort(group_at(first[group]), group_at(first[group + 1]),
              [](const Seen& a, const Seen& b) { return std::pair(a.hash, a.k) < std::pair(b.hash, b.k); });
  }
  for (std::size_t k = 1; k < count; ++k) {
    if (seen[k].hash == seen[k - 1].hash) refuse_same_name(seen[k - 1].k, seen[k].k);
  }
}

void SpiceElements::refuse_same_name(std::size_t one, std::size_t other) const {
  const auto find = [&](std::size_t k) {
    for (const auto* branches : {&netlist_.resistors, &netlist_.voltages}) {
      if (k < branches->size()) return std::pair(branches, k);
      k -= branches->size();
    }
    return std::pair(static_cast<const Branches*>(&netlist_.currents), k);
  };
  const auto place = [](const Branches& b, std::size_t k) {
    return SpicePlace{k < b.file.size() ? b.file[k] : 0, b.line[k]};
  };
  const auto [a, i] = find(one);
  const auto [b, j] = find(other);
  if (!same_name(a->names[i], b->names[j])) return;
  auto first = place(*a, i);
  auto second = place(*b, j);
  if (std::pair(second.file, second.line) < std::pair(first.file, first.line)) std::swap(first, second);
  files_.fail(second, fmt::format("element {} is there already, on line {}{}", in_quotes(a->names[i]), first.line,
                                  first.file == second.file ? "" : " of " + in_quotes(files_.name(first.file))));
}

}  // namespace kirchhoff::detail
