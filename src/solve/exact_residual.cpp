#include "solve/exact_residual.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/double2.hpp"

namespace kirchhoff {

int ExactResidual::grid_bits(const Circuit& circuit) {
  constexpr int kBits = 53;
  constexpr int kEnough = 30;
  const auto line =
      static_cast<std::uint64_t>(circuit.family() == Family::dense ? circuit.states() : circuit.space().categories());
  return std::min(kEnough, kBits - 2 - static_cast<int>(std::bit_width(line)));
}

double ExactResidual::to_grid(double value, double unit) { return std::nearbyint(value / unit) * unit; }

inline void ExactResidual::subtract(std::size_t i, double g, double drop) {
  const auto current = two_product(g, -drop);
  const auto sum = two_sum(high_[i], current.high);
  high_[i] = sum.high;
  low_[i] += sum.low + current.low;
}

void ExactResidual::subtract_lattice(const Coupling& coupling, const double* here, const double* there, Range states) {
  const auto& space = circuit_.space();
  const std::int64_t s = space.categories();
  const bool closed = coupling.boundary() == Boundary::periodic && s > 1;
  const auto i = [&](std::int64_t x) { return static_cast<std::size_t>(x - states.begin); };
  for (auto x = states.begin; x < states.end; ++x) subtract(i(x), coupling.same(), here[x] - there[x]);
  for (int d = 0; d < space.dimensions() && !closed; ++d) {
    for (auto x = states.begin; x < states.end; ++x) {
      const auto c = x / space.stride(d) % s;
      if (c == 0) subtract(i(x), coupling.change(), here[x] - there[x]);
      if (c == s - 1) subtract(i(x), coupling.change(), here[x] - there[x]);
    }
  }
  coupling.lattice_runs(states, [&](Range run, std::int64_t shift, int, int, double g) {
    for (auto x = run.begin; x < run.end; ++x) subtract(i(x), g, here[x] - there[x + shift]);
  });
}

void ExactResidual::subtract_weighted_lattice(const Coupling& coupling, bool ahead, const double* here,
                                              const double* there, Range states) {
  const auto n = circuit_.states();
  const auto same = coupling.same_of(states);
  const auto i = [&](std::int64_t x) { return static_cast<std::size_t>(x - states.begin); };
  for (auto x = states.begin; x < states.end; ++x) subtract(i(x), same[i(x)], here[x] - there[x]);
  coupling.lattice_runs(states, [&](Range run, std::int64_t shift, int slot, int back, double) {
    // An edge's weight stands at its end on the earlier layer.
    const double* w = coupling.weights().data() + (ahead ? slot * n : back * n + shift);
    for (auto x = run.begin; x < run.end; ++x) subtract(i(x), w[x], here[x] - there[x + shift]);
  });
}

/// All that differ in coordinate d: the sum over the line less the state itself.
void ExactResidual::subtract_lines(const Coupling& coupling, int d, const double* here, const double* there,
                                   Range states) {
  const auto& space = circuit_.space();
  const auto stride = space.stride(d);
  const std::int64_t s = space.categories();
  std::vector<double> sum(static_cast<std::size_t>(circuit_.states() / s), 0.0);
  const auto line = [&](std::int64_t x) { return static_cast<std::size_t>(x / stride / s * stride + x % stride); };
  for (std::int64_t y = 0; y < circuit_.states(); ++y) sum[line(y)] += there[y];
  for (auto x = states.begin; x < states.end; ++x) {
    const double others = static_cast<double>(s - 1) * here[x] - (sum[line(x)] - there[x]);
    subtract(static_cast<std::size_t>(x - states.begin), coupling.change(), others);
  }
}

void ExactResidual::subtract_dense(const Coupling& coupling, const double* here, const double* there, Range states) {
  double sum = 0;
  for (std::int64_t y = 0; y < circuit_.states(); ++y) sum += there[y];
  for (auto x = states.begin; x < states.end; ++x) {
    const auto i = static_cast<std::size_t>(x - states.begin);
    subtract(i, coupling.same(), here[x] - there[x]);
    const double others = static_cast<double>(circuit_.states() - 1) * here[x] - (sum - there[x]);
    subtract(i, coupling.change(), others);
  }
}

void ExactResidual::subtract_side(const Coupling& coupling, int l, int other, Range states) {
  const auto n = circuit_.states();
  const double* here = u_.data() + l * n;
  const double* there = u_.data() + other * n;
  const bool ahead = other > l;
  const bool alike = coupling.weights().empty();
  const auto i = [&](std::int64_t x) { return static_cast<std::size_t>(x - states.begin); };
  if (coupling.family() == Family::dense) return subtract_dense(coupling, here, there, states);
  if (coupling.family() == Family::lattice) {
    if (alike) return subtract_lattice(coupling, here, there, states);
    return subtract_weighted_lattice(coupling, ahead, here, there, states);
  }
  if (coupling.family() == Family::hamming && alike) {
    for (auto x = states.begin; x < states.end; ++x) subtract(i(x), coupling.same(), here[x] - there[x]);
    for (int d = 0; d < circuit_.space().dimensions(); ++d) subtract_lines(coupling, d, here, there, states);
    return;
  }
  for (auto x = states.begin; x < states.end; ++x) {
    const auto add = [&](std::int64_t y, double g) { subtract(i(x), g, here[x] - there[y]); };
    ahead ? coupling.forward(x, add) : coupling.backward(x, add);
  }
}

void ExactResidual::layer(int l, Range states, std::span<double> out) {
  if (states.size() == 0) return;
  high_.resize(out.size());
  low_.assign(out.size(), 0);
  for (std::size_t i = 0; i < out.size(); ++i) {
    high_[i] = circuit_.injected(l, states.begin + static_cast<std::int64_t>(i));
  }
  if (l < circuit_.layers()) subtract_side(circuit_.coupling(l), l, l + 1, states);
  if (l > 0) subtract_side(circuit_.coupling(l - 1), l, l - 1, states);
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = high_[i] + low_[i];
}

}  // namespace kirchhoff
