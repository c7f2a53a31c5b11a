#include "kirchhoff/learn/task/walk_supervision.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>

#include "kirchhoff/parallel/stop.hpp"
#include "learn/task/pair_walk.hpp"

namespace kirchhoff {
namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();

}  // namespace

/// Ends of walks, and the same as bit planes: distances are popcounts.
struct HammingWalkSupervision::References {
  /// States (count x D) with their planes.
  struct Packed {
    std::vector<std::uint16_t> rows;  // (count x D)
    std::vector<std::uint64_t> bits;  // (count x planes x words)
  };

  References(int categories, int dimensions, std::size_t count, bool pairs)
      : d(static_cast<std::size_t>(dimensions)),
        planes(static_cast<std::size_t>(std::bit_width(static_cast<unsigned>(categories - 1)))),
        words((d + 63) / 64) {
    for (auto* states : {&start, &end}) {
      const auto rows = states == &end || pairs ? count : 0;
      states->rows.resize(rows * d);
      states->bits.resize(rows * planes * words);
    }
  }

  /// The planes of a state, planes x words.
  void pack(std::span<const std::uint16_t> state, std::uint64_t* out) const {
    std::fill_n(out, planes * words, 0);
    for (std::size_t j = 0; j < d; ++j) {
      for (std::size_t p = 0; p < planes; ++p) {
        out[p * words + j / 64] |= static_cast<std::uint64_t>((state[j] >> p) & 1) << (j % 64);
      }
    }
  }
  std::span<std::uint16_t> row(Packed& from, std::size_t k) const { return std::span(from.rows).subspan(k * d, d); }
  std::span<const std::uint16_t> row(const Packed& from, std::size_t k) const {
    return std::span(from.rows).subspan(k * d, d);
  }
  /// Takes over what has been written to rows k.
  void packed(std::size_t k) {
    for (auto* states : {&start, &end}) {
      if (!states->rows.empty()) pack(row(*states, k), states->bits.data() + k * planes * words);
    }
  }
  void assign(Packed& states, std::span<const std::uint16_t> from) const {
    states.rows.assign(from.begin(), from.end());
  }

  /// Where a state (its planes) differs from state k, one bit per coordinate.
  std::uint64_t differs(const std::uint64_t* state, const Packed& from, std::size_t k, std::size_t word) const {
    const std::uint64_t* other = from.bits.data() + k * planes * words;
    std::uint64_t bits = 0;
    for (std::size_t p = 0; p < planes; ++p) bits |= state[p * words + word] ^ other[p * words + word];
    return bits;
  }
  /// Distances of a state to states begin .. end - 1.
  void distances(const std::uint64_t* state, std::size_t begin, std::size_t end_row, std::span<int> out) const {
    if (planes * words == 1) {  // up to 64 bits, in a loop without branches
      const std::uint64_t own = *state;
      for (std::size_t k = begin; k < end_row; ++k) out[k - begin] = std::popcount(own ^ end.bits[k]);
      return;
    }
    for (std::size_t k = begin; k < end_row; ++k) {
      int sum = 0;
      for (std::size_t w = 0; w < words; ++w) sum += std::popcount(differs(state, end, k, w));
      out[k - begin] = sum;
    }
  }
  PairCounts counts(const std::uint64_t* state, std::size_t k) const {
    PairCounts counts;
    for (std::size_t w = 0; w < words; ++w) {
      const auto from_start = differs(state, start, k, w);
      const auto from_end = differs(state, end, k, w);
      const auto ends_differ = differs(start.bits.data() + k * planes * words, end, k, w);
      counts.neither += std::popcount(from_start & from_end & ~ends_differ);
      counts.apart += std::popcount(from_start & from_end & ends_differ);
      counts.end += std::popcount(from_start & ~from_end);
      counts.start += std::popcount(from_end & ~from_start);
    }
    counts.both = static_cast<int>(d) - counts.neither - counts.apart - counts.end - counts.start;
    return counts;
  }

  std::size_t d;
  std::size_t planes;
  std::size_t words;
  Packed start;  // empty when starts are uniform
  Packed end;
};

HammingWalkSupervision::HammingWalkSupervision(const MoveSet& moves, const Draws& source, const Draws& target,
                                               std::uint64_t seed, int references)
    : WalkSupervision(moves, target, seed, references), source_(source) {}

HammingWalkSupervision::HammingWalkSupervision(const Quotient& quotient, const Draws& target, std::uint64_t seed,
                                               int references)
    : HammingWalkSupervision({target.space(), quotient.layers()}, Draws::named(target.space(), "uniform"), target, seed,
                             references) {
  expected_moves_ = quotient.expected_moves();
  vertices_ = std::make_shared<VisitedVertices>(quotient);
  for (int l = 0; l <= quotient.layers(); ++l) {
    for (int d = 0; d <= quotient.dimensions(); ++d) {
      const double visits = quotient.visits(l, d);
      log_weight_.push_back(visits > 0 ? static_cast<float>(std::log(visits) - quotient.log_states(d)) : kNever);
      auto& probability = probability_.emplace_back();
      for (const auto kind : kMoveKinds) {
        const auto k = static_cast<std::size_t>(kind);
        const double edges = quotient.edges(d, kind) * visits;
        if (!(edges > 0)) continue;
        probability[k] = static_cast<float>(quotient.forward(l, d, kind) / edges);
        probability[4 + k] = static_cast<float>(quotient.backward(l, d, kind) / edges);
      }
    }
  }
  leave_ = static_cast<float>(1 / quotient.visits(quotient.layers(), 0));
}

HammingWalkSupervision::HammingWalkSupervision(const HammingCircuit& circuit, const Draws& source, const Draws& target,
                                               std::uint64_t seed, int references)
    : HammingWalkSupervision({target.space(), static_cast<int>(circuit.same.size())}, source, target, seed,
                             references) {
  pair_ = std::make_shared<PairWalk>(circuit);
  constexpr std::int64_t kProposals = 20000;
  const auto d = static_cast<std::size_t>(moves_.dimensions());
  std::vector<std::uint16_t> start(d);
  std::vector<std::uint16_t> end(d);
  std::vector<std::uint16_t> state(d);
  double accepted = 0;
  for (std::int64_t i = 0; i < kProposals; ++i) {
    Random random(seed_, Stream::pair, static_cast<std::uint64_t>(i));
    source_.draw(random, start);
    target_.draw(random, end);
    std::int32_t layer = 0;
    accepted += pair_->propose(random, start, end, layer, state);
  }
  expected_moves_ = accepted / kProposals * pair_->proposed_visits() - 1;
}

void HammingWalkSupervision::example(Random& random, const Draws& ends, std::span<std::uint16_t> start,
                                     std::span<std::uint16_t> end, std::int32_t& layer,
                                     std::span<std::uint16_t> state) const {
  if (!pair_) {
    ends.draw(random, end);
    vertices_->draw(random, end, layer, state);
    return;
  }
  // Long walks have more vertices than short ones: what is refused is the pair, not only its vertex.
  double ratio = 0;
  do {
    source_.draw(random, start);
    ends.draw(random, end);
    ratio = pair_->propose(random, start, end, layer, state);
  } while (random.uniform() >= ratio);
}

void HammingWalkSupervision::target(std::int32_t layer, std::span<const std::uint16_t> state,
                                    const References& references, std::size_t begin, std::size_t end,
                                    std::span<float> out) const {
  if (pair_) return pair_target(layer, state, references, begin, end, out);
  const auto d = static_cast<std::size_t>(moves_.dimensions());
  const auto s = static_cast<std::size_t>(moves_.space().categories());
  thread_local std::vector<std::uint64_t> bits;
  thread_local std::vector<int> distance;
  thread_local std::vector<float> weight;
  thread_local std::vector<float> other;
  bits.resize(references.planes * references.words);
  references.pack(state, bits.data());
  distance.resize(end - begin);
  references.distances(bits.data(), begin, end, distance);
  weight.assign(d + 1, 0.0F);
  for (const int apart : distance) weight[static_cast<std::size_t>(apart)] = 1;  // there is such an end point
  float largest = kNever;
  for (std::size_t k = 0; k <= d; ++k) {
    if (weight[k] > 0) largest = std::max(largest, log_weight_[at(layer, static_cast<int>(k))]);
  }
  std::fill(out.begin(), out.end(), 0.0F);
  constexpr float kNegligible = -14;  // e^-14: a thousand of them are less than a rounding of the rest
  for (std::size_t k = 0; k <= d; ++k) {
    const float log_weight = log_weight_[at(layer, static_cast<int>(k))] - largest;
    weight[k] = weight[k] > 0 && log_weight > kNegligible ? std::exp(log_weight) : 0.0F;
  }
  for (const int direction : {1, -1}) {
    if (layer + direction < 0 || layer + direction > moves_.layers()) continue;
    const auto kinds = direction > 0 ? 0U : 4U;
    float* same = out.data() + moves_.first(direction);
    float* change = same + 1;
    const bool binary = s == 2;  // a coordinate has one change: a number each, in a loop of vector code
    other.assign(binary ? d : d * s, 0.0F);
    float other_sum = 0;
    for (std::size_t k = begin; k < end; ++k) {
      const auto apart = distance[k - begin];
      const float w = weight[static_cast<std::size_t>(apart)];
      if (w == 0) continue;
      const auto& p = probability_[at(layer, apart)];
      *same += w * p[kinds];
      const float toward = w * p[kinds + 1];
      const float away = w * p[kinds + 3];
      const auto goal = references.row(references.end, k);
      if (binary) {
        for (std::size_t j = 0; j < d; ++j) other[j] += goal[j] != state[j] ? toward : away;
        continue;
      }
      if (away > 0) {
        for (std::size_t j = 0; j < d; ++j) {
          if (goal[j] != state[j]) {
            change[j * s + goal[j]] += toward;
            continue;
          }
          for (std::size_t v = 0; v < s; ++v) change[j * s + v] += v == state[j] ? 0.0F : away;
        }
      } else {
        for (std::size_t j = 0; j < d; ++j) change[j * s + goal[j]] += toward;  // the present value is cleared below
      }
      const float sideways = w * p[kinds + 2];
      if (sideways > 0) {
        other_sum += sideways;
        for (std::size_t j = 0; j < d; ++j) other[j * s + goal[j]] += sideways;
      }
    }
    for (std::size_t j = 0; j < d; ++j) {
      if (binary) {
        change[2 * j + 1 - state[j]] = other[j];
        continue;
      }
      change[j * s + state[j]] = 0;
      if (!(other_sum > 0)) continue;
      for (std::size_t v = 0; v < s; ++v) {  // those whose goal is neither the present value nor v
        if (v != state[j]) change[j * s + v] += std::max(0.0F, other_sum - other[j * s + state[j]] - other[j * s + v]);
      }
    }
  }
  if (layer == moves_.layers()) {
    const auto arrived = std::count(distance.begin(), distance.end(), 0);
    if (arrived > 0) {
      out[MoveSet::kLeave] += static_cast<float>(arrived) * std::exp(log_weight_[at(layer, 0)] - largest) * leave_;
    }
  }
  // Weights that were left out, and rounding: probabilities that sum to one exactly.
  float sum = 0;
  for (const float p : out) sum += p;
  for (float& p : out) p /= sum;
}

void HammingWalkSupervision::add_pair(const PairVertex& vertex, double weight, std::int32_t layer,
                                      std::span<const std::uint16_t> state, std::span<const std::uint16_t> start,
                                      std::span<const std::uint16_t> end, std::span<float> out) const {
  const int s = moves_.space().categories();
  for (const int direction : {1, -1}) {
    if (layer + direction < 0 || layer + direction > moves_.layers()) continue;
    const auto& current = vertex.current[direction > 0 ? 0 : 1];
    std::array<float, kPairMoves> p{};
    for (std::size_t k = 0; k < kPairMoves; ++k) p[k] = static_cast<float>(weight * current[k]);
    float* change = out.data() + moves_.first(direction);
    *change++ += p[0];
    for (std::size_t j = 0; j < state.size(); ++j, change += s) {
      for (int v = 0; v < s; ++v) {
        if (v == state[j]) continue;
        change[v] += p[pair_move(kind_of_change(state[j], v, start[j]), kind_of_change(state[j], v, end[j]))];
      }
    }
  }
  out[MoveSet::kLeave] += static_cast<float>(weight * vertex.leave);
}

void HammingWalkSupervision::pair_target(std::int32_t layer, std::span<const std::uint16_t> state,
                                         const References& references, std::size_t begin, std::size_t end,
                                         std::span<float> out) const {
  thread_local std::vector<std::uint64_t> bits;
  thread_local std::vector<PairCounts> counts;
  thread_local std::vector<double> bound;
  bits.resize(references.planes * references.words);
  references.pack(state, bits.data());
  counts.clear();
  bound.clear();
  for (auto k = begin; k < end; ++k) {
    const auto& c = counts.emplace_back(references.counts(bits.data(), k));
    bound.push_back(pair_->log_bound(layer, c.from_start(), c.from_end()));
  }
  // In units of the walk that is most likely to pass here by its bound.
  const double unit = *std::max_element(bound.begin(), bound.end());
  constexpr double kNegligible = -30;  // the bound may be far above the visits
  std::fill(out.begin(), out.end(), 0.0F);
  for (auto k = begin; k < end; ++k) {
    if (!(bound[k - begin] - unit > kNegligible)) continue;
    const auto vertex = pair_->vertex(layer, counts[k - begin]);
    add_pair(vertex, std::exp(vertex.log_unit - unit), layer, state, references.row(references.start, k),
             references.row(references.end, k), out);
  }
  double sum = 0;
  for (const float p : out) sum += static_cast<double>(p);
  if (!(sum > 0)) return;
  for (float& p : out) p = static_cast<float>(static_cast<double>(p) / sum);
}

void HammingWalkSupervision::batch(std::int64_t step, std::int64_t batch_size, Range rows, MoveBatch& out) const {
  const auto d = static_cast<std::size_t>(moves_.dimensions());
  const auto m = static_cast<std::size_t>(moves_.size());
  out.resize(moves_, rows.size());
  // The references of a row are its own ends and fresh draws, those that the other rows of its group begin with: any
  // rank can draw them again.
  const auto group = std::min<std::int64_t>(references_, batch_size);
  const auto first = rows.begin / group * group;
  const auto last = std::min(batch_size, (rows.end + group - 1) / group * group);
  References references(moves_.space().categories(), moves_.dimensions(),
                        static_cast<std::size_t>(std::max<std::int64_t>(0, last - first)), pair_ != nullptr);
  for (auto row = first; row < last && !stop_requested(); ++row) {
    auto random = random_of_batch(step, batch_size, row);
    const auto k = static_cast<std::size_t>(row - first);
    if (pair_) source_.draw(random, references.row(references.start, k));
    target_.draw(random, references.row(references.end, k));
    references.packed(k);
  }
  std::vector<std::uint16_t> drawn;
  for (auto row = rows.begin; row < rows.end && !stop_requested(); ++row) {
    const auto i = static_cast<std::size_t>(row - rows.begin);
    const auto k = static_cast<std::size_t>(row - first);
    const auto begin = row / group * group;
    const auto state = std::span(out.states).subspan(i * d, d);
    const auto end = references.row(references.end, k);
    const auto start = pair_ ? references.row(references.start, k) : std::span<std::uint16_t>();
    auto random = random_of_batch(step, batch_size, row);
    if (pair_) {
      drawn.assign(start.begin(), start.end());
      drawn.insert(drawn.end(), end.begin(), end.end());
    }
    example(random, target_, start, end, out.layers[i], state);
    if (pair_) references.packed(k);
    target(out.layers[i], state, references, static_cast<std::size_t>(begin - first),
           static_cast<std::size_t>(std::min(batch_size, begin + group) - first),
           std::span(out.targets).subspan(i * m, m));
    if (!pair_) continue;
    std::copy_n(drawn.begin(), d, start.begin());
    std::copy_n(drawn.begin() + static_cast<std::ptrdiff_t>(d), d, end.begin());
    references.packed(k);
  }
}

void HammingWalkSupervision::examples(std::span<const std::uint16_t> ends, Range rows, bool pooled,
                                      MoveBatch& out) const {
  const auto d = static_cast<std::size_t>(moves_.dimensions());
  const auto m = static_cast<std::size_t>(moves_.size());
  const auto all = ends.size() / d;
  out.resize(moves_, rows.size());
  References references(moves_.space().categories(), moves_.dimensions(), pair_ ? 0 : all, false);
  std::vector<std::uint16_t> start(d);
  std::vector<std::uint16_t> end(d);
  const auto given = Draws::from_rows(target_.space(), {ends.begin(), ends.end()});
  if (!pair_) {
    references.assign(references.end, ends);
    for (std::size_t k = 0; k < all; ++k) references.packed(k);
  }
  for (auto row = rows.begin; row < rows.end; ++row) {
    const auto i = static_cast<std::size_t>(row - rows.begin);
    auto random = random_of_example(row);
    const auto state = std::span(out.states).subspan(i * d, d);
    const auto out_row = std::span(out.targets).subspan(i * m, m);
    if (pair_) {
      example(random, given, start, end, out.layers[i], state);
      toward(out.layers[i], state, start, end, out_row);
      continue;
    }
    const auto k = static_cast<std::size_t>(row) % all;
    vertices_->draw(random, references.row(references.end, k), out.layers[i], state);
    target(out.layers[i], state, references, pooled ? 0 : k, pooled ? all : k + 1, out_row);
  }
}

void HammingWalkSupervision::toward(std::int32_t layer, std::span<const std::uint16_t> state,
                                    std::span<const std::uint16_t> start, std::span<const std::uint16_t> end,
                                    std::span<float> out) const {
  const int s = moves_.space().categories();
  std::fill(out.begin(), out.end(), 0.0F);
  if (pair_) {
    const auto vertex = pair_->vertex(layer, count_pair(state, start, end));
    if (vertex.visits > 0) add_pair(vertex, 1 / vertex.visits, layer, state, start, end, out);
    return;
  }
  int wrong = 0;
  for (std::size_t j = 0; j < state.size(); ++j) wrong += state[j] != end[j] ? 1 : 0;
  const auto& p = probability_[at(layer, wrong)];
  for (const int direction : {1, -1}) {
    if (layer + direction < 0 || layer + direction > moves_.layers()) continue;
    const auto kinds = direction > 0 ? 0U : 4U;
    float* change = out.data() + moves_.first(direction);
    *change++ = p[kinds];
    for (std::size_t j = 0; j < state.size(); ++j, change += s) {
      for (int v = 0; v < s; ++v) {
        if (v != state[j]) change[v] = p[kinds + static_cast<std::size_t>(kind_of_change(state[j], v, end[j]))];
      }
    }
  }
  if (layer == moves_.layers() && wrong == 0) out[MoveSet::kLeave] = leave_;
}

void HammingWalkSupervision::flow(std::int32_t layer, std::span<const std::uint16_t> state,
                                  std::span<const std::uint16_t> starts, std::span<const std::uint16_t> ends,
                                  std::span<float> out) const {
  const auto count = ends.size() / state.size();
  References references(moves_.space().categories(), moves_.dimensions(), count, pair_ != nullptr);
  if (pair_) references.assign(references.start, starts);
  references.assign(references.end, ends);
  for (std::size_t k = 0; k < count; ++k) references.packed(k);
  target(layer, state, references, 0, count, out);
}

void MoveBatch::resize(const MoveSet& moves, std::int64_t rows) {
  const auto count = static_cast<std::size_t>(rows);
  layers.resize(count);
  states.resize(count * static_cast<std::size_t>(moves.dimensions()));
  targets.resize(count * static_cast<std::size_t>(moves.size()));
  weights.clear();
}

double MoveBatch::weight(std::size_t begin, std::size_t count) const {
  if (weights.empty()) return static_cast<double>(count);
  return std::accumulate(weights.begin() + static_cast<std::ptrdiff_t>(begin),
                         weights.begin() + static_cast<std::ptrdiff_t>(begin + count), 0.0);
}

Random WalkSupervision::random_of_batch(std::int64_t step, std::int64_t batch_size, std::int64_t row) const {
  return {seed_, Stream::batch, static_cast<std::uint64_t>(step * batch_size + row)};
}

Random WalkSupervision::random_of_example(std::int64_t row) const {
  constexpr std::uint64_t kApart = std::uint64_t{1} << 62;  // numbers that no batch draws
  return {seed_, Stream::batch, kApart + static_cast<std::uint64_t>(row)};
}

double WalkSupervision::entropy(const MoveBatch& batch) {
  const auto m = batch.layers.empty() ? 1 : batch.targets.size() / batch.layers.size();
  double sum = 0;
  for (std::size_t k = 0; k < batch.targets.size(); ++k) {
    const auto p = static_cast<double>(batch.targets[k]);
    if (p > 0) sum -= p * std::log(p) * (batch.weights.empty() ? 1.0 : static_cast<double>(batch.weights[k / m]));
  }
  return batch.layers.empty() ? 0 : sum / batch.weight(0, batch.layers.size());
}

}  // namespace kirchhoff
