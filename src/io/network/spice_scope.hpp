#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "io/network/spice_definitions.hpp"
#include "io/network/spice_expression.hpp"

namespace kirchhoff::detail {

/// A netlist or an instance of a subcircuit while its elements are read: what names mean there. A parameter is looked
/// for among those that the instance sets, in the body, and then where the instance stands, as ngspice does it.
class SpiceScope final : public SpiceNames {
 public:
  /// The netlist itself.
  SpiceScope(const SpiceBody& body, const SpiceFiles& files) : body_(body), files_(files), caller_(nullptr) {}
  /// An instance in `caller`. @param prefix of its nodes and elements: "x1.". @param nodes that its ports are joined
  /// to.
  SpiceScope(const SpiceBody& body, SpiceScope& caller, std::string prefix, std::vector<std::string> nodes);

  /// Sets a parameter of the instance.
  void set(const std::string& name, double value) { values_[name] = value; }
  void set_multiplier(double multiplier) { multiplier_ = multiplier; }

  const SpiceBody& body() const { return body_; }
  const SpiceScope* caller() const { return caller_; }
  const std::string& prefix() const { return prefix_; }
  int depth() const { return depth_; }
  /// As many parallel copies of it there are.
  double multiplier() const { return multiplier_; }
  /// The node that a port is joined to; null for a name that is no port.
  const std::string* port(std::string_view lower_name) const;

  /// The value of a field at `place`: a number with a scale, a parameter's name, or an expression.
  double value(std::string_view field, SpicePlace place);
  double value(const SpiceValue& value) { return this->value(value.expression, value.place); }
  /// The nearest scope, from this one outwards, where the model was defined: its parameters mean what they mean there.
  SpiceScope& scope_of(const SpiceModel& model);
  /// Whether somebody defines a parameter of that name.
  bool knows(const std::string& name) const;

  std::optional<double> parameter(const std::string& name) override;
  std::optional<double> call(const std::string& name, std::span<const double> arguments) override;
  [[noreturn]] void fail(const std::string& what) const override;
  Budget& budget() override { return caller_ != nullptr ? caller_->budget() : budget_; }

 private:
  class At;

  const SpiceBody& body_;
  const SpiceFiles& files_;
  SpiceScope* caller_;
  std::string prefix_;
  std::vector<std::string> nodes_;
  double multiplier_ = 1;
  int depth_ = 0;
  std::unordered_map<std::string, double> values_;  // of parameters, set or already evaluated
  std::vector<std::string> evaluating_;             // parameters that wait for others
  std::string_view text_;                           // what is being evaluated, and where it stands
  SpicePlace place_;
  Budget budget_;
};

}  // namespace kirchhoff::detail
