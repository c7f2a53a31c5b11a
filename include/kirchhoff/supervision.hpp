#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "kirchhoff/circuit.hpp"
#include "kirchhoff/model.hpp"
#include "kirchhoff/parallel.hpp"

namespace kirchhoff {

/// Where a network's targets come from.
class Supervision {
 public:
  virtual ~Supervision() = default;
  virtual std::string name() const = 0;

  /// Sets the model's mean and scale of each layer. Local, the same on every rank.
  virtual void standardise(Model& model) const = 0;
  /// Weight of each layer's squared standardised error in the loss, (L+1). Local.
  virtual std::vector<double> layer_weights(const Model& model) const = 0;
  /// States and standardised targets (row by row (L+1)) of rows [rows.begin, rows.end) of the batch of this step: a
  /// function of (seed, step, row) alone. Local.
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
  std::vector<double> layer_weights(const Model& model) const override;
  void batch(const Model& model, std::int64_t step, std::int64_t batch_size, Range rows, std::span<std::int64_t> states,
             std::span<double> targets) const override;

 private:
  std::int64_t states_;
  int layers_;
  std::span<const double> potential_;
  std::uint64_t seed_;
  double balance_;
};

}  // namespace kirchhoff
