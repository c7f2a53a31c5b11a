#include "io/raster/word_rows.hpp"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "kirchhoff/base/error.hpp"
#include "kirchhoff/base/text.hpp"

namespace kirchhoff::detail {

bool WordRows::next() {
  std::string_view line;
  while (lines_.next(line)) {
    fields_.clear();
    for (auto at = line.find_first_not_of(kBlanks); at != std::string_view::npos && line[at] != '#';
         at = line.find_first_not_of(kBlanks, at)) {
      const auto end = std::min(line.find_first_of(kBlanks, at), line.size());
      fields_.push_back(line.substr(at, end - at));
      at = end;
    }
    if (!fields_.empty()) return true;
  }
  return false;
}

void WordRows::fail(const std::string& what) const { throw Error(fmt::format("{}:{}: {}", origin_, line(), what)); }

double WordRows::number(std::size_t column) const {
  const auto value = to_number(fields_[column]);
  if (!value || !std::isfinite(*value)) {
    fail(fmt::format("column {} is {}: a number is needed", column + 1, in_quotes(fields_[column])));
  }
  return *value;
}

std::int32_t WordRows::whole(std::size_t column, std::string_view what) const {
  const double value = number(column);
  if (value != std::floor(value) || std::abs(value) > std::numeric_limits<std::int32_t>::max()) {
    fail(fmt::format("column {} is {}: {} is a whole number", column + 1, in_quotes(fields_[column]), what));
  }
  return static_cast<std::int32_t>(value);
}

void WordRows::need(std::size_t columns, std::string_view what) const {
  if (fields_.size() == columns) return;
  fail(fmt::format("the row has {} columns, where {} are needed: {}", fields_.size(), columns, what));
}

}  // namespace kirchhoff::detail
