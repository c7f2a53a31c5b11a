#include "kirchhoff/circuit/nearest.hpp"

#include <fmt/format.h>
#include <nanoflann.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <memory>
#include <numeric>
#include <utility>

#include "kirchhoff/base/error.hpp"

namespace kirchhoff {
namespace {

/// A set of points as nanoflann asks for it.
struct Points {
  std::size_t dimensions = 0;
  std::vector<double> coordinates;

  std::size_t kdtree_get_point_count() const { return coordinates.size() / dimensions; }
  double kdtree_get_pt(std::size_t point, std::size_t d) const { return coordinates[point * dimensions + d]; }
  template <class Box>
  bool kdtree_get_bbox(Box& /*box*/) const {
    return false;
  }
};

using Tree = nanoflann::KDTreeSingleIndexAdaptor<nanoflann::L2_Simple_Adaptor<double, Points, double, std::size_t>,
                                                 Points, -1, std::size_t>;

/// What nanoflann puts its finds into: the nearest others of `self`, by distance and then by index. Its own sets keep
/// whichever of several equally near points the tree meets first.
class NearestOthers {
 public:
  using DistanceType = double;

  NearestOthers(std::size_t self, std::size_t capacity) : self_(self), capacity_(capacity) {
    found_.reserve(capacity + 1);
  }

  const std::vector<std::pair<double, std::size_t>>& found() const { return found_; }

  std::size_t size() const { return found_.size(); }
  bool empty() const { return found_.empty(); }
  bool full() const { return found_.size() == capacity_; }
  void sort() {}                                       // always is
  bool addPoint(double distance, std::size_t point) {  // NOLINT(readability-identifier-naming): nanoflann calls it
    const std::pair candidate{distance, point};
    if (point == self_ || (full() && found_.back() < candidate)) return true;
    found_.insert(std::upper_bound(found_.begin(), found_.end(), candidate), candidate);
    if (found_.size() > capacity_) found_.pop_back();
    return true;
  }
  /// The search leaves out what is not below this: equally near points, and those that its bounds, which are rounded,
  /// make a little farther, are not to be missed.
  double worstDist() const {  // NOLINT(readability-identifier-naming)
    constexpr double kMargin = 1 + 1e-9;
    if (!full()) return std::numeric_limits<double>::max();
    return found_.back().first * kMargin + std::numeric_limits<double>::min();
  }

 private:
  std::size_t self_;
  std::size_t capacity_;
  std::vector<std::pair<double, std::size_t>> found_;
};

/// Coordinates scaled by a power of two, which changes no digit, so that no square of a difference overflows.
Points scaled(const Embedding& embedding) {
  Points points{static_cast<std::size_t>(embedding.dimensions), embedding.coordinates};
  double largest = 0;
  for (const double c : points.coordinates) largest = std::max(largest, std::abs(c));
  if (largest > 0) {
    const int exponent = std::ilogb(largest);
    for (double& c : points.coordinates) c = std::scalbn(c, -exponent);
  }
  return points;
}

void check_embedding(const StateSpace& space, const Embedding& embedding) {
  const auto d = embedding.dimensions;
  const auto numbers = static_cast<std::int64_t>(embedding.coordinates.size());
  if (d < 1 || numbers % d != 0 || numbers / d != space.size()) {
    throw Error(fmt::format("the embedding has {} rows for {} states: it needs one per state", d < 1 ? 0 : numbers / d,
                            space.size()));
  }
  for (std::int64_t i = 0; i < numbers; ++i) {
    const double c = embedding.coordinates[static_cast<std::size_t>(i)];
    if (!std::isfinite(c)) {
      throw Error(
          fmt::format("the embedding's row {}, column {} is {}: coordinates must be finite", i / d + 1, i % d + 1, c));
    }
  }
}

}  // namespace

Embedding grid_embedding(const StateSpace& space) {
  Embedding grid;
  grid.dimensions = space.dimensions();
  grid.coordinates.reserve(static_cast<std::size_t>(space.size() * grid.dimensions));
  for (std::int64_t x = 0; x < space.size(); ++x) {
    for (int d = 0; d < space.dimensions(); ++d) grid.coordinates.push_back(space.coordinate(x, d));
  }
  return grid;
}

Neighbourhoods nearest_neighbours(const StateSpace& space, const Embedding& embedding, std::int64_t count) {
  if (count < 1 || count > space.size() - 1) {
    throw Error(fmt::format("circuit_neighbours is {}: it must be between 1 and the number of other states, {}", count,
                            space.size() - 1));
  }
  check_embedding(space, embedding);
  const auto n = static_cast<std::size_t>(space.size());
  const auto k = static_cast<std::size_t>(count);
  const auto points = scaled(embedding);
  const Tree tree(static_cast<int>(points.dimensions), points);

  std::vector<std::size_t> nearest(n * k);   // (N x k)
  std::vector<std::size_t> first(n + 1, 0);  // whose nearest x is: where they stand in `admirers`
  for (std::size_t x = 0; x < n; ++x) {
    NearestOthers others(x, k);
    tree.findNeighbors(others, points.coordinates.data() + x * points.dimensions, {});
    for (std::size_t i = 0; i < k; ++i) {
      nearest[x * k + i] = others.found()[i].second;
      ++first[nearest[x * k + i] + 1];
    }
  }
  std::partial_sum(first.begin(), first.end(), first.begin());
  std::vector<std::size_t> admirers(n * k);
  auto next = first;
  for (std::size_t i = 0; i < n * k; ++i) admirers[next[nearest[i]]++] = i / k;

  Neighbourhoods result;
  result.first.reserve(n + 1);
  result.first.push_back(0);
  std::vector<std::size_t> row;
  for (std::size_t x = 0; x < n; ++x) {
    row.assign(nearest.begin() + static_cast<std::ptrdiff_t>(x * k),
               nearest.begin() + static_cast<std::ptrdiff_t>((x + 1) * k));
    row.insert(row.end(), admirers.begin() + static_cast<std::ptrdiff_t>(first[x]),
               admirers.begin() + static_cast<std::ptrdiff_t>(first[x + 1]));
    std::sort(row.begin(), row.end());
    row.erase(std::unique(row.begin(), row.end()), row.end());
    result.other.insert(result.other.end(), row.begin(), row.end());
    result.first.push_back(static_cast<std::int64_t>(result.other.size()));
  }
  return result;
}

std::vector<Coupling> nearest_couplings(const StateSpace& space, const Neighbourhoods& neighbourhoods,
                                        std::span<const double> same, std::span<const double> change) {
  const auto table_of = [&](double r, double change_r) {
    const double equal = conductance_of(r, "circuit_resistance_same");
    const double near = conductance_of(change_r, "circuit_resistance_change");
    EdgeTable::Side side;
    side.first.push_back(0);
    for (std::int64_t x = 0; x < space.size(); ++x) {
      const auto row = static_cast<std::size_t>(x);
      const auto begin = neighbourhoods.other.begin() + neighbourhoods.first[row];
      const auto end = neighbourhoods.other.begin() + neighbourhoods.first[row + 1];
      const auto above = std::upper_bound(begin, end, x);
      side.other.insert(side.other.end(), begin, above);
      side.other.push_back(x);
      side.other.insert(side.other.end(), above, end);
      side.conductance.resize(side.other.size(), near);
      side.conductance[static_cast<std::size_t>(side.first.back() + (above - begin))] = equal;
      side.first.push_back(static_cast<std::int64_t>(side.other.size()));
    }
    auto table = std::make_shared<EdgeTable>();
    table->backward = side;  // symmetric
    table->forward = std::move(side);
    return table;
  };
  std::map<std::pair<double, double>, std::shared_ptr<const EdgeTable>> tables;
  std::vector<Coupling> couplings;
  for (std::size_t l = 0; l < same.size(); ++l) {
    auto& table = tables[{same[l], change[l]}];
    if (!table) table = table_of(same[l], change[l]);
    couplings.push_back(Coupling::from_table(space, table, Family::nearest));
  }
  return couplings;
}

}  // namespace kirchhoff
