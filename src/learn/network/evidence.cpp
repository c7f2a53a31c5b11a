#include "learn/network/evidence.hpp"

namespace kirchhoff {
namespace {

constexpr float kFirstGain = 0.5F;  // softplus(1/2) = 0.97

/// log(1 + e^x), of any size of x.
template <class A>
auto softplus(const A& x) {
  return x.max(0.0F) + (1.0F + (-x.abs()).exp()).log();
}

}  // namespace

Evidence::Evidence(int bits) : bits_(bits) {}

std::size_t Evidence::parameter_count() const { return static_cast<std::size_t>(bits_ * (bits_ + 1)); }

const Evidence::Matrix& Evidence::forward(std::span<const float> parameters, std::span<const std::uint16_t> states,
                                          const Eigen::Ref<const Eigen::RowVectorXf>& gains) {
  const Eigen::Index rows = gains.size();
  const Eigen::Map<const Matrix> weight(parameters.data(), bits_, bits_);
  const Eigen::Map<const Eigen::VectorXf> bias(parameters.data() + bits_ * bits_, bits_);
  const Eigen::Map<const Eigen::Matrix<std::uint16_t, Eigen::Dynamic, Eigen::Dynamic>> bit(states.data(), bits_, rows);
  signs_ = 2.0F * bit.cast<float>().array() - 1.0F;
  gains_ = gains;
  gain_ = softplus(kFirstGain + gains_.array());
  sums_.noalias() = weight * signs_;
  sums_.colwise() += bias;
  log_.resize(bits_, rows);
  // The other value is -s: log sigma(-s u) = -softplus(s u).
  for (Eigen::Index i = 0; i < rows; ++i) {
    log_.col(i).array() = -softplus((gain_[i] * sums_.col(i).array() * signs_.col(i).array()).eval());
  }
  return log_;
}

const Eigen::RowVectorXf& Evidence::backward(const Matrix& delta, std::span<float> gradient) {
  Eigen::Map<Matrix> weight(gradient.data(), bits_, bits_);
  Eigen::Map<Eigen::VectorXf> bias(gradient.data() + bits_ * bits_, bits_);
  // d log sigma(-s u) / du = -s (1 - sigma(-s u)) = -s (1 - e^log)
  log_ = -delta.array() * signs_.array() * (1.0F - log_.array().exp());  // by u
  by_gain_ = log_.cwiseProduct(sums_).colwise().sum();
  by_gain_.array() /= 1.0F + (-kFirstGain - gains_.array()).exp();
  log_.array().rowwise() *= gain_.array();  // by u / g
  weight.noalias() += log_ * signs_.transpose();
  for (Eigen::Index i = 0; i < log_.cols(); ++i) bias += log_.col(i);
  return by_gain_;
}

}  // namespace kirchhoff
