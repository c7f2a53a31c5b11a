#include "kirchhoff/states/distribution.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <new>
#include <numeric>
#include <stdexcept>

#include "kirchhoff/base/error.hpp"
#include "kirchhoff/base/text.hpp"
#include "states/densities.hpp"

namespace kirchhoff {

namespace {

constexpr double kPlanarSmoothing = 0.001;
constexpr double kSumTolerance = 1e-9;

Mass zero_mass(const StateSpace& space) {
  const auto states = static_cast<std::size_t>(space.size());
  try {
    return Mass(states, 0.0);
  } catch (const std::length_error&) {
  } catch (const std::bad_alloc&) {
  }
  throw Error(fmt::format("no memory for a mass function over {} states ({:.0f} GiB)", states,
                          std::ldexp(static_cast<double>(states), -27)));
}

/// Adds weight times the product over all coordinates of one and the same factor of S masses.
void add_product(const StateSpace& space, double weight, const std::vector<double>& factor, Mass& mass) {
  Mass product = zero_mass(space);
  product[0] = weight;
  std::size_t states = 1;  // of the coordinates multiplied so far
  for (int d = 0; d < space.dimensions(); ++d) {
    // From the back, so that the shorter product in front is read before it is overwritten.
    for (std::size_t x = states; x-- > 0;) {
      const double before = product[x];
      for (std::size_t s = 0; s < factor.size(); ++s) product[x * factor.size() + s] = before * factor[s];
    }
    states *= factor.size();
  }
  for (std::size_t x = 0; x < states; ++x) mass[x] += product[x];
}

Mass mixture_of_normals(const StateSpace& space, std::span<const double> weights, std::span<const double> means,
                        double sigma) {
  Mass mass = zero_mass(space);
  for (std::size_t k = 0; k < weights.size(); ++k) {
    add_product(space, weights[k], normal_cell_masses(means[k], sigma, space.categories()), mass);
  }
  return mass;
}

double sum_of(const Mass& mass) {
  // Extended precision: the sum of a hundred million masses still has to be told from one.
  return static_cast<double>(std::accumulate(mass.begin(), mass.end(), 0.0L));
}

std::string state_text(const StateSpace& space, std::size_t state) {
  auto text = fmt::format("state {}", state);
  if (space.dimensions() == 1) return text;
  for (int d = 0; d < space.dimensions(); ++d) {
    text += fmt::format("{}{}", d == 0 ? " (" : ", ", space.coordinate(static_cast<std::int64_t>(state), d));
  }
  return text + ")";
}

std::vector<std::string> all_names() {
  std::vector<std::string> names = {"uniform", "normal", "mixture"};
  names.insert(names.end(), planar_densities().begin(), planar_densities().end());
  return names;
}

}  // namespace

std::span<const std::string> named_distributions() {
  static const std::vector<std::string> names = all_names();
  return names;
}

Mass named_mass(const StateSpace& space, const std::string& name) {
  const auto names = named_distributions();
  if (std::find(names.begin(), names.end(), name) == names.end()) {
    throw Error(fmt::format("unknown distribution '{}'{}", name, did_you_mean(name, names)));
  }
  if (name == "uniform") {
    Mass mass = zero_mass(space);
    std::fill(mass.begin(), mass.end(), 1.0 / static_cast<double>(mass.size()));
    return mass;
  }
  if (name == "normal") return mixture_of_normals(space, std::vector{1.0}, std::vector{0.0}, 1.0);
  if (name == "mixture") {
    return mixture_of_normals(space, std::vector{0.5, 0.2, 0.3}, std::vector{-1.5, 0.0, 1.5}, 0.5);
  }
  if (space.dimensions() != 2) {
    throw Error(fmt::format("{} needs space_dimensions 2, got {}", name, space.dimensions()));
  }
  if (space.categories() < 2) {
    throw Error(fmt::format("{} needs space_categories 2 or more, got {}", name, space.categories()));
  }
  return smoothed(cell_masses(planar_density(name), space.categories()), kPlanarSmoothing);
}

Mass empirical_mass(const StateSpace& space, std::span<const std::uint16_t> samples) {
  const auto columns = static_cast<std::size_t>(space.dimensions());
  if (samples.empty()) throw Error("no samples: there is not a single row");
  if (samples.size() % columns != 0) {
    throw Error(fmt::format("{} sample values do not make rows of {}", samples.size(), columns));
  }
  if (const auto at = space.first_outside(samples); at < samples.size()) {
    throw Error(fmt::format("row {}, column {}: value {} is not in 0..{}", at / columns + 1, at % columns + 1,
                            samples[at], space.sizes()[at % columns] - 1));
  }
  Mass mass = zero_mass(space);
  for (std::size_t at = 0; at < samples.size(); at += columns) {
    mass[static_cast<std::size_t>(space.index(samples.subspan(at, columns)))] += 1;
  }
  const std::size_t rows = samples.size() / columns;
  for (auto& value : mass) value /= static_cast<double>(rows);
  return mass;
}

Mass smoothed(Mass mass, double smoothing) {
  if (!(smoothing >= 0 && smoothing <= 1))
    throw Error(fmt::format("smoothing is {}: it must be from 0 to 1", smoothing));
  const double floor = smoothing / static_cast<double>(mass.size());
  for (auto& value : mass) value = (1 - smoothing) * value + floor;
  return mass;
}

Mass checked_mass(const StateSpace& space, Mass mass, const std::string& what) {
  if (static_cast<std::int64_t>(mass.size()) != space.size()) {
    throw Error(fmt::format("{}: {} masses for {} states", what, mass.size(), space.size()));
  }
  const auto wrong = std::find_if(mass.begin(), mass.end(), [](double v) { return !std::isfinite(v) || v < 0; });
  if (wrong != mass.end()) {
    throw Error(fmt::format("{}: {} has mass {}", what,
                            state_text(space, static_cast<std::size_t>(wrong - mass.begin())), *wrong));
  }
  const double sum = sum_of(mass);
  if (!(std::abs(sum - 1) <= kSumTolerance)) {
    throw Error(fmt::format("{}: the masses sum to {}, not to 1", what, sum));
  }
  for (auto& value : mass) value /= sum;
  return mass;
}

}  // namespace kirchhoff
