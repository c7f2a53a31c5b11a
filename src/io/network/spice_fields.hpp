#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kirchhoff::detail {

/// Where a card begins: a line of one of the files that were read, 0 being the netlist itself.
struct SpicePlace {
  std::int32_t file = 0;
  std::int64_t line = 0;
};

/// An element or a card beginning with a dot, with the lines that go on with it.
struct SpiceCard {
  std::string_view text;
  SpicePlace place;
};

std::string lower_case(std::string_view text);

/// Takes a number with SPICE's scale and unit off the front of `text`: "10k", "2.5MegOhm", "3mV". Empty where there is
/// none.
std::optional<double> take_scaled_number(std::string_view& text);
/// All of `text` as such a number.
std::optional<double> scaled_number(std::string_view text);

/// The fields of a card. They end at blanks, commas, parentheses and =; an expression in braces or quotes is one field
/// and keeps them.
class SpiceFields {
 public:
  explicit SpiceFields(std::string_view card) : rest_(card) {}

  /// The next field, empty when there is none left.
  std::string_view next();
  /// Takes an = that comes next. What stood before it is a key.
  bool assigned();
  /// The value behind an =: an expression in braces or quotes, or all up to a blank or comma outside parentheses.
  std::string_view value();
  /// What stands in the parentheses that come next, which are taken; empty when none come next.
  std::optional<std::string_view> parentheses();
  std::string_view rest() const { return rest_; }
  void skip_blanks();
  void skip(std::size_t characters) { rest_.remove_prefix(characters); }

 private:
  std::string_view take(std::size_t characters);

  std::string_view rest_;
};

/// The number of characters of the expression in braces or quotes that `text` begins with; 0 where it begins with none,
/// or where it does not end.
std::size_t enclosed(std::string_view text);
/// What stands between the braces or quotes of a field; the field where it has none.
std::string_view without_braces(std::string_view field);

}  // namespace kirchhoff::detail
