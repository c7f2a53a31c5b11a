#include "kirchhoff/circuit/conditional/superposition.hpp"

namespace kirchhoff {
namespace {

/// Thomas' algorithm for a symmetric tridiagonal matrix that is diagonally dominant.
std::vector<double> solve_tridiagonal(std::vector<double> diagonal, const std::vector<double>& beside,
                                      std::vector<double> u) {
  for (std::size_t l = 1; l < u.size(); ++l) {
    const double factor = beside[l - 1] / diagonal[l - 1];
    diagonal[l] -= factor * beside[l - 1];
    u[l] -= factor * u[l - 1];
  }
  for (std::size_t l = u.size(); l-- > 0;) {
    if (l + 1 < u.size()) u[l] -= beside[l] * u[l + 1];
    u[l] /= diagonal[l];
  }
  return u;
}

}  // namespace

DenseSuperposition::DenseSuperposition(double states, std::span<const double> same, std::span<const double> change)
    : states_(states) {
  const auto layers = same.size();
  std::vector<double> diagonal(layers + 1);
  std::vector<double> beside(layers);
  background_.resize(layers + 1);
  for (std::size_t l = 0; l < layers; ++l) {
    const double kappa = 1 / same[l] + (states - 1) / change[l];
    diagonal[l] += kappa;
    diagonal[l + 1] += kappa;
    beside[l] = -(1 / same[l] - 1 / change[l]);  // minus the eigenvalue of every mode that has mean zero
    background_[l + 1] = background_[l] - 1 / (states * kappa);
  }
  double mean = 0;
  for (const double phi : background_) mean += phi / static_cast<double>(layers + 1);
  for (double& phi : background_) phi -= mean;
  std::vector<double> source(layers + 1);
  std::vector<double> target(layers + 1);
  source.front() = 1;
  target.back() = -1;
  a_ = solve_tridiagonal(diagonal, beside, source);
  b_ = solve_tridiagonal(diagonal, beside, target);
}

}  // namespace kirchhoff
