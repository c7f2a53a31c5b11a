#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "io/network/spice_lines.hpp"

namespace kirchhoff::detail {

/// An expression and where it stands.
struct SpiceValue {
  std::string expression;
  SpicePlace place;
};

struct SpiceUserFunction {
  std::vector<std::string> arguments;
  SpiceValue value;
};

struct SpiceBody;

struct SpiceModel {
  std::string type;
  std::map<std::string, SpiceValue> parameters;
  const SpiceBody* body = nullptr;  // that it is defined in
};

/// What a netlist, or a subcircuit in it, defines. All names are in lower case.
struct SpiceBody {
  struct Element {
    std::string text;
    SpicePlace place;
  };

  std::string name;  // of a subcircuit; empty: of the netlist
  SpicePlace place;
  const SpiceBody* parent = nullptr;  // the body that it is defined in
  std::vector<std::string> ports;
  std::set<std::string> adjustable;                        // parameters that an instance may set
  std::unordered_map<std::string, SpiceValue> parameters;  // .param goes before the defaults of .subckt
  std::unordered_map<std::string, SpiceUserFunction> functions;
  std::unordered_map<std::string, SpiceModel> models;
  std::unordered_map<std::string, std::unique_ptr<SpiceBody>> subcircuits;
  std::vector<Element> elements;  // of a subcircuit; those of the netlist are not kept

  const SpiceModel* model(const std::string& name) const;
  const SpiceBody* subcircuit(const std::string& name) const;
};

/// All that may stand behind where it is used.
struct SpiceDefinitions {
  SpiceBody body;
  std::set<std::string> globals;          // nodes that are the same in all subcircuits
  std::optional<SpiceValue> temperature;  // .temp; else .options temp [C]
  std::optional<SpiceValue> temperature_option;
  std::optional<SpiceValue> nominal;  // .options tnom [C]
  std::optional<std::string> title;   // .title
  // Elements of the netlist itself, by the letter that they begin with: what there must be room for.
  std::size_t resistors = 0;
  std::size_t voltages = 0;
  std::size_t currents = 0;
};

/// Goes through all cards for what they define. @throws Error for a card that is not read here.
void read_definitions(const SpiceFiles& files, SpiceLines& lines, SpiceDefinitions& definitions);

}  // namespace kirchhoff::detail
