#include "kirchhoff/model.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "kirchhoff/error.hpp"
#include "model/network.hpp"

namespace kirchhoff {
namespace {

std::unique_ptr<Model::Network> make_network(const StateSpace& space, int layers, const ModelOptions& options) {
  if (options.hidden.empty()) throw Error("model_hidden is empty: the network needs at least one hidden layer");
  for (const int width : options.hidden) {
    if (width < 1) throw Error("model_hidden: a width of " + std::to_string(width) + " is not positive");
  }
  if (options.precision == Precision::single) return std::make_unique<Perceptron<float>>(space, layers + 1, options);
  return std::make_unique<Perceptron<double>>(space, layers + 1, options);
}

}  // namespace

Model::Model(const StateSpace& space, int layers, const ModelOptions& options)
    : space_(space),
      layers_(layers),
      options_(options),
      network_(make_network(space, layers, options)),
      parameters_(network_->parameter_count()),
      mean_(static_cast<std::size_t>(layers) + 1, 0.0),
      scale_(static_cast<std::size_t>(layers) + 1, 1.0) {}

Model::Model(Model&&) noexcept = default;
Model& Model::operator=(Model&&) noexcept = default;
Model::~Model() = default;

void Model::initialise(std::uint64_t seed) { network_->initialise(seed, parameters_); }

void Model::outputs(std::span<const std::int64_t> states, std::span<double> out) const {
  network_->outputs(parameters_, states, out);
}

double Model::accumulate_gradient(std::span<const std::int64_t> states, std::span<const double> targets,
                                  std::span<const double> weight, std::span<double> gradient) const {
  return network_->accumulate_gradient(parameters_, states, targets, weight, gradient);
}

SharedArray tabulate(MPI_Comm comm, const Model& model) {
  constexpr std::int64_t kBlock = 256;
  const auto n = model.space().size();
  const auto layers = static_cast<std::size_t>(model.layers()) + 1;
  SharedArray field(comm, n * static_cast<std::int64_t>(layers));
  const auto blocks = partition((n + kBlock - 1) / kBlock, size_of(comm), rank_of(comm));
  std::vector<std::int64_t> states(kBlock);
  std::vector<double> out(kBlock * layers);
  std::vector<double> finite;  // the outputs' sum a block: not finite when any of them is not
  for (auto block = blocks.begin; block < blocks.end; ++block) {
    // Always a full block, the last one padded: a matrix product's rounding depends on its shape.
    for (std::int64_t i = 0; i < kBlock; ++i) states[static_cast<std::size_t>(i)] = std::min(block * kBlock + i, n - 1);
    model.outputs(states, out);
    finite.push_back(std::accumulate(out.begin(), out.end(), 0.0));
    for (std::int64_t i = 0; i < std::min(kBlock, n - block * kBlock); ++i) {
      for (std::size_t l = 0; l < layers; ++l) {
        field.data()[l * static_cast<std::size_t>(n) + static_cast<std::size_t>(block * kBlock + i)] =
            model.mean()[l] + model.scale()[l] * out[static_cast<std::size_t>(i) * layers + l];
      }
    }
  }
  agree(comm, [&] {
    const auto wrong = [](double output) { return !std::isfinite(output); };
    if (std::any_of(finite.begin(), finite.end(), wrong))
      throw Error("the network's potentials are not finite numbers");
  });
  field.complete();
  return field;
}

}  // namespace kirchhoff
