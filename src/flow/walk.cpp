#include "kirchhoff/flow/walk.hpp"

#include <algorithm>
#include <limits>
#include <optional>

#include "currents/sorted_layer.hpp"
#include "kirchhoff/base/random.hpp"
#include "kirchhoff/parallel/parallel.hpp"
#include "kirchhoff/parallel/progress.hpp"
#include "kirchhoff/parallel/stop.hpp"
#include "parallel/pieces.hpp"

namespace kirchhoff {
namespace {

struct Vertex {
  int layer = 0;
  std::int64_t state = 0;
};

enum class Fate { moved, stopped, stuck };

/// Moves on circuits whose edges are few: the neighbours' currents are listed at every vertex.
class SparseMover {
 public:
  explicit SparseMover(const Flow& flow) : flow_(flow) {}

  Fate move(Vertex& at, Random& random) {
    candidates_.clear();
    double total = 0;
    each_current(flow_, at.layer, at.state, [&](int m, std::int64_t y, double current) {
      if (current > 0) {
        total += current;
        candidates_.push_back({{m, y}, total});
      }
    });
    const double exit = at.layer == flow_.circuit->layers() ? flow_.exit[static_cast<std::size_t>(at.state)] : 0.0;
    if (!(total + exit > 0)) return Fate::stuck;
    const double chosen = random.uniform() * (total + exit);
    if (chosen >= total && exit > 0) return Fate::stopped;
    for (const auto& candidate : candidates_) {
      at = candidate.vertex;
      if (chosen < candidate.cumulative) break;
    }
    return Fate::moved;
  }

 private:
  struct Candidate {
    Vertex vertex;
    double cumulative;
  };
  const Flow& flow_;
  std::vector<Candidate> candidates_;
};

/// Moves on circuits that join all states: never a loop over the N states of a layer.
class DenseMover {
 public:
  explicit DenseMover(const Flow& flow) : flow_(flow), circuit_(*flow.circuit), n_(circuit_.states()) {
    for (int l = 0; l <= circuit_.layers(); ++l) sorted_.emplace_back(circuit_.coupling(0), layer(l));
    for (int l = 0; l < circuit_.layers(); ++l) parts_.emplace_back(circuit_.coupling(l));
    side_.resize(static_cast<std::size_t>(circuit_.vertices()));
    for (int l = 0; l <= circuit_.layers(); ++l) {
      for (std::int64_t x = 0; x < n_; ++x) {
        const double f = layer(l)[static_cast<std::size_t>(x)];
        auto& [forward, backward] = side_[static_cast<std::size_t>(l * n_ + x)];
        if (l < circuit_.layers()) forward = outflow(parts_[static_cast<std::size_t>(l)], l + 1, x, f);
        if (l > 0) backward = outflow(parts_[static_cast<std::size_t>(l - 1)], l - 1, x, f);
      }
    }
  }

  Fate move(Vertex& at, Random& random) const {
    const auto& [forward, backward] = side_[static_cast<std::size_t>(at.layer * n_ + at.state)];
    const double exit = at.layer == circuit_.layers() ? flow_.exit[static_cast<std::size_t>(at.state)] : 0.0;
    const double total = forward.current + backward.current;
    if (!(total + exit > 0)) return Fate::stuck;
    const double chosen = random.uniform() * (total + exit);
    if (chosen >= total && exit > 0) return Fate::stopped;
    const double f = layer(at.layer)[static_cast<std::size_t>(at.state)];
    const bool ahead = backward.current <= 0 || chosen < forward.current;
    const int to = ahead ? at.layer + 1 : at.layer - 1;
    const auto& parts = parts_[static_cast<std::size_t>(ahead ? at.layer : to)];
    const auto& side = ahead ? forward : backward;
    at = {to, destination(parts, side, to, at.state, f, ahead ? chosen : chosen - forward.current, random)};
    return Fate::moved;
  }

 private:
  /// What leaves a vertex toward one neighbouring layer.
  struct Side {
    double current = 0;       // [A]
    std::uint32_t below = 0;  // states of that layer at lower potential
  };

  /// A coupling's conductances [S], and what its sums over nested sets count: the state itself, its group, all.
  struct Parts {
    explicit Parts(const Coupling& coupling)
        : grouped(coupling.groups() != nullptr),
          same(coupling.same()),
          within(coupling.within()),
          change(coupling.change()) {
      const auto sums = set_sums(coupling);
      own_sum = sums.front().conductance;
      group_sum = grouped ? sums[1].conductance : 0;
    }
    bool grouped;
    double same;
    double within;  // to other states of the group; without groups to all
    double change;
    double own_sum;
    double group_sum;
  };

  std::span<const double> layer(int l) const {
    return flow_.potential.subspan(static_cast<std::size_t>(l * n_), static_cast<std::size_t>(n_));
  }

  Side outflow(const Parts& c, int to, std::int64_t x, double f) const {
    const auto& target = sorted_[static_cast<std::size_t>(to)];
    Side side;
    side.below = target.all().below(f);
    side.current = c.change * target.all().drop(side.below, f) + c.own_sum * same_drop(to, x, f);
    if (c.grouped) side.current += c.group_sum * target.drop({StateSet::Kind::group}, x, f);
    side.current = side.below == 0 ? 0.0 : std::max(0.0, side.current);
    return side;
  }

  double same_drop(int to, std::int64_t x, double f) const {
    return std::max(0.0, f - layer(to)[static_cast<std::size_t>(x)]);
  }

  /// `at` is uniform in [0, side.current).
  std::int64_t destination(const Parts& c, const Side& side, int to, std::int64_t x, double f, double at,
                           Random& random) const {
    const auto& target = sorted_[static_cast<std::size_t>(to)];
    const double drop = target.all().drop(side.below, f);
    if (c.own_sum >= 0 && c.group_sum >= 0) {
      // What the same state has beyond its share of its group's sum, what the group has beyond its share of all.
      const double extra = c.own_sum * same_drop(to, x, f);
      if (at < extra) return x;
      at -= extra;
      if (c.group_sum > 0) {
        const auto& group = target.group_of(x);
        const auto below = group.below(f);
        const double of_group = group.drop(below, f);
        if (at < c.group_sum * of_group) return target.member(x, group.draw(below, f, at / c.group_sum));
        at -= c.group_sum * of_group;
      }
      return target.all().draw(side.below, f, std::min(at / c.change, drop));
    }
    return thinned(c, side, to, x, f, at, random);
  }

  /// Where the near have less than their share of a sum over all: drawn as if all had as much as those that have most,
  /// but for the same state's extra, and thinned out by rejection, which takes max(1/R_in, 1/R_out) over the least
  /// conductance draws at most on average.
  std::int64_t thinned(const Parts& c, const Side& side, int to, std::int64_t x, double f, double at,
                       Random& random) const {
    const auto& target = sorted_[static_cast<std::size_t>(to)];
    const double drop = target.all().drop(side.below, f);
    const double most = std::max(c.within, c.change);
    if (c.same > most && at < (c.same - most) * same_drop(to, x, f)) return x;
    while (true) {
      const std::int64_t y = target.all().draw(side.below, f, random.uniform() * drop);
      const bool near = c.grouped && target.alike(x, y);
      const double conductance = y == x ? std::min(c.same, most) : near ? c.within : c.change;
      if (conductance >= most || random.uniform() * most < conductance) return y;
      if (side.below == 1) return y;
    }
  }

  const Flow& flow_;
  const Circuit& circuit_;
  std::int64_t n_;
  std::vector<SortedSets> sorted_;
  std::vector<Parts> parts_;
  std::vector<std::pair<Side, Side>> side_;  // (L+1) x N: forward, backward
};

std::vector<double> cumulative(const Mass& mass) {
  std::vector<double> sums(mass.size());
  double sum = 0;
  for (std::size_t i = 0; i < mass.size(); ++i) sums[i] = sum += mass[i];
  return sums;
}

/// The state whose share of the cumulative mass covers u in [0, 1); never one of zero mass.
std::int64_t draw(const std::vector<double>& sums, double u) {
  const auto it = std::upper_bound(sums.begin(), sums.end(), u * sums.back());
  return std::min<std::int64_t>(it - sums.begin(), static_cast<std::int64_t>(sums.size()) - 1);
}

template <class Mover>
Walks walk_with(MPI_Comm comm, Mover mover, const Flow& flow, const WalkOptions& options) {
  constexpr std::int64_t kBetweenLooks = 65536;  // particles between two looks at the signal flag
  // Potentials fall, so that their walks end; currents that a network gives edge by edge may lead round for ever.
  const auto most_moves = flow.currents ? std::int32_t{1} << 16 : std::numeric_limits<std::int32_t>::max();
  const auto& circuit = *flow.circuit;
  const auto sums = cumulative(circuit.source());
  const auto mine = partition(options.count, size_of(comm), rank_of(comm));
  const auto size = static_cast<std::size_t>(mine.size());
  Walks walks{mine.begin, {}, {}, {}, {}, {}};
  walks.start.resize(size);
  walks.end.resize(size);
  walks.moves.resize(size);
  walks.stuck.resize(size);
  if (options.count_visits) walks.visits.resize(static_cast<std::size_t>(circuit.vertices()));
  Progress progress(comm, "walk", "particles", options.count);

  const auto rounds = (partition(options.count, size_of(comm), 0).size() + kBetweenLooks - 1) / kBetweenLooks;
  for (std::int64_t round = 0; round < rounds; ++round) {
    heed_stop(comm);
    const auto from = std::min(mine.end, mine.begin + round * kBetweenLooks);
    const auto to = std::min(mine.end, from + kBetweenLooks);
    for (auto i = from; i < to && !stop_requested(); ++i) {
      Random random(options.seed, Stream::walk, static_cast<std::uint64_t>(i));
      Vertex at{0, draw(sums, random.uniform())};
      const auto k = static_cast<std::size_t>(i - mine.begin);
      walks.start[k] = at.state;
      std::int32_t moves = 0;
      while (true) {
        if (options.count_visits) ++walks.visits[static_cast<std::size_t>(at.layer * circuit.states() + at.state)];
        const Fate fate = mover.move(at, random);
        if (fate != Fate::moved) {
          walks.stuck[k] = fate == Fate::stuck ? 1 : 0;
          break;
        }
        ++moves;
        if (moves == most_moves) {
          walks.stuck[k] = 1;
          break;
        }
      }
      walks.end[k] = at.state;
      walks.moves[k] = moves;
    }
    progress.update(std::min(options.count, (to - mine.begin) * size_of(comm)));
  }
  heed_stop(comm);
  if (options.count_visits) {
    in_pieces(walks.visits.size(), [&](std::size_t first, int count) {
      MPI_Allreduce(MPI_IN_PLACE, walks.visits.data() + first, count, MPI_INT64_T, MPI_SUM, comm);
    });
  }
  return walks;
}

}  // namespace

Walks walk(MPI_Comm comm, const Flow& flow, const WalkOptions& options) {
  if (flow.circuit->joins_all()) return walk_with(comm, DenseMover(flow), flow, options);
  return walk_with(comm, SparseMover(flow), flow, options);
}

}  // namespace kirchhoff
