#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "kirchhoff/states/state_space.hpp"

namespace kirchhoff {

/// A probability mass function over all N states of a space, in the order of state indices; sums to one.
using Mass = std::vector<double>;

/// Names that `named_mass` knows, in the order of the documentation.
std::span<const std::string> named_distributions();

/// The mass function of a named distribution, its formula in docs/distributions.md.
/// @throws Error for an unknown name (with the nearest known one) or a space on which the name is not defined.
Mass named_mass(const StateSpace& space, const std::string& name);

/// Relative frequencies of the rows of `samples` (count x D, row-major). @throws Error naming the row (from 1) and
/// column of a value outside {0..S-1}, or when there is no row.
Mass empirical_mass(const StateSpace& space, std::span<const std::uint16_t> samples);

/// (1 - smoothing) mass + smoothing / N. @throws Error unless 0 <= smoothing <= 1.
Mass smoothed(Mass mass, double smoothing);

/// Checks that `mass` is a distribution over the space and divides it by its sum, which may be off by rounding only
/// (1e-9). `what` names it in messages ("target file q.csv").
/// @throws Error naming the state of the first negative or non-finite value, a wrong
/// number of values, or the wrong sum.
Mass checked_mass(const StateSpace& space, Mass mass, const std::string& what);

}  // namespace kirchhoff
