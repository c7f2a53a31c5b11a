#pragma once

#include <Eigen/Core>

#include <cstddef>
#include <cstdint>
#include <span>

namespace kirchhoff {

/// What the bits of a state say of each other, as logistic regression has it: the log-odds that a walk ends with bit j
/// set are
///
///   u_j = g (b_j + sum_k W_jk s_k),   s_k = +1 where bit k of the state is set, -1 where it is not,
///
/// and the change of bit j to v gets the log-probability that it ends as v, log sigma(u_j) or log sigma(-u_j), added to
/// its logit. The gain g > 0 is a function of the whole state, g = softplus(1/2 + an output of the network): near the
/// start of a walk, where most of the state is noise, the same bits say less. A perceptron of a few hundred units
/// cannot hold one such sum a bit, and few rows do not teach it to: docs/walk.md has the measurement.
///
/// Parameters: W (D x D, column-major), b (D); both start from zero. Local.
class Evidence {
 public:
  using Matrix = Eigen::MatrixXf;

  explicit Evidence(int bits);

  std::size_t parameter_count() const;
  /// Log-probabilities (D x rows) that the other value of each bit is the one that it ends with.
  /// @param states (rows x D). @param gains the network's output (rows), before softplus.
  /// @return valid until the next call.
  const Matrix& forward(std::span<const float> parameters, std::span<const std::uint16_t> states,
                        const Eigen::Ref<const Eigen::RowVectorXf>& gains);
  /// Adds to `gradient` the loss's derivative by the parameters. @param delta the loss's derivative by what forward()
  /// gave (D x rows). @return that by the gains (rows), valid until the next call.
  const Eigen::RowVectorXf& backward(const Matrix& delta, std::span<float> gradient);

 private:
  Eigen::Index bits_;
  Matrix signs_;              // (D x rows): s
  Matrix sums_;               // (D x rows): u / g
  Matrix log_;                // (D x rows)
  Eigen::RowVectorXf gains_;  // (rows): before softplus
  Eigen::RowVectorXf gain_;   // (rows): g
  Eigen::RowVectorXf by_gain_;
};

}  // namespace kirchhoff
