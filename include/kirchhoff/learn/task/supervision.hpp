#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "kirchhoff/circuit/circuit.hpp"
#include "kirchhoff/learn/network/model.hpp"
#include "kirchhoff/parallel/parallel.hpp"

namespace kirchhoff {

/// Where a network's targets come from.
class Supervision {
 public:
  virtual ~Supervision() = default;
  virtual std::string name() const = 0;

  /// Sets the model's mean and scale of each output. Local, the same on every rank.
  virtual void standardise(Model& model) const = 0;
  /// Weight of each output's squared standardised error in the loss. Local.
  virtual std::vector<double> weights(const Model& model) const = 0;
  /// States and standardised targets (row by row, one an output) of rows [rows.begin, rows.end) of the batch of this
  /// step: a function of (seed, step, row) alone. Local.
  virtual void batch(const Model& model, std::int64_t step, std::int64_t batch_size, Range rows,
                     std::span<std::int64_t> states, std::span<double> targets) const = 0;
};

/// Exact supervision: the potentials of the solved circuit, sampled from the solution on the
/// fly. `potential` must outlive it.
class ExactSupervision final : public Supervision {
 public:
  /// @param balance in [0, 1]: 0 weighs each layer's error relative to the layer's own spread, 1 absolutely in volt
  /// (docs/model.md compares them).
  ExactSupervision(std::int64_t states, int layers, std::span<const double> potential, std::uint64_t seed,
                   double balance);

  std::string name() const override { return "exact"; }
  void standardise(Model& model) const override;
  std::vector<double> weights(const Model& model) const override;
  void batch(const Model& model, std::int64_t step, std::int64_t batch_size, Range rows, std::span<std::int64_t> states,
             std::span<double> targets) const override;

 private:
  std::int64_t states_;
  int layers_;
  std::span<const double> potential_;
  std::uint64_t seed_;
  double balance_;
};

/// Exact supervision of a network of currents: those of the solved sparse circuit by Ohm's law. `circuit` and
/// `potential` must outlive it.
class CurrentSupervision final : public Supervision {
 public:
  /// @param balance 0 weighs each move's error relative to the spread of its currents, 1 absolutely in ampere.
  CurrentSupervision(const Circuit& circuit, std::span<const double> potential, std::uint64_t seed, double balance);

  std::string name() const override { return "exact"; }
  /// Mean 0; scale the root mean square over the states. Where a state lacks a move its current is 0.
  void standardise(Model& model) const override;
  std::vector<double> weights(const Model& model) const override;
  void batch(const Model& model, std::int64_t step, std::int64_t batch_size, Range rows, std::span<std::int64_t> states,
             std::span<double> targets) const override;

 private:
  /// Calls visit(output, current [A]) for every edge that leaves a state of some layer for the next one.
  template <class Visit>
  void currents(std::int64_t x, Visit&& visit) const;

  const Circuit& circuit_;
  std::size_t moves_;
  std::span<const double> potential_;
  std::uint64_t seed_;
  double balance_;
};

/// Monte-Carlo supervision: pairs (x0, xL) of independent draws from source and target, which are all that training
/// sees.
///
/// Potentials are a fixed linear function of the terminals (docs/theory.md, section 3), so what a network has to learn
/// from pairs are the two terminals; it does by likelihood (docs/model.md). Local.
class MonteCarloSupervision {
 public:
  /// @param set_size pairs of a fixed training set, of which every tenth is held out for validation; 0: every row of
  /// every batch is a new draw. The masses are sampled from and not otherwise looked at.
  /// @param jitter standard deviation, in categories, of normal noise on the coordinates that another is predicted
  /// from: neighbouring categories then have neighbouring laws, which few rows would not show.
  MonteCarloSupervision(std::span<const double> source, std::span<const double> target, std::int64_t set_size,
                        std::uint64_t seed, double jitter = 0);

  struct Pair {
    std::int64_t source = 0;
    std::int64_t target = 0;
  };
  /// Pair of a row of the batch of a step: a function of (seed, step, row) alone.
  Pair draw(std::int64_t step, std::int64_t batch, std::int64_t row) const;
  /// The row-th pair that training never sees.
  Pair held_out(std::int64_t row) const;
  /// Held-out pairs: those of the training set, or 4096.
  std::int64_t held_out_rows() const;

  /// Distinct pairs among the rows that so many steps have drawn.
  std::int64_t distinct_rows(std::int64_t steps, std::int64_t batch) const;
  std::uint64_t seed() const { return seed_; }
  std::int64_t set_size() const { return set_size_; }
  double jitter() const { return jitter_; }

 private:
  Pair pair(std::int64_t index) const;

  std::vector<double> source_sums_;  // running sums
  std::vector<double> target_sums_;
  std::int64_t set_size_;
  std::uint64_t seed_;
  double jitter_;
};

}  // namespace kirchhoff
