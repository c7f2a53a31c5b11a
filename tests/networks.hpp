#pragma once

#include <span>
#include <vector>

#include "kirchhoff/learn/network/model.hpp"
#include "learn/network/mlp.hpp"

/// A model's loss and gradient by the passes that train it, in doubles.
namespace kirchhoff::networks {

template <class T>
double accumulate_gradient_in(const Model& model, std::span<const std::int64_t> states, std::span<const double> targets,
                              std::span<const double> weight, std::span<double> gradient) {
  Mlp<T> network(model.shape());
  const auto in_t = [](std::span<const double> v) { return std::vector<T>(v.begin(), v.end()); };
  const auto parameters = in_t(model.parameters());
  const auto wanted = in_t(targets);
  const auto weights = in_t(weight);
  auto sum = in_t(gradient);
  std::vector<std::int32_t> columns(states.size() * static_cast<std::size_t>(model.space().dimensions()));
  model.columns(states, columns);
  const MlpInput<T> input{static_cast<std::int64_t>(states.size()), columns, {}};
  const auto outputs = network.forward(std::span<const T>(parameters), input, true);
  const double loss = squared_error<T>(outputs, wanted, weights, 1, network.delta());
  network.backward(parameters, input, sum);
  std::copy(sum.begin(), sum.end(), gradient.begin());
  return loss;
}

/// Adds the gradient of sum weight[l] (output - target)^2 to `gradient` and returns that sum.
inline double accumulate_gradient(const Model& model, std::span<const std::int64_t> states,
                                  std::span<const double> targets, std::span<const double> weight,
                                  std::span<double> gradient) {
  return model.options().precision == Precision::single
             ? accumulate_gradient_in<float>(model, states, targets, weight, gradient)
             : accumulate_gradient_in<double>(model, states, targets, weight, gradient);
}

}  // namespace kirchhoff::networks
