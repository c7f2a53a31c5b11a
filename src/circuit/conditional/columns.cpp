#include "kirchhoff/circuit/conditional/columns.hpp"

#include <algorithm>
#include <cmath>

#include "circuit/conditional/term_array.hpp"

namespace kirchhoff {

double ConditionalColumns::products(std::span<const std::uint16_t> x, std::span<const std::uint16_t> end,
                                    std::span<double> out) const {
  Eigen::Map<Eigen::ArrayXd> product(out.data(), static_cast<Eigen::Index>(terms_));
  product.setOnes();
  double log = 0;
  for (const auto& column : columns_) {
    if (column.graph == ColumnGraph::lattice) {
      for (const auto j : column.numbers)
        product *= detail::terms_of(column.kernel, class_of(column, x[j], end[j]), terms_);
    } else {
      std::size_t equal = 0;
      for (const auto j : column.numbers) equal += x[j] == end[j] ? 1U : 0U;
      product *= detail::terms_of(column.product, equal, terms_);
      log += column.log[equal];
    }
  }
  return log + detail::normalise(product);
}

double ConditionalColumns::add_currents(int layer, std::span<const std::uint16_t> x, std::span<const std::uint16_t> end,
                                        std::span<const double> products, double log, double weight,
                                        std::span<float> out) const {
  const detail::TermArray product(products.data(), static_cast<Eigen::Index>(terms_));
  double visits = 0;
  for (const int direction : {1, -1}) {
    if (layer + direction < 0 || layer + direction > moves_.layers()) continue;
    const auto way = direction_of(layer, direction);
    float* same = out.data() + moves_.first(direction);
    double staying = conductance_same_;
    for (const auto& column : columns_) {
      const int s = column.categories;
      // To a neighbour; the same in all columns that are alike and of one class.
      const auto current = [&](std::size_t kind, std::size_t move) {
        const auto row = (way * column.classes + kind) * 2 + move;
        return std::max(
            0.0, weight * column.conductance * (product * detail::terms_of(column.difference, row, terms_)).sum());
      };
      if (column.graph == ColumnGraph::lattice) {
        for (const auto j : column.numbers) {
          const auto kind = class_of(column, x[j], end[j]);
          float* change = same + 1 + moves_.offset(j);
          for (const std::size_t up : {0U, 1U}) {
            const int value = x[j] + (up != 0 ? 1 : -1);
            if (value < 0 || value >= s) {
              staying += column.conductance;
              continue;
            }
            const double ampere = current(kind, up);
            change[value] += static_cast<float>(ampere);
            visits += ampere;
          }
        }
        continue;
      }
      if (s == 1) continue;
      const double away = current(0, 0);
      const double toward = current(1, 0);
      const double other = s > 2 ? current(1, 1) : 0.0;
      for (const auto j : column.numbers) {
        float* change = same + 1 + moves_.offset(j);
        const bool right = x[j] == end[j];
        visits += right ? (s - 1) * away : toward + (s - 2) * other;
        const auto to_all = static_cast<float>(right ? away : other);
        if (to_all > 0) {
          for (int v = 0; v < s; ++v) change[v] += v == x[j] ? 0.0F : to_all;
        }
        if (!right) change[end[j]] += static_cast<float>(toward) - to_all;
      }
    }
    const double stays = weight * staying * (product * detail::terms_of(same_, way, terms_)).sum();
    if (stays > 0) {
      *same += static_cast<float>(stays);
      visits += stays;
    }
  }
  if (layer == moves_.layers() && std::equal(x.begin(), x.end(), end.begin())) {
    const double leaves = weight * std::exp(log_states_ - log);
    out[MoveSet::kLeave] += static_cast<float>(leaves);
    visits += leaves;
  }
  return visits;
}

void ConditionalColumns::propose(Random& random, std::span<const std::uint16_t> end, std::int32_t& layer,
                                 std::span<std::uint16_t> x) const {
  layer = static_cast<std::int32_t>(random.below(moves_.layers() + 1));
  const double u = random.uniform();
  if (u >= node_sum_.back() + kEvenShare) {
    std::copy(end.begin(), end.end(), x.begin());
    return;
  }
  if (u >= node_sum_.back()) {
    for (std::size_t j = 0; j < x.size(); ++j) {
      x[j] = static_cast<std::uint16_t>(random.below(moves_.space().categories(static_cast<int>(j))));
    }
    return;
  }
  const auto t = static_cast<std::size_t>(std::upper_bound(node_sum_.begin(), node_sum_.end(), u) - node_sum_.begin());
  for (const auto& column : columns_) {
    const int s = column.categories;
    for (const auto j : column.numbers) {
      double left = random.uniform() * s;
      int value = 0;
      if (column.graph == ColumnGraph::lattice) {
        for (value = 0; value + 1 < s; ++value) {
          left -= column.kernel[class_of(column, value, end[j]) * terms_ + t];
          if (left < 0) break;
        }
      } else if (left < column.kernel[t] || s == 1) {
        value = end[j];
      } else {
        value = (end[j] + 1 + static_cast<int>(random.below(s - 1))) % s;
      }
      x[j] = static_cast<std::uint16_t>(value);
    }
  }
}

double ConditionalColumns::proposed(std::span<const std::uint16_t> x, std::span<const std::uint16_t> end,
                                    std::span<const double> products, double log) const {
  const auto n = static_cast<Eigen::Index>(node_share_.size());
  const double nodes = (detail::TermArray(products.data(), n) * detail::TermArray(node_share_.data(), n)).sum();
  const bool ended = std::equal(x.begin(), x.end(), end.begin());
  return (kEvenShare * products[terms_ - 1] + nodes + (ended ? end_share_ * std::exp(log_states_ - log) : 0.0)) /
         (moves_.layers() + 1);
}

}  // namespace kirchhoff
