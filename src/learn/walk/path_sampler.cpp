#include "learn/walk/path_sampler.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "kirchhoff/parallel/progress.hpp"
#include "kirchhoff/parallel/stop.hpp"

namespace kirchhoff::detail {

PathEnd::PathEnd(const MoveSet& moves, std::span<const std::uint16_t> given, std::span<const std::uint8_t> allowed)
    : row(given), far(static_cast<std::size_t>(moves.all_categories()), 0), nearest(far.size()) {
  for (std::size_t j = 0; j < row.size(); ++j) {
    const int s = moves.space().categories(static_cast<int>(j));
    const auto offset = static_cast<std::size_t>(moves.offset(j));
    std::vector<int> may;
    for (int v = 0; v < s; ++v) {
      const bool hole = is_hole(row[j], s);
      if (hole ? allowed.empty() || allowed[offset + static_cast<std::size_t>(v)] != 0 : v == row[j]) may.push_back(v);
    }
    open = open || may.size() > 1;
    for (int v = 0; v < s; ++v) {
      const auto at = offset + static_cast<std::size_t>(v);
      int least = std::numeric_limits<int>::max();
      if (std::binary_search(may.begin(), may.end(), v)) {
        nearest[at] = static_cast<std::uint16_t>(v);
        continue;
      }
      for (const int value : may) {
        const int steps = moves.steps(j, v, value);
        if (steps >= least) continue;
        least = steps;
        nearest[at] = static_cast<std::uint16_t>(value);
      }
      far[at] = least;
    }
  }
}

int PathEnd::distance(const MoveSet& moves, std::span<const std::uint16_t> state) const {
  int sum = 0;
  for (std::size_t j = 0; j < state.size(); ++j) sum += far[static_cast<std::size_t>(moves.offset(j)) + state[j]];
  return sum;
}

PathSampler::PathSampler(const MoveModel& model, const WalkSupervision& conditional, const Draws& source, Pilots pilots,
                         const GivenRows& given, int paths, std::uint64_t seed)
    : model_(model),
      moves_(model.moves()),
      conditional_(conditional),
      source_(source),
      pilots_(std::move(pilots)),
      given_(given),
      paths_(static_cast<std::size_t>(paths)),
      seed_(seed),
      d_(static_cast<std::size_t>(moves_.dimensions())),
      m_(static_cast<std::size_t>(moves_.size())),
      layers_(kVerticesOfCall),
      states_(kVerticesOfCall * d_),
      probabilities_(kVerticesOfCall * m_),
      proposal_(m_),
      goal_(d_) {}

PathSampler::Population PathSampler::begin(std::int64_t number, int repeats) const {
  constexpr std::uint64_t kApart = std::uint64_t{1} << 62;  // numbers that no walk has
  const auto row = std::span(given_.rows).subspan(static_cast<std::size_t>(number / repeats) * d_, d_);
  Population p{PathEnd(moves_, row, given_.allowed), {}, 0, 0, Random(0, Stream::walk, 0)};
  p.particles.resize(paths_);
  const auto first = kApart + static_cast<std::uint64_t>(number) * (paths_ + 1);
  p.random = Random(seed_, Stream::walk, first);
  for (std::size_t i = 0; i < paths_; ++i) {
    auto& particle = p.particles[i];
    particle.random = Random(seed_, Stream::walk, first + 1 + i);
    particle.state.resize(d_);
    source_.draw(particle.random, particle.state);
    for (std::size_t j = 0; j < d_ && conditional_.starts_evenly(); ++j) {
      // As starts of walks that end there are; what is not given starts as it does.
      auto& value = particle.state[j];
      const int s = moves_.space().categories(static_cast<int>(j));
      const double even = 1.0 / s;
      if (even == 1 || is_hole(row[j], s)) continue;
      const double agree = std::max(even, pilots_.agreement[static_cast<std::size_t>(moves_.offset(j)) + row[j]]);
      if (particle.random.uniform() < (agree - even) / (1 - even)) value = row[j];
      particle.log_weight += std::log(value == row[j] ? even / agree : (1 - even) / (1 - agree));
    }
    particle.start = particle.state;
    particle.distance = p.end.distance(moves_, particle.state);
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
      judge(arrived[at + i].first->end, particle);
    }
  }
}

/// What is to come, as if each wrong coordinate had to be mended from here, in any order.
void PathSampler::judge(const PathEnd& end, Particle& particle) const {
  // A coordinate is more certain once others have been mended, so not all of it counts. The estimate is unbiased for
  // any power; its standard error on 60 rows of 45 bits with 64 paths was 0.079 nat with 0.4, 0.063 with 0.7 and 0.060
  // with 1.
  constexpr double kTrusted = 0.7;
  particle.outlook = 0;
  for (std::size_t j = 0; j < d_; ++j) {
    const auto far =
        std::span(end.far).subspan(static_cast<std::size_t>(moves_.offset(j)),
                                   static_cast<std::size_t>(moves_.space().categories(static_cast<int>(j))));
    const int steps = far[particle.state[j]];
    if (steps == 0) continue;
    double p = 0;
    for (const int direction : {1, -1}) {
      if (particle.layer + direction < 0 || particle.layer + direction > moves_.layers()) continue;
      for (std::size_t v = 0; v < far.size(); ++v) {
        if (far[v] >= steps) continue;  // of those that are nearer a lattice has a move to neighbours alone
        const int change = moves_.change(direction, static_cast<int>(j), static_cast<int>(v));
        p += static_cast<double>(particle.probabilities[static_cast<std::size_t>(change)]);
      }
    }
    particle.outlook += kTrusted * steps * std::log(std::min(1.0, p * particle.distance / steps) + 1e-30);
  }
}

/// The way of a move, seen from the nearest of the ends.
std::size_t PathSampler::way(const PathEnd& end, int move, const Particle& p) const {
  if (move == MoveSet::kLeave) return kLeaving;
  const auto [direction, coordinate, value] = moves_.step(move, p.layer);
  auto kind = MoveKind::same;
  if (coordinate >= 0) {
    const auto j = static_cast<std::size_t>(coordinate);
    const auto offset = static_cast<std::size_t>(moves_.offset(j));
    const int before = end.far[offset + p.state[j]];
    const int after = end.far[offset + static_cast<std::size_t>(value)];
    kind = after < before ? MoveKind::toward : after > before ? MoveKind::away : MoveKind::other;
  }
  return (direction < 0 ? 4 : 0) + static_cast<std::size_t>(kind);
}

/// Whether a move changes a coordinate from a value that it may have to another one.
bool PathSampler::stays_right(const PathEnd& end, int move, const Particle& p) const {
  if (!end.open || move == MoveSet::kLeave) return false;
  const auto step = moves_.step(move, p.layer);
  if (step.coordinate < 0) return false;
  const auto j = static_cast<std::size_t>(step.coordinate);
  const auto offset = static_cast<std::size_t>(moves_.offset(j));
  return end.far[offset + p.state[j]] == 0 && end.far[offset + static_cast<std::size_t>(step.value)] == 0;
}

/// Puts the proposal of a particle's next move into proposal_, but for moves that stay right, which it has not.
/// @return its sum: one, but for ways that the model never goes.
double PathSampler::propose(const PathEnd& end, const Particle& p) {
  const std::span<const float> learned(p.probabilities);
  // Any share above 0 keeps the estimate unbiased. This one bounds a move's weight by 50, for one move in 50.
  constexpr double kAtRandom = 0.02;
  for (std::size_t j = 0; j < d_; ++j) goal_[j] = end.nearest[static_cast<std::size_t>(moves_.offset(j)) + p.state[j]];
  conditional_.toward(p.layer, p.state, p.start, goal_, proposal_);
  const bool at_goal = p.layer == moves_.layers() && p.distance == 0;
  const auto passed = [&](int k) { return (k == MoveSet::kLeave && !at_goal) || stays_right(end, k, p); };
  // The ways come as often as pilots went them at this distance from their end, and where these were few, as in the
  // conditional walk. Which move of a way, the model has a say in: what it is sure of would leave what it does not
  // expect to the last, so less of one in mending. A share follows the model itself, leaving elsewhere excepted, so
  // that every path can occur.
  // Weighs as so many moves of pilots: 2048 of them overrule it wherever walks come as a rule.
  constexpr double kPrior = 8;  // moves of the conditional walk
  const auto favoured = [](float share, std::size_t which) {
    const double root = std::sqrt(static_cast<double>(share));
    return mends(which) ? std::sqrt(root) : root;
  };
  std::array<double, kWays> drawn{};
  std::array<double, kWays> inclined{};
  double anywhere = 0;
  moves_.visit(p.layer, p.state, [&](int k) {
    if (passed(k)) return;
    const auto at = static_cast<std::size_t>(k);
    const auto which = way(end, k, p);
    drawn[which] += static_cast<double>(proposal_[at]);
    inclined[which] += favoured(learned[at], which);
    anywhere += static_cast<double>(learned[at]);
  });
  const auto seen = pilots_.seen(p.layer, p.distance);
  double known = kPrior;
  for (std::size_t which = 0; which < kWays; ++which) known += inclined[which] > 0 ? seen[which] : 0;
  for (std::size_t which = 0; which < kWays; ++which) {
    drawn[which] = (seen[which] + kPrior * drawn[which]) / known;
  }
  double sum = 0;
  moves_.visit(p.layer, p.state, [&](int k) {
    const auto at = static_cast<std::size_t>(k);
    auto& q = proposal_[at];
    q = 0;
    if (passed(k)) return;
    const auto which = way(end, k, p);
    const double by_way = inclined[which] > 0 ? drawn[which] * favoured(learned[at], which) / inclined[which] : 0;
    q = static_cast<float>((1 - kAtRandom) * by_way +
                           (anywhere > 0 ? kAtRandom * static_cast<double>(learned[at]) / anywhere : 0));
    sum += static_cast<double>(q);
  });
  return sum;
}

/// Moves that stay right come as often as the model has them; the others of the proposal share what is left.
/// @return the sum of the proposal.
double PathSampler::leave_free(const PathEnd& end, const Particle& p, double sum) {
  if (!end.open) return sum;
  double free = 0;
  moves_.visit(p.layer, p.state, [&](int k) {
    if (stays_right(end, k, p)) free += static_cast<double>(p.probabilities[static_cast<std::size_t>(k)]);
  });
  if (free == 0) return sum;
  const double scale = sum > 0 ? std::max(0.0, 1 - free) / sum : 0;
  double all = 0;
  moves_.visit(p.layer, p.state, [&](int k) {
    auto& q = proposal_[static_cast<std::size_t>(k)];
    q = stays_right(end, k, p) ? p.probabilities[static_cast<std::size_t>(k)]
                               : static_cast<float>(scale * static_cast<double>(q));
    all += static_cast<double>(q);
  });
  return all;
}

void PathSampler::move(const PathEnd& end, Particle& p) {
  const std::span<const float> learned(p.probabilities);
  if (end.open && p.distance == 0) {
    // All that is given is right. When the rest is, the network knows better than pilots at their end.
    return go(end, p, pick_move(learned, p.random.uniform()));
  }
  const double sum = leave_free(end, p, propose(end, p));
  if (!(sum > 0)) {  // the model goes nowhere from here but out, and elsewhere
    p.distance = -1;
    p.outlook = 0;
    p.log_weight = -std::numeric_limits<double>::infinity();
    return;
  }
  const int move = pick_move(proposal_, p.random.uniform());
  p.log_weight += std::log(static_cast<double>(learned[static_cast<std::size_t>(move)])) -
                  std::log(static_cast<double>(proposal_[static_cast<std::size_t>(move)]) / sum);
  go(end, p, move);
}

void PathSampler::go(const PathEnd& end, Particle& p, int move) {
  int layer = p.layer;
  const bool goes_on = moves_.apply(move, layer, p.state);
  p.layer = layer;
  p.distance = goes_on ? end.distance(moves_, p.state) : -1;
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

std::vector<PathsFound> PathSampler::run(Range populations, int repeats) {
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
        move(p.end, particle);
        if (particle.distance >= 0) arrived.emplace_back(&p, &particle);
      }
    }
  }
  std::vector<PathsFound> result;
  result.reserve(all.size());
  for (const auto& p : all) result.push_back(found(p));
  return result;
}

PathsFound PathSampler::found(const Population& population) const {
  PathsFound result;
  const double mean = log_mean(population.particles, false);
  result.log_probability = population.log_sum + mean;
  const auto count = static_cast<double>(population.particles.size());
  for (const auto& particle : population.particles) {
    result.ends.insert(result.ends.end(), particle.state.begin(), particle.state.end());
    result.weights.push_back(std::isfinite(mean) ? std::exp(particle.log_weight - mean) / count : 0);
  }
  return result;
}

std::vector<double> find_paths(MPI_Comm comm, const MoveModel& model, const WalkSupervision& conditional,
                               const Draws& source, const GivenRows& given, int paths, std::uint64_t seed,
                               const std::function<void(std::int64_t, const PathsFound&)>& use) {
  const auto d = static_cast<std::size_t>(model.moves().dimensions());
  const auto count = static_cast<std::int64_t>(given.rows.size() / d);
  const int repeats = path_repeats(paths);
  std::vector<double> logs(static_cast<std::size_t>(count * repeats), 0.0);
  PathSampler sampler(model, conditional, source, send_pilots(comm, model, source, seed), given, paths / repeats, seed);
  const auto mine = partition(count * repeats, size_of(comm), rank_of(comm));
  Progress progress(comm, "likelihood", "populations", mine.size());
  // As many at a time as fill the network's blocks.
  const auto together = std::max<std::int64_t>(1, 8 * static_cast<std::int64_t>(kVerticesOfCall) * repeats / paths);
  for (auto at = mine.begin; at < mine.end && !stop_requested(); at += together) {
    const auto part = sampler.run({at, std::min(mine.end, at + together)}, repeats);
    for (std::size_t k = 0; k < part.size(); ++k) {
      const auto number = at + static_cast<std::int64_t>(k);
      logs[static_cast<std::size_t>(number)] = part[k].log_probability;
      use(number, part[k]);
    }
    progress.update(std::min(mine.end, at + together) - mine.begin);
  }
  heed_stop(comm);
  all_sum(comm, std::span<double>(logs));
  return logs;
}

}  // namespace kirchhoff::detail
