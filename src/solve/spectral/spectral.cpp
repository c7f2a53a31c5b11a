#include "solve/spectral/spectral.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kirchhoff/parallel/agree.hpp"
#include "parallel/memory.hpp"
#include "solve/spectral/modes.hpp"

namespace kirchhoff {
namespace {

constexpr double kHalfUlp = std::numeric_limits<double>::epsilon() / 2;

/// What two currents in a mode make of that mode on every layer [V], a block of modes at a time: D of (p - q) / 2 and S
/// of (p + q) / 2. Each layer has a leak to ground and a link to the next. But for the signs of the links, which are
/// put in last, one of the two enters the chain at both ends (`even`) and the other goes through it (`odd`): which is
/// which depends on the number of negative links. The chain is a row of voltage dividers, all of them positive. Nothing
/// is subtracted where a leak is nearly zero, so that smooth modes keep their digits: p and q nearly equal would lose
/// them all in the difference of what p makes of a mode and what q does. docs/theory.md, section 2.
class Ladder {
 public:
  /// @param row_changes c_max of the modes; @param width modes of a block.
  Ladder(const Schedule& schedule, double row_changes, std::int64_t width)
      : schedule_(schedule),
        row_changes_(row_changes),
        width_(static_cast<std::size_t>(width)),
        pairs_(schedule.same.size()),
        mirrored_(is_symmetric(schedule)),
        half_(mirrored_ ? pairs_ / 2 : pairs_),
        chain_pairs_(mirrored_ ? (pairs_ + 1) / 2 : pairs_),
        link_(chain_pairs_ * width_),
        gap_(chain_pairs_ * width_),
        leak_((half_ + 1) * width_),
        even_((half_ + 1) * width_),
        odd_((half_ + 1) * width_),
        seen_(width_),
        leaked_(width_) {}

  /// @param e, flipped of the block's modes, no e zero.
  void set(std::span<const double> e, std::span<const double> flipped) {
    count_ = e.size();
    for (std::size_t l = 0; l < chain_pairs_; ++l) {
      links(schedule_, row_changes_, l, e, flipped, row(link_, l), row(gap_, l));
    }
    for (std::size_t l = 0; l <= half_; ++l) {
      const double* before = l > 0 ? row(gap_, l - 1) : nullptr;
      const double* after = l < chain_pairs_ ? row(gap_, l) : nullptr;
      for (std::size_t i = 0; i < count_; ++i) {
        row(leak_, l)[i] = (before != nullptr ? before[i] : 0) + (after != nullptr ? after[i] : 0);
      }
    }
    if (mirrored_) {
      set_halves();
    } else {
      set_whole();
    }
    if (std::any_of(link_.begin(), link_.end(), [](double link) { return link < 0; })) put_signs_in();
  }

  /// Of 1 A in D, and of 1 A in S, on layer l.
  const double* of_difference(std::size_t l) const { return even_.data() + place(l) * width_; }
  const double* of_sum(std::size_t l) const { return odd_.data() + place(l) * width_; }
  /// Of layer l, -1 where of_sum has the opposite sign.
  double sign_of_sum(std::size_t l) const { return mirrored_ && l > half_ ? -1 : 1; }

  /// The largest potential of the block's mode i on any layer, of 1 A in D and in S.
  double largest_of_difference(std::size_t i) const { return largest(even_, i); }
  double largest_of_sum(std::size_t i) const { return largest(odd_, i); }

 private:
  static bool is_symmetric(const Schedule& schedule) {
    return std::equal(schedule.same.begin(), schedule.same.end(), schedule.same.rbegin()) &&
           std::equal(schedule.change.begin(), schedule.change.end(), schedule.change.rbegin());
  }
  std::size_t place(std::size_t l) const { return l <= half_ ? l : pairs_ - l; }
  double* row(std::vector<double>& rows, std::size_t l) const { return rows.data() + l * width_; }
  /// Currents are driven in at the ends, where potentials are largest.
  double largest(const std::vector<double>& volts, std::size_t i) const {
    const double first = std::abs(volts[i]);
    return mirrored_ ? first : std::max(first, std::abs(volts[pairs_ * width_ + i]));
  }

  /// From seen_, the conductance to ground at layer `from` and behind it, to the potentials of layers 0..from for 1 A
  /// into layer 0.
  void climb_down(std::vector<double>& volts, std::size_t from) {
    for (std::size_t l = from; l-- > 0;) {
      double* divider = row(volts, l + 1);
      const double* link = row(link_, l);
      const double* leak = row(leak_, l);
      for (std::size_t i = 0; i < count_; ++i) {
        const double size = std::abs(link[i]);
        divider[i] = size / (size + seen_[i]);
        seen_[i] = divider[i] * seen_[i] + leak[i];  // through the link
      }
    }
    for (std::size_t i = 0; i < count_; ++i) volts[i] = 1 / seen_[i];
    for (std::size_t l = 1; l <= from; ++l) {
      for (std::size_t i = 0; i < count_; ++i) row(volts, l)[i] *= row(volts, l - 1)[i];
    }
  }

  /// Seen alike from both ends: no current crosses the middle of an even mode, and an odd one is zero there.
  void set_halves() {
    const bool link_in_the_middle = pairs_ % 2 == 1;
    const double* middle_leak = link_in_the_middle ? row(leak_, half_) : row(gap_, half_ - 1);
    std::copy_n(middle_leak, count_, seen_.begin());
    climb_down(even_, half_);
    if (link_in_the_middle) {
      for (std::size_t i = 0; i < count_; ++i) {
        seen_[i] = row(leak_, half_)[i] + 2 * std::abs(row(link_, half_)[i]);
      }
      climb_down(odd_, half_);
      return;
    }
    for (std::size_t i = 0; i < count_; ++i) {
      seen_[i] = row(leak_, half_ - 1)[i] + std::abs(row(link_, half_ - 1)[i]);
      row(odd_, half_)[i] = 0;
    }
    climb_down(odd_, half_ - 1);
  }

  /// With F for 1 A into the first layer, Y for 1 A into the last one while the first is tied to ground, and the share
  /// of that ampere that leaks before it comes there: 1 A into the last layer makes F (1 - leaked) + Y.
  void set_whole() {
    std::copy_n(row(leak_, pairs_), count_, seen_.begin());
    climb_down(even_, pairs_);
    std::fill(seen_.begin(), seen_.end(), 0.0);
    for (std::size_t l = 1; l <= pairs_; ++l) {
      const double* link = row(link_, l - 1);
      for (std::size_t i = 0; i < count_; ++i) {
        const double size = std::abs(link[i]);
        const double divider = size / (size + seen_[i]);  // of layer l - 1 against l
        row(odd_, l - 1)[i] = divider;
        seen_[i] = (l == 1 ? size : divider * seen_[i]) + row(leak_, l)[i];
      }
    }
    for (std::size_t i = 0; i < count_; ++i) {
      row(odd_, pairs_)[i] = 1 / seen_[i];
      leaked_[i] = row(leak_, pairs_)[i] / seen_[i];
    }
    for (std::size_t l = pairs_; l-- > 1;) {
      for (std::size_t i = 0; i < count_; ++i) {
        double& volts = row(odd_, l)[i];
        volts *= row(odd_, l + 1)[i];
        leaked_[i] += row(leak_, l)[i] * volts;
      }
    }
    std::fill_n(odd_.begin(), count_, 0.0);
    for (std::size_t l = 0; l <= pairs_; ++l) {
      for (std::size_t i = 0; i < count_; ++i) {
        const double first = row(even_, l)[i];
        const double last = row(odd_, l)[i];
        row(even_, l)[i] = first * (2 - leaked_[i]) + last;
        row(odd_, l)[i] = first * leaked_[i] - last;
      }
    }
  }

  /// A layer behind an odd number of negative links has its sign turned; where that is so for the last layer, D goes
  /// through the chain and S enters it at both ends.
  void put_signs_in() {
    for (std::size_t i = 0; i < count_; ++i) {
      bool turned = false;
      for (std::size_t l = 0; l <= half_; ++l) {
        if (l > 0 && row(link_, l - 1)[i] < 0) turned = !turned;
        if (!turned) continue;
        row(even_, l)[i] *= -1;
        row(odd_, l)[i] *= -1;
      }
      // Of the other half, mirrored, the links turn as often as of this one.
      if (mirrored_) turned = pairs_ % 2 == 1 && row(link_, half_)[i] < 0;
      if (!turned) continue;
      for (std::size_t l = 0; l <= half_; ++l) std::swap(row(even_, l)[i], row(odd_, l)[i]);
    }
  }

  const Schedule& schedule_;
  double row_changes_;
  std::size_t width_;
  std::size_t pairs_;
  bool mirrored_;            // seen from the last layer as from the first: the first half is kept
  std::size_t half_;         // the last layer that is kept
  std::size_t chain_pairs_;  // pairs that the layers kept are part of
  std::size_t count_ = 0;
  std::vector<double> link_;    // (chain pairs x width) signed
  std::vector<double> gap_;     // (chain pairs x width) what leaks at either end of a pair
  std::vector<double> leak_;    // (layers kept x width)
  std::vector<double> even_;    // (layers kept x width)
  std::vector<double> odd_;     // (layers kept x width)
  std::vector<double> seen_;    // (width) conductance to ground of all that lies ahead
  std::vector<double> leaked_;  // (width)
};

/// Transforms `count` layers that follow each other.
void transform(ModeTransform<double>& modes, double* layers, std::int64_t count, bool forward) {
  for (int k = 0; k < modes.dimensions(); ++k) {
    if (forward) {
      modes.forward(layers, k, {0, modes.lines(k, count)});
    } else {
      const int d = modes.dimensions() - 1 - k;
      modes.inverse(layers, d, {0, modes.lines(d, count)});
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

/// How far rounding takes the transform of `v` from the exact one at most, as a share of its norm: three operations a
/// butterfly, of which there are log2 S on a line, and what stands around them; pieces of kPiece for reflections.
double transform_rounding(const Coupling& coupling) {
  const auto axes = coupling.modes_of_family()->axes;
  const auto longest = static_cast<double>(*std::max_element(axes.begin(), axes.end()));
  return static_cast<double>(axes.size()) * (3 * std::log2(longest) + 8) * kHalfUlp;
}

/// How rounding of the dividers adds up from layer to layer. The leak of a mode that flips its sign from layer to layer
/// is a sum in which changes outweigh the same state, on lattices with rounded summands.
double ladder_rounding(const Circuit& circuit, const Schedule& schedule) {
  double tilt = 1;
  const double rounded = circuit.coupling(0).modes_of_family()->tilt;
  for (std::size_t l = 0; l < schedule.same.size(); ++l) {
    tilt = std::max(tilt, rounded * schedule.change[l] / schedule.same[l]);
  }
  return 6 * static_cast<double>(circuit.layers() + 1) * tilt * kHalfUlp;
}

/// What rounding of the terminals' transforms does to the potentials.
class TransformError {
 public:
  void add(const Ladder& ladder, std::size_t modes) {
    for (std::size_t i = 0; i < modes; ++i) {
      difference_.add(ladder.largest_of_difference(i));
      sum_.add(ladder.largest_of_sum(i));
    }
  }
  /// @param difference, sum norms of (p - q) / 2 and (p + q) / 2 [A]; @param height the most that a mode of norm 1 has
  /// in a state. Of errors of a given norm in the modes, all of it in the softest one is the worst, or spread evenly.
  double value(double difference, double sum, double height) const {
    return difference * difference_.worst(height) + sum * sum_.worst(height);
  }

 private:
  struct Response {
    double largest = 0;
    double squares = 0;
    void add(double volts) {
      volts = std::abs(volts);
      largest = std::max(largest, volts);
      squares += volts * volts;
    }
    double worst(double height) const { return std::min(largest, height * std::sqrt(squares)); }
  };
  Response difference_;
  Response sum_;
};

double norm(std::span<const double> values) {
  double square = 0;
  for (const double v : values) square += v * v;
  return std::sqrt(square);
}

}  // namespace

bool is_uniform(const Circuit& circuit) {
  // What modes leave open are groups and the ratio of R_in to R_out, which all layer pairs must share.
  const auto& first = circuit.coupling(0);
  const auto ratio = [](const Coupling& c) { return c.within() / c.change(); };
  for (int l = 0; l < circuit.layers(); ++l) {
    const auto& coupling = circuit.coupling(l);
    if (!coupling.has_modes() || coupling.groups() != first.groups() || ratio(coupling) != ratio(first)) return false;
  }
  return true;
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
    const auto* lattice = coupling.lattice();
    const double kinds = lattice != nullptr ? 2.0 * coupling.space().dimensions() : edges / size;
    const bool doubled =
        lattice != nullptr && lattice->boundary == Boundary::periodic && coupling.space().categories() == 2;
    const double change = edges > 0 ? sums[3 * l + 1] / edges / (doubled ? 2 : 1) : coupling.change();
    const double reflected = kinds * size - edges * (doubled ? 2 : 1);
    const double same = (sums[3 * l] - reflected * change) / size;
    schedule.same.push_back(same > 0 ? same : sums[3 * l] / size);
    schedule.change.push_back(change);
  }
  return schedule;
}

Schedule schedule_of(const Circuit& circuit) {
  Schedule schedule;
  for (int l = 0; l < circuit.layers(); ++l) {
    schedule.same.push_back(circuit.coupling(l).same());
    schedule.change.push_back(circuit.coupling(l).change());
  }
  return schedule;
}

SpectralResult solve_spectral(MPI_Comm comm, const Circuit& circuit, SharedArray& field) {
  const double begin = wall_time();
  const auto n = circuit.states();
  const int layers = circuit.layers() + 1;
  const auto schedule = schedule_of(circuit);
  auto modes = agree(comm, [&] { return ModeTransform<double>(circuit.coupling(0)); });
  SpectralResult result;
  result.seconds_planned = wall_time() - begin;

  // Every rank transforms both terminals: on one node that takes no longer than to be sent one of them.
  OwnMemory<double> difference(static_cast<std::size_t>(n));
  OwnMemory<double> sum(static_cast<std::size_t>(n));
  for (std::int64_t x = 0; x < n; ++x) {
    const auto i = static_cast<std::size_t>(x);
    const double p = circuit.source()[i];
    const double q = circuit.target()[i];
    difference.data()[i] = 0.5 * (p - q);
    sum.data()[i] = 0.5 * (p + q);
  }
  const double norm_difference = norm(difference.data());
  const double norm_sum = norm(sum.data());
  transform(modes, difference.data().data(), 1, true);
  transform(modes, sum.data().data(), 1, true);

  // A rank touches nothing but its own layers: on a page that another has written first, it would wait for the system.
  const auto mine = partition(layers, size_of(comm), rank_of(comm));
  constexpr std::int64_t kScratch = std::int64_t{1} << 13;  // numbers a ladder may take, so that they stay in the cache
  const auto width = std::min(n, std::clamp<std::int64_t>(kScratch / layers, 16, 512));
  Ladder ladder(schedule, modes.row_changes(), width);
  TransformError error;
  std::vector<double> e(static_cast<std::size_t>(width));
  std::vector<double> flipped(e.size());
  for (std::int64_t mode = 1; mode < n; mode += width) {
    const auto end = std::min(n, mode + width);
    const std::span<double> of_block(e.data(), static_cast<std::size_t>(end - mode));
    modes.laplacian_eigenvalue({mode, end}, of_block);
    modes.flipped({mode, end}, of_block, flipped);
    ladder.set(of_block, flipped);
    error.add(ladder, of_block.size());
    const double* d = difference.data().data() + mode;
    const double* s = sum.data().data() + mode;
    for (auto l = mine.begin; l < mine.end; ++l) {
      const auto layer = static_cast<std::size_t>(l);
      const double* of_difference = ladder.of_difference(layer);
      const double* of_sum = ladder.of_sum(layer);
      const double sign = ladder.sign_of_sum(layer);
      double* u = field.data().data() + l * n + mode;
      for (std::int64_t i = 0; i < end - mode; ++i) u[i] = of_difference[i] * d[i] + sign * of_sum[i] * s[i];
    }
  }
  const auto constant = constant_mode(schedule, modes.row_changes(), sum.data()[0]);
  const auto together = std::max<std::int64_t>(1, 2 * kScratch / n);  // layers: a transform takes several lines at once
  for (auto l = mine.begin; l < mine.end; l += together) {
    const auto count = std::min(together, mine.end - l);
    for (auto k = l; k < l + count; ++k)
      field.data()[static_cast<std::size_t>(k * n)] = constant[static_cast<std::size_t>(k)];
    transform(modes, field.data().data() + l * n, count, false);
  }
  field.complete();
  const double height = circuit.coupling(0).modes_of_family()->height;
  const double rounding = transform_rounding(circuit.coupling(0));
  result.error = rounding * error.value(norm_difference, norm_sum, height);
  // Errors of the modes themselves have all signs: in a state they add up to no more than they are in the mean of all.
  result.relative_error = 4 * (rounding + ladder_rounding(circuit, schedule));
  return result;
}

}  // namespace kirchhoff
