// What names mean in a netlist and in instances of its subcircuits.
#include "io/network/spice_scope.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "kirchhoff/base/text.hpp"

namespace kirchhoff::detail {
namespace {

/// The names in the body of a user's function: its arguments, then what holds where it is called.
class FunctionNames final : public SpiceNames {
 public:
  FunctionNames(const SpiceUserFunction& function, std::span<const double> arguments, SpiceScope& scope)
      : function_(function), arguments_(arguments), scope_(scope) {}

  std::optional<double> parameter(const std::string& name) override {
    const auto& names = function_.arguments;
    const auto at = std::find(names.begin(), names.end(), name);
    return at != names.end() ? arguments_[static_cast<std::size_t>(at - names.begin())] : scope_.parameter(name);
  }
  std::optional<double> call(const std::string& name, std::span<const double> arguments) override {
    return scope_.call(name, arguments);
  }
  [[noreturn]] void fail(const std::string& what) const override { scope_.fail(what); }
  Budget& budget() override { return scope_.budget(); }

 private:
  const SpiceUserFunction& function_;
  std::span<const double> arguments_;
  SpiceScope& scope_;
};

}  // namespace

/// Errors name what is being evaluated.
class SpiceScope::At {
 public:
  At(SpiceScope& scope, std::string_view text, SpicePlace place)
      : scope_(scope), text_(std::exchange(scope.text_, text)), place_(std::exchange(scope.place_, place)) {}
  At(const At&) = delete;
  At& operator=(const At&) = delete;
  ~At() {
    scope_.text_ = text_;
    scope_.place_ = place_;
  }

 private:
  SpiceScope& scope_;
  std::string_view text_;
  SpicePlace place_;
};

SpiceScope::SpiceScope(const SpiceBody& body, SpiceScope& caller, std::string prefix, std::vector<std::string> nodes)
    : body_(body),
      files_(caller.files_),
      caller_(&caller),
      prefix_(std::move(prefix)),
      nodes_(std::move(nodes)),
      depth_(caller.depth_ + 1) {}

const std::string* SpiceScope::port(std::string_view name) const {
  const auto at = std::find(body_.ports.begin(), body_.ports.end(), name);
  return at == body_.ports.end() ? nullptr : &nodes_[static_cast<std::size_t>(at - body_.ports.begin())];
}

double SpiceScope::value(std::string_view field, SpicePlace place) {
  if (const auto number = scaled_number(field); number && std::isfinite(*number)) return *number;
  const At at(*this, field, place);
  return evaluate(without_braces(field), *this);
}

SpiceScope& SpiceScope::scope_of(const SpiceModel& model) {
  auto* scope = this;
  while (scope->caller_ != nullptr && &scope->body_ != model.body) scope = scope->caller_;
  return *scope;
}

bool SpiceScope::knows(const std::string& name) const {
  for (const auto* scope = this; scope != nullptr; scope = scope->caller_) {
    if (scope->values_.contains(name) || scope->body_.parameters.contains(name)) return true;
  }
  return false;
}

std::optional<double> SpiceScope::parameter(const std::string& name) {
  bool waits = false;
  for (auto* scope = this; scope != nullptr; scope = scope->caller_) {
    if (const auto known = scope->values_.find(name); known != scope->values_.end()) return known->second;
    const auto defined = scope->body_.parameters.find(name);
    if (defined == scope->body_.parameters.end()) continue;
    // w={w} of a subcircuit means the w around it.
    auto& evaluating = scope->evaluating_;
    if (std::find(evaluating.begin(), evaluating.end(), name) != evaluating.end()) {
      waits = true;
      continue;
    }
    evaluating.push_back(name);
    const double value = scope->value(defined->second);
    evaluating.pop_back();
    scope->values_.emplace(name, value);
    return value;
  }
  if (waits) fail(fmt::format("parameter {} is defined by itself", in_quotes(name)));
  return std::nullopt;
}

std::optional<double> SpiceScope::call(const std::string& name, std::span<const double> arguments) {
  for (auto* scope = this; scope != nullptr; scope = scope->caller_) {
    const auto defined = scope->body_.functions.find(name);
    if (defined == scope->body_.functions.end()) continue;
    const auto& function = defined->second;
    if (function.arguments.size() != arguments.size()) {
      fail(fmt::format("{} takes {} arguments, not {}", name, function.arguments.size(), arguments.size()));
    }
    FunctionNames names(function, arguments, *this);
    const At at(*this, function.value.expression, function.value.place);
    return evaluate(function.value.expression, names);
  }
  return std::nullopt;
}

void SpiceScope::fail(const std::string& what) const {
  files_.fail(place_, fmt::format("{}: {}", in_quotes(text_), what));
}

}  // namespace kirchhoff::detail
