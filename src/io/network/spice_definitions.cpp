// What cards with a dot define.
#include "io/network/spice_definitions.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "io/network/spice_expression.hpp"
#include "kirchhoff/base/text.hpp"

namespace kirchhoff::detail {
namespace {

constexpr int kDeepestDefinition = 100;

class DefinitionReader {
 public:
  DefinitionReader(const SpiceFiles& files, SpiceDefinitions& all) : files_(files), all_(all), body_(&all.body) {}

  void read(SpiceLines& lines) {
    SpiceCard card;
    while (lines.next(card)) {
      if (card.text.front() == '.') {
        take(card);
      } else if (body_ != &all_.body) {
        body_->elements.push_back({std::string(card.text), card.place});
      } else {
        count(card.text.front());
      }
    }
    if (body_ != &all_.body) fail(body_->place, fmt::format(".subckt {} does not end (.ends)", in_quotes(body_->name)));
  }

 private:
  [[noreturn]] void fail(SpicePlace place, const std::string& what) const { files_.fail(place, what); }

  void count(char kind) {
    if (kind == 'r' || kind == 'R') ++all_.resistors;
    if (kind == 'v' || kind == 'V') ++all_.voltages;
    if (kind == 'i' || kind == 'I') ++all_.currents;
  }

  void take(const SpiceCard& card) {
    SpiceFields fields(card.text);
    const auto word = lower_case(fields.next());
    if (word == ".param" || word == ".parameter") return param(fields, card);
    if (word == ".subckt" || word == ".macro") return begin(fields, card);
    if (word == ".ends" || word == ".eom") return end(fields, card);
    if (word == ".model") return model(fields, card);
    if (word == ".func") return func(fields, card);
    if (word == ".global") return global(fields);
    if (word == ".options" || word == ".option" || word == ".opt") return options(fields, card);
    if (word == ".temp") return temp(fields, card);
    if (word == ".title") {
      all_.title = std::string(trimmed(fields.rest()));
      return;
    }
    // Analyses, output and the simulator's own settings change nothing about the operating point of resistors.
    static constexpr std::array<std::string_view, 27> kHarmless = {
        ".op",    ".print",    ".plot", ".probe",   ".save",  ".tran",    ".ac",     ".dc",      ".tf",
        ".sens",  ".noise",    ".meas", ".measure", ".width", ".nodeset", ".ic",     ".four",    ".pz",
        ".disto", ".backanno", ".acct", ".list",    ".graph", ".prot",    ".unprot", ".protect", ".unprotect"};
    if (std::find(kHarmless.begin(), kHarmless.end(), word) == kHarmless.end()) {
      fail(card.place, fmt::format("card {} is not read here", in_quotes(word)));
    }
  }

  /// NAME = EXPRESSION, one after the other, an expression without braces or quotes going as far as it can.
  template <class Take>
  void assignments(SpiceFields fields, SpicePlace place, Take&& take) const {
    for (auto name = fields.next(); !name.empty(); name = fields.next()) {
      const auto arguments = fields.parentheses();
      if (!fields.assigned()) {
        fail(place, fmt::format("{} has no value: name = value is needed", in_quotes(name)));
      }
      take(lower_case(name), arguments, expression(fields, name, place));
    }
  }

  SpiceValue expression(SpiceFields& fields, std::string_view name, SpicePlace place) const {
    fields.skip_blanks();
    const auto text = fields.rest();
    auto size = enclosed(text);
    if (size == 0) size = expression_size(text);
    if (size == 0) fail(place, fmt::format("the value of {} is no expression", in_quotes(name)));
    fields.skip(size);
    return {std::string(trimmed(without_braces(text.substr(0, size)))), place};
  }

  void param(SpiceFields fields, const SpiceCard& card) {
    assignments(fields, card.place, [&](const std::string& name, const auto& arguments, SpiceValue value) {
      if (arguments) return define(name, *arguments, std::move(value));
      body_->parameters.insert_or_assign(name, std::move(value));
    });
  }

  void define(const std::string& name, std::string_view arguments, SpiceValue value) {
    SpiceUserFunction function{{}, std::move(value)};
    SpiceFields fields(arguments);
    for (auto each = fields.next(); !each.empty(); each = fields.next()) function.arguments.push_back(lower_case(each));
    body_->functions.insert_or_assign(name, std::move(function));
  }

  void func(SpiceFields fields, const SpiceCard& card) {
    const auto name = lower_case(fields.next());
    const auto arguments = fields.parentheses();
    if (name.empty() || !arguments) fail(card.place, ".func NAME(ARGUMENTS) EXPRESSION is needed");
    fields.assigned();
    define(name, *arguments, expression(fields, name, card.place));
  }

  void begin(SpiceFields fields, const SpiceCard& card) {
    const auto name = lower_case(fields.next());
    if (name.empty()) fail(card.place, ".subckt has no name");
    auto body = std::make_unique<SpiceBody>();
    body->name = name;
    body->place = card.place;
    body->parent = body_;
    read_ports(fields, card, *body);
    if (++depth_ > kDeepestDefinition) {
      fail(card.place, fmt::format(".subckt stands in .subckt more than {} deep", kDeepestDefinition));
    }
    auto& known = body_->subcircuits[name];
    if (known) {
      fail(card.place, fmt::format("subcircuit {} is defined already, on line {} of {}", in_quotes(name),
                                   known->place.line, in_quotes(files_.name(known->place.file))));
    }
    known = std::move(body);
    body_ = known.get();
    open_.push_back(body_);
  }

  void read_ports(SpiceFields fields, const SpiceCard& card, SpiceBody& body) const {
    while (true) {
      auto ahead = fields;
      const auto field = ahead.next();
      if (field.empty()) return;
      const bool keyword = alike(field, "params:") || alike(field, "param:");
      if (keyword) fields = ahead;
      if (keyword || ahead.assigned()) break;
      fields = ahead;
      if (!alike(field, "params") && !alike(field, "/")) body.ports.push_back(lower_case(field));
    }
    assignments(fields, card.place, [&](const std::string& key, const auto& arguments, SpiceValue value) {
      if (arguments) fail(card.place, fmt::format("{} is no parameter", in_quotes(key)));
      body.parameters.insert_or_assign(key, std::move(value));
      body.adjustable.insert(key);
    });
  }

  void end(SpiceFields fields, const SpiceCard& card) {
    if (open_.empty()) fail(card.place, ".ends without .subckt");
    const auto name = lower_case(fields.next());
    if (!name.empty() && name != body_->name) {
      fail(card.place, fmt::format(".ends {} stands where .subckt {}, of line {}, ends", in_quotes(name),
                                   in_quotes(body_->name), body_->place.line));
    }
    open_.pop_back();
    --depth_;
    body_ = open_.empty() ? &all_.body : open_.back();
  }

  void model(SpiceFields fields, const SpiceCard& card) {
    const auto name = lower_case(fields.next());
    SpiceModel model{lower_case(fields.next()), {}, body_};
    if (name.empty() || model.type.empty()) fail(card.place, ".model NAME TYPE is needed");
    // Of a transistor's model nothing is used, nor needs it to be understood.
    if (model.type == "r" || model.type == "res") {
      for (auto key = fields.next(); !key.empty(); key = fields.next()) {
        if (!fields.assigned()) fail(card.place, fmt::format("{} of the model has no value", in_quotes(key)));
        model.parameters[lower_case(key)] = {std::string(fields.value()), card.place};
      }
    }
    body_->models.insert_or_assign(name, std::move(model));
  }

  void global(SpiceFields fields) {
    for (auto name = fields.next(); !name.empty(); name = fields.next()) all_.globals.insert(lower_case(name));
  }

  void options(SpiceFields fields, const SpiceCard& card) {
    for (auto key = fields.next(); !key.empty(); key = fields.next()) {
      if (!fields.assigned()) continue;
      const SpiceValue value{std::string(fields.value()), card.place};
      if (alike(key, "temp")) all_.temperature_option = value;
      if (alike(key, "tnom")) all_.nominal = value;
    }
  }

  void temp(SpiceFields fields, const SpiceCard& card) {
    const auto value = fields.next();
    if (value.empty()) fail(card.place, ".temp has no temperature");
    if (!fields.next().empty()) fail(card.place, "several temperatures: one network has one");
    all_.temperature = {std::string(value), card.place};
  }

  const SpiceFiles& files_;
  SpiceDefinitions& all_;
  SpiceBody* body_;               // being defined
  std::vector<SpiceBody*> open_;  // the subcircuits around it, and itself
  int depth_ = 0;
};

}  // namespace

const SpiceModel* SpiceBody::model(const std::string& key) const {
  for (const auto* body = this; body != nullptr; body = body->parent) {
    if (const auto found = body->models.find(key); found != body->models.end()) return &found->second;
  }
  return nullptr;
}

const SpiceBody* SpiceBody::subcircuit(const std::string& key) const {
  for (const auto* body = this; body != nullptr; body = body->parent) {
    if (const auto found = body->subcircuits.find(key); found != body->subcircuits.end()) return found->second.get();
  }
  return nullptr;
}

void read_definitions(const SpiceFiles& files, SpiceLines& lines, SpiceDefinitions& definitions) {
  DefinitionReader(files, definitions).read(lines);
}

}  // namespace kirchhoff::detail
