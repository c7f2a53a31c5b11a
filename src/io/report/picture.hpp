#pragma once

#include <nlohmann/json.hpp>

#include <span>
#include <vector>

#include "kirchhoff/states/state_space.hpp"

namespace kirchhoff {

/// The states of a layer as a picture: with two coordinates they are its axes; with more, the first half runs down and
/// the second across, in bins of equal width.
class Picture {
 public:
  explicit Picture(const StateSpace& space) {
    constexpr std::int64_t kMost = 128;
    constexpr std::int64_t kMostOfLine = 1024;
    const int d = space.dimensions();
    full_columns_ = d == 1 ? 1 : space.stride(d / 2 - 1);
    full_rows_ = space.size() / full_columns_;
    const auto most = d == 1 ? kMostOfLine : kMost;
    row_width_ = (full_rows_ + most - 1) / most;
    column_width_ = (full_columns_ + most - 1) / most;
    rows_ = (full_rows_ + row_width_ - 1) / row_width_;
    columns_ = (full_columns_ + column_width_ - 1) / column_width_;
  }

  std::int64_t rows() const { return rows_; }
  std::int64_t columns() const { return columns_; }
  bool binned() const { return row_width_ * column_width_ > 1; }

  /// Sum, or mean, of the values of the states in each bin.
  nlohmann::ordered_json map(std::span<const double> values, bool mean) const {
    std::vector<double> bins(static_cast<std::size_t>(rows_ * columns_));
    std::vector<double> counts(bins.size());
    for (std::int64_t x = 0; x < full_rows_ * full_columns_; ++x) {
      const auto bin =
          static_cast<std::size_t>(x / full_columns_ / row_width_ * columns_ + x % full_columns_ / column_width_);
      bins[bin] += values[static_cast<std::size_t>(x)];
      counts[bin] += 1;
    }
    for (std::size_t i = 0; mean && i < bins.size(); ++i) bins[i] /= counts[i];
    return bins;
  }

 private:
  std::int64_t full_rows_ = 1;
  std::int64_t full_columns_ = 1;
  std::int64_t row_width_ = 1;
  std::int64_t column_width_ = 1;
  std::int64_t rows_ = 1;
  std::int64_t columns_ = 1;
};

}  // namespace kirchhoff
