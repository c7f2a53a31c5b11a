#include "kirchhoff/currents.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "sorted_layer.hpp"

namespace kirchhoff {
namespace {

std::span<const double> layer_of(std::span<const double> field, std::int64_t states, int l) {
  return field.subspan(static_cast<std::size_t>(l * states), static_cast<std::size_t>(states));
}

double mean(std::span<const double> values) { return pairwise_sum(values) / static_cast<double>(values.size()); }

double degree(const Circuit& circuit, int l, std::int64_t x) {
  double sum = 0;
  if (circuit.family() != Family::dense) {
    circuit.neighbours(l, x, [&](int, std::int64_t, double g) { sum += g; });
    return sum;
  }
  const auto row_sum = [&](const Coupling& c) {
    return c.same() + static_cast<double>(circuit.states() - 1) * c.change();
  };
  if (l < circuit.layers()) sum += row_sum(circuit.coupling(l));
  if (l > 0) sum += row_sum(circuit.coupling(l - 1));
  return sum;
}

double square(double value) { return value * value; }

}  // namespace

NetCurrent::NetCurrent(const Circuit& circuit, std::span<const double> potential)
    : circuit_(circuit), potential_(potential) {
  if (circuit.family() != Family::dense) return;
  for (int l = 0; l <= circuit.layers(); ++l) layer_mean_.push_back(mean(layer_of(potential, circuit.states(), l)));
}

double NetCurrent::operator()(int l, std::int64_t x) const {
  const auto n = circuit_.states();
  const double f = potential_[static_cast<std::size_t>(l * n + x)];
  double sum = 0;
  if (circuit_.family() != Family::dense) {
    circuit_.neighbours(l, x, [&](int m, std::int64_t y, double g) {
      sum += g * (f - potential_[static_cast<std::size_t>(m * n + y)]);
    });
    return sum;
  }
  const auto add = [&](const Coupling& c, int m) {
    const double alike = potential_[static_cast<std::size_t>(m * n + x)];
    sum += c.change() * static_cast<double>(n) * (f - layer_mean_[static_cast<std::size_t>(m)]);
    sum += (c.same() - c.change()) * (f - alike);
  };
  if (l < circuit_.layers()) add(circuit_.coupling(l), l + 1);
  if (l > 0) add(circuit_.coupling(l - 1), l - 1);
  return sum;
}

double edge_sum(const Circuit& circuit, std::span<const double> field, int l, int power, Range states) {
  const auto n = circuit.states();
  const auto tail = layer_of(field, n, l);
  const auto head = layer_of(field, n, l + 1);
  const auto& coupling = circuit.coupling(l);
  std::vector<double> of_state(static_cast<std::size_t>(states.size()));  // summed pairwise: they are many and alike
  if (circuit.family() != Family::dense) {
    for (auto x = states.begin; x < states.end; ++x) {
      coupling.forward(x, [&](std::int64_t y, double g) {
        const double drop = tail[static_cast<std::size_t>(x)] - head[static_cast<std::size_t>(y)];
        of_state[static_cast<std::size_t>(x - states.begin)] += (power == 1 ? g : g * g) * drop * drop;
      });
    }
    return pairwise_sum(of_state);
  }
  // Sum over y of (u - w_y)^2 = N (u - mean w)^2 + sum (w_y - mean w)^2, free of cancellation.
  const double centre = mean(head);
  std::vector<double> squares(head.size());
  for (std::size_t y = 0; y < head.size(); ++y) squares[y] = square(head[y] - centre);
  const double spread = pairwise_sum(squares);
  const double change = std::pow(coupling.change(), power);
  const double alike = std::pow(coupling.same(), power) - change;
  for (auto x = states.begin; x < states.end; ++x) {
    const auto i = static_cast<std::size_t>(x);
    of_state[static_cast<std::size_t>(x - states.begin)] =
        change * (static_cast<double>(n) * square(tail[i] - centre) + spread) + alike * square(tail[i] - head[i]);
  }
  return pairwise_sum(of_state);
}

double allowed_residual(double tolerance, double floor) {
  constexpr double kWorst = 1e-6;
  return std::max(tolerance, std::min(floor, kWorst));
}

SolutionCheck check_solution(MPI_Comm comm, const Circuit& circuit, std::span<const double> potential) {
  const auto n = circuit.states();
  const auto mine = partition(n, size_of(comm), rank_of(comm));
  const NetCurrent net(circuit, potential);
  // In the order of the reduction below: sums, then maxima.
  double residual2 = 0;
  double residual1 = 0;
  double phi2 = 0;
  double b2 = 0;
  std::vector<double> phi_b;  // summed pairwise
  double power = 0;
  double max_imbalance = 0;
  double max_degree = 0;
  for (int l = 0; l <= circuit.layers(); ++l) {
    for (auto x = mine.begin; x < mine.end; ++x) {
      const double b = circuit.injected(l, x);
      const double phi = potential[static_cast<std::size_t>(l * n + x)];
      const double residual = b - net(l, x);
      residual2 += residual * residual;
      residual1 += std::abs(residual);
      max_imbalance = std::max(max_imbalance, std::abs(residual));
      max_degree = std::max(max_degree, degree(circuit, l, x));
      phi2 += phi * phi;
      b2 += b * b;
      if (b != 0) phi_b.push_back(phi * b);
    }
    if (l < circuit.layers()) power += edge_sum(circuit, potential, l, 1, mine);
  }
  std::array<double, 6> sums{residual2, residual1, phi2, b2, pairwise_sum(phi_b), power};
  all_sum(comm, std::span<double>(sums));
  SolutionCheck result;
  const double norm_b = std::sqrt(sums[3]);
  result.relative_residual = std::sqrt(sums[0]) / norm_b;
  result.residual_norm1 = sums[1];
  // ||A||_inf is twice the largest degree: the diagonal and, with the opposite sign, its neighbours.
  result.residual_floor =
      4 * std::numeric_limits<double>::epsilon() * 2 * all_max(comm, max_degree) * std::sqrt(sums[2]) / norm_b;
  result.kcl_max_imbalance = all_max(comm, max_imbalance);
  if (std::isnan(sums[1])) result.kcl_max_imbalance = sums[1];  // no maximum sees a NaN
  result.effective_resistance = sums[4];
  result.dissipated_power = sums[5];
  result.energy_relative_error = std::abs(sums[5] - sums[4]) / std::abs(sums[4]);
  return result;
}

LayerCurrents layer_currents(MPI_Comm comm, const Circuit& circuit, std::span<const double> potential) {
  const auto n = circuit.states();
  const auto mine = partition(n, size_of(comm), rank_of(comm));
  const auto pairs = static_cast<std::size_t>(circuit.layers());
  LayerCurrents result{std::vector<double>(pairs), std::vector<double>(pairs), std::vector<double>(pairs)};
  for (int l = 0; l < circuit.layers(); ++l) {
    const auto k = static_cast<std::size_t>(l);
    const auto tail = layer_of(potential, n, l);
    const auto head = layer_of(potential, n, l + 1);
    const auto& coupling = circuit.coupling(l);
    const auto add = [&](std::int64_t x, std::int64_t y, double current) {
      if (current < 0) {
        result.backward[k] -= current;
      } else {
        (x == y ? result.forward_same : result.forward_change)[k] += current;
      }
    };
    if (circuit.family() != Family::dense) {
      for (auto x = mine.begin; x < mine.end; ++x) {
        const double f = tail[static_cast<std::size_t>(x)];
        coupling.forward(x, [&](std::int64_t y, double g) { add(x, y, g * (f - head[static_cast<std::size_t>(y)])); });
      }
      continue;
    }
    const SortedLayer low_tail(tail);
    const SortedLayer low_head(head);
    for (auto x = mine.begin; x < mine.end; ++x) {
      const auto i = static_cast<std::size_t>(x);
      const double drop = tail[i] - head[i];
      const double down = low_head.drop(low_head.below(tail[i]), tail[i]);  // to all states, its own included
      const double up = low_tail.drop(low_tail.below(head[i]), head[i]);
      result.forward_change[k] += coupling.change() * (down - std::max(0.0, drop));
      result.backward[k] += coupling.change() * (up - std::max(0.0, -drop));
      add(x, x, coupling.same() * drop);
    }
  }
  for (auto* values : {&result.forward_same, &result.forward_change, &result.backward}) {
    all_sum(comm, std::span<double>(*values));
  }
  return result;
}

}  // namespace kirchhoff
