#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <numeric>
#include <vector>

#include "kirchhoff/learn/network/move_model.hpp"
#include "kirchhoff/learn/task/column_walks.hpp"
#include "kirchhoff/states/distribution.hpp"
#include "kirchhoff/validate/statistics.hpp"
#include "walk_chain.hpp"

namespace kirchhoff {
namespace {

using enum ColumnGraph;

struct Mixed {
  ColumnCircuit circuit;
  std::vector<std::uint16_t> ends;  // (count x D)

  ColumnWalkSupervision supervision(int references) const {
    return {std::make_shared<ConditionalColumns>(circuit), Draws::from_rows(circuit.space, ends), 3, references};
  }
};

/// Columns of all kinds, L = 1 and 2, R on both sides of r.
std::vector<Mixed> problems_of_columns() {
  std::vector<Mixed> all = {
      {{StateSpace(std::vector{3, 2, 5}), {hamming, hamming, lattice}, {1, 1, 1}, 1, 1}, {}},
      {{StateSpace(std::vector{2, 4, 3}), {hamming, lattice, hamming}, {3, 0.5, 1}, 2, 1}, {}},
      {{StateSpace(std::vector{3, 1, 4}), {hamming, hamming, lattice}, {1, 1, 2}, 1, 2}, {}},
  };
  for (auto& p : all) {
    for (int i = 0; i < 5; ++i) {
      for (int j = 0; j < p.circuit.space.dimensions(); ++j) {
        Random random(11, Stream::target_draw, static_cast<std::uint64_t>(i * 10 + j));
        p.ends.push_back(static_cast<std::uint16_t>(random.below(p.circuit.space.categories(j))));
      }
    }
  }
  return all;
}

TEST(ColumnWalks, TheirFlowIsAMarkovChainThatEndsInTheTarget) {
  for (const auto& p : problems_of_columns()) {
    const auto supervision = p.supervision(1);
    const auto& space = p.circuit.space;
    const auto chain = oracles::chain_of(supervision, named_mass(space, "uniform"), {}, p.ends);
    const double moves = std::accumulate(chain.visits.begin(), chain.visits.end(), 0.0) - 1;

    EXPECT_LT(total_variation(chain.law, empirical_mass(space, p.ends)), 2e-5) << space.text();
    EXPECT_NEAR(supervision.expected_moves() / moves, 1, 0.02) << space.text();
  }
}

TEST(ColumnWalks, WeightsMakeProposedVerticesTheVisitsOfTheWalks) {
  const auto p = problems_of_columns()[1];
  const auto supervision = p.supervision(16);
  constexpr int kRows = 20000;
  MoveBatch batch;
  supervision.batch(0, kRows, {0, kRows}, batch);
  // The flow's own visits, from its circuit.
  const ConditionalColumns circuit(p.circuit);
  const auto d = static_cast<std::size_t>(p.circuit.space.dimensions());
  std::vector<double> expected;
  double all = 0;
  std::vector<double> products(circuit.terms());
  std::vector<float> out(static_cast<std::size_t>(supervision.moves().size()));
  oracles::every_vertex(supervision.moves(), [&](int l, std::int64_t, const std::vector<std::uint16_t>& state) {
    double visits = 0;
    for (std::size_t k = 0; k < p.ends.size(); k += d) {
      const auto end = std::span(p.ends).subspan(k, d);
      const double log = circuit.products(state, end, products);
      visits += circuit.add_currents(l, state, end, products, log, std::exp(log), out);
    }
    expected.push_back(visits);
    all += visits;
  });
  std::vector<double> found(expected.size(), 0.0);
  for (std::size_t i = 0; i < kRows; ++i) {
    const auto state = std::span<const std::uint16_t>(batch.states).subspan(i * d, d);
    const auto vertex = batch.layers[i] * p.circuit.space.size() + p.circuit.space.index(state);
    found[static_cast<std::size_t>(vertex)] += static_cast<double>(batch.weights[i]) / kRows;
  }
  double apart = 0;
  for (std::size_t v = 0; v < found.size(); ++v) apart += std::abs(found[v] - expected[v] / all) / 2;

  EXPECT_LT(apart, 0.03);
  EXPECT_NEAR(batch.weight(0, kRows) / kRows, 1, 0.03);
}

TEST(ColumnWalks, ABatchIsTheSameHoweverItIsDividedAmongRanks) {
  const auto p = problems_of_columns()[0];
  const auto supervision = p.supervision(16);
  const auto d = static_cast<std::size_t>(p.circuit.space.dimensions());
  MoveBatch whole;
  MoveBatch part;
  supervision.batch(7, 50, {0, 50}, whole);
  supervision.batch(7, 50, {19, 33}, part);
  for (std::size_t i = 0; i < 14; ++i) {
    EXPECT_EQ(part.layers[i], whole.layers[i + 19]);
    EXPECT_EQ(part.weights[i], whole.weights[i + 19]);
    for (std::size_t j = 0; j < d; ++j) EXPECT_EQ(part.states[i * d + j], whole.states[(i + 19) * d + j]);
  }
}

TEST(ColumnWalks, TheGradientOfANetworkOfMixedColumnsIsThatOfItsLoss) {
  for (const auto& p : problems_of_columns()) {
    const auto supervision = p.supervision(8);
    ModelOptions options;
    options.hidden = {8, 8};
    options.evidence = true;
    options.ordered = {0, 0, 1};
    MoveModel model(supervision.moves(), options);
    model.initialise(5);
    for (std::size_t i = 0; i < model.parameters().size(); ++i) {  // evidence starts from zero: no slope to test
      Random random(6, Stream::parameters, i);
      model.parameters()[i] += 0.3F * static_cast<float>(random.normal());
    }
    MoveBatch batch;
    supervision.batch(0, 24, {0, 24}, batch);
    std::vector<float> gradient(model.parameters().size(), 0.0F);
    model.cross_entropy(batch.layers, batch.states, batch.targets, batch.weights, 1, gradient);
    const auto loss_at = [&](std::size_t i, float value) {
      model.parameters()[i] = value;
      return model.cross_entropy(batch.layers, batch.states, batch.targets, batch.weights, 1, {});
    };
    double worst = 0;
    double largest = 0;
    for (std::size_t i = 0; i < gradient.size(); i += 3) {
      const float before = model.parameters()[i];
      constexpr float kStep = 4e-3F;
      const double slope = (loss_at(i, before + kStep) - loss_at(i, before - kStep)) / (2 * static_cast<double>(kStep));
      model.parameters()[i] = before;
      worst = std::max(worst, std::abs(slope - static_cast<double>(gradient[i])));
      largest = std::max(largest, std::abs(slope));
    }

    EXPECT_LT(worst, 5e-3 * largest) << p.circuit.space.text();
  }
}

}  // namespace
}  // namespace kirchhoff
