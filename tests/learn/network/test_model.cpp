#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <numeric>
#include <vector>

#include "kirchhoff/base/error.hpp"
#include "kirchhoff/learn/network/model.hpp"
#include "networks.hpp"
#include "oracles.hpp"

namespace kirchhoff {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

struct Shape {
  int categories;
  int dimensions;
};
// D = 1 has no free embedding, S = 2 with D > 1 no Fourier features: every path to the first layer.
const std::vector<Shape> kShapes = {{9, 1}, {2, 1}, {5, 2}, {2, 4}, {1, 2}};

Model model_of(const Shape& shape, Activation activation, Precision precision = Precision::double_) {
  Model model(StateSpace(shape.categories, shape.dimensions), 3, {{6, 5}, activation, precision});
  model.initialise(5);
  // Biases start at zero: move them too, so that no gradient is accidentally right.
  const auto noise = oracles::uniform_numbers(static_cast<std::int64_t>(model.parameters().size()), -0.2, 0.2, 41);
  for (std::size_t i = 0; i < noise.size(); ++i) model.parameters()[i] += noise[i];
  return model;
}

std::vector<std::int64_t> all_states(const Model& model) {
  std::vector<std::int64_t> states(static_cast<std::size_t>(model.space().size()));
  std::iota(states.begin(), states.end(), std::int64_t{0});
  return states;
}

std::vector<double> outputs_of(const Model& model, const std::vector<std::int64_t>& states) {
  std::vector<double> out(states.size() * static_cast<std::size_t>(model.field_width()));
  model.outputs(states, out);
  return out;
}

double loss_of(const Model& model, const std::vector<std::int64_t>& states, const std::vector<double>& targets,
               const std::vector<double>& weight) {
  const auto out = outputs_of(model, states);
  double sum = 0;
  for (std::size_t i = 0; i < out.size(); ++i) {
    sum += weight[i % weight.size()] * (out[i] - targets[i]) * (out[i] - targets[i]);
  }
  return sum;
}

TEST(Model, HasTheGradientOfCentralDifferences) {
  const std::vector<double> weight = {1, 0.25, 2, 0.5};
  for (const auto activation : {Activation::silu, Activation::tanh, Activation::relu}) {
    for (const auto& shape : kShapes) {
      auto model = model_of(shape, activation);
      const auto states = all_states(model);
      const auto targets = oracles::uniform_numbers(static_cast<std::int64_t>(4 * states.size()), -1, 1, 42);
      std::vector<double> gradient(model.parameters().size());

      const double loss = networks::accumulate_gradient(model, states, targets, weight, gradient);

      constexpr double kStep = 1e-5;  // [parameter]: truncation kStep^2 and rounding 1e-16 / kStep, about 1e-10 both
      std::vector<double> differences(gradient.size());
      for (std::size_t i = 0; i < gradient.size(); ++i) {
        const double kept = model.parameters()[i];
        model.parameters()[i] = kept + kStep;
        const double above = loss_of(model, states, targets, weight);
        model.parameters()[i] = kept - kStep;
        const double below = loss_of(model, states, targets, weight);
        model.parameters()[i] = kept;
        differences[i] = (above - below) / (2 * kStep);
      }
      EXPECT_NEAR(loss, loss_of(model, states, targets, weight), 1e-12 * loss);  // rounding of sums
      EXPECT_LT(oracles::relative_difference(gradient, differences), 1e-8)
          << static_cast<int>(activation) << " " << shape.categories << "^" << shape.dimensions;
    }
  }
}

TEST(Model, AddsToTheGradientItIsGiven) {
  const auto model = model_of({5, 2}, Activation::silu);
  const std::vector<double> targets(8, 0.5);
  const std::vector<double> weight(4, 1.0);
  const std::vector<std::int64_t> states = {3, 17};
  std::vector<double> once(model.parameters().size(), 0.0);
  std::vector<double> twice(model.parameters().size(), 1.0);

  networks::accumulate_gradient(model, states, targets, weight, once);
  networks::accumulate_gradient(model, states, targets, weight, twice);

  for (double& g : twice) g -= 1;
  EXPECT_LT(oracles::relative_difference(twice, once), 1e-12);  // rounding of 1 + g
}

TEST(Model, GivesTheSameOutputsInSinglePrecisionToItsDigits) {
  for (const auto activation : {Activation::silu, Activation::tanh, Activation::relu}) {
    for (const auto& shape : kShapes) {
      const auto exact = model_of(shape, activation);
      const auto rounded = model_of(shape, activation, Precision::single);
      const auto states = all_states(exact);

      const auto outputs = outputs_of(rounded, states);

      const double distance = oracles::relative_difference(outputs, outputs_of(exact, states));
      EXPECT_LT(distance, 1e-5);  // some tens of roundings of 6e-8
      EXPECT_GT(distance, 0);     // it is not double after all
    }
  }
}

TEST(Model, GivesTheSameGradientInSinglePrecisionToItsDigits) {
  const auto exact = model_of({5, 2}, Activation::silu);
  const auto rounded = model_of({5, 2}, Activation::silu, Precision::single);
  const auto states = all_states(exact);
  const auto targets = oracles::uniform_numbers(static_cast<std::int64_t>(4 * states.size()), -1, 1, 43);
  const std::vector<double> weight(4, 1.0);
  std::vector<double> of_exact(exact.parameters().size());
  std::vector<double> of_rounded(exact.parameters().size());

  const double loss = networks::accumulate_gradient(exact, states, targets, weight, of_exact);
  const double rounded_loss = networks::accumulate_gradient(rounded, states, targets, weight, of_rounded);

  EXPECT_NEAR(rounded_loss, loss, 1e-5 * loss);  // as above
  EXPECT_LT(oracles::relative_difference(of_rounded, of_exact), 1e-5);
}

TEST(Model, StartsFromTheSeedAlone) {
  const StateSpace space(7, 2);
  Model one(space, 4, {{8, 8}, Activation::silu, Precision::double_});
  Model same(space, 4, {{8, 8}, Activation::silu, Precision::double_});
  Model other(space, 4, {{8, 8}, Activation::silu, Precision::double_});
  std::fill(same.parameters().begin(), same.parameters().end(), 9.0);

  one.initialise(1);
  same.initialise(1);
  other.initialise(2);

  const auto flat = [](const Model& m) { return std::vector<double>(m.parameters().begin(), m.parameters().end()); };
  EXPECT_EQ(flat(same), flat(one));
  EXPECT_NE(flat(other), flat(one));
}

TEST(Model, StartsWithOutputsOfSizeOne) {
  Model model(StateSpace(30, 2), 4, {{64, 64, 64}, Activation::silu, Precision::double_});

  model.initialise(3);

  const auto out = oracles::to_eigen(outputs_of(model, all_states(model)));
  const double size = out.norm() / std::sqrt(static_cast<double>(out.size()));
  EXPECT_GT(size, 0.2);  // neither vanishing nor exploding: standardised targets have size 1
  EXPECT_LT(size, 5);
}

TEST(Model, TellsEveryTwoStatesApart) {
  for (const auto& shape : std::vector<Shape>{{9, 1}, {2, 1}, {5, 2}, {2, 4}}) {
    const auto model = model_of(shape, Activation::silu);

    const auto out = outputs_of(model, all_states(model));

    for (std::size_t a = 0; a < out.size(); a += 4) {
      for (std::size_t b = 0; b < a; b += 4) {
        EXPECT_NE(out[a], out[b]) << shape.categories << "^" << shape.dimensions << " " << a / 4 << " " << b / 4;
      }
    }
  }
}

TEST(Model, HasParametersForCategoriesAndNotForStates) {
  const auto count = [](int s, int d) {
    return static_cast<int>(Model(StateSpace(s, d), 6, {{10, 20}, {}, {}}).parameters().size());
  };
  const int behind =
      10 + (10 * 20 + 20) + (20 * 7 + 7);  // biases of the first layer; second; outputs of L+1 = 7 layers

  EXPECT_EQ(count(50, 1), behind + 10 * 12);   // one coordinate: Fourier features alone
  EXPECT_EQ(count(500, 1), behind + 10 * 12);  // as many for ten times the states
  EXPECT_EQ(count(50, 2), behind + 10 * 2 * (50 + 12));
  EXPECT_EQ(count(50, 3), behind + 10 * 3 * (50 + 12));  // linear in D, where N is fifty times as large
  EXPECT_EQ(count(6, 2), behind + 10 * 2 * (6 + 6));     // 3 pairs for 6 categories
  EXPECT_EQ(count(2, 16), behind + 10 * 16 * 2);         // two categories need no features
}

TEST(Model, RefusesEmptyLayers) {
  EXPECT_THAT([] { Model(StateSpace(3, 1), 2, {{}, {}, {}}); }, ThrowsMessage<Error>(HasSubstr("model_hidden")));
  EXPECT_THAT([] { Model(StateSpace(3, 1), 2, {{4, 0}, {}, {}}); }, ThrowsMessage<Error>(HasSubstr("width of 0")));
}

TEST(Tabulate, ScalesTheOutputsOfEveryState) {
  auto model = model_of({5, 2}, Activation::tanh);
  model.mean() = {1, 2, 3, 4};
  model.scale() = {0.5, 2, 1, 10};
  const auto out = outputs_of(model, all_states(model));

  const auto field = tabulate(MPI_COMM_WORLD, model);

  std::vector<double> expected(out.size());
  for (std::size_t x = 0; x < 25; ++x) {
    for (std::size_t l = 0; l < 4; ++l) expected[l * 25 + x] = model.mean()[l] + model.scale()[l] * out[x * 4 + l];
  }
  EXPECT_LT(oracles::relative_difference(field.data(), expected), 1e-14);  // blocks of another size round otherwise
}

TEST(Tabulate, GivesTheSameBitsOnAnyNumberOfRanks) {
  for (const auto precision : {Precision::double_, Precision::single}) {
    Model model(StateSpace(30, 2), 4, {{32, 16}, Activation::silu, precision});  // 900 states: 4 blocks, one not full
    model.initialise(6);
    const auto alone = tabulate(MPI_COMM_SELF, model);

    const auto together = tabulate(MPI_COMM_WORLD, model);

    ASSERT_EQ(together.data().size(), alone.data().size());
    EXPECT_EQ(std::memcmp(together.data().data(), alone.data().data(), alone.data().size_bytes()), 0);
  }
}

TEST(Tabulate, GivesTheCurrentsOfEveryMoveAndLayerPair) {
  Model model(StateSpace(5, 2), 3, {{8}, Activation::silu, Precision::double_, Head::current, 5});
  model.initialise(6);
  ASSERT_EQ(model.scale().size(), 15u);
  model.scale()[7] = 10;  // layer pair 1, move 2
  const auto out = outputs_of(model, all_states(model));

  const auto field = tabulate(MPI_COMM_WORLD, model);

  ASSERT_EQ(field.data().size(), 15u * 25);
  for (std::size_t x = 0; x < 25; ++x) {
    EXPECT_NEAR(field.data()[6 * 25 + x], out[x * 15 + 6], 1e-13);  // blocks of another size round otherwise
    EXPECT_NEAR(field.data()[7 * 25 + x], 10 * out[x * 15 + 7], 1e-12);
  }
}

}  // namespace
}  // namespace kirchhoff
