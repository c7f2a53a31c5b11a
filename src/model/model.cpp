#include "kirchhoff/model.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "kirchhoff/error.hpp"
#include "model/mlp.hpp"

namespace kirchhoff {
namespace {

constexpr std::int64_t kBlock = 256;  // states of a pass

template <class T>
void evaluate(const Model& model, std::span<const std::int64_t> states, std::span<double> out) {
  Mlp<T> network(model.shape());
  const std::vector<T> parameters(model.parameters().begin(), model.parameters().end());
  const auto d = static_cast<std::size_t>(model.space().dimensions());
  const auto layers = static_cast<std::size_t>(model.layers()) + 1;
  std::vector<std::int64_t> block(kBlock);
  std::vector<std::int32_t> columns(kBlock * d);
  for (std::size_t at = 0; at < states.size(); at += kBlock) {
    // Always a full block, the last one padded: a matrix product's rounding depends on its shape.
    for (std::size_t i = 0; i < kBlock; ++i) block[i] = states[std::min(at + i, states.size() - 1)];
    model.columns(block, columns);
    const auto values = network.forward(std::span<const T>(parameters), {kBlock, columns, {}}, false);
    const auto wanted = std::min<std::size_t>(kBlock, states.size() - at) * layers;
    std::copy_n(values.begin(), wanted, out.begin() + static_cast<std::ptrdiff_t>(at * layers));
  }
}

template <class T>
std::vector<double> random_parameters(const MlpShape& shape, std::uint64_t seed) {
  const Mlp<T> network(shape);
  std::vector<T> parameters(network.parameter_count());
  network.initialise(seed, parameters);
  return {parameters.begin(), parameters.end()};
}

}  // namespace

Model::Model(const StateSpace& space, int layers, const ModelOptions& options)
    : space_(space),
      layers_(layers),
      options_(options),
      parameters_(Mlp<double>(shape()).parameter_count()),
      mean_(static_cast<std::size_t>(layers) + 1, 0.0),
      scale_(static_cast<std::size_t>(layers) + 1, 1.0) {}

MlpShape Model::shape() const {
  const int s = space_.categories();
  const bool free = space_.dimensions() > 1;
  const int pairs = s > 2 || !free ? std::min(6, std::max(1, s / 2)) : 0;
  return {{{space_.dimensions(), s, free, pairs}}, 0, options_.hidden, layers_ + 1, options_.activation};
}

void Model::columns(std::span<const std::int64_t> states, std::span<std::int32_t> out) const {
  std::size_t at = 0;
  for (const auto x : states) {
    for (int d = 0; d < space_.dimensions(); ++d) {
      out[at++] = static_cast<std::int32_t>(d * space_.categories() + space_.coordinate(x, d));
    }
  }
}

void Model::initialise(std::uint64_t seed) {
  parameters_ = options_.precision == Precision::single ? random_parameters<float>(shape(), seed)
                                                        : random_parameters<double>(shape(), seed);
}

void Model::outputs(std::span<const std::int64_t> states, std::span<double> out) const {
  if (states.empty()) return;
  if (options_.precision == Precision::single) {
    evaluate<float>(*this, states, out);
  } else {
    evaluate<double>(*this, states, out);
  }
}

SharedArray tabulate(MPI_Comm comm, const Model& model) {
  constexpr std::int64_t kPiece = 64 * kBlock;  // states at a time
  const auto n = model.space().size();
  const auto layers = static_cast<std::size_t>(model.layers()) + 1;
  SharedArray field(comm, n * static_cast<std::int64_t>(layers));
  const auto blocks = partition((n + kBlock - 1) / kBlock, size_of(comm), rank_of(comm));
  const auto end = std::min(blocks.end * kBlock, n);
  bool finite = true;
  std::vector<std::int64_t> states;
  std::vector<double> out;
  for (auto begin = blocks.begin * kBlock; begin < end; begin += kPiece) {
    states.resize(static_cast<std::size_t>(std::min(kPiece, end - begin)));
    std::iota(states.begin(), states.end(), begin);
    out.resize(states.size() * layers);
    model.outputs(states, out);
    for (std::size_t i = 0; i < states.size(); ++i) {
      for (std::size_t l = 0; l < layers; ++l) {
        const double phi = model.mean()[l] + model.scale()[l] * out[i * layers + l];
        finite = finite && std::isfinite(phi);
        field.data()[l * static_cast<std::size_t>(n) + static_cast<std::size_t>(states[i])] = phi;
      }
    }
  }
  agree(comm, [&] {
    if (!finite) throw Error("the network's potentials are not finite numbers");
  });
  field.complete();
  return field;
}

}  // namespace kirchhoff
