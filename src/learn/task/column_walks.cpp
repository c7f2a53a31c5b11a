#include "kirchhoff/learn/task/column_walks.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kirchhoff/parallel/stop.hpp"

namespace kirchhoff {

ColumnWalkSupervision::ColumnWalkSupervision(std::shared_ptr<const ConditionalColumns> circuit, const Draws& target,
                                             std::uint64_t seed, int references)
    : WalkSupervision(circuit->moves(), target, seed, references), circuit_(std::move(circuit)) {
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
  out.resize(moves_, rows.size());
  out.weights.resize(out.layers.size());
  // The references of a row are the ends of all rows of its group: any rank can draw them again.
  const auto group = std::min<std::int64_t>(references_, batch_size);
  std::vector<std::uint16_t> ends;
  for (auto first = rows.begin / group * group; first < rows.end && !stop_requested(); first += group) {
    const auto last = std::min(batch_size, first + group);
    ends.resize(static_cast<std::size_t>(last - first) * d);
    for (auto row = first; row < last; ++row) {
      auto random = random_of_batch(step, batch_size, row);
      const auto end = std::span(ends).subspan(static_cast<std::size_t>(row - first) * d, d);
      target_.draw(random, end);
      if (row >= rows.begin && row < rows.end) propose(random, end, row - rows.begin, out);
    }
    for (auto row = std::max(first, rows.begin); row < std::min(last, rows.end) && !stop_requested(); ++row) {
      set_target(ends, row - rows.begin, out);
    }
  }
}

void ColumnWalkSupervision::examples(std::span<const std::uint16_t> ends, Range rows, bool all, MoveBatch& out) const {
  const auto d = static_cast<std::size_t>(moves_.dimensions());
  out.resize(moves_, rows.size());
  out.weights.resize(out.layers.size());
  for (auto row = rows.begin; row < rows.end && !stop_requested(); ++row) {
    auto random = random_of_example(row);
    const auto end = ends.subspan(static_cast<std::size_t>(row) % (ends.size() / d) * d, d);
    propose(random, end, row - rows.begin, out);
    set_target(all ? ends : end, row - rows.begin, out);
  }
}

void ColumnWalkSupervision::propose(Random& random, std::span<const std::uint16_t> end, std::int64_t at,
                                    MoveBatch& out) const {
  const auto i = static_cast<std::size_t>(at);
  circuit_->propose(random, end, out.layers[i], std::span(out.states).subspan(i * end.size(), end.size()));
}

void ColumnWalkSupervision::set_target(std::span<const std::uint16_t> ends, std::int64_t at, MoveBatch& out) const {
  const auto i = static_cast<std::size_t>(at);
  const auto d = static_cast<std::size_t>(moves_.dimensions());
  const auto m = static_cast<std::size_t>(moves_.size());
  const auto state = std::span<const std::uint16_t>(out.states).subspan(i * d, d);
  const double weight = pooled(out.layers[i], state, ends, std::span(out.targets).subspan(i * m, m));
  out.weights[i] = static_cast<float>(scale_ * weight);
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
