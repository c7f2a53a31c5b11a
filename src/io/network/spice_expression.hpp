#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace kirchhoff::detail {

/// What the names in an expression mean, and whom its errors go to. All names come in lower case.
class SpiceNames {
 public:
  /// How much an expression may take: parentheses, parameters and functions within each other, and operations.
  struct Budget {
    int depth = 0;
    std::int64_t operations = 0;
  };

  virtual ~SpiceNames() = default;
  /// The value of a parameter, empty for a name that nobody defined.
  virtual std::optional<double> parameter(const std::string& name) = 0;
  /// The value of a function that the netlist defines, empty where it defines none of this name.
  virtual std::optional<double> call(const std::string& name, std::span<const double> arguments) = 0;
  [[noreturn]] virtual void fail(const std::string& what) const = 0;
  virtual Budget& budget() = 0;
};

/// The value of an expression as simulators write them: numbers with scales, parameters, functions, and in falling
/// precedence ** ^ (from the left), unary - + !, * / %, + -, < <= > >=, == != <>, &&, ||, ?:. What is true is not 0.
/// @throws Error, by `names`, for what is no expression, for names that are not known, and for what is not finite.
double evaluate(std::string_view text, SpiceNames& names);

/// The number of characters of the expression that `text` begins with; 0 where it begins with none.
std::size_t expression_size(std::string_view text);

}  // namespace kirchhoff::detail
