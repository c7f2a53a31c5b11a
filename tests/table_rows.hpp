#pragma once

#include <cstdint>
#include <random>
#include <utility>
#include <vector>

#include "kirchhoff/validate/table_rows.hpp"

/// Tables for tests, by the standard library's random numbers, which the package does not use.
namespace kirchhoff::oracles {

struct Table {
  std::vector<int> categories;
  std::vector<std::uint16_t> values;

  TableRows rows() const { return {values, categories}; }
  int at(std::size_t row, std::size_t column) const { return values[row * categories.size() + column]; }
  std::size_t count() const { return values.size() / categories.size(); }
};

/// Every column repeats the one before it (scaled to its categories) with probability `likeness`, else is uniform.
inline Table chain_table(std::vector<int> categories, std::size_t count, double likeness, unsigned seed) {
  Table table{std::move(categories), {}};
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> uniform(0, 1);
  for (std::size_t i = 0; i < count; ++i) {
    double level = uniform(random);
    for (const int s : table.categories) {
      if (uniform(random) >= likeness) level = uniform(random);
      table.values.push_back(static_cast<std::uint16_t>(level * s));
    }
  }
  return table;
}

}  // namespace kirchhoff::oracles
