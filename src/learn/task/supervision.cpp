#include "kirchhoff/learn/task/supervision.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "kirchhoff/base/random.hpp"
#include "kirchhoff/currents/currents.hpp"

namespace kirchhoff {
namespace {

/// What is constant, or nearly, has no scale of its own: a share of the largest keeps its errors small in volt or
/// ampere.
void keep_positive(std::vector<double>& scales) {
  constexpr double kLeast = 1e-6;
  const double largest = *std::max_element(scales.begin(), scales.end());
  for (double& scale : scales) scale = largest > 0 ? std::max(scale, kLeast * largest) : 1.0;
}

std::vector<double> balanced(const std::vector<double>& scales, double balance) {
  const double largest = *std::max_element(scales.begin(), scales.end());
  std::vector<double> weights(scales.size());
  std::transform(scales.begin(), scales.end(), weights.begin(),
                 [&](double scale) { return std::pow(scale / largest, 2 * balance); });
  return weights;
}

/// State of a row: row k of B falls into the k-th B-th of the states, so that every batch covers the whole space.
std::int64_t stratified(std::uint64_t seed, std::int64_t step, std::int64_t batch, std::int64_t row,
                        std::int64_t states) {
  Random random(seed, Stream::batch, static_cast<std::uint64_t>(step * batch + row));
  const double u = (static_cast<double>(row) + random.uniform()) / static_cast<double>(batch);
  return std::min(states - 1, static_cast<std::int64_t>(u * static_cast<double>(states)));
}

}  // namespace

ExactSupervision::ExactSupervision(std::int64_t states, int layers, std::span<const double> potential,
                                   std::uint64_t seed, double balance)
    : states_(states), layers_(layers), potential_(potential), seed_(seed), balance_(balance) {}

void ExactSupervision::standardise(Model& model) const {
  const auto n = static_cast<double>(states_);
  for (int l = 0; l <= layers_; ++l) {
    const auto layer = potential_.subspan(static_cast<std::size_t>(l * states_), static_cast<std::size_t>(states_));
    double sum = 0;
    for (const double phi : layer) sum += phi;
    const double mean = sum / n;
    double square = 0;
    for (const double phi : layer) square += (phi - mean) * (phi - mean);
    const auto k = static_cast<std::size_t>(l);
    model.mean()[k] = mean;
    model.scale()[k] = std::sqrt(square / n);
  }
  keep_positive(model.scale());
}

std::vector<double> ExactSupervision::weights(const Model& model) const { return balanced(model.scale(), balance_); }

void ExactSupervision::batch(const Model& model, std::int64_t step, std::int64_t batch_size, Range rows,
                             std::span<std::int64_t> states, std::span<double> targets) const {
  const auto layers = static_cast<std::size_t>(layers_) + 1;
  for (auto row = rows.begin; row < rows.end; ++row) {
    const auto x = stratified(seed_, step, batch_size, row, states_);
    const auto i = static_cast<std::size_t>(row - rows.begin);
    states[i] = x;
    for (std::size_t l = 0; l < layers; ++l) {
      const double phi = potential_[l * static_cast<std::size_t>(states_) + static_cast<std::size_t>(x)];
      targets[i * layers + l] = (phi - model.mean()[l]) / model.scale()[l];
    }
  }
}

CurrentSupervision::CurrentSupervision(const Circuit& circuit, std::span<const double> potential, std::uint64_t seed,
                                       double balance)
    : circuit_(circuit),
      moves_(static_cast<std::size_t>(moves_ahead(circuit))),
      potential_(potential),
      seed_(seed),
      balance_(balance) {}

template <class Visit>
void CurrentSupervision::currents(std::int64_t x, Visit&& visit) const {
  const auto n = circuit_.states();
  for (int l = 0; l < circuit_.layers(); ++l) {
    const double* here = potential_.data() + l * n;
    each_move_ahead(circuit_, l, x, [&](std::int64_t move, std::int64_t y, double g) {
      visit(static_cast<std::size_t>(l) * moves_ + static_cast<std::size_t>(move), g * (here[x] - here[n + y]));
    });
  }
}

void CurrentSupervision::standardise(Model& model) const {
  auto& scale = model.scale();
  std::fill(model.mean().begin(), model.mean().end(), 0.0);
  std::fill(scale.begin(), scale.end(), 0.0);
  for (std::int64_t x = 0; x < circuit_.states(); ++x) {
    currents(x, [&](std::size_t output, double current) { scale[output] += current * current; });
  }
  for (double& s : scale) s = std::sqrt(s / static_cast<double>(circuit_.states()));
  keep_positive(scale);
}

std::vector<double> CurrentSupervision::weights(const Model& model) const { return balanced(model.scale(), balance_); }

void CurrentSupervision::batch(const Model& model, std::int64_t step, std::int64_t batch_size, Range rows,
                               std::span<std::int64_t> states, std::span<double> targets) const {
  const auto outputs = static_cast<std::size_t>(circuit_.layers()) * moves_;
  std::fill(targets.begin(), targets.end(), 0.0);
  for (auto row = rows.begin; row < rows.end; ++row) {
    const auto i = static_cast<std::size_t>(row - rows.begin);
    states[i] = stratified(seed_, step, batch_size, row, circuit_.states());
    currents(states[i], [&](std::size_t output, double current) {
      targets[i * outputs + output] = current / model.scale()[output];
    });
  }
}

namespace {

constexpr std::int64_t kHeldOutShare = 10;   // every tenth
constexpr std::int64_t kHeldOutRows = 4096;  // where every row is new
constexpr std::int64_t kNeverARow = std::int64_t{1} << 48;

std::vector<double> running_sums(std::span<const double> mass) {
  std::vector<double> sums(mass.size());
  std::partial_sum(mass.begin(), mass.end(), sums.begin());
  return sums;
}

std::int64_t state_at(const std::vector<double>& sums, double u) {
  const auto it = std::upper_bound(sums.begin(), sums.end(), u * sums.back());
  return std::min<std::int64_t>(it - sums.begin(), static_cast<std::int64_t>(sums.size()) - 1);
}

}  // namespace

MonteCarloSupervision::MonteCarloSupervision(std::span<const double> source, std::span<const double> target,
                                             std::int64_t set_size, std::uint64_t seed, double jitter)
    : source_sums_(running_sums(source)),
      target_sums_(running_sums(target)),
      set_size_(set_size),
      seed_(seed),
      jitter_(jitter) {}

MonteCarloSupervision::Pair MonteCarloSupervision::pair(std::int64_t index) const {
  Random random(seed_, Stream::pair, static_cast<std::uint64_t>(index));
  const double u = random.uniform();
  return {state_at(source_sums_, u), state_at(target_sums_, random.uniform())};
}

MonteCarloSupervision::Pair MonteCarloSupervision::draw(std::int64_t step, std::int64_t batch, std::int64_t row) const {
  const auto index = step * batch + row;
  if (set_size_ == 0) return pair(index);
  const auto kept = set_size_ - set_size_ / kHeldOutShare;
  return pair(Random(seed_, Stream::batch, static_cast<std::uint64_t>(index)).below(kept));
}

std::int64_t MonteCarloSupervision::held_out_rows() const {
  return set_size_ == 0 ? kHeldOutRows : std::max<std::int64_t>(1, set_size_ / kHeldOutShare);
}

MonteCarloSupervision::Pair MonteCarloSupervision::held_out(std::int64_t row) const {
  return pair(set_size_ == 0 ? kNeverARow + row : set_size_ - held_out_rows() + row);
}

std::int64_t MonteCarloSupervision::distinct_rows(std::int64_t steps, std::int64_t batch) const {
  std::vector<std::pair<std::int64_t, std::int64_t>> seen;
  for (std::int64_t index = 0; index < steps * batch; ++index) {
    const auto p = draw(0, 0, index);
    seen.emplace_back(p.source, p.target);
  }
  std::sort(seen.begin(), seen.end());
  return std::unique(seen.begin(), seen.end()) - seen.begin();
}

}  // namespace kirchhoff
