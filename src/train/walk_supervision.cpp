#include "kirchhoff/walk_supervision.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace kirchhoff {
namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();

}  // namespace

/// End points, and the same as bit planes: distances are popcounts.
struct WalkSupervision::References {
  References(int categories, int dimensions, std::size_t count)
      : d(static_cast<std::size_t>(dimensions)),
        planes(static_cast<std::size_t>(std::bit_width(static_cast<unsigned>(categories - 1)))),
        words((d + 63) / 64),
        rows(count * d),
        bits(count * planes * words) {}

  /// The planes of a state, planes x words.
  void pack(std::span<const std::uint16_t> state, std::uint64_t* out) const {
    std::fill_n(out, planes * words, 0);
    for (std::size_t j = 0; j < d; ++j) {
      for (std::size_t p = 0; p < planes; ++p) {
        out[p * words + j / 64] |= static_cast<std::uint64_t>((state[j] >> p) & 1) << (j % 64);
      }
    }
  }
  std::span<std::uint16_t> row(std::size_t k) { return std::span(rows).subspan(k * d, d); }
  std::span<const std::uint16_t> row(std::size_t k) const { return std::span(rows).subspan(k * d, d); }
  void packed(std::size_t k) { pack(row(k), bits.data() + k * planes * words); }

  int distance(const std::uint64_t* state, std::size_t k) const {
    const std::uint64_t* other = bits.data() + k * planes * words;
    int sum = 0;
    for (std::size_t w = 0; w < words; ++w) {
      std::uint64_t differs = 0;
      for (std::size_t p = 0; p < planes; ++p) differs |= state[p * words + w] ^ other[p * words + w];
      sum += std::popcount(differs);
    }
    return sum;
  }

  std::size_t d;
  std::size_t planes;
  std::size_t words;
  std::vector<std::uint16_t> rows;  // (count x D)
  std::vector<std::uint64_t> bits;  // (count x planes x words)
};

WalkSupervision::WalkSupervision(const Quotient& quotient, const Draws& target, std::uint64_t seed, int references)
    : moves_(target.space(), quotient.layers()), draws_(target), seed_(seed), references_(references) {
  double sum = 0;
  for (int l = 0; l <= quotient.layers(); ++l) {
    for (int d = 0; d <= quotient.dimensions(); ++d) {
      const double visits = quotient.visits(l, d);
      sum += visits;
      visit_sums_.push_back(sum);
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

void WalkSupervision::vertex(Random& random, std::span<const std::uint16_t> end, std::int32_t& layer,
                             std::span<std::uint16_t> state) const {
  const int d = moves_.dimensions();
  const auto found = std::upper_bound(visit_sums_.begin(), visit_sums_.end(), random.uniform() * visit_sums_.back());
  const auto cell = std::min<std::ptrdiff_t>(found - visit_sums_.begin(), std::ssize(visit_sums_) - 1);
  layer = static_cast<std::int32_t>(cell / (d + 1));
  auto wrong = cell % (d + 1);
  for (int j = 0; j < d; ++j) {  // each of the C(D, wrong) choices is equally likely
    const auto k = static_cast<std::size_t>(j);
    state[k] = end[k];
    if (wrong == 0 || random.below(d - j) >= wrong) continue;
    --wrong;
    state[k] = static_cast<std::uint16_t>((end[k] + 1 + random.below(moves_.categories() - 1)) % moves_.categories());
  }
}

void WalkSupervision::target(std::int32_t layer, std::span<const std::uint16_t> state, const References& references,
                             std::size_t begin, std::size_t end, std::span<float> out) const {
  const auto d = static_cast<std::size_t>(moves_.dimensions());
  const auto s = static_cast<std::size_t>(moves_.categories());
  thread_local std::vector<std::uint64_t> bits;
  thread_local std::vector<int> distance;
  thread_local std::vector<float> other;
  bits.resize(references.planes * references.words);
  references.pack(state, bits.data());
  distance.resize(end - begin);
  float largest = kNever;
  for (std::size_t k = begin; k < end; ++k) {
    distance[k - begin] = references.distance(bits.data(), k);
    largest = std::max(largest, log_weight_[at(layer, distance[k - begin])]);
  }
  std::fill(out.begin(), out.end(), 0.0F);
  constexpr float kNegligible = -14;  // e^-14: a thousand of them are less than a rounding of the rest
  float total = 0;
  for (const int direction : {1, -1}) {
    if (layer + direction < 0 || layer + direction > moves_.layers()) continue;
    const bool first_time = total == 0;
    const auto kinds = direction > 0 ? 0U : 4U;
    float* same = out.data() + moves_.first(direction);
    float* change = same + 1;
    other.assign(s > 2 ? d * s : 0, 0.0F);
    float other_sum = 0;
    for (std::size_t k = begin; k < end; ++k) {
      const float log_weight = log_weight_[at(layer, distance[k - begin])] - largest;
      if (!(log_weight > kNegligible)) continue;
      const float weight = std::exp(log_weight);
      if (first_time) total += weight;
      const auto& p = probability_[at(layer, distance[k - begin])];
      *same += weight * p[kinds];
      const float toward = weight * p[kinds + 1];
      const float away = weight * p[kinds + 3];
      const auto goal = references.row(k);
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
      const float sideways = weight * p[kinds + 2];
      if (s > 2 && sideways > 0) {
        other_sum += sideways;
        for (std::size_t j = 0; j < d; ++j) other[j * s + goal[j]] += sideways;
      }
    }
    for (std::size_t j = 0; j < d; ++j) {
      change[j * s + state[j]] = 0;
      if (!(other_sum > 0)) continue;
      for (std::size_t v = 0; v < s; ++v) {  // those whose goal is neither the present value nor v
        if (v != state[j]) change[j * s + v] += std::max(0.0F, other_sum - other[j * s + state[j]] - other[j * s + v]);
      }
    }
  }
  if (layer == moves_.layers()) {
    for (std::size_t k = begin; k < end; ++k) {
      if (distance[k - begin] == 0) out[MoveSet::kLeave] += std::exp(log_weight_[at(layer, 0)] - largest) * leave_;
    }
  }
  // Weights that were left out, and rounding: probabilities that sum to one exactly.
  float sum = 0;
  for (const float p : out) sum += p;
  for (float& p : out) p /= sum;
}

void WalkSupervision::batch(std::int64_t step, std::int64_t batch_size, Range rows, MoveBatch& out) const {
  const auto d = static_cast<std::size_t>(moves_.dimensions());
  const auto m = static_cast<std::size_t>(moves_.size());
  const auto count = static_cast<std::size_t>(rows.size());
  out.layers.resize(count);
  out.states.resize(count * d);
  out.targets.resize(count * m);
  // The references of a row are the end points of its group of rows, which any rank can draw again.
  const auto group = std::min<std::int64_t>(references_, batch_size);
  const auto first = rows.begin / group * group;
  const auto last = std::min(batch_size, (rows.end + group - 1) / group * group);
  References references(moves_.categories(), moves_.dimensions(),
                        static_cast<std::size_t>(std::max<std::int64_t>(0, last - first)));
  for (auto row = first; row < last; ++row) {
    Random random(seed_, Stream::batch, static_cast<std::uint64_t>(step * batch_size + row));
    const auto k = static_cast<std::size_t>(row - first);
    draws_.draw(random, references.row(k));
    references.packed(k);
    if (row < rows.begin || row >= rows.end) continue;
    const auto i = static_cast<std::size_t>(row - rows.begin);
    vertex(random, references.row(k), out.layers[i], std::span(out.states).subspan(i * d, d));
  }
  for (auto row = rows.begin; row < rows.end; ++row) {
    const auto i = static_cast<std::size_t>(row - rows.begin);
    const auto begin = row / group * group;
    target(out.layers[i], std::span(out.states).subspan(i * d, d), references, static_cast<std::size_t>(begin - first),
           static_cast<std::size_t>(std::min(batch_size, begin + group) - first),
           std::span(out.targets).subspan(i * m, m));
  }
}

void WalkSupervision::examples(std::span<const std::uint16_t> ends, Range rows, bool pooled, MoveBatch& out) const {
  const auto d = static_cast<std::size_t>(moves_.dimensions());
  const auto m = static_cast<std::size_t>(moves_.size());
  const auto count = static_cast<std::size_t>(rows.size());
  const auto all = ends.size() / d;
  out.layers.resize(count);
  out.states.resize(count * d);
  out.targets.resize(count * m);
  References references(moves_.categories(), moves_.dimensions(), all);
  references.rows.assign(ends.begin(), ends.end());
  for (std::size_t k = 0; k < all; ++k) references.packed(k);
  for (std::size_t i = 0; i < count; ++i) {
    const auto row = static_cast<std::size_t>(rows.begin) + i;
    constexpr std::uint64_t kApart = std::uint64_t{1} << 62;  // numbers that no batch draws
    Random random(seed_, Stream::batch, kApart + row);
    const auto k = row % all;
    const auto state = std::span(out.states).subspan(i * d, d);
    vertex(random, references.row(k), out.layers[i], state);
    target(out.layers[i], state, references, pooled ? 0 : k, pooled ? all : k + 1,
           std::span(out.targets).subspan(i * m, m));
  }
}

void WalkSupervision::toward(std::int32_t layer, std::span<const std::uint16_t> state,
                             std::span<const std::uint16_t> end, std::span<float> out) const {
  const int s = moves_.categories();
  int wrong = 0;
  for (std::size_t j = 0; j < state.size(); ++j) wrong += state[j] != end[j] ? 1 : 0;
  const auto& p = probability_[at(layer, wrong)];
  std::fill(out.begin(), out.end(), 0.0F);
  for (const int direction : {1, -1}) {
    if (layer + direction < 0 || layer + direction > moves_.layers()) continue;
    const auto kinds = direction > 0 ? 0U : 4U;
    float* change = out.data() + moves_.first(direction);
    *change++ = p[kinds];
    for (std::size_t j = 0; j < state.size(); ++j, change += s) {
      const bool right = state[j] == end[j];
      for (int v = 0; v < s; ++v) {
        if (v != state[j]) change[v] = p[kinds + (right ? 3U : v == end[j] ? 1U : 2U)];
      }
    }
  }
  if (layer == moves_.layers() && wrong == 0) out[MoveSet::kLeave] = leave_;
}

void WalkSupervision::flow(std::int32_t layer, std::span<const std::uint16_t> state,
                           std::span<const std::uint16_t> ends, std::span<float> out) const {
  const auto count = ends.size() / state.size();
  References references(moves_.categories(), moves_.dimensions(), count);
  references.rows.assign(ends.begin(), ends.end());
  for (std::size_t k = 0; k < count; ++k) references.packed(k);
  target(layer, state, references, 0, count, out);
}

double WalkSupervision::entropy(const MoveBatch& batch) {
  double sum = 0;
  for (const float p : batch.targets) {
    if (p > 0) sum -= static_cast<double>(p) * std::log(static_cast<double>(p));
  }
  return batch.layers.empty() ? 0 : sum / static_cast<double>(batch.layers.size());
}

}  // namespace kirchhoff
