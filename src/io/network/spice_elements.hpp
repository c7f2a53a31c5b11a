#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "io/network/reader.hpp"
#include "io/network/spice_scope.hpp"
#include "kirchhoff/circuit/netlist.hpp"

namespace kirchhoff::detail {

/// Adds elements to a netlist: R, V, I, and what capacitors, inductors and sources over time are at dc.
class SpiceElements {
 public:
  /// @param temperature, nominal in degrees Celsius: the network's, and that at which resistances are given.
  SpiceElements(const SpiceFiles& files, const std::set<std::string>& globals, GroundNames ground_names,
                Netlist& netlist);

  /// Degrees Celsius: the network's, and that at which resistances are given.
  void set_temperatures(double temperature, double nominal);
  /// Adds an element of any kind but X. @throws Error for a kind that is not read.
  void take(const SpiceCard& card, SpiceScope& scope);
  /// The name, in the whole netlist, of a node of a scope.
  std::string node_name(std::string_view name, const SpiceScope& scope) const;
  /// Says what was understood otherwise than it is written, and refuses names that stand twice.
  void finish();

 private:
  struct Resistor;
  struct Element;

  [[noreturn]] void fail(const Element& element, const std::string& what) const;
  std::int64_t node(Element& element);
  std::int64_t ground(std::string_view name);
  void add(Branches& branches, const Element& element, double value);
  void resistor(Element& element);
  void read_resistor(Element& element, Resistor& resistor);
  bool read_resistor_key(Element& element, Resistor& resistor, std::string_view key);
  double resistance(Element& element, const Resistor& resistor) const;
  double model_value(Element& element, const SpiceModel& model, const char* key, double otherwise) const;
  void source(Branches& branches, Element& element);
  void refuse_double_names() const;
  /// @param one, other elements, counted through resistors, voltages and currents.
  void refuse_same_name(std::size_t one, std::size_t other) const;
  std::vector<std::string_view> nodes_of_one_element() const;

  const SpiceFiles& files_;
  const std::set<std::string>& globals_;
  GroundNames ground_names_;
  Netlist& netlist_;
  NameTable table_;
  double temperature_ = 27;
  double nominal_ = 27;
  std::vector<unsigned char> uses_;   // of each node by elements: 0, 1, or 2 for more
  std::vector<std::string> grounds_;  // names other than 0 that were taken as ground
  std::int64_t capacitors_ = 0;
  std::int64_t inductors_ = 0;
};

}  // namespace kirchhoff::detail
