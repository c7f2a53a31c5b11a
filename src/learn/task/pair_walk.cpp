#include "learn/task/pair_walk.hpp"

#include <algorithm>
#include <cmath>

namespace kirchhoff {
namespace {

HammingCircuit mirrored(HammingCircuit circuit) {
  std::reverse(circuit.same.begin(), circuit.same.end());
  std::reverse(circuit.change.begin(), circuit.change.end());
  return circuit;
}

}  // namespace

VisitedVertices::VisitedVertices(const Quotient& quotient)
    : categories_(quotient.categories()), dimensions_(quotient.dimensions()) {
  double sum = 0;
  for (int l = 0; l <= quotient.layers(); ++l) {
    for (int d = 0; d <= dimensions_; ++d) sums_.push_back(sum += quotient.visits(l, d));
  }
}

void VisitedVertices::draw(Random& random, std::span<const std::uint16_t> goal, std::int32_t& layer,
                           std::span<std::uint16_t> state) const {
  const auto found = std::upper_bound(sums_.begin(), sums_.end(), random.uniform() * sums_.back());
  const auto cell = std::min<std::ptrdiff_t>(found - sums_.begin(), std::ssize(sums_) - 1);
  layer = static_cast<std::int32_t>(cell / (dimensions_ + 1));
  auto wrong = cell % (dimensions_ + 1);
  for (int j = 0; j < dimensions_; ++j) {  // each of the C(D, wrong) choices is equally likely
    const auto k = static_cast<std::size_t>(j);
    state[k] = goal[k];
    if (wrong == 0 || random.below(dimensions_ - j) >= wrong) continue;
    --wrong;
    state[k] = static_cast<std::uint16_t>((goal[k] + 1 + random.below(categories_ - 1)) % categories_);
  }
}

PairWalk::PairWalk(const HammingCircuit& circuit)
    : categories_(circuit.categories),
      dimensions_(circuit.dimensions),
      layers_(static_cast<int>(circuit.same.size())),
      log_all_(circuit.dimensions * std::log(circuit.categories)),
      to_end_(circuit),
      to_start_(mirrored(circuit)),
      end_vertices_(to_end_),
      start_vertices_(to_start_) {
  const auto of_one_edge = [](const Quotient& q, double current, int d, MoveKind kind) {
    const double edges = q.edges(d, kind);
    return edges > 0 ? current / edges : 0.0;
  };
  for (std::size_t l = 0; l < circuit.same.size(); ++l) {
    const double same = 1 / circuit.same[l];
    const double change = 1 / circuit.change[l];
    const double row_sum = same + static_cast<double>(dimensions_) * (categories_ - 1) * change;
    evenly_.push_back({same / row_sum, change / row_sum});
  }
  for (int l = 0; l <= layers_; ++l) {
    for (int d = 0; d <= dimensions_; ++d) {
      auto& end = from_end_.emplace_back();
      auto& start = from_start_.emplace_back();
      end.visits = to_end_.visits(l, d);
      start.visits = to_start_.visits(layers_ - l, d);
      for (auto* state : {&end, &start}) state->log_visits = std::log(state->visits) - to_end_.log_states(d);
      for (const auto kind : kMoveKinds) {
        const auto k = static_cast<std::size_t>(kind);
        end.current[0][k] = of_one_edge(to_end_, to_end_.net_forward(l, d, kind), d, kind);
        end.current[1][k] = of_one_edge(to_end_, to_end_.net_backward(l, d, kind), d, kind);
        start.current[0][k] = -of_one_edge(to_start_, to_start_.net_backward(layers_ - l, d, kind), d, kind);
        start.current[1][k] = -of_one_edge(to_start_, to_start_.net_forward(layers_ - l, d, kind), d, kind);
      }
    }
  }
}

PairVertex PairWalk::vertex(int layer, const PairCounts& counts) const {
  const int from_start = counts.from_start();
  const int from_end = counts.from_end();
  const double start_unit = -to_end_.log_states(from_start);
  const double end_unit = -to_end_.log_states(from_end);
  PairVertex vertex;
  vertex.log_unit = std::max(start_unit, end_unit);
  const double by_start = std::exp(start_unit - vertex.log_unit);
  const double by_end = std::exp(end_unit - vertex.log_unit);
  const double evenly = std::exp(-log_all_ - vertex.log_unit);
  const auto& start = from_start_[at(layer, from_start)];
  const auto& end = from_end_[at(layer, from_end)];
  // Edges of each sort that the state has toward one neighbouring layer.
  std::array<double, kPairMoves> edges{};
  const auto sort = [&](MoveKind a, MoveKind b) -> double& { return edges[pair_move(a, b)]; };
  using enum MoveKind;
  sort(same, same) = 1;
  sort(away, away) = static_cast<double>(counts.both) * (categories_ - 1);
  sort(toward, toward) = counts.neither;
  sort(other, other) =
      static_cast<double>(counts.neither) * (categories_ - 2) + static_cast<double>(counts.apart) * (categories_ - 3);
  sort(away, toward) = counts.start;
  sort(away, other) = static_cast<double>(counts.start) * (categories_ - 2);
  sort(toward, away) = counts.end;
  sort(other, away) = static_cast<double>(counts.end) * (categories_ - 2);
  sort(toward, other) = counts.apart;
  sort(other, toward) = counts.apart;
  for (std::size_t direction = 0; direction < 2; ++direction) {
    if (direction == 0 ? layer == layers_ : layer == 0) continue;
    const auto& across = evenly_[static_cast<std::size_t>(direction == 0 ? layer : layer - 1)];
    const double third = direction == 0 ? -evenly : evenly;
    const auto add = [&](MoveKind a, MoveKind b) {
      const auto move = pair_move(a, b);
      const double current = by_start * start.current[direction][static_cast<std::size_t>(a)] +
                             by_end * end.current[direction][static_cast<std::size_t>(b)] +
                             third * across[move == 0 ? 0 : 1];
      if (!(current > 0) || !(edges[move] > 0)) return;
      vertex.current[direction][move] = current;
      vertex.visits += edges[move] * current;
    };
    add(same, same);
    for (const auto a : {toward, other, away}) {
      for (const auto b : {toward, other, away}) add(a, b);
    }
  }
  if (layer == layers_ && from_end == 0) {
    vertex.leave = by_end;
    vertex.visits += by_end;
  }
  return vertex;
}

double PairWalk::propose(Random& random, std::span<const std::uint16_t> start, std::span<const std::uint16_t> end,
                         std::int32_t& layer, std::span<std::uint16_t> state) const {
  const double which = random.uniform() * proposed_visits() - layers_;
  if (which < 0) {
    layer = static_cast<std::int32_t>(1 + random.below(layers_));
    for (auto& c : state) c = static_cast<std::uint16_t>(random.below(categories_));
  } else if (which < start_vertices_.total()) {
    start_vertices_.draw(random, start, layer, state);
    layer = layers_ - layer;
  } else {
    end_vertices_.draw(random, end, layer, state);
  }
  const auto counts = count_pair(state, start, end);
  const auto pair = vertex(layer, counts);
  const auto visits = [&](const std::vector<State>& states, int d) {
    return states[at(layer, d)].visits * std::exp(-to_end_.log_states(d) - pair.log_unit);
  };
  return pair.visits / (visits(from_start_, counts.from_start()) + visits(from_end_, counts.from_end()) +
                        (layer > 0 ? std::exp(-log_all_ - pair.log_unit) : 0.0));
}

double PairWalk::log_bound(int layer, int from_start, int from_end) const {
  return std::max(
             {from_start_[at(layer, from_start)].log_visits, from_end_[at(layer, from_end)].log_visits, -log_all_}) +
         std::log(3.0);
}

PairCounts count_pair(std::span<const std::uint16_t> state, std::span<const std::uint16_t> start,
                      std::span<const std::uint16_t> end) {
  PairCounts counts;
  for (std::size_t j = 0; j < state.size(); ++j) {
    if (start[j] == end[j]) {
      ++(state[j] == end[j] ? counts.both : counts.neither);
    } else {
      ++(state[j] == start[j] ? counts.start : state[j] == end[j] ? counts.end : counts.apart);
    }
  }
  return counts;
}

}  // namespace kirchhoff
