#include <algorithm>
#include <numeric>
#include <ranges>
#include <utility>

#include "kirchhoff/flow/flow.hpp"
#include "kirchhoff/parallel/agree.hpp"
#include "kirchhoff/parallel/parallel.hpp"
#include "kirchhoff/parallel/stop.hpp"

namespace kirchhoff {
namespace {

/// Net currents always run from higher to lower potential, so visiting vertices in descending order
/// pushes all mass through in one pass.
class Sweep {
 public:
  explicit Sweep(const Flow& flow)
      : flow_(flow), circuit_(*flow.circuit), n_(circuit_.states()), order_(flow.potential.size()) {
    std::iota(order_.begin(), order_.end(), std::int64_t{0});
    const auto& phi = flow.potential;
    std::sort(order_.begin(), order_.end(), [&](std::int64_t v, std::int64_t w) {
      const double a = phi[static_cast<std::size_t>(v)];
      const double b = phi[static_cast<std::size_t>(w)];
      return a > b || (a == b && v < w);
    });
    law_.mass.assign(static_cast<std::size_t>(n_), 0.0);
  }

  /// What has been found so far, when the program is to stop.
  ExitLaw run() {
    if (flow_.currents) {
      circles();
    } else if (circuit_.joins_all()) {
      dense();
    } else {
      sparse();
    }
    return std::move(law_);
  }

 private:
  double phi(std::int64_t v) const { return flow_.potential[static_cast<std::size_t>(v)]; }
  double exit(int l, std::int64_t x) const {
    return l == circuit_.layers() ? flow_.exit[static_cast<std::size_t>(x)] : 0.0;
  }
  double entering(int l, std::int64_t x) const { return l == 0 ? circuit_.source()[static_cast<std::size_t>(x)] : 0.0; }

  /// Splits the mass at a vertex between the exit and the edges; returns mass per ampere for the edges.
  double settle(int l, std::int64_t x, double mass, double outflow) {
    if (mass <= 0) return 0;
    const double total = outflow + exit(l, x);
    if (!(total > 0)) {
      law_.lost += mass;
      return 0;
    }
    law_.mass[static_cast<std::size_t>(x)] += mass * (exit(l, x) / total);
    return mass / total;
  }

  /// Lets the mass at a vertex of a sparse circuit stop or move on: calls move(layer, state, mass).
  template <class Move>
  void push(int l, std::int64_t x, double mass, Move&& move) {
    double outflow = 0;
    each_current(flow_, l, x, [&](int, std::int64_t, double i) { outflow += std::max(0.0, i); });
    const double share = settle(l, x, mass, outflow);
    if (share == 0) return;
    each_current(flow_, l, x, [&](int m, std::int64_t y, double i) {
      if (i > 0) move(m, y, share * i);
    });
  }

  void sparse() {
    std::vector<double> mass(static_cast<std::size_t>(circuit_.vertices()));
    for (const auto v : order_) {
      if (stop_requested()) return;
      const int l = static_cast<int>(v / n_);
      const auto x = v % n_;
      push(l, x, mass[static_cast<std::size_t>(v)] + entering(l, x),
           [&](int m, std::int64_t y, double part) { mass[static_cast<std::size_t>(m * n_ + y)] += part; });
    }
  }

  /// Any currents: from layer 0 to L again and again, until what is still on its way is rounding.
  void circles() {
    constexpr double kRounding = 1e-15;
    constexpr int kMostPasses = 10000;
    std::vector<double> mass(static_cast<std::size_t>(circuit_.vertices()));
    std::copy(circuit_.source().begin(), circuit_.source().end(), mass.begin());
    double waiting = 1;
    for (int pass = 0; waiting > kRounding && pass < kMostPasses; ++pass) {
      waiting = 0;
      for (int l = 0; l <= circuit_.layers(); ++l) {
        for (std::int64_t x = 0; x < n_; ++x) {
          if (stop_requested()) return;
          const double here = std::exchange(mass[static_cast<std::size_t>(l * n_ + x)], 0.0);
          if (here <= 0) continue;
          push(l, x, here, [&](int m, std::int64_t y, double part) {
            mass[static_cast<std::size_t>(m * n_ + y)] += part;
            if (m < l) waiting += part;
          });
        }
      }
    }
    law_.lost += waiting;
  }

  /// Sum over the vertices of a layer passed so far of weight x |potential - f|, kept up while f moves one way only:
  /// all terms are positive, nothing cancels.
  class Accumulator {
   public:
    double at(double f) {
      moment_ += weight_ * std::abs(last_ - f);
      last_ = f;
      return moment_;
    }
    void add(double f, double weight) {
      at(f);
      weight_ += weight;
    }

   private:
    double weight_ = 0;
    double moment_ = 0;
    double last_ = 0;
  };

  void dense() {
    const auto layers = static_cast<std::size_t>(circuit_.layers()) + 1;
    const auto* groups = circuit_.coupling(0).groups();
    const auto sets = 1 + static_cast<std::size_t>(groups == nullptr ? 0 : groups->count());
    const auto whole = [&](int l) { return static_cast<std::size_t>(l) * sets; };
    const auto group = [&](int l, std::int64_t x) { return whole(l) + 1 + static_cast<std::size_t>(groups->of(x)); };
    std::vector<std::vector<SetSum>> parts;  // of a layer pair: the state's own, its group, all
    parts.reserve(layers);
    for (int l = 0; l < circuit_.layers(); ++l) parts.push_back(set_sums(circuit_.coupling(l)));
    // Calls visit(parts, neighbouring layer) for the one or two layers next to l.
    const auto each_side = [&](int l, auto&& visit) {
      if (l < circuit_.layers()) visit(parts[static_cast<std::size_t>(l)], l + 1);
      if (l > 0) visit(parts[static_cast<std::size_t>(l - 1)], l - 1);
    };
    // Ascending: what leaves a vertex goes to the vertices already passed.
    std::vector<double> outflow(order_.size());
    std::vector<Accumulator> below(layers * sets);
    for (const auto v : std::views::reverse(order_)) {
      if (stop_requested()) return;
      const int l = static_cast<int>(v / n_);
      const auto x = v % n_;
      const double f = phi(v);
      double sum = 0;
      each_side(l, [&](const std::vector<SetSum>& c, int m) {
        sum += c.back().conductance * below[whole(m)].at(f);
        if (groups != nullptr) sum += c[1].conductance * below[group(m, x)].at(f);
        sum += c.front().conductance * std::max(0.0, f - phi(m * n_ + x));
      });
      outflow[static_cast<std::size_t>(v)] = std::max(0.0, sum);
      below[whole(l)].add(f, 1);
      if (groups != nullptr) below[group(l, x)].add(f, 1);
    }
    // Descending: what arrives comes from the vertices already passed.
    std::vector<Accumulator> above(layers * sets);
    std::vector<double> share(order_.size());
    for (const auto v : order_) {
      if (stop_requested()) return;
      const int l = static_cast<int>(v / n_);
      const auto x = v % n_;
      const double f = phi(v);
      double mass = entering(l, x);
      each_side(l, [&](const std::vector<SetSum>& c, int m) {
        mass += c.back().conductance * above[whole(m)].at(f);
        if (groups != nullptr) mass += c[1].conductance * above[group(m, x)].at(f);
        const auto w = m * n_ + x;
        mass += c.front().conductance * share[static_cast<std::size_t>(w)] * std::max(0.0, phi(w) - f);
      });
      const double s = settle(l, x, mass, outflow[static_cast<std::size_t>(v)]);
      share[static_cast<std::size_t>(v)] = s;
      above[whole(l)].add(f, s);
      if (groups != nullptr) above[group(l, x)].add(f, s);
    }
  }

  const Flow& flow_;
  const Circuit& circuit_;
  std::int64_t n_;
  std::vector<std::int64_t> order_;  // vertices by descending potential
  ExitLaw law_;
};

}  // namespace

ExitLaw exit_law(MPI_Comm comm, const Flow& flow) {
  ExitLaw law;
  agree(comm, [&] {
    if (rank_of(comm) == 0) law = Sweep(flow).run();
  });
  heed_stop(comm);
  law.mass.resize(static_cast<std::size_t>(flow.circuit->states()));
  broadcast(comm, law.mass);
  broadcast(comm, std::span<double>(&law.lost, 1));
  return law;
}

}  // namespace kirchhoff
