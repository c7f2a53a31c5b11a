// Expressions of SPICE netlists, by recursive descent. What the operators and functions mean is what ngspice makes of
// them; where simulators differ, see docs/networks.md.
#include "io/network/spice_expression.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <numbers>
#include <vector>

#include "base/text_rows.hpp"
#include "io/network/spice_fields.hpp"
#include "kirchhoff/base/text.hpp"

namespace kirchhoff::detail {
namespace {

constexpr double kNoNumber = std::numeric_limits<double>::quiet_NaN();
constexpr int kDeepest = 600;
constexpr std::int64_t kMostOperations = 1'000'000;

using Arguments = std::span<const double>;

struct SpiceFunctionRow {
  std::string_view name;
  std::size_t least;  // arguments
  std::size_t most;
  double (*value)(Arguments);
};

constexpr std::size_t kAnyCount = 1000;

template <double (*f)(double)>
double unary_function(Arguments x) {
  return f(x[0]);
}
double limited(Arguments x) { return std::min(std::max(x[0], std::min(x[1], x[2])), std::max(x[1], x[2])); }
double sign_of(Arguments x) { return x[0] > 0 ? 1 : x[0] < 0 ? -1 : 0; }
double one_of(Arguments x) { return x[0] != 0 ? x[1] : x[2]; }
double least_of(Arguments x) { return *std::min_element(x.begin(), x.end()); }
double largest_of(Arguments x) { return *std::max_element(x.begin(), x.end()); }

constexpr SpiceFunctionRow kFunctions[] = {
    {"sqrt", 1, 1, unary_function<std::sqrt>},
    {"sqr", 1, 1, [](Arguments x) { return x[0] * x[0]; }},
    {"exp", 1, 1, unary_function<std::exp>},
    {"ln", 1, 1, unary_function<std::log>},
    {"log", 1, 1, unary_function<std::log>},
    {"log10", 1, 1, unary_function<std::log10>},
    {"abs", 1, 1, unary_function<std::fabs>},
    {"sgn", 1, 1, sign_of},
    {"sign", 1, 1, sign_of},
    {"int", 1, 1, unary_function<std::trunc>},
    {"floor", 1, 1, unary_function<std::floor>},
    {"ceil", 1, 1, unary_function<std::ceil>},
    {"nint", 1, 1, unary_function<std::nearbyint>},
    {"round", 1, 1, unary_function<std::round>},
    {"sin", 1, 1, unary_function<std::sin>},
    {"cos", 1, 1, unary_function<std::cos>},
    {"tan", 1, 1, unary_function<std::tan>},
    {"asin", 1, 1, unary_function<std::asin>},
    {"acos", 1, 1, unary_function<std::acos>},
    {"atan", 1, 1, unary_function<std::atan>},
    {"arctan", 1, 1, unary_function<std::atan>},
    {"atan2", 2, 2, [](Arguments x) { return std::atan2(x[0], x[1]); }},
    {"hypot", 2, 2, [](Arguments x) { return std::hypot(x[0], x[1]); }},
    {"sinh", 1, 1, unary_function<std::sinh>},
    {"cosh", 1, 1, unary_function<std::cosh>},
    {"tanh", 1, 1, unary_function<std::tanh>},
    {"asinh", 1, 1, unary_function<std::asinh>},
    {"acosh", 1, 1, unary_function<std::acosh>},
    {"atanh", 1, 1, unary_function<std::atanh>},
    {"pow", 2, 2, [](Arguments x) { return std::pow(x[0], x[1]); }},
    {"pwr", 2, 2, [](Arguments x) { return std::pow(std::fabs(x[0]), x[1]); }},
    {"min", 1, kAnyCount, least_of},
    {"max", 1, kAnyCount, largest_of},
    {"limit", 3, 3, limited},
    {"uramp", 1, 1, [](Arguments x) { return x[0] > 0 ? x[0] : 0.0; }},
    {"u", 1, 1, [](Arguments x) { return x[0] > 0 ? 1.0 : 0.0; }},
    {"if", 3, 3, one_of},
    {"ternary_fcn", 3, 3, one_of},
};

template <std::size_t n>
bool is_one_of(const std::string& name, const std::array<std::string_view, n>& names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}
constexpr std::array<std::string_view, 9> kRandom = {"agauss", "gauss", "aunif", "unif", "rand",
                                                     "random", "sunif", "flat",  "mc"};
constexpr std::array<std::string_view, 6> kOfSolution = {"v", "i", "ddt", "idt", "sdt", "delay"};

struct Operator {
  std::string_view text;
  int precedence;
};
// The longer ones first. Powers and signs are taken elsewhere.
constexpr Operator kOperators[] = {{"||", 1}, {"&&", 2}, {"==", 3}, {"!=", 3}, {"<>", 3}, {"<=", 4}, {">=", 4},
                                   {"<", 4},  {">", 4},  {"+", 5},  {"-", 5},  {"*", 6},  {"/", 6},  {"%", 6}};

double applied(std::string_view op, double a, double b) {
  switch (op.front()) {
    case '|':
      return a != 0 || b != 0 ? 1 : 0;
    case '&':
      return a != 0 && b != 0 ? 1 : 0;
    case '=':
      return a == b ? 1 : 0;
    case '!':
      return a != b ? 1 : 0;
    case '<':
      return (op == "<" ? a < b : op == "<=" ? a <= b : a != b) ? 1 : 0;
    case '>':
      return (op == ">" ? a > b : a >= b) ? 1 : 0;
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '/':
      return a / b;
    default:
      return std::fmod(a, b);
  }
}

/// Evaluates while it parses; without names it only looks how far an expression goes.
class Evaluator {
 public:
  Evaluator(std::string_view text, SpiceNames* names) : rest_(text), names_(names) {}

  double choice() {
    const Level level(*this);
    const double condition = binary(1);
    if (wrong_ || !take("?")) return condition;
    const double yes = choice();
    if (!take(":")) return wrong("a : is missing behind a ?");
    const double no = choice();
    return condition != 0 ? yes : no;
  }

  /// What is left behind the expression.
  std::string_view rest() {
    rest_.remove_prefix(std::min(rest_.size(), rest_.find_first_not_of(kBlanks)));
    return rest_;
  }
  bool is_wrong() const { return wrong_; }
  /// Why a result may be no number.
  const std::string& reason() const { return reason_; }

 private:
  /// Counts what is within what.
  class Level {
   public:
    explicit Level(Evaluator& evaluator) : budget_(evaluator.names_ ? evaluator.names_->budget() : evaluator.own_) {
      if (budget_.depth >= kDeepest) evaluator.wrong("parameters, functions or parentheses lie too deep in each other");
      if (++budget_.operations > kMostOperations) evaluator.wrong("it takes too many operations");
      ++budget_.depth;
    }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;
    ~Level() { --budget_.depth; }

   private:
    SpiceNames::Budget& budget_;
  };

  double wrong(const std::string& what) {
    if (names_ != nullptr) names_->fail(what);
    wrong_ = true;
    return 0;
  }

  bool take(std::string_view token) {
    if (!rest().starts_with(token)) return false;
    rest_.remove_prefix(token.size());
    return true;
  }

  double binary(int least) {
    double value = sign();
    while (!wrong_) {
      const auto text = rest();
      const auto* op = std::find_if(std::begin(kOperators), std::end(kOperators),
                                    [&](const Operator& each) { return text.starts_with(each.text); });
      if (op == std::end(kOperators) || op->precedence < least) break;
      rest_.remove_prefix(op->text.size());
      value = applied(op->text, value, binary(op->precedence + 1));
    }
    return value;
  }

  double sign() {
    const Level level(*this);
    if (wrong_) return 0;
    if (take("-")) return -sign();
    if (take("+")) return sign();
    if (!rest().starts_with("!=") && take("!")) return sign() == 0 ? 1 : 0;
    double value = primary();
    while (!wrong_ && (take("**") || take("^"))) {
      const double exponent = take("-") ? -primary() : primary();
      if (value < 0) {
        reason_ = fmt::format(
            "a power of {}, a negative number, of which simulators make different things: write "
            "pow(x, y), or pwr(x, y) for that of its magnitude",
            value);
        value = kNoNumber;
      } else {
        value = std::pow(value, exponent);
      }
    }
    return value;
  }

  double primary() {
    const auto text = rest();
    if (text.empty()) return wrong("an expression ends too early");
    const auto first = static_cast<unsigned char>(text.front());
    if (text.front() == '(' || text.front() == '{') {
      rest_.remove_prefix(1);
      const double value = choice();
      if (wrong_ || take(first == '(' ? ")" : "}")) return value;
      return wrong("a parenthesis is not closed");
    }
    if (std::isdigit(first) != 0 || first == '.') {
      const auto value = take_scaled_number(rest_);
      return value ? *value : wrong(fmt::format("{} is not a number", in_quotes(text)));
    }
    if (std::isalpha(first) == 0 && first != '_') {
      return wrong(fmt::format("{} stands where a number or a name is needed", in_quotes(text)));
    }
    const auto end = std::find_if_not(text.begin(), text.end(), [](unsigned char c) {
      return std::isalnum(c) != 0 || c == '_' || c == '.' || c == '$' || c == '#';
    });
    const auto name = lower_case(text.substr(0, static_cast<std::size_t>(end - text.begin())));
    rest_.remove_prefix(name.size());
    return take("(") ? function(name) : parameter(name);
  }

  double parameter(const std::string& name) {
    if (names_ == nullptr) return 0;
    if (const auto value = names_->parameter(name)) return *value;
    if (name == "pi") return std::numbers::pi;
    return wrong(fmt::format("there is no parameter {}", in_quotes(name)));
  }

  double function(const std::string& name) {
    if (is_one_of(name, kOfSolution)) {
      return wrong(
          fmt::format("{}() depends on the solution or on time, and makes the network nonlinear or its matrix "
                      "unsymmetric: only constants are read here",
                      name));
    }
    std::vector<double> arguments;
    if (!take(")")) {
      do {
        arguments.push_back(choice());
      } while (!wrong_ && take(","));
      if (wrong_) return 0;
      if (!take(")")) return wrong(fmt::format("the parenthesis of {} is not closed", in_quotes(name)));
    }
    if (names_ == nullptr) return 0;
    if (const auto value = names_->call(name, arguments)) return *value;
    if (is_one_of(name, kRandom) || (name == "limit" && arguments.size() == 2)) {
      return wrong(fmt::format("{}() is random: an operating point has one value", name));
    }
    const auto* row = std::find_if(std::begin(kFunctions), std::end(kFunctions),
                                   [&](const SpiceFunctionRow& each) { return each.name == name; });
    if (row == std::end(kFunctions)) return wrong(fmt::format("there is no function {}", in_quotes(name)));
    if (arguments.size() < row->least || arguments.size() > row->most) {
      return wrong(fmt::format("{} takes {} {}, not {}", name, row->least, row->least == 1 ? "argument" : "arguments",
                               arguments.size()));
    }
    const double value = row->value(arguments);
    if (std::isnan(value)) reason_ = fmt::format("{}({}) is not a number", name, arguments[0]);
    return value;
  }

  std::string_view rest_;
  SpiceNames* names_;
  SpiceNames::Budget own_;
  bool wrong_ = false;
  std::string reason_;
};

}  // namespace

double evaluate(std::string_view text, SpiceNames& names) {
  if (names.budget().depth == 0) names.budget().operations = 0;
  Evaluator evaluator(text, &names);
  const double value = evaluator.choice();
  if (!evaluator.rest().empty()) {
    names.fail(fmt::format("{} stands behind what is an expression", in_quotes(evaluator.rest())));
  }
  if (!std::isfinite(value)) {
    const bool explained = std::isnan(value) && !evaluator.reason().empty();
    names.fail(explained ? evaluator.reason() : fmt::format("it is {}, no finite number", value));
  }
  return value;
}

std::size_t expression_size(std::string_view text) {
  Evaluator evaluator(text, nullptr);
  evaluator.choice();
  return evaluator.is_wrong() ? 0 : text.size() - evaluator.rest().size();
}

}  // namespace kirchhoff::detail
