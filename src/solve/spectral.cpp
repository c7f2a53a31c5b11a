#include "solve/spectral.hpp"

#include <algorithm>
#include <cmath>

#include "kirchhoff/error.hpp"
#include "memory.hpp"
#include "solve/modes.hpp"

namespace kirchhoff {
namespace {

/// What a current of 1 A in a mode of the first or of the last layer makes of that mode on every layer [V], a block of
/// modes at a time. Each layer has a leak to ground and a link to the next: seen from its source, the chain is a row of
/// voltage dividers, every one of them positive but for the sign of the link. Nothing is ever subtracted, so that
/// smooth modes, whose leaks are nearly zero, keep their digits.
class Ladder {
 public:
  /// @param row_changes c_max of the modes; @param width modes of a block.
  Ladder(const Schedule& schedule, double row_changes, std::int64_t width)
      : schedule_(schedule),
        row_changes_(row_changes),
        width_(static_cast<std::size_t>(width)),
        pairs_(schedule.same.size()),
        symmetric_(is_symmetric(schedule)),
        link_(pairs_ * width_),
        leak_((pairs_ + 1) * width_),
        first_((pairs_ + 1) * width_),
        last_(symmetric_ ? 0 : (pairs_ + 1) * width_),
        seen_(width_) {}

  /// @param e of the block's modes, none of them zero.
  void set(std::span<const double> e) {
    std::fill(leak_.begin(), leak_.end(), 0.0);
    for (std::size_t l = 0; l < pairs_; ++l) {
      links(schedule_, row_changes_, l, e, row(link_, l), seen_.data());
      for (std::size_t i = 0; i < e.size(); ++i) {
        row(leak_, l)[i] += seen_[i];
        row(leak_, l + 1)[i] += seen_[i];
      }
    }
    const auto divide = [&](std::vector<double>& volts, std::size_t layer, std::size_t pair) {
      double* divider = row(volts, layer);
      const double* link = row(link_, pair);
      for (std::size_t i = 0; i < e.size(); ++i) {
        const double size = std::abs(link[i]);
        const double share = 1 / (size + seen_[i]);
        divider[i] = link[i] * share;
        seen_[i] *= size * share;  // through the link
      }
    };
    const auto leak = [&](std::size_t layer) {
      for (std::size_t i = 0; i < e.size(); ++i) seen_[i] += row(leak_, layer)[i];
    };
    const auto follow = [&](std::vector<double>& volts, std::size_t layer, std::size_t before) {
      for (std::size_t i = 0; i < e.size(); ++i) row(volts, layer)[i] *= row(volts, before)[i];
    };
    const auto drive = [&](std::vector<double>& volts, std::size_t layer) {
      for (std::size_t i = 0; i < e.size(); ++i) row(volts, layer)[i] = 1 / seen_[i];
    };
    std::fill(seen_.begin(), seen_.end(), 0.0);
    leak(pairs_);
    for (std::size_t l = pairs_; l-- > 0;) {
      divide(first_, l + 1, l);
      leak(l);
    }
    drive(first_, 0);
    for (std::size_t l = 1; l <= pairs_; ++l) follow(first_, l, l - 1);
    if (symmetric_) return;
    std::fill(seen_.begin(), seen_.end(), 0.0);
    leak(0);
    for (std::size_t l = 0; l < pairs_; ++l) {
      divide(last_, l, l);
      leak(l + 1);
    }
    drive(last_, pairs_);
    for (std::size_t l = pairs_; l-- > 0;) follow(last_, l, l + 1);
  }

  /// The potentials on layer l for 1 A into the first layer, and into the last one.
  const double* of_first(std::size_t l) const { return first_.data() + l * width_; }
  const double* of_last(std::size_t l) const { return symmetric_ ? of_first(pairs_ - l) : last_.data() + l * width_; }

 private:
  static bool is_symmetric(const Schedule& schedule) {
    return std::equal(schedule.same.begin(), schedule.same.end(), schedule.same.rbegin()) &&
           std::equal(schedule.change.begin(), schedule.change.end(), schedule.change.rbegin());
  }
  double* row(std::vector<double>& rows, std::size_t l) const { return rows.data() + l * width_; }

  const Schedule& schedule_;
  double row_changes_;
  std::size_t width_;
  std::size_t pairs_;
  bool symmetric_;             // seen from the last layer as from the first
  std::vector<double> link_;   // (L x width) signed
  std::vector<double> leak_;   // (L+1 x width)
  std::vector<double> first_;  // (L+1 x width)
  std::vector<double> last_;   // (L+1 x width), or nothing when symmetric
  std::vector<double> seen_;   // (width) conductance to ground of all that lies ahead
};

/// Transforms `count` layers that follow each other.
void transform(ModeTransform<double>& modes, double* layers, std::int64_t count, bool forward) {
  for (int k = 0; k < modes.dimensions(); ++k) {
    if (forward) {
      modes.forward(layers, k, {0, modes.lines(count)});
    } else {
      modes.inverse(layers, modes.dimensions() - 1 - k, {0, modes.lines(count)});
    }
  }
}

/// Mode 0 of every layer: one current goes through all pairs. The mean over the layers is zero.
std::vector<double> constant_mode(const Schedule& schedule, double row_changes, double current) {
  std::vector<double> u{0};
  double sum = 0;
  for (std::size_t l = 0; l < schedule.same.size(); ++l) {
    u.push_back(u.back() - current / (schedule.same[l] + row_changes * schedule.change[l]));
    sum += u.back();
  }
  for (double& value : u) value -= sum / static_cast<double>(u.size());
  return u;
}

}  // namespace

bool is_uniform(const Circuit& circuit) {
  return !circuit.coupling(0).table() && circuit.coupling(0).weights().empty();
}

Schedule mean_schedule(MPI_Comm comm, const Circuit& circuit) {
  const auto n = circuit.states();
  const auto mine = partition(n, size_of(comm), rank_of(comm));
  const auto pairs = static_cast<std::size_t>(circuit.layers());
  std::vector<double> sums(3 * pairs);  // same, change, number of changes
  for (std::size_t l = 0; l < pairs; ++l) {
    const auto& coupling = circuit.coupling(static_cast<int>(l));
    for (int slot = 0; slot < coupling.slots(); ++slot) {
      const auto weights = coupling.weights().subspan(static_cast<std::size_t>(slot * n + mine.begin),
                                                      static_cast<std::size_t>(mine.size()));
      sums[3 * l + (slot == 0 ? 0 : 1)] += pairwise_sum(weights);
      if (slot > 0)
        sums[3 * l + 2] +=
            static_cast<double>(std::count_if(weights.begin(), weights.end(), [](double g) { return g != 0; }));
    }
  }
  all_sum(comm, std::span<double>(sums));
  Schedule schedule;
  for (std::size_t l = 0; l < pairs; ++l) {
    const auto& coupling = circuit.coupling(static_cast<int>(l));
    const auto size = static_cast<double>(n);
    const double edges = sums[3 * l + 2];
    // An edge of weight 2/R (periodic, S = 2) stands for two; a reflected change is part of the same-state edge.
    const double kinds = coupling.family() == Family::lattice ? 2.0 * coupling.space().dimensions() : edges / size;
    const bool doubled = coupling.family() == Family::lattice && coupling.boundary() == Boundary::periodic &&
                         coupling.space().categories() == 2;
    const double change = edges > 0 ? sums[3 * l + 1] / edges / (doubled ? 2 : 1) : coupling.change();
    const double reflected = kinds * size - edges * (doubled ? 2 : 1);
    const double same = (sums[3 * l] - reflected * change) / size;
    schedule.same.push_back(same > 0 ? same : sums[3 * l] / size);
    schedule.change.push_back(change);
  }
  return schedule;
}

double solve_spectral(MPI_Comm comm, const Circuit& circuit, SharedArray& field) {
  const double begin = wall_time();
  const auto n = circuit.states();
  const int layers = circuit.layers() + 1;
  Schedule schedule;
  for (int l = 0; l < circuit.layers(); ++l) {
    schedule.same.push_back(circuit.coupling(l).same());
    schedule.change.push_back(circuit.coupling(l).change());
  }
  auto modes = agree(comm, [&] { return ModeTransform<double>(circuit.coupling(0)); });
  const double planned = wall_time() - begin;

  // Every rank transforms both terminals: on one node that takes no longer than to be sent one of them.
  OwnMemory<double> first(static_cast<std::size_t>(n));
  OwnMemory<double> last(static_cast<std::size_t>(n));
  for (std::int64_t x = 0; x < n; ++x) {
    first.data()[static_cast<std::size_t>(x)] = circuit.injected(0, x);
    last.data()[static_cast<std::size_t>(x)] = circuit.injected(circuit.layers(), x);
  }
  transform(modes, first.data().data(), 1, true);
  transform(modes, last.data().data(), 1, true);

  // A rank touches nothing but its own layers: on a page that another has written first, it would wait for the system.
  const auto mine = partition(layers, size_of(comm), rank_of(comm));
  constexpr std::int64_t kScratch = std::int64_t{1} << 13;  // numbers a ladder may take, so that they stay in the cache
  const auto width = std::min(n, std::clamp<std::int64_t>(kScratch / layers, 16, 512));
  Ladder ladder(schedule, modes.row_changes(), width);
  std::vector<double> e(static_cast<std::size_t>(width));
  for (std::int64_t mode = 1; mode < n && mine.size() > 0; mode += width) {
    const auto end = std::min(n, mode + width);
    const std::span<double> of_block(e.data(), static_cast<std::size_t>(end - mode));
    modes.eccentricity({mode, end}, of_block);
    ladder.set(of_block);
    const double* p = first.data().data() + mode;
    const double* q = last.data().data() + mode;
    for (auto l = mine.begin; l < mine.end; ++l) {
      const double* of_first = ladder.of_first(static_cast<std::size_t>(l));
      const double* of_last = ladder.of_last(static_cast<std::size_t>(l));
      double* u = field.data().data() + l * n + mode;
      for (std::int64_t i = 0; i < end - mode; ++i) u[i] = of_first[i] * p[i] + of_last[i] * q[i];
    }
  }
  const double current = (first.data()[0] - last.data()[0]) / 2;
  const auto constant = constant_mode(schedule, modes.row_changes(), current);
  const auto together = std::max<std::int64_t>(1, 2 * kScratch / n);  // layers: a transform takes several lines at once
  for (auto l = mine.begin; l < mine.end; l += together) {
    const auto count = std::min(together, mine.end - l);
    for (auto k = l; k < l + count; ++k)
      field.data()[static_cast<std::size_t>(k * n)] = constant[static_cast<std::size_t>(k)];
    transform(modes, field.data().data() + l * n, count, false);
  }
  field.complete();
  return planned;
}

}  // namespace kirchhoff
