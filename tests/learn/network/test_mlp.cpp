#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include "learn/network/mlp.hpp"
#include "oracles.hpp"

namespace kirchhoff {
namespace {

/// A network with every kind of input, and a batch for it.
class MlpTest : public testing::Test {
 protected:
  MlpTest() {
    const auto count = static_cast<std::int64_t>(network_.parameter_count());
    network_.initialise(3, parameters_);
    const auto noise = oracles::uniform_numbers(count, -0.2, 0.2, 91);  // biases start at zero: move them too
    for (std::size_t i = 0; i < noise.size(); ++i) parameters_[i] += noise[i];
    for (int row = 0; row < kRows; ++row) {
      columns_.push_back(network_.column(0, row % 5));
      columns_.push_back(network_.column(1, (2 * row + 1) % 5));
      columns_.push_back(network_.column(2, row % 3));
    }
  }
  MlpInput<double> input() const { return {kRows, columns_, features_, dropout_}; }

  using Loss = std::function<double(std::span<const double> outputs, std::span<double> delta)>;
  /// max |gradient - central differences| / max |differences|.
  double distance_from_differences(const Loss& loss) {
    std::vector<double> gradient(parameters_.size());
    const auto outputs = network_.forward(parameters_, input(), true);
    loss(outputs, network_.delta());
    network_.backward(parameters_, input(), gradient);
    constexpr double kStep = 1e-5;  // truncation kStep^2 and rounding 1e-16 / kStep
    std::vector<double> differences(gradient.size());
    for (std::size_t i = 0; i < gradient.size(); ++i) {
      const double kept = parameters_[i];
      parameters_[i] = kept + kStep;
      const double above = loss(network_.forward(parameters_, input(), dropout_.share > 0), {});
      parameters_[i] = kept - kStep;
      const double below = loss(network_.forward(parameters_, input(), dropout_.share > 0), {});
      parameters_[i] = kept;
      differences[i] = (above - below) / (2 * kStep);
    }
    return oracles::relative_difference(gradient, differences);
  }

  static constexpr int kRows = 7;
  static constexpr int kOutputs = 6;
  Mlp<double> network_{{{{2, 5, true, 2}, {1, 3, true, 0}}, 4, {8, 7}, kOutputs, Activation::silu}};
  std::vector<double> parameters_ = std::vector<double>(network_.parameter_count());
  Dropout dropout_;
  std::vector<std::int32_t> columns_;
  std::vector<double> features_ = oracles::uniform_numbers(kRows * 4, -1, 1, 92);
  std::vector<double> targets_ = oracles::uniform_numbers(kRows * kOutputs, 0, 1, 93);
};

TEST_F(MlpTest, HasTheSquaredErrorsGradientForEveryKindOfInput) {
  const auto weight = oracles::uniform_numbers(kOutputs, 0.5, 2, 94);

  const double distance = distance_from_differences(
      [&](auto outputs, auto delta) { return squared_error<double>(outputs, targets_, weight, 1, delta); });

  EXPECT_LT(distance, 1e-8);
}

TEST_F(MlpTest, HasTheCrossEntropysGradientWithMasksAndWeights) {
  std::vector<std::uint8_t> forbidden(kRows * kOutputs);
  for (std::size_t i = 0; i < forbidden.size(); i += 4) {
    forbidden[i] = 1;
    targets_[i] = 0;
  }
  const auto weight = oracles::uniform_numbers(kRows, 0.5, 2, 95);

  const double distance = distance_from_differences([&](auto outputs, auto delta) {
    return soft_cross_entropy<double>(outputs, targets_, forbidden, weight, kOutputs, 1, delta);
  });

  EXPECT_LT(distance, 1e-8);
}

TEST_F(MlpTest, HasTheGradientOfTheUnitsThatDropoutLeaves) {
  dropout_ = {0.4, 7, 3};
  const std::vector<double> weight(kOutputs, 1.0);

  const double distance = distance_from_differences(
      [&](auto outputs, auto delta) { return squared_error<double>(outputs, targets_, weight, 1, delta); });

  EXPECT_LT(distance, 1e-8);
}

TEST(MlpDropout, KeepsTheMeanAndDependsOnTheRowAlone) {
  // One hidden layer, so that outputs are linear in its units.
  Mlp<double> network({{}, 1, {64}, 1, Activation::silu});
  std::vector<double> parameters(network.parameter_count());
  network.initialise(3, parameters);
  constexpr int kRows = 4000;
  const std::vector<double> features(kRows, 1.0);
  const auto run = [&](int first, int rows, bool training) {
    const MlpInput<double> input{rows, {}, std::span(features).first(static_cast<std::size_t>(rows)), {0.25, 5, first}};
    const auto out = network.forward(parameters, input, training);
    return std::vector<double>(out.begin(), out.end());
  };
  const double without = run(0, 1, false)[0];

  const auto whole = run(0, kRows, true);
  const auto piece = run(100, 50, true);

  double mean = 0;
  double square = 0;
  for (const double y : whole) {
    mean += y / kRows;
    square += y * y / kRows;
  }
  const double deviation = std::sqrt(square - mean * mean);
  EXPECT_GT(deviation, 1e-3);
  EXPECT_NEAR(mean, without, 4 * deviation / std::sqrt(kRows));
  for (std::size_t i = 0; i < piece.size(); ++i) EXPECT_NEAR(piece[i], whole[100 + i], 1e-14);  // rounding
}

TEST(SoftCrossEntropy, IsThatOfTheSoftmax) {
  const std::vector<double> outputs = {1, 2, 800, 3, 0, -1};  // the large one is forbidden
  const std::vector<double> targets = {0.25, 0.5, 0, 0.1, 0.2, 0.3};
  const std::vector<std::uint8_t> forbidden = {0, 0, 1, 0, 0, 0};
  std::vector<double> delta(6);

  const double loss = soft_cross_entropy<double>(outputs, targets, forbidden, {}, 3, 10, delta);

  const double first = std::log(std::exp(1) + std::exp(2));
  const double second = std::log(std::exp(3) + 1 + std::exp(-1));
  EXPECT_NEAR(loss, 0.25 * (first - 1) + 0.5 * (first - 2) + 0.1 * (second - 3) + 0.2 * second + 0.3 * (second + 1),
              1e-14);  // rounding
  EXPECT_NEAR(delta[0], 10 * (0.75 * std::exp(1 - first) - 0.25), 1e-14);
  EXPECT_EQ(delta[2], 0);
  EXPECT_NEAR(delta[5], 10 * (0.6 * std::exp(-1 - second) - 0.3), 1e-14);
}

TEST_F(MlpTest, AddsUpTheGradientsOfPieces) {
  const std::vector<double> weight(kOutputs, 1.0);
  const auto gradient_of = [&](int begin, int end, std::vector<double>& gradient) {
    const auto piece = [&](const auto& v) {
      const auto width = v.size() / kRows;
      return std::vector(v.begin() + static_cast<std::ptrdiff_t>(width) * begin,
                         v.begin() + static_cast<std::ptrdiff_t>(width) * end);
    };
    const auto columns = piece(columns_);
    const auto features = piece(features_);
    const auto targets = piece(targets_);
    const MlpInput<double> input{end - begin, columns, features};
    const auto outputs = network_.forward(parameters_, input, true);
    squared_error<double>(outputs, targets, weight, 1, network_.delta());
    network_.backward(parameters_, input, gradient);
  };
  std::vector<double> whole(parameters_.size());
  std::vector<double> pieces(parameters_.size());

  gradient_of(0, kRows, whole);
  gradient_of(0, 3, pieces);
  gradient_of(3, kRows, pieces);

  EXPECT_LT(oracles::relative_difference(pieces, whole), 1e-13);  // rounding
}

}  // namespace
}  // namespace kirchhoff
