#include "solve/spectral/spectral_preconditioner.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

namespace kirchhoff {
namespace {

/// The chain of the even layers for one mode after another, a block of modes at a time: at every layer a leak to ground
/// and between layers a link, all positive but for the sign of the link. Nothing is ever subtracted from a pivot, so
/// that smooth modes, whose pivots are nearly zero, keep their digits.
template <class T>
class Chain {
 public:
  /// @param row_changes c_max of the modes.
  Chain(const Schedule& schedule, double row_changes, std::int64_t width)
      : schedule_(schedule),
        row_changes_(row_changes),
        width_(static_cast<std::size_t>(width)),
        pairs_(schedule.same.size()),
        layers_(pairs_ / 2 + 1),
        link_(layers_ * width_),
        leak_(layers_ * width_),
        through_(width_) {
    for (auto* row : {&odd_link_, &odd_gap_, &before_link_, &before_gap_}) row->resize(width_);
  }

  /// @param e, flipped of `count` modes; @param field of the first of them on layer 0, layers `states` apart.
  void solve(std::span<const double> e, std::span<const double> flipped, T* field, std::int64_t states) {
    const auto count = e.size();
    eliminate_odd(e, flipped);
    for (std::size_t l = 0; l < layers_; ++l) {
      T* y = field + static_cast<std::int64_t>(l) * states;
      T* leak = leak_.data() + l * width_;  // becomes the pivot's reciprocal
      T* link = link_.data() + l * width_;
      if (l > 0) {
        const T* before = y - states;
        const T* above = link - width_;
        const T* pivot = leak - width_;
        const T* through = through_.data();
        for (std::size_t i = 0; i < count; ++i) {
          y[i] += above[i] * pivot[i] * before[i];
          leak[i] += through[i];
        }
      }
      for (std::size_t i = 0; i < count; ++i) {
        const T size = std::abs(link[i]);
        const T reciprocal = 1 / (size + leak[i]);
        through_[i] = size * leak[i] * reciprocal;
        leak[i] = reciprocal;
      }
    }
    for (std::size_t l = layers_; l-- > 0;) {
      T* y = field + static_cast<std::int64_t>(l) * states;
      const T* pivot = leak_.data() + l * width_;
      const T* link = link_.data() + l * width_;
      if (l + 1 < layers_) {
        const T* after = y + states;
        for (std::size_t i = 0; i < count; ++i) y[i] = (y[i] + link[i] * after[i]) * pivot[i];
      } else {
        for (std::size_t i = 0; i < count; ++i) y[i] *= pivot[i];
      }
    }
  }

 private:
  /// A star of links a, b and leak g turned into a link a b / (a + b + g) and leaks a g / (...), b g / (...).
  void eliminate_odd(std::span<const double> e, std::span<const double> flipped) {
    std::fill(leak_.begin(), leak_.end(), T(0));
    std::fill(link_.begin(), link_.end(), T(0));
    for (std::size_t odd = 1; odd <= pairs_; odd += 2) {
      const auto below = odd / 2;
      links(schedule_, row_changes_, odd - 1, e, flipped, before_link_.data(), before_gap_.data());
      const bool ends = odd == pairs_;
      if (ends) {
        std::fill(odd_link_.begin(), odd_link_.end(), T(0));
        std::fill(odd_gap_.begin(), odd_gap_.end(), T(0));
      } else {
        links(schedule_, row_changes_, odd, e, flipped, odd_link_.data(), odd_gap_.data());
      }
      for (std::size_t i = 0; i < e.size(); ++i) {
        const T a = std::abs(before_link_[i]);
        const T b = std::abs(odd_link_[i]);
        const T g = before_gap_[i] + odd_gap_[i];
        const T all = 1 / (a + b + g);
        leak_[below * width_ + i] += before_gap_[i] + a * g * all;
        link_[below * width_ + i] = before_link_[i] * odd_link_[i] * all;
        if (!ends) leak_[(below + 1) * width_ + i] += odd_gap_[i] + b * g * all;
      }
    }
  }

  const Schedule& schedule_;
  double row_changes_;
  std::size_t width_;
  std::size_t pairs_;
  std::size_t layers_;
  std::vector<T> link_;     // (layers x width) to the next layer, signed; 0 behind the last
  std::vector<T> leak_;     // (layers x width) to ground
  std::vector<T> through_;  // (width) the leak of all layers before, seen through the last link
  std::vector<T> odd_link_, odd_gap_, before_link_, before_gap_;
};

}  // namespace

template <class T>
SpectralSolver<T>::SpectralSolver(const Coupling& coupling, Schedule schedule, Ranks ranks)
    : modes_(coupling),
      schedule_(std::move(schedule)),
      ranks_(ranks),
      states_(coupling.space().size()),
      layers_(static_cast<std::int64_t>(schedule_.same.size() / 2) + 1) {}

template <class T>
void SpectralSolver<T>::decouple(T* field) const {
  constexpr std::int64_t kScratch = std::int64_t{1} << 15;  // numbers a chain may take, so that they stay in the cache
  const auto width = std::clamp<std::int64_t>(kScratch / layers_, 16, 512);
  Chain<T> chain(schedule_, modes_.row_changes(), width);
  std::vector<double> e(static_cast<std::size_t>(width));
  std::vector<double> flipped(e.size());
  const auto mine = partition(states_, ranks_.count, ranks_.rank);
  if (mine.begin == 0 && mine.end > 0) solve_constant(field);
  for (auto mode = std::max<std::int64_t>(mine.begin, 1); mode < mine.end; mode += width) {
    const auto end = std::min(mine.end, mode + width);
    const std::span<double> of_block(e.data(), static_cast<std::size_t>(end - mode));
    modes_.laplacian_eigenvalue({mode, end}, of_block);
    modes_.flipped({mode, end}, of_block, flipped);
    chain.solve(of_block, flipped, field + mode, states_);
  }
}

/// Mode 0: the current through every layer pair is what has come in before it.
template <class T>
void SpectralSolver<T>::solve_constant(T* field) const {
  const auto kappa = [&](std::size_t l) { return schedule_.same[l] + modes_.row_changes() * schedule_.change[l]; };
  std::vector<double> u(static_cast<std::size_t>(layers_));
  double b_mean = 0;
  for (std::size_t l = 0; l < u.size(); ++l)
    b_mean += static_cast<double>(field[static_cast<std::int64_t>(l) * states_]);
  b_mean /= static_cast<double>(layers_);
  double current = 0;
  for (std::size_t l = 0; l + 1 < u.size(); ++l) {
    current += static_cast<double>(field[static_cast<std::int64_t>(l) * states_]) - b_mean;
    const double resistance = 1 / kappa(2 * l) + 1 / kappa(2 * l + 1);
    u[l + 1] = u[l] - current * resistance;
  }
  const double mean = std::accumulate(u.begin(), u.end(), 0.0) / static_cast<double>(layers_);
  for (std::size_t l = 0; l < u.size(); ++l)
    field[static_cast<std::int64_t>(l) * states_] = static_cast<T>(u[l] - mean);
}

template class SpectralSolver<double>;
template class SpectralSolver<float>;

LatticeLikeness lattice_likeness(MPI_Comm comm, const Circuit& circuit) {
  const auto& space = circuit.space();
  const auto mine = partition(circuit.states(), size_of(comm), rank_of(comm));
  const auto square_step = [&](std::int64_t x, std::int64_t y) {
    double square = 0;
    for (int d = 0; d < space.dimensions(); ++d) {
      const auto step = y / space.stride(d) % space.categories() - x / space.stride(d) % space.categories();
      square += static_cast<double>(step * step);
    }
    return square;
  };
  const double axes = 2.0 * space.dimensions();
  LatticeLikeness like;
  std::array<double, 4> sums{};  // conductance, conductance times squared step; edges that change, their squared steps
  for (int l = 0; l < circuit.layers(); ++l) {
    const auto& coupling = circuit.coupling(l);
    if (l == 0 || coupling.table() != circuit.coupling(l - 1).table()) {
      sums = {};
      for (auto x = mine.begin; x < mine.end; ++x) {
        coupling.forward(x, [&](std::int64_t y, double g) {
          const double square = square_step(x, y);
          sums[0] += g;
          sums[1] += g * square;
          if (y != x) sums[2] += 1;
          sums[3] += square;
        });
      }
      all_sum(comm, std::span<double>(sums));
    }
    const auto n = static_cast<double>(circuit.states());
    const double whole = sums[0] / n;
    const double change = std::min(sums[1] / (axes * n), 0.95 * whole / axes);
    like.schedule.same.push_back(whole - axes * change);
    like.schedule.change.push_back(change);
    if (l == 0) like.square_step = sums[3] / std::max(sums[2], 1.0) / space.dimensions();
  }
  return like;
}

namespace {

SpectralSolver<float> solver_for(MPI_Comm comm, const Circuit& circuit,
                                 const std::optional<LatticeLikeness>& likeness) {
  const bool table = circuit.coupling(0).table() != nullptr;
  const auto coupling = table ? Coupling::lattice(circuit.space(), 1, 1, Boundary::reflecting) : circuit.coupling(0);
  auto schedule = likeness ? likeness->schedule
                  : table  ? lattice_likeness(comm, circuit).schedule
                           : mean_schedule(comm, circuit);
  // Single precision has a narrow range, and a preconditioner may have any scale.
  const double largest = std::max(*std::max_element(schedule.same.begin(), schedule.same.end()),
                                  *std::max_element(schedule.change.begin(), schedule.change.end()));
  for (auto* conductances : {&schedule.same, &schedule.change}) {
    for (double& g : *conductances) g /= largest;
  }
  return {coupling, schedule, {rank_of(comm), size_of(comm)}};
}

}  // namespace

SpectralPreconditioner::SpectralPreconditioner(MPI_Comm comm, const Circuit& circuit,
                                               const std::optional<LatticeLikeness>& likeness)
    : comm_(comm),
      states_(static_cast<std::size_t>(circuit.states())),
      mine_(partition(circuit.states(), size_of(comm), rank_of(comm))),
      solver_(solver_for(comm, circuit, likeness)),
      field_(comm, 1, static_cast<std::size_t>(solver_.layers()) * states_) {}

void SpectralPreconditioner::apply(std::span<const double> residual, std::span<double> correction) {
  const auto width = static_cast<std::size_t>(mine_.size());
  const auto each_layer = [&](auto&& visit) {
    for (std::size_t j = 0; j < static_cast<std::size_t>(solver_.layers()); ++j) {
      visit(field_.data() + j * states_ + mine_.begin, j * width);
    }
  };
  each_layer([&](float* at, std::size_t first) {
    for (std::size_t i = 0; i < width; ++i) at[i] = static_cast<float>(residual[first + i]);
  });
  node_barrier(comm_);
  solver_.solve(field_.data(), [&] { node_barrier(comm_); });
  each_layer([&](const float* at, std::size_t first) {
    for (std::size_t i = 0; i < width; ++i) correction[first + i] = static_cast<double>(at[i]);
  });
  node_barrier(comm_);  // nobody writes the next residual before all have read
}

}  // namespace kirchhoff
