#include "kirchhoff/states/draws.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

#include "kirchhoff/base/error.hpp"
#include "kirchhoff/base/text.hpp"
#include "states/densities.hpp"

namespace kirchhoff {
namespace {

constexpr double kCodeBox = 4.7;          // the coded box is [-4.7, 4.7] on both axes
constexpr std::uint32_t kLevels = 32768;  // of |v|
constexpr int kAxisBits = 16;

void code_axis(double v, std::uint16_t* bits) {
  const double level = std::floor(std::abs(v) / kCodeBox * kLevels);
  const auto m = static_cast<std::uint32_t>(std::min<double>(level, kLevels - 1));
  const std::uint32_t gray = m ^ (m >> 1);
  bits[0] = v < 0 ? 1 : 0;
  for (int k = 1; k < kAxisBits; ++k) bits[k] = static_cast<std::uint16_t>((gray >> (kAxisBits - 1 - k)) & 1);
}

/// The level of |v| in 0..32767.
std::uint32_t axis_level(const std::uint16_t* bits) {
  std::uint32_t m = 0;
  std::uint32_t bit = 0;
  for (int k = 1; k < kAxisBits; ++k) {
    bit ^= bits[k];
    m = 2 * m + bit;
  }
  return m;
}

std::vector<double> cumulative(std::span<const double> weights) {
  std::vector<double> sums(weights.size());
  std::partial_sum(weights.begin(), weights.end(), sums.begin());
  return sums;
}

/// An index with probability proportional to its weight.
std::size_t pick(const std::vector<double>& sums, Random& random) {
  const auto found = std::upper_bound(sums.begin(), sums.end(), random.uniform() * sums.back());
  return std::min(static_cast<std::size_t>(found - sums.begin()), sums.size() - 1);
}

bool is_planar(const std::string& name) {
  const auto names = planar_densities();
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

/// What a draw is made from: exactly one of the members is set; none means uniform.
struct Draws::Origin {
  std::vector<std::uint16_t> rows;  // (count x D)
  std::vector<double> mass_sums;    // (N)
  std::optional<PlanarDensity> plane;
  std::vector<double> centre_sums;
  double size = 1;
};

Draws Draws::from_rows(const StateSpace& space, std::vector<std::uint16_t> rows) {
  const auto d = static_cast<std::size_t>(space.dimensions());
  if (rows.empty() || rows.size() % d != 0) throw Error("there is no sample to draw from");
  if (const auto i = space.first_outside(rows); i < rows.size()) {
    throw Error(fmt::format("sample row {}, column {}: {} is not one of the categories 0..{}", i / d + 1, i % d + 1,
                            rows[i], space.sizes()[i % d] - 1));
  }
  auto origin = std::make_shared<Origin>();
  origin->rows = std::move(rows);
  return {space, std::move(origin)};
}

Draws Draws::from_mass(const StateSpace& space, const Mass& mass) {
  if (static_cast<std::int64_t>(mass.size()) != space.size()) throw Error("a mass function of another space");
  auto origin = std::make_shared<Origin>();
  origin->mass_sums = cumulative(mass);
  return {space, std::move(origin)};
}

Draws Draws::named(const StateSpace& space, const std::string& name) {
  const auto names = named_distributions();
  if (std::find(names.begin(), names.end(), name) == names.end()) {
    throw Error(fmt::format("unknown distribution '{}'{}", name, did_you_mean(name, names)));
  }
  if (name == "uniform") return {space, std::make_shared<Origin>()};
  if (is_planar(name) && codes_plane(space)) {
    auto origin = std::make_shared<Origin>();
    origin->plane = planar_density(name);
    std::vector<double> weights;
    for (const auto& centre : origin->plane->centres) weights.push_back(centre.weight);
    origin->centre_sums = cumulative(weights);
    origin->size = usual_size(name);
    return {space, std::move(origin)};
  }
  constexpr std::int64_t kMost = std::int64_t{1} << 26;
  if (!space.enumerable() || space.size() > kMost) {
    throw Error(fmt::format("{} cannot be drawn from on {} states: too many to enumerate{}", name, space.text(),
                            is_planar(name) ? "; densities on the plane are coded where S = 2 and D = 32" : ""));
  }
  return from_mass(space, named_mass(space, name));
}

Draws Draws::smoothed(double share) const {
  if (!(share >= 0 && share <= 1)) throw Error(fmt::format("a smoothing of {}: it must be between 0 and 1", share));
  auto copy = *this;
  copy.uniform_share_ = share;
  return copy;
}

void Draws::draw(Random& random, std::span<std::uint16_t> out) const {
  const auto uniform = [&] {
    for (std::size_t d = 0; d < out.size(); ++d) out[d] = static_cast<std::uint16_t>(random.below(space_.sizes()[d]));
  };
  if (uniform_share_ > 0 && random.uniform() < uniform_share_) return uniform();
  const auto& origin = *origin_;
  if (!origin.rows.empty()) {
    const auto d = out.size();
    const auto row = static_cast<std::size_t>(random.below(static_cast<std::int64_t>(origin.rows.size() / d)));
    std::copy_n(origin.rows.begin() + static_cast<std::ptrdiff_t>(row * d), d, out.begin());
  } else if (!origin.mass_sums.empty()) {
    space_.coordinates(static_cast<std::int64_t>(pick(origin.mass_sums, random)), out);
  } else if (origin.plane) {
    const auto& plane = *origin.plane;
    const auto& centre = plane.centres[pick(origin.centre_sums, random)];
    const auto noise = [&] {
      return plane.kernel == PlanarDensity::Kernel::normal ? random.normal() : 2 * random.uniform() - 1;
    };
    const double x = centre.x + plane.width * noise();
    const double y = centre.y + plane.width * noise();
    const auto bits = planar_code(origin.size * x, origin.size * y);
    std::copy(bits.begin(), bits.end(), out.begin());
  } else {
    uniform();
  }
}

bool codes_plane(const StateSpace& space) {
  return space.uniform() && space.categories() == 2 && space.dimensions() == 2 * kAxisBits;
}

std::array<std::uint16_t, 32> planar_code(double x, double y) {
  std::array<std::uint16_t, 32> bits{};
  code_axis(x, bits.data());
  code_axis(y, bits.data() + kAxisBits);
  return bits;
}

std::array<double, 2> planar_point(std::span<const std::uint16_t> bits) {
  const auto axis = [](const std::uint16_t* b) {
    const double v = (axis_level(b) + 0.5) / kLevels * kCodeBox;
    return b[0] != 0 ? -v : v;
  };
  return {axis(bits.data()), axis(bits.data() + kAxisBits)};
}

std::int64_t planar_cell(std::span<const std::uint16_t> bits, int cells) {
  const auto axis = [&](const std::uint16_t* b) {
    const auto level = static_cast<std::int64_t>(axis_level(b));
    const auto place = b[0] != 0 ? kLevels - 1 - level : kLevels + level;  // 0..65535 from left to right
    return place / (2 * static_cast<std::int64_t>(kLevels) / cells);
  };
  return axis(bits.data()) * cells + axis(bits.data() + kAxisBits);
}

std::vector<double> planar_cell_masses(const std::string& name, int cells) {
  if (!is_planar(name)) return {};
  const double scale = usual_size(name) * kBox / kCodeBox;  // the coded box in units of the box of cell_masses
  return cell_masses(planar_density(name).scaled(scale), cells);
}

}  // namespace kirchhoff
