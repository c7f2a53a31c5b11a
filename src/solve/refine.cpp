#include "solve/refine.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <queue>
#include <utility>

#include "base/double2.hpp"
#include "kirchhoff/currents/currents.hpp"
#include "kirchhoff/parallel/agree.hpp"
#include "solve/exact_residual.hpp"
#include "solve/linear/field.hpp"

namespace kirchhoff {
namespace {

constexpr int kMostCorrections = 14;
constexpr double kGoodPotentials = 1e-10;  // where corrections may end
constexpr double kGoodBound = 1e-9;        // the same, proved
constexpr double kUnseen = 1e-16;          // a change that stored potentials would not see
constexpr double kNorms = 100;             // a preconditioned condition of 10^4
// Where resistances differ by less, no mode is soft enough to hide in a residual that meets the tolerance. The search
// for the longest path would take longer than the solve of a large circuit.
constexpr double kContrast = 1e3;
constexpr double kContrastOfMany = 1e10;
constexpr std::int64_t kSmall = 200000;  // vertices

class Refinement {
 public:
  Refinement(MPI_Comm comm, const Circuit& circuit, SharedArray& field)
      : comm_(comm),
        circuit_(circuit),
        layout_(comm, circuit),
        field_(field),
        bits_(ExactResidual::grid_bits(circuit)),
        width_(static_cast<std::size_t>(layout_.states().size())) {
    const auto count = static_cast<std::size_t>(layout_.local_rows());
    for (auto* values : {&grid_, &rest_, &anchor_, &residual_, &step_}) values->assign(count, 0.0);
    each_layer([&](int l, std::size_t at) {
      for (std::size_t i = 0; i < width_; ++i) {
        anchor_[at + i] = circuit.injected(l, layout_.states().begin + static_cast<std::int64_t>(i));
      }
    });
    residual_ = anchor_;
    norm_b_ = norm(anchor_);
  }

  void start_from_field() {
    each_layer([&](int l, std::size_t at) {
      const double* from = field_.data().data() + l * circuit_.states() + layout_.states().begin;
      std::copy_n(from, width_, grid_.begin() + static_cast<std::ptrdiff_t>(at));
    });
    largest_ = largest();
    split();
    update_residual();
  }

  Refined run(Corrector& corrector, double tolerance) {
    const double bound = resistance_bound(comm_, circuit_, circuit_.vertices() <= kSmall ? kContrast : kContrastOfMany);
    constexpr double kFinest = 1e-17;  // nothing of it is left when potentials are rounded to double
    const double enough = std::max(0.5 * tolerance, kFinest);
    // Two corrections are enough as a rule, of which the second tells what the first was worth.
    const double usual = std::clamp(std::sqrt(0.1 * tolerance), 1e-8, 1e-3);
    double wanted = usual;
    Refined result;
    double last_change = 1;
    double last_size = norm_b_;
    for (; result.corrections < kMostCorrections; ++result.corrections) {
      const double size = norm(residual_);
      if (size == 0) {
        result.residual = result.error = 0;
        break;
      }
      result.iterations += correct(corrector, size, wanted);
      const double change = absolute(step_) / largest_;
      const double now = norm(residual_);
      result.residual = now / norm_b_;
      if (!std::isfinite(change) || !std::isfinite(now)) {
        result.error = std::numeric_limits<double>::infinity();
        break;
      }
      const double ratio = change / last_change;
      // The next change would be smaller by as much again, all of them together by little more. Luck is not counted on:
      // the last correction is as good as was asked for, whatever the one before it was. It was asked for in the
      // method's norm, which differs from that of potentials by the root of a condition.
      const double next = std::max(ratio, kNorms * corrector.reduction(wanted));
      result.error = ratio < 1 ? change * next / (1 - ratio) : 1;
      if (change <= kUnseen) result.error = change * std::max(1.0, next);
      if (bound > 0) result.error = 0.5 * norm1() * bound / largest_;
      const bool good = result.error <= (bound > 0 ? kGoodBound : kGoodPotentials);
      const bool stalls = result.corrections >= 2 && ratio > 0.5 && now > 0.5 * last_size;
      // After them, what is still lacking.
      const double lacking = std::min(enough / result.residual, bound > 0 ? kGoodBound / result.error : 1.0);
      wanted = std::clamp(0.3 * lacking, usual, 0.1);
      last_change = change;
      last_size = now;
      if ((good && result.residual <= enough) || stalls) break;
    }
    return result;
  }

  void publish() {
    const double sum = all_sum(comm_, pairwise_sum(grid_)) + all_sum(comm_, pairwise_sum(rest_));
    const double mean = sum / static_cast<double>(circuit_.vertices());
    for (std::size_t i = 0; i < grid_.size(); ++i) step_[i] = (two_sum(grid_[i], -mean) + Double2(rest_[i])).value();
    share_field(layout_, step_, field_);
  }

 private:
  template <class Visit>
  void each_layer(Visit&& visit) const {
    for (int l = 0; l <= circuit_.layers(); ++l) visit(l, static_cast<std::size_t>(l) * width_);
  }
  double norm(const std::vector<double>& values) const {
    double square = 0;
    for (const double v : values) square += v * v;
    return std::sqrt(all_sum(comm_, square));
  }
  double norm1() const {
    double sum = 0;
    for (const double v : residual_) sum += std::abs(v);
    return all_sum(comm_, sum);
  }
  double absolute(const std::vector<double>& values) const {
    double most = 0;
    bool finite = true;
    for (const double v : values) {
      most = std::max(most, std::abs(v));
      finite = finite && std::isfinite(v);
    }
    return all_max(comm_, finite ? most : std::numeric_limits<double>::infinity());
  }
  double largest() const {
    double most = 0;
    for (std::size_t i = 0; i < grid_.size(); ++i) most = std::max(most, std::abs(grid_[i] + rest_[i]));
    return all_max(comm_, most);
  }

  int correct(Corrector& corrector, double size, double wanted) {
    for (double& r : residual_) r /= size;
    const int iterations = corrector.correct(residual_, step_, wanted);
    const double mean = all_sum(comm_, pairwise_sum(step_)) / static_cast<double>(circuit_.vertices());
    for (std::size_t i = 0; i < step_.size(); ++i) {
      step_[i] = (step_[i] - mean) * size;
      rest_[i] += step_[i];
    }
    largest_ = largest();
    if (absolute(rest_) > std::ldexp(largest_, 4 - bits_)) split();
    update_residual();
    return iterations;
  }

  /// The potentials anew as numbers on the grid and a rest, and the residual that the former leave.
  void split() {
    if (!(largest_ > 0) || !std::isfinite(largest_)) return;
    const double unit = std::ldexp(1.0, std::ilogb(largest_) + 1 - bits_);
    for (std::size_t i = 0; i < grid_.size(); ++i) {
      const auto whole = two_sum(grid_[i], rest_[i]);
      grid_[i] = ExactResidual::to_grid(whole.high, unit);
      rest_[i] = (whole.high - grid_[i]) + whole.low;
    }
    share_field(layout_, grid_, field_);
    ExactResidual exact(circuit_, field_.data());
    each_layer(
        [&](int l, std::size_t at) { exact.layer(l, layout_.states(), std::span(anchor_).subspan(at, width_)); });
  }

  void update_residual() {
    share_field(layout_, rest_, field_);
    const NetCurrent net(circuit_, field_.data());
    each_layer([&](int l, std::size_t at) {
      const auto out = std::span(residual_).subspan(at, width_);
      net.layer(l, layout_.states(), out);
      for (std::size_t i = 0; i < width_; ++i) out[i] = anchor_[at + i] - out[i];
    });
  }

  MPI_Comm comm_;
  const Circuit& circuit_;
  Layout layout_;
  SharedArray& field_;  // also where ranks see each other's numbers
  int bits_;
  std::size_t width_;
  std::vector<double> grid_;    // potentials, on a grid of `bits_` bits
  std::vector<double> rest_;    // what they lack
  std::vector<double> anchor_;  // b - A grid
  std::vector<double> residual_;
  std::vector<double> step_;
  double norm_b_ = 0;
  double largest_ = 0;
};

/// The smallest and the largest conductance. Collective.
std::pair<double, double> extremes(MPI_Comm comm, const Circuit& circuit) {
  double least = std::numeric_limits<double>::infinity();
  double most = 0;
  const auto mine = partition(circuit.states(), size_of(comm), rank_of(comm));
  for (int l = 0; l < circuit.layers(); ++l) {
    const auto& coupling = circuit.coupling(l);
    const auto add = [&](double g) {
      if (g == 0) return;
      least = std::min(least, g);
      most = std::max(most, g);
    };
    for (const auto& kind : coupling.kinds()) add(kind.conductance);
    if (!coupling.kinds().empty()) continue;
    if (coupling.has_modes()) {  // a lattice
      add(coupling.same());
      add(coupling.change());
      continue;
    }
    for (auto x = mine.begin; x < mine.end; ++x) coupling.forward(x, [&](std::int64_t, double g) { add(g); });
  }
  return {-all_max(comm, -least), all_max(comm, most)};
}

/// The longest of the shortest paths from vertex 0 (Dijkstra, 1959). Local.
double longest_path(const Circuit& circuit) {
  const auto n = circuit.states();
  std::vector<double> length(static_cast<std::size_t>(circuit.vertices()), std::numeric_limits<double>::infinity());
  using Entry = std::pair<double, std::int64_t>;
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> next;
  length[0] = 0;
  next.emplace(0.0, 0);
  double longest = 0;
  while (!next.empty()) {
    const auto [so_far, v] = next.top();
    next.pop();
    if (so_far > length[static_cast<std::size_t>(v)]) continue;
    longest = so_far;
    circuit.neighbours(static_cast<int>(v / n), v % n, [&, from = so_far](int l, std::int64_t y, double g) {
      if (g == 0) return;
      auto& known = length[static_cast<std::size_t>(l * n + y)];
      const double found = from + 1 / g;
      if (!(found < known)) return;
      known = found;
      next.emplace(found, l * n + y);
    });
  }
  return longest;
}

/// Along the same state to the best layer pair, through one change a step there, and back. Uniform circuits.
double uniform_path(const Circuit& circuit) {
  double along = 0;
  double step = std::numeric_limits<double>::infinity();
  for (int l = 0; l < circuit.layers(); ++l) {
    const auto& coupling = circuit.coupling(l);
    along += 1 / coupling.same();
    step = std::min(step, 1 / coupling.same() + 1 / coupling.change());
  }
  return 2 * along + circuit.coupling(0).steps() * step;
}

}  // namespace

void share_field(const Layout& layout, std::span<const double> mine, SharedArray& field) {
  const auto sharing = field.sharing();
  field.fence();  // all have read what was there
  if (sharing.copies > 1) {
    // Copies are added up, so that what other nodes will write has to be zero here.
    if (sharing.rank == 0) std::fill(field.data().begin(), field.data().end(), 0.0);
    field.fence();
  }
  const auto width = static_cast<std::size_t>(layout.states().size());
  const auto layers = width == 0 ? 0 : mine.size() / width;
  const auto states = width == 0 ? 0 : field.data().size() / layers;
  for (std::size_t l = 0; l < layers; ++l) {
    std::copy_n(mine.begin() + static_cast<std::ptrdiff_t>(l * width), width,
                field.data().begin() +
                    static_cast<std::ptrdiff_t>(l * states + static_cast<std::size_t>(layout.states().begin)));
  }
  field.complete();
}

double resistance_bound(MPI_Comm comm, const Circuit& circuit, double contrast) {
  const auto [least, most] = extremes(comm, circuit);
  if (most / least <= contrast) return 0;
  if (circuit.joins_all() || circuit.coupling(0).has_modes()) return uniform_path(circuit);
  std::array<double, 1> bound{};
  agree(comm, [&] {
    if (rank_of(comm) == 0) bound[0] = 2 * longest_path(circuit);
  });
  broadcast(comm, std::span<double>(bound));
  return bound[0];
}

Refined refine(MPI_Comm comm, const Circuit& circuit, Corrector& corrector, double tolerance, bool from_field,
               SharedArray& field) {
  Refinement refinement(comm, circuit, field);
  if (from_field) refinement.start_from_field();
  const auto result = refinement.run(corrector, tolerance);
  refinement.publish();
  return result;
}

}  // namespace kirchhoff
