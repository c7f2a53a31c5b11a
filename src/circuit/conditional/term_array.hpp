#pragma once

#include <Eigen/Core>

#include <cmath>
#include <cstddef>
#include <vector>

namespace kirchhoff::detail {

/// Numbers of all terms of a ConditionalColumns.
using TermArray = Eigen::Map<const Eigen::ArrayXd>;

/// Row `index` of a table (rows x T).
inline TermArray terms_of(const std::vector<double>& table, std::size_t index, std::size_t terms) {
  return {table.data() + index * terms, static_cast<Eigen::Index>(terms)};
}

/// Divides by about the largest, and returns that one's logarithm.
inline double normalise(Eigen::Ref<Eigen::ArrayXd> product) {
  const double largest = product.abs().maxCoeff();
  if (!(largest > 0)) return 0;
  const double unit = std::exp2(std::ilogb(largest));
  product /= unit;
  return std::log(unit);
}

}  // namespace kirchhoff::detail
