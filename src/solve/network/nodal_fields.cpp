#include "solve/network/nodal_fields.hpp"

#include <algorithm>
#include <limits>

namespace kirchhoff {

void publish(const Netlist& netlist, const Reduction& reduction, const NodalAnswer& answer, double largest_diagonal,
             NodalSolution& solution) {
  const auto n = netlist.nodes.size();
  const auto& r = netlist.resistors;
  const Fields fields(netlist, reduction, answer, true);
  std::vector<Double2> mean(reduction.floating.size());
  std::vector<double> members(reduction.floating.size(), 0);
  for (std::size_t k = 0; k < n; ++k) {
    const auto c = at(reduction.component[k]);
    if (reduction.floating[c] == 0) continue;
    mean[c] += fields.potential(static_cast<std::int64_t>(k));
    members[c] += 1;
  }
  for (std::size_t c = 0; c < mean.size(); ++c) {
    if (members[c] > 0) mean[c] = (1 / members[c]) * mean[c];
  }
  solution.potential.resize(n);
  for (std::size_t k = 0; k < n; ++k) {
    solution.potential[k] = (fields.potential(static_cast<std::int64_t>(k)) - mean[at(reduction.component[k])]).value();
  }

  std::vector<Double2> need(n);  // current that ideal elements must bring to a node
  solution.current.resize(r.size());
  for (std::size_t k = 0; k < r.size(); ++k) {
    const Double2 current = fields.current(k);
    solution.current[k] = current.value();
    need[at(r.tail[k])] += current;
    need[at(r.head[k])] -= current;
  }
  const auto& sources = netlist.currents;
  for (std::size_t k = 0; k < sources.size(); ++k) {
    if (sources.tail[k] >= 0) need[at(sources.tail[k])] += Double2(sources.value[k]);
    need[at(sources.head[k])] -= Double2(sources.value[k]);
  }
  auto ideal = ideal_currents(netlist, need);
  solution.delivered = std::move(ideal.voltages);
  solution.undetermined = ideal.undetermined;
  for (std::size_t k = 0; k < r.size(); ++k) {
    if (std::isinf(r.value[k])) solution.current[k] = ideal.resistors[k];
  }

  // Everything from here on is recomputed from the potentials and currents as they are handed out.
  auto& report = solution.report;
  std::vector<double> residual(at(reduction.rows), 0);   // by Ohm's law from the potentials
  std::vector<double> imbalance(at(reduction.rows), 0);  // of the currents
  const auto add = [&](std::vector<double>& sums, std::int64_t node, double ampere) {
    if (node >= 0 && reduction.row[at(node)] >= 0) sums[at(reduction.row[at(node)])] += ampere;
  };
  std::vector<double> dissipated;
  for (std::size_t k = 0; k < r.size(); ++k) {
    if (!std::isfinite(r.value[k]) || r.value[k] == 0) continue;
    const double ohmic = r.value[k] * (solution.potential[at(r.tail[k])] - solution.potential[at(r.head[k])]);
    const double current = solution.current[k];
    dissipated.push_back(current * current / r.value[k]);
    if (reduction.row[at(r.tail[k])] == reduction.row[at(r.head[k])]) continue;
    add(residual, r.tail[k], -ohmic);
    add(residual, r.head[k], ohmic);
    add(imbalance, r.tail[k], -current);
    add(imbalance, r.head[k], current);
  }
  std::vector<double> delivered;
  for (std::size_t k = 0; k < sources.size(); ++k) {
    const double v_tail = sources.tail[k] < 0 ? 0 : solution.potential[at(sources.tail[k])];
    delivered.push_back(sources.value[k] * (solution.potential[at(sources.head[k])] - v_tail));
    for (auto* sums : {&residual, &imbalance}) {
      add(*sums, sources.tail[k], -sources.value[k]);
      add(*sums, sources.head[k], sources.value[k]);
    }
  }
  for (std::size_t k = 0; k < netlist.voltages.size(); ++k) {
    if (netlist.voltages.value[k] != 0) delivered.push_back(netlist.voltages.value[k] * ideal.along_forest[k]);
  }
  std::vector<double> of_row(at(reduction.rows), 0);
  for (std::size_t k = 0; k < n; ++k) {
    if (reduction.row[k] >= 0) of_row[at(reduction.row[k])] = solution.potential[k];
  }
  double norm_b = 0;
  double norm_r = 0;
  double norm_phi = 0;
  for (std::size_t k = 0; k < residual.size(); ++k) {
    norm_b += reduction.injected[k].high * reduction.injected[k].high;
    norm_r += residual[k] * residual[k];
    norm_phi += of_row[k] * of_row[k];
    report.residual_norm1 += std::abs(residual[k]);
    report.kcl_max_imbalance = std::max(report.kcl_max_imbalance, std::abs(imbalance[k]));
  }
  norm_b = std::sqrt(norm_b);
  if (norm_b > 0) {
    report.relative_residual = std::sqrt(norm_r) / norm_b;
    // ||A||_inf is at most twice the largest diagonal.
    report.residual_floor =
        4 * std::numeric_limits<double>::epsilon() * 2 * largest_diagonal * std::sqrt(norm_phi) / norm_b;
  }
  const double in = pairwise_sum(delivered);
  const double out = pairwise_sum(dissipated);
  report.energy_relative_error = out > 0 ? std::abs(in - out) / out : std::abs(in);
}

}  // namespace kirchhoff
