#include "kirchhoff/learn/task/column_walks.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kirchhoff/parallel/stop.hpp"

namespace kirchhoff {

ColumnWalkSupervision::ColumnWalkSupervision(std::shared_ptr<const ConditionalColumns> circuit, const Draws& target,
                                             std::uint64_t seed, int references)
    : WalkSupervision(circuit->moves()),
      circuit_(std::move(circuit)),
      target_(target),
      seed_(seed),
      references_(references) {
  // Of walks to draws of the target: the mean of visits over proposals is what they visit in all.
  constexpr std::int64_t kProposals = 20000;
  const auto d = static_cast<std::size_t>(moves_.dimensions());
  std::vector<std::uint16_t> end(d);
  std::vector<std::uint16_t> state(d);
  std::vector<float> out(static_cast<std::size_t>(moves_.size()));
  double visits = 0;
  for (std::int64_t i = 0; i < kProposals; ++i) {
    Random random(seed_, Stream::pair, static_cast<std::uint64_t>(i));
    std::int32_t layer = 0;
    target_.draw(random, end);
    circuit_->propose(random, end, layer, state);
    visits += pooled(layer, state, end, out);
  }
  visits /= kProposals;
  expected_moves_ = visits - 1;
  scale_ = 1 / visits;
}

double ColumnWalkSupervision::pooled(std::int32_t layer, std::span<const std::uint16_t> state,
                                     std::span<const std::uint16_t> ends, std::span<float> out) const {
  const auto d = state.size();
  const auto terms = circuit_->terms();
  const auto count = ends.size() / d;
  thread_local std::vector<double> products;  // (count x T)
  thread_local std::vector<double> log;       // their units
  thread_local std::vector<double> proposed;
  products.resize(count * terms);
  log.resize(count);
  proposed.resize(count);
  const auto end = [&](std::size_t k) { return ends.subspan(k * d, d); };
  double unit = -std::numeric_limits<double>::infinity();  // that of the walk which is most likely to pass here
  for (std::size_t k = 0; k < count; ++k) {
    const auto product = std::span(products).subspan(k * terms, terms);
    log[k] = circuit_->products(state, end(k), product);
    proposed[k] = circuit_->proposed(state, end(k), product, log[k]);
    unit = std::max(unit, log[k] + std::log(proposed[k]));
  }
  std::fill(out.begin(), out.end(), 0.0F);
  if (!std::isfinite(unit)) return 0;
  constexpr double kNegligible = -18;  // proposals are visits within a few units
  double visits = 0;
  double proposals = 0;
  for (std::size_t k = 0; k < count; ++k) {
    const double weight = std::exp(log[k] - unit);
    proposals += weight * proposed[k];
    if (log[k] + std::log(proposed[k]) - unit < kNegligible) continue;
    const auto product = std::span<const double>(products).subspan(k * terms, terms);
    visits += circuit_->add_currents(layer, state, end(k), product, log[k], weight, out);
  }
  if (!(visits > 0)) return 0;
  double sum = 0;
  for (const float p : out) sum += static_cast<double>(p);
  for (float& p : out) p = static_cast<float>(static_cast<double>(p) / sum);
  return visits / proposals;
}

void ColumnWalkSupervision::batch(std::int64_t step, std::int64_t batch_size, Range rows, MoveBatch& out) const {
  const auto d = static_cast<std::size_t>(moves_.dimensions());
  const auto m = static_cast<std::size_t>(moves_.size());
  const auto count = static_cast<std::size_t>(rows.size());
  out.layers.resize(count);
  out.states.resize(count * d);
  out.targets.resize(count * m);
  out.weights.resize(count);
  // The references of a row are the ends of all rows of its group: any rank can draw them again.
  const auto group = std::min<std::int64_t>(references_, batch_size);
  std::vector<std::uint16_t> ends;
  for (auto first = rows.begin / group * group; first < rows.end && !stop_requested(); first += group) {
    const auto last = std::min(batch_size, first + group);
    ends.resize(static_cast<std::size_t>(last - first) * d);
    const auto end = [&](std::int64_t row) {
      return std::span(ends).subspan(static_cast<std::size_t>(row - first) * d, d);
    };
    for (auto row = first; row < last; ++row) {
      Random random(seed_, Stream::batch, static_cast<std::uint64_t>(step * batch_size + row));
      target_.draw(random, end(row));
      if (row < rows.begin || row >= rows.end) continue;
      const auto i = static_cast<std::size_t>(row - rows.begin);
      circuit_->propose(random, end(row), out.layers[i], std::span(out.states).subspan(i * d, d));
    }
    for (auto row = std::max(first, rows.begin); row < std::min(last, rows.end) && !stop_requested(); ++row) {
      const auto i = static_cast<std::size_t>(row - rows.begin);
      out.weights[i] = static_cast<float>(scale_ * pooled(out.layers[i],
                                                          std::span<const std::uint16_t>(out.states).subspan(i * d, d),
                                                          ends, std::span(out.targets).subspan(i * m, m)));
    }
  }
}

void ColumnWalkSupervision::examples(std::span<const std::uint16_t> ends, Range rows, bool all, MoveBatch& out) const {
  const auto d = static_cast<std::size_t>(moves_.dimensions());
  const auto m = static_cast<std::size_t>(moves_.size());
  const auto count = static_cast<std::size_t>(rows.size());
  out.layers.resize(count);
  out.states.resize(count * d);
  out.targets.resize(count * m);
  out.weights.resize(count);
  for (std::size_t i = 0; i < count && !stop_requested(); ++i) {
    const auto row = static_cast<std::size_t>(rows.begin) + i;
    constexpr std::uint64_t kApart = std::uint64_t{1} << 62;  // numbers that no batch draws
    Random random(seed_, Stream::batch, kApart + row);
    const auto end = ends.subspan(row % (ends.size() / d) * d, d);
    const auto state = std::span(out.states).subspan(i * d, d);
    circuit_->propose(random, end, out.layers[i], state);
    out.weights[i] = static_cast<float>(
        scale_ * pooled(out.layers[i], state, all ? ends : end, std::span(out.targets).subspan(i * m, m)));
  }
}

void ColumnWalkSupervision::toward(std::int32_t layer, std::span<const std::uint16_t> state,
                                   std::span<const std::uint16_t> /*start*/, std::span<const std::uint16_t> end,
                                   std::span<float> out) const {
  pooled(layer, state, end, out);
}

void ColumnWalkSupervision::flow(std::int32_t layer, std::span<const std::uint16_t> state,
                                 std::span<const std::uint16_t> /*starts*/, std::span<const std::uint16_t> ends,
                                 std::span<float> out) const {
  pooled(layer, state, ends, out);
}

}  // namespace kirchhoff
