#include "learn/network/evidence.hpp"

#include <cmath>

namespace kirchhoff {
namespace {

constexpr float kFirstGain = 0.5F;  // softplus(1/2) = 0.97
constexpr float kLeastShare = 1e-20F;

/// log(1 + e^x), of any size of x.
template <class A>
auto softplus(const A& x) {
  return x.max(0.0F) + (1.0F + (-x.abs()).exp()).log();
}

}  // namespace

std::unique_ptr<Evidence> Evidence::make(const MoveSet& moves) {
  const auto& space = moves.space();
  if (space.uniform() && space.categories() == 2) return std::make_unique<BitEvidence>(space.dimensions());
  return std::make_unique<CategoryEvidence>(moves);
}

void Evidence::set_gains(const Eigen::Ref<const Eigen::RowVectorXf>& gains) {
  gains_ = gains;
  gain_ = softplus(kFirstGain + gains_.array());
}

void Evidence::through_gains(Eigen::RowVectorXf& derivative) const {
  derivative.array() /= 1.0F + (-kFirstGain - gains_.array()).exp();
}

const Evidence::Matrix& BitEvidence::forward(std::span<const float> parameters, std::span<const std::uint16_t> states,
                                             const Eigen::Ref<const Eigen::RowVectorXf>& gains) {
  const Eigen::Index rows = gains.size();
  const Eigen::Map<const Matrix> weight(parameters.data(), bits_, bits_);
  const Eigen::Map<const Eigen::VectorXf> bias(parameters.data() + bits_ * bits_, bits_);
  const Eigen::Map<const Eigen::Matrix<std::uint16_t, Eigen::Dynamic, Eigen::Dynamic>> bit(states.data(), bits_, rows);
  signs_ = 2.0F * bit.cast<float>().array() - 1.0F;
  set_gains(gains);
  sums_.noalias() = weight * signs_;
  sums_.colwise() += bias;
  log_.resize(bits_, rows);
  of_moves_.setZero(2 * bits_, rows);
  // The other value is -s: log sigma(-s u) = -softplus(s u).
  for (Eigen::Index i = 0; i < rows; ++i) {
    log_.col(i).array() = -softplus((gain_[i] * sums_.col(i).array() * signs_.col(i).array()).eval());
    for (Eigen::Index j = 0; j < bits_; ++j) of_moves_(2 * j + 1 - bit(j, i), i) = log_(j, i);
  }
  return of_moves_;
}

const Eigen::RowVectorXf& BitEvidence::backward(const Matrix& delta, std::span<float> gradient) {
  Eigen::Map<Matrix> weight(gradient.data(), bits_, bits_);
  Eigen::Map<Eigen::VectorXf> bias(gradient.data() + bits_ * bits_, bits_);
  // d log sigma(-s u) / du = -s (1 - sigma(-s u)) = -s (1 - e^log)
  by_log_.resize(bits_, log_.cols());
  for (Eigen::Index i = 0; i < log_.cols(); ++i) {
    for (Eigen::Index j = 0; j < bits_; ++j) by_log_(j, i) = delta(2 * j + (signs_(j, i) > 0 ? 0 : 1), i);
  }
  log_ = -by_log_.array() * signs_.array() * (1.0F - log_.array().exp());  // by u
  by_gain_ = log_.cwiseProduct(sums_).colwise().sum();
  through_gains(by_gain_);
  log_.array().rowwise() *= gain_.array();  // by u / g
  weight.noalias() += log_ * signs_.transpose();
  for (Eigen::Index i = 0; i < log_.cols(); ++i) bias += log_.col(i);
  return by_gain_;
}

const Evidence::Matrix& CategoryEvidence::forward(std::span<const float> parameters,
                                                  std::span<const std::uint16_t> states,
                                                  const Eigen::Ref<const Eigen::RowVectorXf>& gains) {
  const Eigen::Index rows = gains.size();
  const Eigen::Index c = moves_.all_categories();
  const auto d = static_cast<std::size_t>(moves_.dimensions());
  const Eigen::Map<const Matrix> weight(parameters.data(), c, c);
  const Eigen::Map<const Eigen::VectorXf> bias(parameters.data() + c * c, c);
  states_.assign(states.begin(), states.end());
  set_gains(gains);
  sums_.resize(c, rows);
  law_.resize(c, rows);
  of_moves_.setZero(c, rows);
  for (Eigen::Index i = 0; i < rows; ++i) {
    const auto* state = states_.data() + static_cast<std::size_t>(i) * d;
    auto sum = sums_.col(i);
    sum = bias;
    for (std::size_t k = 0; k < d; ++k) sum += weight.col(moves_.offset(k) + state[k]);
    for (std::size_t j = 0; j < d; ++j) {
      const Eigen::Index first = moves_.offset(j);
      const Eigen::Index s = moves_.space().categories(static_cast<int>(j));
      const Eigen::Index at = state[j];
      auto law = law_.col(i).segment(first, s);
      auto out = of_moves_.col(i).segment(first, s);
      law = gain_[i] * sum.segment(first, s);
      law.array() -= law.maxCoeff();
      if (moves_.graph(static_cast<int>(j)) == ColumnGraph::hamming) out = law;
      law = law.array().exp();
      const float total = law.sum();
      law /= total;
      if (moves_.graph(static_cast<int>(j)) == ColumnGraph::hamming) {
        out.array() -= std::log(total);
        out[at] = 0;
        continue;
      }
      if (at > 0) out[at - 1] = std::log(law.head(at).sum() + kLeastShare);
      if (at + 1 < s) out[at + 1] = std::log(law.tail(s - at - 1).sum() + kLeastShare);
    }
  }
  return of_moves_;
}

const Eigen::RowVectorXf& CategoryEvidence::backward(const Matrix& delta, std::span<float> gradient) {
  const Eigen::Index c = moves_.all_categories();
  const auto d = static_cast<std::size_t>(moves_.dimensions());
  Eigen::Map<Matrix> weight(gradient.data(), c, c);
  Eigen::Map<Eigen::VectorXf> bias(gradient.data() + c * c, c);
  for (Eigen::Index i = 0; i < law_.cols(); ++i) {
    const auto* state = states_.data() + static_cast<std::size_t>(i) * d;
    for (std::size_t j = 0; j < d; ++j) {
      const Eigen::Index first = moves_.offset(j);
      const Eigen::Index s = moves_.space().categories(static_cast<int>(j));
      const Eigen::Index at = state[j];
      auto law = law_.col(i).segment(first, s);  // becomes the derivative by u
      const auto by = delta.col(i).segment(first, s);
      if (moves_.graph(static_cast<int>(j)) == ColumnGraph::hamming) {
        const float all = by.sum() - by[at];
        law = by - all * law;
        law[at] -= by[at];
        continue;
      }
      // d log sum_(v on a side) p_v / du_v = p_v ([v on that side] / the side's share - 1)
      const float down = at > 0 ? by[at - 1] : 0.0F;
      const float up = at + 1 < s ? by[at + 1] : 0.0F;
      const float below = down / (law.head(at).sum() + kLeastShare) - (down + up);
      const float above = up / (law.tail(s - at - 1).sum() + kLeastShare) - (down + up);
      law.head(at) *= below;
      law[at] *= -(down + up);
      law.tail(s - at - 1) *= above;
    }
  }
  by_gain_ = law_.cwiseProduct(sums_).colwise().sum();
  through_gains(by_gain_);
  law_.array().rowwise() *= gain_.array();  // by u / g
  for (Eigen::Index i = 0; i < law_.cols(); ++i) {
    const auto* state = states_.data() + static_cast<std::size_t>(i) * d;
    for (std::size_t k = 0; k < d; ++k) weight.col(moves_.offset(k) + state[k]) += law_.col(i);
    bias += law_.col(i);
  }
  return by_gain_;
}

}  // namespace kirchhoff
