#include <Eigen/Dense>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "kirchhoff/base/error.hpp"
#include "kirchhoff/circuit/conditional/columns.hpp"
#include "kirchhoff/circuit/conditional/quotient.hpp"

namespace kirchhoff {
namespace {

using enum ColumnGraph;

/// Mixed columns, one to three layer pairs, R above and below r: also where 1/r is less than the sum of 1/R.
std::vector<ColumnCircuit> circuits() {
  return {
      {StateSpace(std::vector{3, 4, 2}), {hamming, lattice, hamming}, {1, 1, 1}, 1, 1},
      {StateSpace(std::vector{3, 4, 2}), {hamming, lattice, hamming}, {2, 0.5, 3}, 1, 2},
      {StateSpace(std::vector{5, 3, 4}), {lattice, hamming, lattice}, {1, 3, 2}, 0.7, 3},
      {StateSpace(std::vector{2, 2, 4}), {hamming, lattice, hamming}, {8, 9, 10}, 1, 1},
      {StateSpace(std::vector{1, 6}), {hamming, lattice}, {1, 1}, 2, 1},
      {StateSpace(std::vector{4, 1, 3}), {hamming, hamming, hamming}, {0.1, 1, 0.2}, 3, 4},
  };
}

/// Conductance [S] of the edge between two states of neighbouring layers, from the definition.
double conductance(const ColumnCircuit& c, std::int64_t x, std::int64_t y) {
  double sum = x == y ? 1 / c.same : 0;
  for (int d = 0; d < c.space.dimensions(); ++d) {
    const int a = c.space.coordinate(x, d);
    const int b = c.space.coordinate(y, d);
    const auto j = static_cast<std::size_t>(d);
    if (x == y && c.graphs[j] == lattice) {
      sum += ((a == 0 ? 1 : 0) + (a + 1 == c.space.categories(d) ? 1 : 0)) / c.change[j];
    }
    if (c.space.hamming(x, y) != 1 || a == b) continue;
    if (c.graphs[j] == hamming || std::abs(a - b) == 1) sum += 1 / c.change[j];
  }
  return sum;
}

/// Potentials [V] of all vertices, by a dense solve of Kirchhoff's equations.
Eigen::VectorXd potentials(const ColumnCircuit& c, std::int64_t end) {
  const auto n = c.space.size();
  const auto vertices = n * (c.layers + 1);
  Eigen::MatrixXd a = Eigen::MatrixXd::Constant(vertices, vertices, 1.0 / static_cast<double>(vertices));
  for (int l = 0; l < c.layers; ++l) {
    for (std::int64_t x = 0; x < n; ++x) {
      for (std::int64_t y = 0; y < n; ++y) {
        const double g = conductance(c, x, y);
        a(l * n + x, l * n + x) += g;
        a((l + 1) * n + y, (l + 1) * n + y) += g;
        a(l * n + x, (l + 1) * n + y) -= g;
        a((l + 1) * n + y, l * n + x) -= g;
      }
    }
  }
  Eigen::VectorXd b = Eigen::VectorXd::Zero(vertices);
  b.head(n).setConstant(1.0 / static_cast<double>(n));
  b[c.layers * n + end] -= 1;
  return a.ldlt().solve(b);
}

/// Positive currents [A] out of a vertex by move.
std::vector<double> currents(const ColumnCircuit& c, const MoveSet& moves, const Eigen::VectorXd& v, int layer,
                             std::int64_t x, std::int64_t end) {
  const auto n = c.space.size();
  std::vector<double> all(static_cast<std::size_t>(moves.size()), 0.0);
  std::vector<std::uint16_t> state(static_cast<std::size_t>(c.space.dimensions()));
  c.space.coordinates(x, state);
  moves.visit(layer, state, [&](int move) {
    if (move == MoveSet::kLeave) {
      all[0] = x == end ? 1 : 0;
      return;
    }
    auto moved = state;
    int other = layer;
    moves.apply(move, other, moved);
    const auto y = c.space.index(moved);
    all[static_cast<std::size_t>(move)] = std::max(0.0, conductance(c, x, y) * (v[layer * n + x] - v[other * n + y]));
  });
  return all;
}

TEST(ConditionalColumns, HasTheCurrentsOfADenseSolve) {
  for (const auto& c : circuits()) {
    const ConditionalColumns columns(c);
    const auto& moves = columns.moves();
    const auto n = c.space.size();
    const auto d = static_cast<std::size_t>(c.space.dimensions());
    std::vector<std::uint16_t> state(d);
    std::vector<std::uint16_t> goal(d);
    std::vector<double> products(columns.terms());
    for (const std::int64_t end : {std::int64_t{0}, n / 2, n - 1}) {
      const auto v = potentials(c, end);
      c.space.coordinates(end, goal);
      double worst = 0;
      double proposed = 0;
      for (int l = 0; l <= c.layers; ++l) {
        for (std::int64_t x = 0; x < n; ++x) {
          c.space.coordinates(x, state);
          std::vector<float> found(static_cast<std::size_t>(moves.size()), 0.0F);
          const double log = columns.products(state, goal, products);
          const double unit = std::exp(log - columns.log_states());
          const double visits = columns.add_currents(l, state, goal, products, log, unit, found);
          const auto expected = currents(c, moves, v, l, x, end);
          double sum = 0;
          for (std::size_t k = 0; k < found.size(); ++k) {
            sum += expected[k];
            EXPECT_NEAR(found[k], expected[k], 1e-6);
          }
          worst = std::max(worst, std::abs(visits - sum));
          proposed += unit * columns.proposed(state, goal, products, log);
        }
      }
      EXPECT_LT(worst, 1e-12) << c.space.text() << ", L " << c.layers;
      EXPECT_NEAR(proposed, 1, 1e-12);
    }
  }
}

TEST(ConditionalColumns, AgreesWithTheQuotientWhereColumnsAreAlikeAtDimension100) {
  constexpr int kDimensions = 100;
  const int categories = 3;
  for (const int layers : {1, 2}) {
    const auto l = static_cast<std::size_t>(layers);
    const Quotient quotient({categories, kDimensions, std::vector(l, 1.0), std::vector(l, 1.0)});
    const ConditionalColumns columns({StateSpace(categories, kDimensions), std::vector(kDimensions, hamming),
                                      std::vector(kDimensions, 1.0), 1, layers});
    std::vector<std::uint16_t> state(kDimensions, 0);
    const std::vector<std::uint16_t> goal(kDimensions, 0);
    std::vector<double> products(columns.terms());
    std::vector<float> found(static_cast<std::size_t>(columns.moves().size()));
    for (int apart = 0; apart <= kDimensions; ++apart) {
      for (int j = 0; j < apart; ++j) state[static_cast<std::size_t>(j)] = 1;
      for (int layer = 0; layer <= layers; ++layer) {
        const double log = columns.products(state, goal, products);
        const double visits = columns.add_currents(layer, state, goal, products, log, 1, found);
        const double expected = std::log(quotient.visits(layer, apart)) - quotient.log_states(apart);
        if (quotient.visits(layer, apart) < 1e-9) continue;  // absolute accuracy is what the quotient promises
        EXPECT_NEAR(std::log(visits) + log - columns.log_states(), expected, 1e-5) << apart << ", layer " << layer;
      }
    }
  }
}

TEST(ConditionalColumns, ProposalsAreCloseToTheVisits) {
  // 100 columns of all kinds: no vertex comes far too seldom, so that weights stay near their mean.
  std::vector<int> categories;
  std::vector<ColumnGraph> graphs;
  for (int j = 0; j < 100; ++j) {
    categories.push_back(2 + j % 7);
    graphs.push_back(j % 3 == 0 ? lattice : hamming);
  }
  const ConditionalColumns columns({StateSpace(categories), graphs, std::vector(100, 1.0), 1, 1}, 1e-6);
  std::vector<std::uint16_t> goal(100);
  std::vector<std::uint16_t> state(100);
  std::vector<double> products(columns.terms());
  std::vector<float> out(static_cast<std::size_t>(columns.moves().size()));
  double sum = 0;
  double square = 0;
  constexpr int kDraws = 2000;
  for (int i = 0; i < kDraws; ++i) {
    Random random(5, Stream::target_draw, static_cast<std::uint64_t>(i));
    for (std::size_t j = 0; j < goal.size(); ++j) goal[j] = static_cast<std::uint16_t>(random.below(categories[j]));
    std::int32_t layer = 0;
    columns.propose(random, goal, layer, state);
    const double log = columns.products(state, goal, products);
    const double weight =
        columns.add_currents(layer, state, goal, products, log, 1, out) / columns.proposed(state, goal, products, log);
    sum += weight;
    square += weight * weight;
  }
  const double effective = sum * sum / square / kDraws;

  EXPECT_GT(effective, 0.7);
}

TEST(ConditionalColumns, RefusesWhatItCannotSolve) {
  const StateSpace space(std::vector{2, 300});
  EXPECT_THROW(ConditionalColumns({space, {hamming, lattice}, {1, 1}, 1, 1}), Error);
  EXPECT_THROW(ConditionalColumns({space, {hamming, hamming}, {1, 0}, 1, 1}), Error);
  EXPECT_THROW(ConditionalColumns({space, {hamming, hamming}, {1, 1}, 1, 0}), Error);
}

}  // namespace
}  // namespace kirchhoff
