#pragma once

#include <Eigen/Core>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "kirchhoff/circuit/moves.hpp"

namespace kirchhoff {

/// What the coordinates of a state say of each other, as logistic regression has it. Coordinate j of the end of a walk
/// is v with the probability softmax_v(u_j),
///
///   u_jv = g (b_jv + sum_k W_(jv),(k x_k)),
///
/// and the change of coordinate j to v gets the logarithm of that probability, added to its logit; on a lattice, where
/// changes go to a neighbour, the logarithm of the probability that the end lies on that side. The gain g > 0 is a
/// function of the whole state, g = softplus(1/2 + an output of the network): near the start of a walk, where most of
/// the state is noise, the same values say less. A perceptron of a few hundred units cannot hold one such sum a
/// category, and few rows do not teach it to: docs/walk.md has the measurement.
///
/// Where all coordinates are bits, u_j1 - u_j0 = g (b_j + sum_k W_jk s_k) with s_k = +1 where bit k is set, -1 where it
/// is not: a quarter of the numbers. All parameters start from zero. Local.
class Evidence {
 public:
  using Matrix = Eigen::MatrixXf;

  static std::unique_ptr<Evidence> make(const MoveSet& moves);
  virtual ~Evidence() = default;

  virtual std::size_t parameter_count() const = 0;
  /// What is added to the logits of changes (C x rows), 0 for those that a vertex does not have.
  /// @param states (rows x D). @param gains the network's output (rows), before softplus.
  /// @return valid until the next call.
  virtual const Matrix& forward(std::span<const float> parameters, std::span<const std::uint16_t> states,
                                const Eigen::Ref<const Eigen::RowVectorXf>& gains) = 0;
  /// Adds to `gradient` the loss's derivative by the parameters. @param delta the loss's derivative by what forward()
  /// gave (C x rows). @return that by the gains (rows), valid until the next call.
  virtual const Eigen::RowVectorXf& backward(const Matrix& delta, std::span<float> gradient) = 0;

 protected:
  /// g of the gains.
  void set_gains(const Eigen::Ref<const Eigen::RowVectorXf>& gains);
  /// From the derivative by g to that by the gains.
  void through_gains(Eigen::RowVectorXf& derivative) const;

  Eigen::RowVectorXf gains_;  // (rows): before softplus
  Eigen::RowVectorXf gain_;   // (rows): g
  Eigen::RowVectorXf by_gain_;
};

/// Of bits: W (D x D, column-major), b (D).
class BitEvidence final : public Evidence {
 public:
  explicit BitEvidence(int bits) : bits_(bits) {}

  std::size_t parameter_count() const override { return static_cast<std::size_t>(bits_ * (bits_ + 1)); }
  const Matrix& forward(std::span<const float> parameters, std::span<const std::uint16_t> states,
                        const Eigen::Ref<const Eigen::RowVectorXf>& gains) override;
  const Eigen::RowVectorXf& backward(const Matrix& delta, std::span<float> gradient) override;

 private:
  Eigen::Index bits_;
  Matrix signs_;     // (D x rows): s
  Matrix sums_;      // (D x rows): u / g
  Matrix log_;       // (D x rows)
  Matrix by_log_;    // (D x rows)
  Matrix of_moves_;  // (2 D x rows)
};

/// Of any categories: W (C x C, column-major: a column a value of the state), b (C).
class CategoryEvidence final : public Evidence {
 public:
  explicit CategoryEvidence(const MoveSet& moves) : moves_(moves) {}

  std::size_t parameter_count() const override {
    const auto c = static_cast<std::size_t>(moves_.all_categories());
    return c * (c + 1);
  }
  const Matrix& forward(std::span<const float> parameters, std::span<const std::uint16_t> states,
                        const Eigen::Ref<const Eigen::RowVectorXf>& gains) override;
  const Eigen::RowVectorXf& backward(const Matrix& delta, std::span<float> gradient) override;

 private:
  MoveSet moves_;
  std::vector<std::uint16_t> states_;  // (rows x D) of the last forward()
  Matrix sums_;                        // (C x rows): u / g
  Matrix law_;                         // (C x rows): softmax, a coordinate at a time
  Matrix of_moves_;                    // (C x rows)
};

}  // namespace kirchhoff
