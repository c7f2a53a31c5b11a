#include "solve/exact_residual.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/double2.hpp"

namespace kirchhoff {

int ExactResidual::grid_bits(const Circuit& circuit) {
  constexpr int kBits = 53;
  constexpr int kEnough = 30;
  const auto together =
      static_cast<std::uint64_t>(circuit.joins_all() ? circuit.states() : circuit.space().categories());
  return std::min(kEnough, kBits - 2 - static_cast<int>(std::bit_width(together)));
}

double ExactResidual::to_grid(double value, double unit) { return std::nearbyint(value / unit) * unit; }

inline void ExactResidual::subtract(std::size_t i, double g, double drop) {
  const auto current = two_product(g, -drop);
  const auto sum = two_sum(high_[i], current.high);
  high_[i] = sum.high;
  low_[i] += sum.low + current.low;
}

void ExactResidual::subtract_lattice(const Coupling& coupling, const double* here, const double* there, Range states) {
  const auto i = [&](std::int64_t x) { return static_cast<std::size_t>(x - states.begin); };
  for (auto x = states.begin; x < states.end; ++x) {
    subtract(i(x), coupling.same(), here[x] - there[x]);
    for (int k = coupling.lattice()->reflected(x); k > 0; --k) subtract(i(x), coupling.change(), here[x] - there[x]);
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

/// Sums of a layer over all sets of one kind: each state's set has one of them. Sums of numbers on the grid are exact.
std::vector<double> ExactResidual::sums_over(const SetIndex& sets, const double* there) const {
  std::vector<double> sums(static_cast<std::size_t>(sets.count()), 0.0);
  for (std::int64_t y = 0; y < circuit_.states(); ++y) sums[static_cast<std::size_t>(sets(y))] += there[y];
  return sums;
}

/// All edges of one kind: the sum over a set less that over the set that is no part of it.
void ExactResidual::subtract_kind(const Coupling& coupling, const EdgeKind& kind, const double* here,
                                  const double* there, Range states) {
  const auto i = [&](std::int64_t x) { return static_cast<std::size_t>(x - states.begin); };
  if (kind.to.kind == StateSet::Kind::own) {
    for (auto x = states.begin; x < states.end; ++x) subtract(i(x), kind.conductance, here[x] - there[x]);
    return;
  }
  const SetIndex to(coupling, kind.to);
  const SetIndex but(coupling, kind.but);
  const bool but_itself = kind.but.kind == StateSet::Kind::own;
  const auto sum_to = sums_over(to, there);
  const auto sum_but = but_itself ? std::vector<double>() : sums_over(but, there);
  for (auto x = states.begin; x < states.end; ++x) {
    const auto count = size_of_set(coupling, kind.to, x) - size_of_set(coupling, kind.but, x);
    const double left_out = but_itself ? there[x] : sum_but[static_cast<std::size_t>(but(x))];
    const double others = static_cast<double>(count) * here[x] - (sum_to[static_cast<std::size_t>(to(x))] - left_out);
    subtract(i(x), kind.conductance, others);
  }
}

void ExactResidual::subtract_side(const Coupling& coupling, int l, int other, Range states) {
  const auto n = circuit_.states();
  const double* here = u_.data() + l * n;
  const double* there = u_.data() + other * n;
  const bool ahead = other > l;
  const auto i = [&](std::int64_t x) { return static_cast<std::size_t>(x - states.begin); };
  for (const auto& kind : coupling.kinds()) subtract_kind(coupling, kind, here, there, states);
  if (!coupling.kinds().empty()) return;
  if (coupling.lattice() != nullptr) {
    if (coupling.weights().empty()) return subtract_lattice(coupling, here, there, states);
    return subtract_weighted_lattice(coupling, ahead, here, there, states);
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
