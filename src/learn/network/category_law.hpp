#pragma once

#include <span>
#include <vector>

#include "kirchhoff/learn/network/model.hpp"

namespace kirchhoff {

/// How the outputs of a network of terminals give the law of a coordinate:
///
///   categorical  S logits
///   mixture      K normal laws on the line, category c being [c/S, (c+1)/S) and the outermost ones all that lies
///                beyond, and the even law: K + 1 logits of their shares (the even law's first), K centres, K
///                logarithms of what widths are beyond half a category. Neighbours are then alike by construction,
///                which is what few rows do not say (after the mixtures of Salimans et al., PixelCNN++, 2017).
///
/// Local.
class CategoryLaw {
 public:
  CategoryLaw(Likelihood likelihood, int categories);

  /// Outputs that give one law.
  int outputs() const;
  /// The law (S) of one row's outputs. It sums to one.
  void masses(std::span<const double> outputs, std::span<double> masses) const;
  /// Sum over rows of weight times -sum_c target_c log mass_c [nat], and its derivative by the outputs (rows x
  /// outputs()) times `scale`; none when `delta` is empty. @param targets (rows x S).
  template <class T>
  double cross_entropy(std::span<const T> outputs, std::span<const T> targets, std::span<const T> weight, double scale,
                       std::span<T> delta) const;

 private:
  Likelihood likelihood_;
  int categories_;
};

}  // namespace kirchhoff
