#include "kirchhoff/currents/currents.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <ranges>

#include "currents/sorted_layer.hpp"

namespace kirchhoff {
namespace {

std::span<const double> layer_of(std::span<const double> field, std::int64_t states, int l) {
  return field.subspan(static_cast<std::size_t>(l * states), static_cast<std::size_t>(states));
}

double mean(std::span<const double> values) { return pairwise_sum(values) / static_cast<double>(values.size()); }

/// The largest sum of conductances at a vertex of layer l among `states` [S].
double max_degree(const Circuit& circuit, int l, Range states) {
  const auto sum_at = [&](std::int64_t x) {
    double sum = 0;
    if (circuit.joins_all()) {
      if (l < circuit.layers()) sum += circuit.coupling(l).row_sum(x);
      if (l > 0) sum += circuit.coupling(l - 1).row_sum(x);
    } else {
      circuit.neighbours(l, x, [&](int, std::int64_t, double g) { sum += g; });
    }
    return sum;
  };
  if (circuit.coupling(0).has_modes()) return sum_at(0);  // all rows have one sum
  double largest = 0;
  for (auto x = states.begin; x < states.end; ++x) largest = std::max(largest, sum_at(x));
  return largest;
}

/// Means of a layer along the lines of coordinate d, (N / S).
std::vector<double> line_means(const StateSpace& space, std::span<const double> layer, int d) {
  const auto stride = space.stride(d);
  const std::int64_t s = space.categories();
  std::vector<double> mean(layer.size() / static_cast<std::size_t>(s));
  for (std::size_t line = 0; line < mean.size(); line += static_cast<std::size_t>(stride)) {
    double* sum = mean.data() + line;
    const double* at = layer.data() + static_cast<std::int64_t>(line) * s;
    for (std::int64_t c = 0; c < s; ++c, at += stride) {
      for (std::int64_t i = 0; i < stride; ++i) sum[i] += at[i];
    }
    for (std::int64_t i = 0; i < stride; ++i) sum[i] /= static_cast<double>(s);
  }
  return mean;
}

/// Calls visit(x, line) for the states of a range in pieces: states x.begin, x.begin + 1, ... lie on lines `line`,
/// `line` + step, ... of coordinate d.
template <class Visit>
void line_runs(const StateSpace& space, int d, Range states, Visit&& visit) {
  const auto stride = space.stride(d);
  const auto length = stride == 1 ? std::int64_t{space.categories()} : stride;  // a whole line, or one state of many
  for (auto x = states.begin; x < states.end;) {
    const Range run{x, std::min(states.end, (x / length + 1) * length)};
    visit(run, x / stride / space.categories() * stride + x % stride, stride == 1 ? 0 : 1);
    x = run.end;
  }
}

double square(double value) { return value * value; }

/// Means of a layer over the groups of family blocks, (groups).
std::vector<double> group_means(const Groups& groups, std::span<const double> layer) {
  std::vector<double> means;
  means.reserve(static_cast<std::size_t>(groups.count()));
  for (std::int64_t g = 0; g < groups.count(); ++g) means.push_back(mean(groups.gather(g, layer)));
  return means;
}

}  // namespace

NetCurrent::NetCurrent(const Circuit& circuit, std::span<const double> potential)
    : circuit_(circuit), potential_(potential) {
  if (!circuit.joins_all()) return;
  const auto* groups = circuit.coupling(0).groups();
  for (int l = 0; l <= circuit.layers(); ++l) {
    const auto layer = layer_of(potential, circuit.states(), l);
    layer_mean_.push_back(mean(layer));
    if (groups != nullptr) group_mean_.push_back(group_means(*groups, layer));
  }
  for (int l = 0; l < circuit.layers(); ++l) sums_.push_back(set_sums(circuit.coupling(l)));
}

double NetCurrent::operator()(int l, std::int64_t x) const {
  const auto n = circuit_.states();
  const double f = potential_[static_cast<std::size_t>(l * n + x)];
  double sum = 0;
  if (!circuit_.joins_all()) {
    circuit_.neighbours(l, x, [&](int m, std::int64_t y, double g) {
      sum += g * (f - potential_[static_cast<std::size_t>(m * n + y)]);
    });
    return sum;
  }
  const auto* groups = circuit_.coupling(0).groups();
  const auto add = [&](const std::vector<SetSum>& sums, int m) {
    const auto layer = static_cast<std::size_t>(m);
    for (const auto& part : std::views::reverse(sums)) {
      if (part.set.kind == StateSet::Kind::all) {
        sum += part.conductance * static_cast<double>(n) * (f - layer_mean_[layer]);
      } else if (part.set.kind == StateSet::Kind::group) {
        const auto g = groups->of(x);
        sum += part.conductance * static_cast<double>(groups->size(g)) *
               (f - group_mean_[layer][static_cast<std::size_t>(g)]);
      } else {
        sum += part.conductance * (f - potential_[static_cast<std::size_t>(m * n + x)]);
      }
    }
  };
  if (l < circuit_.layers()) add(sums_[static_cast<std::size_t>(l)], l + 1);
  if (l > 0) add(sums_[static_cast<std::size_t>(l - 1)], l - 1);
  return sum;
}

void NetCurrent::add_side(const Coupling& coupling, int l, int other, Range states, std::span<double> out) const {
  const auto n = circuit_.states();
  const auto here = layer_of(potential_, n, l);
  const auto there = layer_of(potential_, n, other);
  const bool ahead = other > l;
  const double* f = here.data();
  const double* u = there.data();
  double* sum = out.data() - states.begin;
  const auto weights = coupling.weights();
  if (coupling.lattice() != nullptr) {
    const auto same = coupling.same_of(states);
    for (auto x = states.begin; x < states.end; ++x) {
      sum[x] += same[static_cast<std::size_t>(x - states.begin)] * (f[x] - u[x]);
    }
    coupling.lattice_runs(states, [&](Range run, std::int64_t shift, int slot, int back, double g) {
      if (weights.empty()) {
        for (auto x = run.begin; x < run.end; ++x) sum[x] += g * (f[x] - u[x + shift]);
        return;
      }
      // An edge's weight stands at its end on the earlier layer.
      const double* w = weights.data() + (ahead ? slot * n : back * n + shift);
      for (auto x = run.begin; x < run.end; ++x) sum[x] += w[x] * (f[x] - u[x + shift]);
    });
    return;
  }
  for (const auto& part : set_sums(coupling)) {
    if (part.set.kind == StateSet::Kind::own) {
      for (auto x = states.begin; x < states.end; ++x) sum[x] += part.conductance * (f[x] - u[x]);
    } else {  // a line: sums over more belong to couplings that join all states
      const auto mean = line_means(circuit_.space(), there, part.set.coordinate);
      const double all = part.conductance * circuit_.space().categories();
      line_runs(circuit_.space(), part.set.coordinate, states, [&](Range run, std::int64_t line, int step) {
        const double* m = mean.data() + line;
        if (step == 0) {
          for (auto x = run.begin; x < run.end; ++x) sum[x] += all * (f[x] - *m);
        } else {
          for (auto x = run.begin; x < run.end; ++x) sum[x] += all * (f[x] - m[x - run.begin]);
        }
      });
    }
  }
  if (!coupling.kinds().empty()) return;
  for (auto x = states.begin; x < states.end; ++x) {
    const auto add = [&](std::int64_t y, double g) { sum[x] += g * (f[x] - u[y]); };
    ahead ? coupling.forward(x, add) : coupling.backward(x, add);
  }
}

void NetCurrent::layer(int l, Range states, std::span<double> out) const {
  if (states.size() == 0) return;  // no pointer may be shifted
  std::fill(out.begin(), out.end(), 0.0);
  if (circuit_.joins_all()) {
    for (auto x = states.begin; x < states.end; ++x) out[static_cast<std::size_t>(x - states.begin)] = (*this)(l, x);
    return;
  }
  if (l < circuit_.layers()) add_side(circuit_.coupling(l), l, l + 1, states, out);
  if (l > 0) add_side(circuit_.coupling(l - 1), l, l - 1, states, out);
}

namespace {

/// Adds to sum[x] what one set makes of the squares of the drops. Over all y of a set: sum of (u - w_y)^2 =
/// |set| (u - mean w)^2 + sum (w_y - mean w)^2, free of cancellation.
void add_squares(const Coupling& coupling, const SetSum& part, std::span<const double> tail,
                 std::span<const double> head, Range states, double* sum) {
  const double* u = tail.data();
  const double* w = head.data();
  const auto& space = coupling.space();
  const double g = part.conductance;
  if (part.set.kind == StateSet::Kind::own) {
    for (auto x = states.begin; x < states.end; ++x) sum[x] += g * square(u[x] - w[x]);
    return;
  }
  std::vector<double> squares(head.size());
  if (part.set.kind == StateSet::Kind::all) {
    const double centre = mean(head);
    for (std::size_t y = 0; y < head.size(); ++y) squares[y] = square(head[y] - centre);
    const double spread = pairwise_sum(squares);
    const auto n = static_cast<double>(head.size());
    for (auto x = states.begin; x < states.end; ++x) sum[x] += g * (n * square(u[x] - centre) + spread);
    return;
  }
  if (part.set.kind == StateSet::Kind::group) {
    const auto& groups = *coupling.groups();
    const auto centre = group_means(groups, head);
    const auto of = [&](std::int64_t x) { return static_cast<std::size_t>(groups.of(x)); };
    for (std::size_t y = 0; y < head.size(); ++y) {
      squares[y] = square(head[y] - centre[of(static_cast<std::int64_t>(y))]);
    }
    const auto spread = group_means(groups, squares);
    for (auto x = states.begin; x < states.end; ++x) {
      const auto size = static_cast<double>(groups.size(groups.of(x)));
      sum[x] += g * size * (square(u[x] - centre[of(x)]) + spread[of(x)]);
    }
    return;
  }
  const int d = part.set.coordinate;
  const double size = space.categories();
  const auto centre = line_means(space, head, d);
  line_runs(space, d, {0, space.size()}, [&](Range run, std::int64_t line, int step) {
    for (auto x = run.begin; x < run.end; ++x) {
      squares[static_cast<std::size_t>(x)] =
          square(w[x] - centre[static_cast<std::size_t>(line + step * (x - run.begin))]);
    }
  });
  const auto spread = line_means(space, squares, d);
  line_runs(space, d, states, [&](Range run, std::int64_t line, int step) {
    for (auto x = run.begin; x < run.end; ++x) {
      const auto at = static_cast<std::size_t>(line + step * (x - run.begin));
      sum[x] += g * size * (square(u[x] - centre[at]) + spread[at]);
    }
  });
}

}  // namespace

double edge_sum(const Circuit& circuit, std::span<const double> field, int l, int power, Range states) {
  if (states.size() == 0) return 0;
  const auto n = circuit.states();
  const auto tail = layer_of(field, n, l);
  const auto head = layer_of(field, n, l + 1);
  const auto& coupling = circuit.coupling(l);
  const auto raised = [power](double g) { return power == 1 ? g : g * g; };
  std::vector<double> of_state(static_cast<std::size_t>(states.size()));  // summed pairwise: they are many and alike
  double* sum = of_state.data() - states.begin;
  const double* u = tail.data();
  const double* w = head.data();
  if (coupling.lattice() != nullptr) {
    const auto same = coupling.same_of(states);
    for (auto x = states.begin; x < states.end; ++x) {
      sum[x] = raised(same[static_cast<std::size_t>(x - states.begin)]) * square(u[x] - w[x]);
    }
    coupling.lattice_runs(states, [&](Range run, std::int64_t shift, int slot, int, double g) {
      if (coupling.weights().empty()) {
        for (auto x = run.begin; x < run.end; ++x) sum[x] += raised(g) * square(u[x] - w[x + shift]);
        return;
      }
      const double* weight = coupling.weights().data() + slot * n;
      for (auto x = run.begin; x < run.end; ++x) sum[x] += raised(weight[x]) * square(u[x] - w[x + shift]);
    });
    return pairwise_sum(of_state);
  }
  if (coupling.kinds().empty()) {
    for (auto x = states.begin; x < states.end; ++x) {
      coupling.forward(x, [&](std::int64_t y, double g) { sum[x] += raised(g) * square(u[x] - w[y]); });
    }
    return pairwise_sum(of_state);
  }
  for (const auto& part : set_sums(coupling, power)) add_squares(coupling, part, tail, head, states, sum);
  return pairwise_sum(of_state);
}

double allowed_residual(double tolerance, double floor) {
  constexpr double kWorst = 1e-6;
  return std::max(tolerance, std::min(floor, kWorst));
}

SolutionCheck check_solution(MPI_Comm comm, const Circuit& circuit, std::span<const double> potential) {
  // A rank takes vertices that follow each other, layer after layer, which are in its own caches and pages as a rule; a
  // few at a time where that costs nothing.
  const auto n = circuit.states();
  const auto mine = partition(circuit.vertices(), size_of(comm), rank_of(comm));
  const bool by_rows = !circuit.coupling(0).kinds().empty();  // sums of whole layers
  const std::int64_t block = by_rows ? n : std::int64_t{1} << 14;
  const NetCurrent net(circuit, potential);
  double residual2 = 0;
  double residual1 = 0;
  double phi2 = 0;
  double b2 = 0;
  double max_imbalance = 0;
  double largest_degree = 0;
  double largest_potential = 0;
  std::vector<double> phi_b;  // of blocks: summed pairwise
  std::vector<double> power;
  std::vector<double> terms(static_cast<std::size_t>(std::min(block, n)));
  std::vector<double> leaving(terms.size());
  for (auto at = mine.begin; at < mine.end;) {
    const int l = static_cast<int>(at / n);
    const Range states{at % n, std::min({at % n + block, n, at % n + mine.end - at})};
    const auto width = static_cast<std::size_t>(states.size());
    net.layer(l, states, std::span(leaving).first(width));
    const bool terminal = l == 0 || l == circuit.layers();
    const double* phi = potential.data() + at;
    for (std::size_t i = 0; i < width; ++i) {
      const double b = terminal ? circuit.injected(l, states.begin + static_cast<std::int64_t>(i)) : 0.0;
      const double residual = b - leaving[i];
      residual2 += residual * residual;
      residual1 += std::abs(residual);
      max_imbalance = std::max(max_imbalance, std::abs(residual));
      phi2 += phi[i] * phi[i];
      largest_potential = std::max(largest_potential, std::abs(phi[i]));
      b2 += b * b;
      terms[i] = phi[i] * b;
    }
    if (terminal) phi_b.push_back(pairwise_sum(std::span<const double>(terms).first(width)));
    largest_degree = std::max(largest_degree, max_degree(circuit, l, states));
    if (l < circuit.layers()) power.push_back(edge_sum(circuit, potential, l, 1, states));
    at += states.size();
  }
  std::array<double, 6> sums{residual2, residual1, phi2, b2, pairwise_sum(phi_b), pairwise_sum(power)};
  all_sum(comm, std::span<double>(sums));
  SolutionCheck result;
  const double norm_b = std::sqrt(sums[3]);
  result.relative_residual = std::sqrt(sums[0]) / norm_b;
  result.residual_norm1 = sums[1];
  // ||A||_inf is twice the largest degree: the diagonal and, with the opposite sign, its neighbours.
  result.residual_floor =
      4 * std::numeric_limits<double>::epsilon() * 2 * all_max(comm, largest_degree) * std::sqrt(sums[2]) / norm_b;
  result.kcl_max_imbalance = all_max(comm, max_imbalance);
  result.largest_potential = all_max(comm, largest_potential);
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
    if (!circuit.joins_all()) {
      for (auto x = mine.begin; x < mine.end; ++x) {
        const double f = tail[static_cast<std::size_t>(x)];
        coupling.forward(x, [&](std::int64_t y, double g) { add(x, y, g * (f - head[static_cast<std::size_t>(y)])); });
      }
      continue;
    }
    const SortedSets low_tail(coupling, tail);
    const SortedSets low_head(coupling, head);
    for (auto x = mine.begin; x < mine.end; ++x) {
      const auto i = static_cast<std::size_t>(x);
      const double drop = tail[i] - head[i];
      for (const auto& kind : coupling.kinds()) {
        if (kind.to.kind == StateSet::Kind::own) continue;
        const auto less = [&](const SortedSets& low, double f, double own) {
          const double left_out = kind.but.kind == StateSet::Kind::own ? std::max(0.0, own) : low.drop(kind.but, x, f);
          return low.drop(kind.to, x, f) - left_out;
        };
        result.forward_change[k] += kind.conductance * less(low_head, tail[i], drop);
        result.backward[k] += kind.conductance * less(low_tail, head[i], -drop);
      }
      add(x, x, coupling.same() * drop);
    }
  }
  for (auto* values : {&result.forward_same, &result.forward_change, &result.backward}) {
    all_sum(comm, std::span<double>(*values));
  }
  return result;
}

}  // namespace kirchhoff
