#include "learn/network/category_law.hpp"

#include <Eigen/Core>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <unsupported/Eigen/SpecialFunctions>

#include "learn/network/mlp.hpp"

namespace kirchhoff {
namespace {

// Eight of these: sixteen fit many rows a little better, and few rows worse (docs/model.md).
constexpr int kComponents = 8;
// On a line of length one eight components start 1/8 apart. They overlap (2.5 widths apart), and an output of one moves
// a centre by a little more than that distance.
constexpr double kWidth = 0.05;      // of a component whose output is zero
constexpr double kLeastWidth = 0.5;  // of a category: narrower ones would only mark single rows
constexpr double kWidest = 10;       // output: a component of 1100 times the line is even on it, and exp stays finite
constexpr double kReach = 0.15;      // of a centre, an output

/// The mixture that one row of outputs means, and what it gives at the limits of the categories.
template <class T>
class Mixture {
 public:
  using Array = Eigen::Array<T, Eigen::Dynamic, 1>;
  using Table = Eigen::Array<T, Eigen::Dynamic, Eigen::Dynamic>;
  using Row = Eigen::Map<const Array>;

  explicit Mixture(int categories)
      : s_(categories), limits_(categories - 1), mass_(categories), z_(categories - 1, kComponents) {
    for (Eigen::Index c = 0; c < limits_.size(); ++c) limits_[c] = static_cast<T>(c + 1) / static_cast<T>(s_);
    for (Eigen::Index k = 0; k < kComponents; ++k) {
      start_[k] = (static_cast<T>(k) + T(0.5)) / static_cast<T>(kComponents);
    }
  }

  /// Laws of a row of outputs.
  const Array& masses(const T* outputs) {
    const Row logits(outputs, kComponents + 1);
    share_ = (logits - logits.maxCoeff()).exp();
    share_ /= share_.sum();
    grown_ = static_cast<T>(kWidth) * Row(outputs + 2 * kComponents + 1, kComponents).min(T(kWidest)).exp();
    width_ = grown_ + static_cast<T>(kLeastWidth) / static_cast<T>(s_);
    const Row centres(outputs + kComponents + 1, kComponents);
    for (Eigen::Index k = 0; k < kComponents; ++k) {
      z_.col(k) = (limits_ - (start_[k] + T(kReach) * centres[k])) / width_[k];
    }
    below_ = T(0.5) + T(0.5) * (z_ * static_cast<T>(std::numbers::sqrt2 / 2)).erf();
    const auto inner = limits_.size();
    cumulative_ = (below_.matrix() * share_.tail(kComponents).matrix()).array();
    mass_.setConstant(share_[0] / static_cast<T>(s_));
    mass_.head(inner) += cumulative_;
    mass_.tail(inner) -= cumulative_;
    mass_[inner] += T(1) - share_[0];
    mass_ = mass_.max(std::numeric_limits<T>::min());
    return mass_;
  }

  /// Derivative by the outputs of weight times the cross-entropy of the masses found last.
  void derivative(const Array& target, T weight, T* out) {
    const auto inner = limits_.size();
    const Array ratio = target / mass_;
    const T total = target.sum();
    // Of the sum over categories of ratio times mass, by the mass below each limit.
    const Array step = ratio.head(inner) - ratio.tail(inner);
    const Table density =
        (z_.square() * T(-0.5)).exp() * static_cast<T>(std::numbers::inv_sqrtpi / std::numbers::sqrt2);
    const auto dot = [&](const Table& table) -> Array { return (table.matrix().transpose() * step.matrix()).array(); };
    const Array shares = share_.tail(kComponents);
    Eigen::Map<Array> logits(out, kComponents + 1);
    logits[0] = weight * share_[0] * (total - ratio.sum() / static_cast<T>(s_));
    logits.tail(kComponents) = weight * shares * (total - ratio[inner] - dot(below_));
    Eigen::Map<Array>(out + kComponents + 1, kComponents) = weight * T(kReach) * shares * dot(density) / width_;
    Eigen::Map<Array>(out + 2 * kComponents + 1, kComponents) = weight * shares * dot(z_ * density) * grown_ / width_;
  }

 private:
  using Components = Eigen::Array<T, kComponents, 1>;
  int s_;
  Array limits_;                               // (S - 1) between the categories
  Components start_;                           // centres of components whose output is zero
  Eigen::Array<T, kComponents + 1, 1> share_;  // the even law's first
  Components grown_;                           // what the output adds to a width
  Components width_;
  Array mass_;        // (S)
  Table z_;           // (S - 1 x K) limits as a component sees them
  Table below_;       // of a component, below a limit
  Array cumulative_;  // of the mixture
};

}  // namespace

CategoryLaw::CategoryLaw(Likelihood likelihood, int categories) : likelihood_(likelihood), categories_(categories) {}

int CategoryLaw::outputs() const { return likelihood_ == Likelihood::mixture ? 3 * kComponents + 1 : categories_; }

void CategoryLaw::masses(std::span<const double> outputs, std::span<double> masses) const {
  if (likelihood_ == Likelihood::mixture) {
    Mixture<double> mixture(categories_);
    const auto& found = mixture.masses(outputs.data());
    std::copy(found.begin(), found.end(), masses.begin());
  } else {
    const double top = *std::max_element(outputs.begin(), outputs.end());
    std::transform(outputs.begin(), outputs.end(), masses.begin(), [&](double z) { return std::exp(z - top); });
  }
  double sum = 0;
  for (const double m : masses) sum += m;
  for (double& m : masses) m /= sum;
}

template <class T>
double CategoryLaw::cross_entropy(std::span<const T> outputs, std::span<const T> targets, std::span<const T> weight,
                                  double scale, std::span<T> delta) const {
  const auto s = static_cast<std::size_t>(categories_);
  if (likelihood_ == Likelihood::categorical) {
    return soft_cross_entropy<T>(outputs, targets, {}, weight, s, scale, delta);
  }
  const auto width = static_cast<std::size_t>(this->outputs());
  Mixture<T> mixture(categories_);
  // A copy: the order of a sum over memory of the caller's would depend on its address.
  typename Mixture<T>::Array target;
  double loss = 0;
  for (std::size_t i = 0; i < weight.size(); ++i) {
    target = typename Mixture<T>::Row(targets.data() + i * s, categories_);
    const auto& mass = mixture.masses(outputs.data() + i * width);
    loss -= static_cast<double>(weight[i]) * static_cast<double>((target * mass.log()).sum());
    if (delta.empty()) continue;
    mixture.derivative(target, static_cast<T>(scale * static_cast<double>(weight[i])), delta.data() + i * width);
  }
  return loss;
}

template double CategoryLaw::cross_entropy<float>(std::span<const float>, std::span<const float>,
                                                  std::span<const float>, double, std::span<float>) const;
template double CategoryLaw::cross_entropy<double>(std::span<const double>, std::span<const double>,
                                                   std::span<const double>, double, std::span<double>) const;

}  // namespace kirchhoff
