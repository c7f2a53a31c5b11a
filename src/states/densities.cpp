#include "states/densities.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <numeric>
#include <utility>

#include "kirchhoff/base/error.hpp"
#include "states/sum_rule.hpp"

namespace kirchhoff {

namespace {

using std::numbers::pi;
using Centre = PlanarDensity::Centre;
using Kernel = PlanarDensity::Kernel;

/// `points` centres along at(u), u at the midpoints of equal parts of (0, 1), whose weights are share / points of at's.
template <class Curve>
void add_curve(PlanarDensity& density, int points, double share, Curve&& curve) {
  const auto at = [points, share, curve](double step) {
    auto centre = curve((step + 0.5) / points);
    centre.weight *= share / points;
    return centre;
  };
  density.curves.push_back({density.centres.size(), points, at});
  for (int k = 0; k < points; ++k) density.centres.push_back(at(k));
}

PlanarDensity two_moons() {
  PlanarDensity density{Kernel::normal, 0.16, {}};
  add_curve(density, 20'000, 0.5, [](double u) {
    return Centre{1.6 * (std::cos(pi * u) - 0.5), 1.6 * (std::sin(pi * u) - 0.25), 1};
  });
  add_curve(density, 20'000, 0.5, [](double u) {
    return Centre{1.6 * (1 - std::cos(pi * u) - 0.5), 1.6 * (0.5 - std::sin(pi * u) - 0.25), 1};
  });
  return density;
}

PlanarDensity swiss_roll() {
  PlanarDensity density{Kernel::normal, 0.8 / 7.5, {}};
  add_curve(density, 20'000, 1.0, [](double u) {
    const double t = 1.5 * pi * (1 + 2 * u);
    return Centre{t * std::cos(t) / 7.5, t * std::sin(t) / 7.5, 1};
  });
  return density;
}

PlanarDensity circles() {
  PlanarDensity density{Kernel::normal, 0.192, {}};
  for (const double radius : {2.4, 1.2}) {
    add_curve(density, 10'000, 0.5, [radius](double u) {
      return Centre{radius * std::cos(2 * pi * u), radius * std::sin(2 * pi * u), 1};
    });
  }
  return density;
}

PlanarDensity eight_gaussians() {
  PlanarDensity density{Kernel::normal, 0.25, {}};
  for (int k = 0; k < 8; ++k) {
    density.centres.push_back({2 * std::cos(pi * k / 4), 2 * std::sin(pi * k / 4), 0.125});
  }
  return density;
}

PlanarDensity pinwheel() {
  constexpr int kArms = 5;
  constexpr int kPoints = 4'000;
  // With the kernel's own spread (0.1 before scaling) the radial standard deviation is 0.3, as in the literature.
  const double radial = std::sqrt(0.3 * 0.3 - 0.1 * 0.1);
  PlanarDensity density{Kernel::normal, 0.15, {}};
  const auto weight = [](double z) { return std::exp(-z * z / 2); };
  double sum = 0;
  for (int k = 0; k < kPoints; ++k) sum += weight(-3 + 6 * (k + 0.5) / kPoints);
  for (int arm = 0; arm < kArms; ++arm) {
    add_curve(density, kPoints, 1.0 / kArms, [=](double u) {
      const double z = -3 + 6 * u;
      const double r = 1 + radial * z;
      const double angle = 2 * pi * arm / kArms + 0.25 * std::exp(r);
      return Centre{1.5 * r * std::cos(angle), -1.5 * r * std::sin(angle), weight(z) * kPoints / sum};
    });
  }
  return density;
}

PlanarDensity two_spirals() {
  PlanarDensity density{Kernel::normal, 0.09, {}};
  for (const double sign : {1.0, -1.0}) {
    add_curve(density, 10'000, 0.5, [sign](double u) {
      const double t = 3 * pi * std::sqrt(u);
      return Centre{-sign * 0.8 / 3 * t * std::cos(t), sign * 0.8 / 3 * t * std::sin(t), 1};
    });
  }
  return density;
}

PlanarDensity checkerboard() {
  PlanarDensity density{Kernel::square, 0.75, {}};
  for (int i = 0; i < 4; ++i) {
    for (int j = i % 2; j < 4; j += 2) density.centres.push_back({-2.25 + 1.5 * i, -2.25 + 1.5 * j, 0.125});
  }
  return density;
}

constexpr std::size_t kDensities = 7;
const std::array<std::string, kDensities> kNames = {"two_moons", "swiss_roll",  "circles",     "eight_gaussians",
                                                    "pinwheel",  "two_spirals", "checkerboard"};
constexpr std::array<PlanarDensity (*)(), kDensities> kMakers = {two_moons, swiss_roll,  circles,     eight_gaussians,
                                                                 pinwheel,  two_spirals, checkerboard};

constexpr std::array<double, kDensities> kUsualSize = {1.25, 1.5, 1.25, std::numbers::sqrt2, 4.0 / 3, 1.25, 4.0 / 3};

/// The cells + 1 edges of equal cells on one axis of the box.
std::vector<double> cell_edges(std::size_t cells) {
  std::vector<double> edges(cells + 1);
  const auto count = static_cast<double>(cells);
  for (std::size_t i = 0; i <= cells; ++i) edges[i] = -kBox + 2 * kBox * static_cast<double>(i) / count;
  return edges;
}

/// Masses of N(mean, sigma^2) between the edges begin..end, one erfc an edge: a cell is the difference of two tails on
/// the side of the mean where it lies, so that far cells keep their relative accuracy.
void normal_masses(std::span<const double> edges, std::size_t begin, std::size_t end, double mean, double sigma,
                   double* out) {
  const double scale = 1 / (sigma * std::numbers::sqrt2);
  double left = (edges[begin] - mean) * scale;
  double left_tail = 0.5 * std::erfc(std::abs(left));
  for (std::size_t i = begin; i < end; ++i) {
    const double right = (edges[i + 1] - mean) * scale;
    const double right_tail = 0.5 * std::erfc(std::abs(right));
    if (left >= 0) {
      out[i] = left_tail - right_tail;
    } else if (right <= 0) {
      out[i] = right_tail - left_tail;
    } else {
      out[i] = 1 - left_tail - right_tail;
    }
    left = right;
    left_tail = right_tail;
  }
}

/// Masses of the uniform distribution on [centre - half, centre + half] between the edges begin..end.
void uniform_masses(std::span<const double> edges, std::size_t begin, std::size_t end, double centre, double half,
                    double* out) {
  for (std::size_t i = begin; i < end; ++i) {
    const double overlap = std::min(edges[i + 1], centre + half) - std::max(edges[i], centre - half);
    out[i] = std::max(0.0, overlap) / (2 * half);
  }
}

struct Cells {
  std::size_t begin;
  std::size_t end;  // begin >= end: none
};

/// The cells within `reach` of the centre.
Cells cells_near(double centre, double reach, std::size_t cells) {
  const auto count = static_cast<double>(cells);
  const double per_unit = count / (2 * kBox);
  const double begin = std::clamp(std::floor((centre - reach + kBox) * per_unit), 0.0, count);
  const double end = std::clamp(std::ceil((centre + reach + kBox) * per_unit), 0.0, count);
  return {static_cast<std::size_t>(begin), static_cast<std::size_t>(end)};
}

void normalise(std::vector<double>& masses) {
  const auto sum = static_cast<double>(std::accumulate(masses.begin(), masses.end(), 0.0L));
  for (auto& mass : masses) mass /= sum;
}

constexpr std::size_t kKernelBlock = 8;

/// One axis of kKernelBlock kernels: row k holds the masses of kernel k in all cells, zero outside its own reach.
class AxisBlock {
 public:
  explicit AxisBlock(std::size_t cells) : edges_(cell_edges(cells)), masses_(kKernelBlock * cells) {}

  /// Makes row k the masses of `density`'s kernel at `centre`.
  void set(std::size_t k, const PlanarDensity& density, double centre) {
    const std::size_t size = edges_.size() - 1;
    double* row = masses_.data() + k * size;
    std::fill(row + filled_[k].begin, row + filled_[k].end, 0.0);
    filled_[k] = {0, 0};
    const bool normal = density.kernel == Kernel::normal;
    const Cells near = cells_near(centre, (normal ? 8.5 : 1.0) * density.width, size);
    if (near.begin >= near.end) return;
    filled_[k] = near;
    (normal ? normal_masses : uniform_masses)(edges_, near.begin, near.end, centre, density.width, row);
  }

  /// The cells that any of the rows reaches.
  Cells reached() const {
    Cells all{edges_.size() - 1, 0};
    for (const Cells& one : filled_) {
      if (one.begin >= one.end) continue;
      all = {std::min(all.begin, one.begin), std::max(all.end, one.end)};
    }
    return all;
  }

  double mass(std::size_t k, std::size_t cell) const { return masses_[k * (edges_.size() - 1) + cell]; }

 private:
  std::vector<double> edges_;
  std::vector<double> masses_;
  std::array<Cells, kKernelBlock> filled_{};
};

/// Appends fewer centres that stand for those along a curve. Pieces of it as long as a kernel is wide hold a product of
/// normals that changes by exp(8.5) at most, which kNodes nodes sum to rounding. The first ones are no longer than what
/// lies before them, for a curve that begins like a square root.
void add_nodes(const PlanarDensity::Curve& curve, std::span<const Centre> points, double width,
               std::vector<Centre>& out) {
  constexpr int kNodes = 16;
  constexpr std::size_t kFirst = 2 * kNodes;  // taken one by one
  for (std::size_t begin = 0; begin < points.size();) {
    const auto longest = std::min(points.size(), begin + std::max(begin, kFirst));
    double length = 0;
    auto end = begin + 1;
    while (end < longest && length < width) {
      length += std::hypot(points[end].x - points[end - 1].x, points[end].y - points[end - 1].y);
      ++end;
    }
    for (const auto& node : sum_rule(static_cast<int>(end - begin), begin == 0 ? static_cast<int>(kFirst) : kNodes)) {
      out.push_back(curve.at(static_cast<double>(begin) + node.at));
      out.back().weight *= node.weight;
    }
    begin = end;
  }
}

/// The density's centres, those along curves by fewer. A square's edges are not smooth, and it has no curves.
std::vector<Centre> few_centres(const PlanarDensity& density) {
  const std::span<const Centre> all(density.centres);
  std::vector<Centre> few;
  std::size_t next = 0;
  for (const auto& curve : density.curves) {
    few.insert(few.end(), all.begin() + static_cast<std::ptrdiff_t>(next),
               all.begin() + static_cast<std::ptrdiff_t>(curve.first));
    add_nodes(curve, all.subspan(curve.first, static_cast<std::size_t>(curve.points)), density.width, few);
    next = curve.first + static_cast<std::size_t>(curve.points);
  }
  few.insert(few.end(), all.begin() + static_cast<std::ptrdiff_t>(next), all.end());
  return few;
}

}  // namespace

std::span<const std::string> planar_densities() { return kNames; }

PlanarDensity planar_density(const std::string& name) {
  const auto found = std::find(kNames.begin(), kNames.end(), name);
  if (found == kNames.end()) throw Error("unknown density on the plane '" + name + "'");
  return kMakers[static_cast<std::size_t>(found - kNames.begin())]();
}

double usual_size(const std::string& name) {
  const auto found = std::find(kNames.begin(), kNames.end(), name);
  if (found == kNames.end()) throw Error("unknown density on the plane '" + name + "'");
  return kUsualSize[static_cast<std::size_t>(found - kNames.begin())];
}

PlanarDensity PlanarDensity::scaled(double factor) const {
  const auto grown = [factor](Centre centre) { return Centre{centre.x * factor, centre.y * factor, centre.weight}; };
  PlanarDensity out{kernel, width * factor, {}, {}};
  for (const auto& centre : centres) out.centres.push_back(grown(centre));
  for (const auto& curve : curves) {
    out.curves.push_back({curve.first, curve.points, [=](double step) { return grown(curve.at(step)); }});
  }
  return out;
}

std::vector<double> cell_masses(const PlanarDensity& density, int categories) {
  const auto size = static_cast<std::size_t>(categories);
  std::vector<double> masses(size * size, 0.0);
  AxisBlock along_x(size);
  AxisBlock along_y(size);
  const auto centres = few_centres(density);
  // A kernel's masses are an outer product. Neighbours along a curve reach almost the same cells, so a block of them is
  // added in one sweep, which reads and writes every cell once instead of kKernelBlock times.
  for (std::size_t first = 0; first < centres.size(); first += kKernelBlock) {
    std::array<double, kKernelBlock> weight{};
    for (std::size_t k = 0; k < kKernelBlock && first + k < centres.size(); ++k) {
      const auto& centre = centres[first + k];
      along_x.set(k, density, centre.x);
      along_y.set(k, density, centre.y);
      weight[k] = centre.weight;
    }
    const Cells rows = along_x.reached();
    const Cells columns = along_y.reached();
    for (std::size_t i = rows.begin; i < rows.end; ++i) {
      std::array<double, kKernelBlock> factor;
      for (std::size_t k = 0; k < kKernelBlock; ++k) factor[k] = weight[k] * along_x.mass(k, i);
      double* row = masses.data() + i * size;
      for (std::size_t j = columns.begin; j < columns.end; ++j) {
        double sum = 0;
        for (std::size_t k = 0; k < kKernelBlock; ++k) sum += factor[k] * along_y.mass(k, j);
        row[j] += sum;
      }
    }
  }
  normalise(masses);
  return masses;
}

std::vector<double> normal_cell_masses(double mean, double sigma, int categories) {
  std::vector<double> masses(static_cast<std::size_t>(categories));
  normal_masses(cell_edges(masses.size()), 0, masses.size(), mean, sigma, masses.data());
  normalise(masses);
  return masses;
}

}  // namespace kirchhoff
