// SPICE netlists: what they define, then their elements, instances of subcircuits being taken apart on the way.
// docs/networks.md says what is read and what is refused.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <unordered_map>
#include <utility>
#include <vector>

#include "io/network/spice_definitions.hpp"
#include "io/network/spice_elements.hpp"
#include "io/network/spice_lines.hpp"
#include "io/network/spice_scope.hpp"
#include "kirchhoff/base/error.hpp"
#include "kirchhoff/base/text.hpp"
#include "kirchhoff/io/network/network_files.hpp"

namespace kirchhoff {
namespace {

using detail::SpiceBody;
using detail::SpiceCard;
using detail::SpiceFields;
using detail::SpiceLines;
using detail::SpicePlace;
using detail::SpiceScope;

constexpr std::size_t kDeepestInstance = 100;

/// The card of an instance: X1 NODE ... SUBCIRCUIT NAME=VALUE ...
struct SpiceInstance {
  std::string_view name;
  std::vector<std::string_view> nodes;
  std::string subcircuit;  // in lower case
  std::vector<std::pair<std::string, std::string_view>> parameters;
};

void reserve(Branches& branches, std::size_t count) {
  branches.tail.reserve(count);
  branches.head.reserve(count);
  branches.value.reserve(count);
  branches.line.reserve(count);
  branches.names.reserve(count);
}

bool is_instance(std::string_view card) { return card.front() == 'x' || card.front() == 'X'; }

class SpiceReader {
 public:
  SpiceReader(std::string_view text, const std::string& origin, const SpiceReading& reading)
      : reading_(reading),
        files_(text, origin, reading.read_file),
        scope_(definitions_.body, files_),
        elements_(files_, definitions_.globals, reading.ground_names, netlist_) {
    netlist_.origin = origin;
  }

  Netlist read() {
    SpiceLines definitions(files_, reading_.title);
    detail::read_definitions(files_, definitions, definitions_);
    if (files_.names().size() > 1) netlist_.files = files_.names();
    say_title(definitions);
    set_temperatures();
    reserve(netlist_.resistors, definitions_.resistors);
    reserve(netlist_.voltages, definitions_.voltages);
    reserve(netlist_.currents, definitions_.currents);
    netlist_.nodes.reserve(definitions_.resistors);  // room that is not used costs nothing
    SpiceLines lines(files_, reading_.title);
    SpiceCard card;
    for (int depth = 0; lines.next(card);) {
      if (card.text.front() == '.') {
        const auto word = detail::lower_case(SpiceFields(card.text).next());
        depth += word == ".subckt" || word == ".macro" ? 1 : word == ".ends" || word == ".eom" ? -1 : 0;
      } else if (depth == 0) {
        take(card, scope_);
      }
    }
    if (netlist_.nodes.empty()) throw Error(fmt::format("{} holds no elements", netlist_.origin));
    elements_.finish();
    return std::move(netlist_);
  }

 private:
  void say_title(const SpiceLines& lines) {
    netlist_.title = definitions_.title.value_or(lines.title());
    if (lines.doubtful_title().empty()) return;
    netlist_.warnings.push_back(fmt::format(
        "{}:1: the first line, {}, is taken as the title, as SPICE does, though it reads like an element or "
        "a card; -network_title none takes it as one, -network_title line as the title without this warning",
        netlist_.origin, in_quotes(lines.doubtful_title())));
  }

  void set_temperatures() {
    constexpr double kUsual = 27;  // degrees Celsius, as SPICE has it
    const auto& chosen = definitions_.temperature ? definitions_.temperature : definitions_.temperature_option;
    const double temperature = chosen ? scope_.value(*chosen) : kUsual;
    const double nominal = definitions_.nominal ? scope_.value(*definitions_.nominal) : kUsual;
    elements_.set_temperatures(temperature, nominal);
    scope_.set("temper", temperature);
  }

  void take(const SpiceCard& card, SpiceScope& scope) {
    if (is_instance(card.text)) {
      expand(card, scope);
    } else {
      elements_.take(card, scope);
    }
  }

  SpiceInstance instance(const SpiceCard& card) const {
    SpiceInstance all;
    SpiceFields fields(card.text);
    all.name = fields.next();
    for (auto field = fields.next(); !field.empty(); field = fields.next()) {
      if (detail::alike(field, "params:") || field == "/") continue;
      if (fields.assigned()) {
        all.parameters.emplace_back(detail::lower_case(field), fields.value());
      } else if (all.parameters.empty()) {
        all.nodes.push_back(field);
      } else {
        files_.fail(card.place, fmt::format("{} of {} is not read here", in_quotes(field), in_quotes(all.name)));
      }
    }
    if (all.nodes.empty()) files_.fail(card.place, fmt::format("{} names no subcircuit", in_quotes(all.name)));
    all.subcircuit = detail::lower_case(all.nodes.back());
    all.nodes.pop_back();
    return all;
  }

  const SpiceBody& subcircuit(const SpiceInstance& instance, const SpiceBody& body, SpicePlace place) const {
    const auto* found = body.subcircuit(instance.subcircuit);
    if (found == nullptr) {
      files_.fail(place, fmt::format("there is no subcircuit {}, which {} is to be one of",
                                     in_quotes(instance.subcircuit), in_quotes(instance.name)));
    }
    if (found->ports.size() != instance.nodes.size()) {
      files_.fail(place, fmt::format("{} has {} nodes, but subcircuit {} has {}", in_quotes(instance.name),
                                     instance.nodes.size(), in_quotes(found->name), found->ports.size()));
    }
    return *found;
  }

  /// Elements and instances in an instance of `body`. @throws Error where it would hold itself.
  double size_of(const SpiceBody& body, SpicePlace place) {
    if (const auto known = sizes_.find(&body); known != sizes_.end()) return known->second;
    if (const auto again = std::find(within_.begin(), within_.end(), &body); again != within_.end()) {
      std::string chain;
      for (auto at = again; at != within_.end() && at - again < 8; ++at) chain += in_quotes((*at)->name) + " -> ";
      files_.fail(place, fmt::format("a subcircuit holds an instance of itself: {}{}", chain, in_quotes(body.name)));
    }
    if (within_.size() >= kDeepestInstance) {
      files_.fail(place, fmt::format("instances stand in instances more than {} deep", kDeepestInstance));
    }
    within_.push_back(&body);
    double size = 1;
    for (const auto& element : body.elements) {
      size += is_instance(element.text)
                  ? size_of(subcircuit(instance({element.text, element.place}), body, element.place), element.place)
                  : 1;
    }
    within_.pop_back();
    sizes_.emplace(&body, size);
    return size;
  }

  void expand(const SpiceCard& card, SpiceScope& scope) {
    const auto what = instance(card);
    const auto& body = subcircuit(what, scope.body(), card.place);
    if (scope.caller() == nullptr) {
      expanded_ += size_of(body, card.place);
      if (expanded_ > reading_.most_elements) {
        files_.fail(card.place, fmt::format("with {} there are {:.3g} elements in instances of subcircuits: more than "
                                            "{:.3g} would take more memory than there is",
                                            in_quotes(what.name), expanded_, reading_.most_elements));
      }
    }
    std::vector<std::string> nodes;
    nodes.reserve(what.nodes.size());
    for (const auto name : what.nodes) nodes.push_back(elements_.node_name(name, scope));
    SpiceScope inside(body, scope, scope.prefix() + detail::lower_case(what.name) + ".", std::move(nodes));
    double copies = scope.multiplier();
    for (const auto& [name, field] : what.parameters) {
      const bool known = body.adjustable.contains(name);
      if (!known && name != "m") {
        files_.fail(card.place,
                    fmt::format("subcircuit {} has no parameter {}", in_quotes(body.name), in_quotes(name)));
      }
      const double value = scope.value(field, card.place);
      if (known) inside.set(name, value);
      if (known) continue;
      if (value < 0) files_.fail(card.place, fmt::format("m={}: there cannot be less than no copy of it", value));
      copies *= value;
    }
    inside.set_multiplier(copies);
    say_port_is_ground(body);
    for (const auto& element : body.elements) take({element.text, element.place}, inside);
  }

  /// Ground is ground in a subcircuit too, whatever its ports are called.
  void say_port_is_ground(const SpiceBody& body) {
    for (const auto& port : body.ports) {
      const bool elsewhere = detail::is_ground_name(port, reading_.ground_names) || definitions_.globals.contains(port);
      if (!elsewhere || !said_.insert(&body).second) continue;
      netlist_.warnings.push_back(
          fmt::format("{}:{}: port {} of subcircuit {} is the node of that name in the whole netlist: what instances "
                      "join to it is not joined",
                      files_.name(body.place.file), body.place.line, in_quotes(port), in_quotes(body.name)));
    }
  }

  const SpiceReading& reading_;
  detail::SpiceFiles files_;
  detail::SpiceDefinitions definitions_;
  SpiceScope scope_;
  Netlist netlist_;
  detail::SpiceElements elements_;
  double expanded_ = 0;
  std::unordered_map<const SpiceBody*, double> sizes_;
  std::vector<const SpiceBody*> within_;  // bodies that are being counted, each in the one before it
  std::set<const SpiceBody*> said_;
};

}  // namespace

bool detail::is_ground_name(std::string_view name, GroundNames names) {
  if (name == "0") return true;
  return names == GroundNames::usual && (alike(name, "gnd") || alike(name, "gnd!") || alike(name, "ground"));
}

Netlist parse_spice(std::string_view text, const std::string& origin, const SpiceReading& reading) {
  return SpiceReader(text, origin, reading).read();
}

}  // namespace kirchhoff
