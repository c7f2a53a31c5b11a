#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include "kirchhoff/learn/walk/neural_walk.hpp"
#include "kirchhoff/parallel/progress.hpp"
#include "kirchhoff/parallel/stop.hpp"
#include "learn/walk/pick.hpp"
#include "learn/walk/pilots.hpp"

namespace kirchhoff {
namespace {

/// Sequential Monte Carlo over the paths that end in given rows.
class PathSampler {
 public:
  PathSampler(const MoveModel& model, const WalkSupervision& conditional, const Draws& source, Pilots pilots,
              std::span<const std::uint16_t> rows, int paths, std::uint64_t seed)
      : model_(model),
        moves_(model.moves()),
        conditional_(conditional),
        source_(source),
        pilots_(std::move(pilots)),
        rows_(rows),
        paths_(static_cast<std::size_t>(paths)),
        seed_(seed),
        d_(static_cast<std::size_t>(moves_.dimensions())),
        m_(static_cast<std::size_t>(moves_.size())),
        layers_(kVerticesOfCall),
        states_(kVerticesOfCall * d_),
        probabilities_(kVerticesOfCall * m_),
        proposal_(m_) {}

  /// Logarithm of an unbiased estimate of the probability of row number `population / repeats`, for each of these.
  std::vector<double> run(Range populations, int repeats);

 private:
  struct Particle {
    std::vector<std::uint16_t> state;
    std::vector<std::uint16_t> start;
    std::int32_t layer = 0;
    std::int32_t moves = 0;
    int distance = 0;  // to the row; -1: it has left
    double log_weight = 0;
    double outlook = 0;                // guess of the logarithm of what is to come
    std::vector<float> probabilities;  // (M) of its moves
    Random random{0, Stream::walk, 0};
  };
  struct Population {
    std::span<const std::uint16_t> goal;
    std::vector<Particle> particles;
    double log_sum = 0;  // of the means of the weights at earlier resamplings
    int level = 0;       // largest distance when weights were looked at last
    Random random{0, Stream::walk, 0};
  };

  Population begin(std::int64_t number, int repeats) const;
  void look(std::vector<std::pair<Population*, Particle*>>& arrived);
  void move(const Population& population, Particle& particle);
  static void resample(Population& population);
  static double log_mean(const std::vector<Particle>& particles, bool with_outlook);

  const MoveModel& model_;
  const MoveSet& moves_;
  const WalkSupervision& conditional_;
  const Draws& source_;
  Pilots pilots_;
  std::span<const std::uint16_t> rows_;
  std::size_t paths_;
  std::uint64_t seed_;
  std::size_t d_;
  std::size_t m_;
  std::vector<std::int32_t> layers_;
  std::vector<std::uint16_t> states_;
  std::vector<float> probabilities_;
  std::vector<float> proposal_;
};

PathSampler::Population PathSampler::begin(std::int64_t number, int repeats) const {
  constexpr std::uint64_t kApart = std::uint64_t{1} << 62;  // numbers that no walk has
  Population p;
  p.goal = rows_.subspan(static_cast<std::size_t>(number / repeats) * d_, d_);
  p.particles.resize(paths_);
  const auto first = kApart + static_cast<std::uint64_t>(number) * (paths_ + 1);
  p.random = Random(seed_, Stream::walk, first);
  for (std::size_t i = 0; i < paths_; ++i) {
    auto& particle = p.particles[i];
    particle.random = Random(seed_, Stream::walk, first + 1 + i);
    particle.state.resize(d_);
    source_.draw(particle.random, particle.state);
    for (std::size_t j = 0; j < d_ && conditional_.starts_evenly(); ++j) {
      // As starts of walks that end there are.
      auto& value = particle.state[j];
      const double even = 1.0 / moves_.space().categories(static_cast<int>(j));
      if (even == 1) continue;
      const double agree = std::max(even, pilots_.agreement[static_cast<std::size_t>(moves_.offset(j)) + p.goal[j]]);
      if (particle.random.uniform() < (agree - even) / (1 - even)) value = p.goal[j];
      particle.log_weight += std::log(value == p.goal[j] ? even / agree : (1 - even) / (1 - agree));
    }
    particle.start = particle.state;
    particle.distance = moves_.distance(particle.state, p.goal);
    p.level = std::max(p.level, particle.distance);
  }
  return p;
}

/// Asks the network about particles that have just come to where they are.
void PathSampler::look(std::vector<std::pair<Population*, Particle*>>& arrived) {
  for (std::size_t at = 0; at < arrived.size(); at += kVerticesOfCall) {
    const auto n = std::min(kVerticesOfCall, arrived.size() - at);
    for (std::size_t i = 0; i < n; ++i) {
      const auto& particle = *arrived[at + i].second;
      layers_[i] = particle.layer;
      std::copy(particle.state.begin(), particle.state.end(), states_.begin() + static_cast<std::ptrdiff_t>(i * d_));
    }
    model_.probabilities(layers_, states_, probabilities_);
    for (std::size_t i = 0; i < n; ++i) {
      auto& particle = *arrived[at + i].second;
      const auto learned = std::span(probabilities_).subspan(i * m_, m_);
      particle.probabilities.assign(learned.begin(), learned.end());
      const auto goal = arrived[at + i].first->goal;
      // As if each wrong coordinate had to be mended from here, in any order. It is more certain once others have
      // been mended, so not all of it counts. The estimate is unbiased for any power; its standard error on 60 rows of
      // 45 bits with 64 paths was 0.079 nat with 0.4, 0.063 with 0.7 and 0.060 with 1.
      constexpr double kTrusted = 0.7;
      particle.outlook = 0;
      for (std::size_t j = 0; j < d_; ++j) {
        const int steps = moves_.steps(j, particle.state[j], goal[j]);
        if (steps == 0) continue;
        const int nearer = moves_.nearer(j, particle.state[j], goal[j]);
        double p = 0;
        for (const int direction : {1, -1}) {
          if (particle.layer + direction < 0 || particle.layer + direction > moves_.layers()) continue;
          p += static_cast<double>(
              learned[static_cast<std::size_t>(moves_.change(direction, static_cast<int>(j), nearer))]);
        }
        particle.outlook += kTrusted * steps * std::log(std::min(1.0, p * particle.distance / steps) + 1e-30);
      }
    }
  }
}

void PathSampler::move(const Population& population, Particle& p) {
  const std::span<const float> learned(p.probabilities);
  // Any share above 0 keeps the estimate unbiased. This one bounds a move's weight by 50, for one move in 50.
  constexpr double kAtRandom = 0.02;
  const auto goal = population.goal;
  conditional_.toward(p.layer, p.state, p.start, goal, proposal_);
  const bool at_goal = p.layer == moves_.layers() && p.distance == 0;
  // The ways come as often as pilots went them at this distance from their end, and where these were few, as in the
  // conditional walk. Which move of a way, the model has a say in: what it is sure of would leave what it does not
  // expect to the last, so less of one in mending. A share follows the model itself, leaving elsewhere excepted, so
  // that every path can occur.
  // Weighs as so many moves of pilots: 2048 of them overrule it wherever walks come as a rule.
  constexpr double kPrior = 8;  // moves of the conditional walk
  const auto favoured = [](float share, std::size_t way) {
    const double root = std::sqrt(static_cast<double>(share));
    return mends(way) ? std::sqrt(root) : root;
  };
  std::array<double, kWays> drawn{};
  std::array<double, kWays> inclined{};
  double anywhere = 0;
  moves_.visit(p.layer, p.state, [&](int k) {
    if (k == MoveSet::kLeave && !at_goal) return;
    const auto at = static_cast<std::size_t>(k);
    const auto way = way_of(moves_, k, p.layer, p.state, goal);
    drawn[way] += static_cast<double>(proposal_[at]);
    inclined[way] += favoured(learned[at], way);
    anywhere += static_cast<double>(learned[at]);
  });
  const auto seen = pilots_.seen(p.layer, p.distance);
  double known = kPrior;
  for (std::size_t way = 0; way < kWays; ++way) known += inclined[way] > 0 ? seen[way] : 0;
  for (std::size_t way = 0; way < kWays; ++way) drawn[way] = (seen[way] + kPrior * drawn[way]) / known;
  double sum = 0;  // one, but for ways that the model never goes
  moves_.visit(p.layer, p.state, [&](int k) {
    const auto at = static_cast<std::size_t>(k);
    auto& q = proposal_[at];
    q = 0;
    if (k == MoveSet::kLeave && !at_goal) return;
    const auto way = way_of(moves_, k, p.layer, p.state, goal);
    const double by_way = inclined[way] > 0 ? drawn[way] * favoured(learned[at], way) / inclined[way] : 0;
    q = static_cast<float>((1 - kAtRandom) * by_way +
                           (anywhere > 0 ? kAtRandom * static_cast<double>(learned[at]) / anywhere : 0));
    sum += static_cast<double>(q);
  });
  if (!(sum > 0)) {  // the model goes nowhere from here but out, and elsewhere
    p.distance = -1;
    p.outlook = 0;
    p.log_weight = -std::numeric_limits<double>::infinity();
    return;
  }
  const int move = pick_move(proposal_, p.random.uniform());
  p.log_weight += std::log(static_cast<double>(learned[static_cast<std::size_t>(move)])) -
                  std::log(static_cast<double>(proposal_[static_cast<std::size_t>(move)]) / sum);
  int layer = p.layer;
  const bool goes_on = moves_.apply(move, layer, p.state);
  p.layer = layer;
  p.distance = goes_on ? moves_.distance(p.state, goal) : -1;
  p.outlook = 0;
  if (goes_on && ++p.moves >= kMostMoves) {
    p.distance = -1;
    p.log_weight = -std::numeric_limits<double>::infinity();
  }
}

double PathSampler::log_mean(const std::vector<Particle>& particles, bool with_outlook) {
  const auto log_of = [&](const Particle& p) { return p.log_weight + (with_outlook ? p.outlook : 0.0); };
  double top = -std::numeric_limits<double>::infinity();
  for (const auto& p : particles) top = std::max(top, log_of(p));
  if (!std::isfinite(top)) return top;
  double sum = 0;
  for (const auto& p : particles) sum += std::exp(log_of(p) - top);
  return top + std::log(sum / static_cast<double>(particles.size()));
}

void PathSampler::resample(Population& population) {
  auto& particles = population.particles;
  const double mean = log_mean(particles, true);
  if (!std::isfinite(mean)) return;
  const auto share = [&](const Particle& p) { return std::exp(p.log_weight + p.outlook - mean); };
  const auto count = static_cast<double>(particles.size());
  double square = 0;
  for (const auto& p : particles) square += share(p) * share(p);
  if (count * count / square > 0.5 * count) return;  // as good as half of them still
  population.log_sum += mean;
  // Systematic: a particle has as many copies as multiples of one, shifted by u, fall to its share.
  std::vector<std::size_t> from;
  double sum = 0;
  const double u = population.random.uniform();
  for (std::size_t k = 0; k < particles.size(); ++k) {
    sum += share(particles[k]);
    while (static_cast<double>(from.size()) + u < sum && from.size() < particles.size()) from.push_back(k);
  }
  while (from.size() < particles.size()) from.push_back(from.empty() ? 0 : from.back());  // rounding
  const auto old = particles;
  for (std::size_t k = 0; k < particles.size(); ++k) {
    const auto random = particles[k].random;
    particles[k] = old[from[k]];
    particles[k].random = random;
    particles[k].log_weight = -particles[k].outlook;
  }
}

std::vector<double> PathSampler::run(Range populations, int repeats) {
  std::vector<Population> all;
  all.reserve(static_cast<std::size_t>(populations.size()));
  for (auto n = populations.begin; n < populations.end; ++n) all.push_back(begin(n, repeats));
  std::vector<std::pair<Population*, Particle*>> arrived;
  for (auto& p : all) {
    for (auto& particle : p.particles) arrived.emplace_back(&p, &particle);
  }
  for (bool going = true; going && !stop_requested();) {
    look(arrived);
    arrived.clear();
    going = false;
    // Those go on that are farthest from their row: weights are compared at equal distance.
    for (auto& p : all) {
      int farthest = -1;
      for (const auto& particle : p.particles) farthest = std::max(farthest, particle.distance);
      if (farthest < p.level) {
        p.level = farthest;
        resample(p);
        farthest = -1;
        for (const auto& particle : p.particles) farthest = std::max(farthest, particle.distance);
      }
      if (farthest < 0) continue;
      going = true;
      for (auto& particle : p.particles) {
        if (particle.distance != farthest) continue;
        move(p, particle);
        if (particle.distance >= 0) arrived.emplace_back(&p, &particle);
      }
    }
  }
  std::vector<double> result;
  result.reserve(all.size());
  for (const auto& p : all) result.push_back(p.log_sum + log_mean(p.particles, false));
  return result;
}

}  // namespace

PathLikelihood likelihood_of(std::span<const double> logs, int repeats, bool with_error) {
  constexpr double kHalfFound = 2;
  PathLikelihood result;
  double sum = 0;
  double variance = 0;  // sum of v
  const auto step = static_cast<std::size_t>(repeats);
  for (std::size_t row = 0; row + step <= logs.size(); row += step) {
    const double first = logs[row];
    const double second = logs[row + step - 1];
    const double top = std::max(first, second);
    if (top == -std::numeric_limits<double>::infinity()) {
      ++result.rows_without_path;
      continue;
    }
    const bool half_found = std::isinf(std::min(first, second));
    result.rows_half_found += half_found ? 1 : 0;
    sum += top + std::log(0.5 * (std::exp(first - top) + std::exp(second - top)));
    variance += half_found ? kHalfFound : (first - second) * (first - second) / 2;
  }
  const auto rows = static_cast<std::int64_t>(logs.size() / step) - result.rows_without_path;
  if (rows == 0) return result;
  const auto n = static_cast<double>(rows);
  result.mean_of_rest = sum / n;
  if (result.rows_without_path == 0) result.mean = result.mean_of_rest;
  if (with_error && repeats == 2) {
    result.error = std::sqrt(variance / 2) / n;
    result.bias = -variance / n / 4;
  }
  return result;
}

PathLikelihood path_log_likelihood(MPI_Comm comm, const MoveModel& model, const WalkSupervision& conditional,
                                   const Draws& source, std::span<const std::uint16_t> rows, int paths,
                                   std::uint64_t seed) {
  const auto d = static_cast<std::size_t>(model.moves().dimensions());
  const auto count = static_cast<std::int64_t>(rows.size() / d);
  const int repeats = paths >= kFewestPathsForError ? 2 : 1;
  std::vector<double> found(static_cast<std::size_t>(count * repeats), 0.0);
  PathSampler sampler(model, conditional, source, send_pilots(comm, model, source, seed), rows, paths / repeats, seed);
  const auto mine = partition(count * repeats, size_of(comm), rank_of(comm));
  Progress progress(comm, "likelihood", "populations", mine.size());
  // As many at a time as fill the network's blocks.
  const auto together = std::max<std::int64_t>(1, 8 * static_cast<std::int64_t>(kVerticesOfCall) * repeats / paths);
  for (auto at = mine.begin; at < mine.end && !stop_requested(); at += together) {
    const auto part = sampler.run({at, std::min(mine.end, at + together)}, repeats);
    std::copy(part.begin(), part.end(), found.begin() + static_cast<std::ptrdiff_t>(at));
    progress.update(std::min(mine.end, at + together) - mine.begin);
  }
  heed_stop(comm);
  all_sum(comm, std::span<double>(found));

  return likelihood_of(found, repeats, paths >= kFewestPathsForError);
}

}  // namespace kirchhoff
