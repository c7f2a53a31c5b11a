#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace kirchhoff {

/// Named densities live on the box [-kBox, kBox] of every axis.
inline constexpr double kBox = 3.0;

/// A density on the plane: sum over k of weight_k K(v - centre_k) with one kernel K for all centres.
///
/// It is all that is needed to integrate the density over cells, and to draw from it: a
/// centre by weight, then the kernel.
struct PlanarDensity {
  enum class Kernel { normal, square };
  struct Centre {
    double x;
    double y;
    double weight;
  };

  Kernel kernel = Kernel::normal;
  double width = 0;             // the standard deviation of the isotropic normal, or half the side of the square
  std::vector<Centre> centres;  // in the order of the formula; weights sum to one
  /// Centres along a curve at equal steps of its parameter. It is smooth but for its beginning, where it may be like a
  /// square root of the step's number and a half.
  struct Curve {
    std::size_t first;                      // of its centres
    int points;                             // how many they are
    std::function<Centre(double step)> at;  // centre first + step, and between them
  };
  std::vector<Curve> curves = {};  // in order, apart from each other

  /// The same, every length times `factor`.
  PlanarDensity scaled(double factor) const;
};

/// Names that `planar_density` knows, in the order of docs/distributions.md.
std::span<const std::string> planar_densities();

/// The density of that name, its formula in docs/distributions.md. @throws Error for an unknown name.
PlanarDensity planar_density(const std::string& name);

/// The factor that brings a density to its usual size (docs/distributions.md).
double usual_size(const std::string& name);

/// The density's masses in the S x S equal cells of the box (row = cell of x), divided by their sum.
/// Kernels are cut 8.5 standard deviations from their centre, a share of 2e-17. Of centres along a curve fewer are
/// added up (src/states/sum_rule.hpp), which changes a mass by less than 1e-13 of itself.
std::vector<double> cell_masses(const PlanarDensity& density, int categories);

/// The masses of N(mean, sigma^2) in the S equal cells of one axis of the box, divided by
/// their sum; accurate in the tails.
std::vector<double> normal_cell_masses(double mean, double sigma, int categories);

}  // namespace kirchhoff
