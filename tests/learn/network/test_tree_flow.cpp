#include <Eigen/Dense>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "kirchhoff/base/error.hpp"
#include "kirchhoff/base/random.hpp"
#include "kirchhoff/learn/network/tree_flow.hpp"

namespace kirchhoff {
namespace {

/// Column 1 depends on 0, columns 2 and 3 on 1; laws at random.
TreeLaw some_tree(const StateSpace& space) {
  TreeLaw law{{-1, 0, 1, 1}, {0, 1, 2, 3}, {}};
  std::uint64_t number = 0;
  for (std::size_t j = 0; j < 4; ++j) {
    const int above = law.parents[j] < 0 ? 1 : space.categories(law.parents[j]);
    const int s = space.categories(static_cast<int>(j));
    auto& share = law.share.emplace_back();
    for (int u = 0; u < above; ++u) {
      double sum = 0;
      for (int v = 0; v < s; ++v) {
        Random random(4, Stream::target_draw, number++);
        share.push_back(std::exp(2 * random.normal()));
        sum += share.back();
      }
      for (int v = 0; v < s; ++v) share[share.size() - 1 - static_cast<std::size_t>(v)] /= sum;
    }
  }
  return law;
}

double probability(const TreeLaw& law, const StateSpace& space, std::int64_t x) {
  double p = 1;
  for (int j = 0; j < space.dimensions(); ++j) {
    const auto k = static_cast<std::size_t>(j);
    const int above = law.parents[k] < 0 ? 0 : space.coordinate(x, law.parents[k]);
    p *= law.share[k][static_cast<std::size_t>(above * space.categories(j) + space.coordinate(x, j))];
  }
  return p;
}

TEST(TreeFlow, IsTheFlowOfADenseSolveTowardAllRowsOfTheTree) {
  const StateSpace space(std::vector{3, 2, 4, 2});
  const MoveSet moves(space, 1);
  const std::vector<double> change = {1, 2, 1, 0.5};
  constexpr double kSame = 0.8;
  const auto law = some_tree(space);
  const TreeFlow flow(moves, change, kSame, law);
  // With E = V_0 + V_1 the sum over both layers: (kappa - M) E = 1/N - delta, from the definition of M.
  const auto n = space.size();
  Eigen::MatrixXd m = Eigen::MatrixXd::Constant(n, n, 1.0 / static_cast<double>(n));  // the constant mode, made regular
  for (std::int64_t x = 0; x < n; ++x) {
    for (std::int64_t y = 0; y < n; ++y) {
      if (space.hamming(x, y) != 1) continue;
      for (int j = 0; j < space.dimensions(); ++j) {
        if (space.coordinate(x, j) == space.coordinate(y, j)) continue;
        m(x, x) += 1 / change[static_cast<std::size_t>(j)];
        m(x, y) -= 1 / change[static_cast<std::size_t>(j)];
      }
    }
  }
  const Eigen::MatrixXd inverse = m.inverse();
  std::vector<std::uint16_t> state(4);
  std::vector<float> found(static_cast<std::size_t>(moves.size()));
  for (std::int64_t x = 0; x < n; ++x) {
    space.coordinates(x, state);
    flow.logits(1, state, found);
    // Relative to leaving, whose flow is the row's own probability times one ampere.
    const double unit = static_cast<double>(found[MoveSet::kLeave]) - std::log(probability(law, space, x));
    for (int j = 0; j < space.dimensions(); ++j) {
      for (int v = 0; v < space.categories(j); ++v) {
        if (v == state[static_cast<std::size_t>(j)]) continue;
        const auto y = x + (v - state[static_cast<std::size_t>(j)]) * space.stride(j);
        double expected = 0;
        for (std::int64_t end = 0; end < n; ++end) {
          if (space.coordinate(end, j) != v) continue;
          expected += probability(law, space, end) * (inverse(y, end) - inverse(x, end)) / 2;
        }
        expected /= change[static_cast<std::size_t>(j)];
        const double logit = found[static_cast<std::size_t>(moves.change(1, j, v))];
        EXPECT_NEAR(logit - unit, std::log(expected), 0.15) << "state " << x << ", column " << j << " to " << v;
      }
    }
  }
}

TEST(TreeFlow, RefusesCircuitsWhoseFlowItDoesNotKnow) {
  const StateSpace space(std::vector{3, 2, 4, 2});
  const auto law = some_tree(space);
  EXPECT_THROW(TreeFlow(MoveSet(space, 2), std::vector(4, 1.0), 1, law), Error);
  EXPECT_THROW(TreeFlow(MoveSet(space, 1, {ColumnGraph::lattice}), std::vector(4, 1.0), 1, law), Error);
}

}  // namespace
}  // namespace kirchhoff
