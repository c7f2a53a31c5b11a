#include "kirchhoff/learn/network/model.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "kirchhoff/base/error.hpp"
#include "kirchhoff/parallel/agree.hpp"
#include "learn/network/category_law.hpp"
#include "learn/network/mlp.hpp"

namespace kirchhoff {
namespace {

constexpr std::int64_t kBlock = 256;  // states of a pass

/// Outputs for `rows` rows whose columns `read(begin, columns)` gives for rows begin .. begin + kBlock - 1.
template <class T, class Read>
void evaluate(const Model& model, std::size_t rows, Read&& read, std::span<double> out) {
  Mlp<T> network(model.shape());
  const std::vector<T> parameters(model.parameters().begin(), model.parameters().end());
  const auto width = static_cast<std::size_t>(network.shape().outputs);
  std::vector<std::int32_t> columns(kBlock * static_cast<std::size_t>(network.coordinates()));
  for (std::size_t at = 0; at < rows; at += kBlock) {
    // Always a full block, the last one padded: a matrix product's rounding depends on its shape.
    read(at, columns);
    const auto values = network.forward(std::span<const T>(parameters), {kBlock, columns, {}}, false);
    const auto wanted = std::min<std::size_t>(kBlock, rows - at) * width;
    std::copy_n(values.begin(), wanted, out.begin() + static_cast<std::ptrdiff_t>(at * width));
  }
}

template <class Read>
void evaluate(const Model& model, std::size_t rows, Read&& read, std::span<double> out) {
  if (model.options().precision == Precision::single) {
    evaluate<float>(model, rows, read, out);
  } else {
    evaluate<double>(model, rows, read, out);
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
      mean_(static_cast<std::size_t>(field_width()), 0.0),
      scale_(static_cast<std::size_t>(field_width()), 1.0) {}

int Model::field_width() const { return options_.head == Head::current ? layers_ * options_.moves : layers_ + 1; }

MlpShape Model::shape() const {
  const int s = space_.categories();
  if (options_.head == Head::terminals) {
    // A vector a category would have neighbours learned apart, which a mixture is to avoid.
    const bool free = options_.likelihood == Likelihood::categorical;
    return {{{space_.dimensions(), s + 1, free, s > 2 ? std::min(6, s / 2) : 0}, {1, 2 * space_.dimensions(), true, 0}},
            0,
            options_.hidden,
            CategoryLaw(options_.likelihood, s).outputs(),
            options_.activation};
  }
  const bool free = space_.dimensions() > 1;
  const int pairs = s > 2 || !free ? std::min(6, std::max(1, s / 2)) : 0;
  return {{{space_.dimensions(), s, free, pairs}}, 0, options_.hidden, field_width(), options_.activation};
}

void Model::columns(std::span<const std::int64_t> states, std::span<std::int32_t> out) const {
  std::size_t at = 0;
  for (const auto x : states) {
    for (int d = 0; d < space_.dimensions(); ++d) {
      out[at++] = static_cast<std::int32_t>(d * space_.categories() + space_.coordinate(x, d));
    }
  }
}

void Model::question(int terminal, std::span<const int> prefix, std::span<std::int32_t> out) const {
  const int d = space_.dimensions();
  const int s = space_.categories();
  const auto at = static_cast<int>(prefix.size());
  for (int j = 0; j < d; ++j) {
    const auto k = static_cast<std::size_t>(j);
    out[k] = j * (s + 1) + (j < at ? prefix[k] : s);
  }
  out[static_cast<std::size_t>(d)] = d * (s + 1) + terminal * d + at;
}

void Model::initialise(std::uint64_t seed) {
  parameters_ = options_.precision == Precision::single ? random_parameters<float>(shape(), seed)
                                                        : random_parameters<double>(shape(), seed);
}

void Model::outputs(std::span<const std::int64_t> states, std::span<double> out) const {
  std::vector<std::int64_t> block(kBlock);
  const auto read = [&](std::size_t at, std::span<std::int32_t> columns_of_block) {
    for (std::size_t i = 0; i < block.size(); ++i) block[i] = states[std::min(at + i, states.size() - 1)];
    columns(block, columns_of_block);
  };
  evaluate(*this, states.size(), read, out);
}

SharedArray tabulate(MPI_Comm comm, const Model& model) {
  constexpr std::int64_t kPiece = 64 * kBlock;  // states at a time
  const auto n = model.space().size();
  const auto width = static_cast<std::size_t>(model.field_width());
  SharedArray field(comm, n * model.field_width());
  const auto blocks = partition((n + kBlock - 1) / kBlock, size_of(comm), rank_of(comm));
  const auto end = std::min(blocks.end * kBlock, n);
  bool finite = true;
  std::vector<std::int64_t> states;
  std::vector<double> out;
  for (auto begin = blocks.begin * kBlock; begin < end; begin += kPiece) {
    states.resize(static_cast<std::size_t>(std::min(kPiece, end - begin)));
    std::iota(states.begin(), states.end(), begin);
    out.resize(states.size() * width);
    model.outputs(states, out);
    for (std::size_t i = 0; i < states.size(); ++i) {
      for (std::size_t k = 0; k < width; ++k) {
        const double value = model.mean()[k] + model.scale()[k] * out[i * width + k];
        finite = finite && std::isfinite(value);
        field.data()[k * static_cast<std::size_t>(n) + static_cast<std::size_t>(states[i])] = value;
      }
    }
  }
  agree(comm, [&] {
    if (!finite) throw Error("the network's outputs are not finite numbers");
  });
  field.complete();
  return field;
}

LearnedTerminals learned_terminals(MPI_Comm comm, const Model& model) {
  const int s = model.space().categories();
  const int dimensions = model.space().dimensions();
  const CategoryLaw law(model.options().likelihood, s);
  const auto width = static_cast<std::size_t>(law.outputs());
  LearnedTerminals learned;
  for (const int terminal : {0, 1}) {
    Mass mass = {1.0};  // of the prefixes of d coordinates
    for (int d = 0; d < dimensions; ++d) {
      const auto prefixes = static_cast<std::int64_t>(mass.size());
      SharedArray longer(comm, prefixes * s);
      std::vector<int> prefix(static_cast<std::size_t>(d));
      const auto blocks = partition((prefixes + kBlock - 1) / kBlock, size_of(comm), rank_of(comm));
      const auto begin = std::min(blocks.begin * kBlock, prefixes);
      const auto rows = static_cast<std::size_t>(std::min(blocks.end * kBlock, prefixes) - begin);
      const auto read = [&](std::size_t at, std::span<std::int32_t> columns) {
        const auto asked = static_cast<std::size_t>(dimensions) + 1;
        for (std::size_t i = 0; i < kBlock; ++i) {
          auto rest = std::min(begin + static_cast<std::int64_t>(at + i), prefixes - 1);
          for (auto known = prefix.rbegin(); known != prefix.rend(); ++known, rest /= s) {
            *known = static_cast<int>(rest % s);
          }
          model.question(terminal, prefix, columns.subspan(i * asked, asked));
        }
      };
      std::vector<double> outputs(rows * width);
      evaluate(model, rows, read, outputs);
      for (std::size_t i = 0; i < rows; ++i) {
        const auto from = static_cast<std::size_t>(begin) + i;
        const auto row = longer.data().subspan(from * static_cast<std::size_t>(s), static_cast<std::size_t>(s));
        law.masses(std::span(outputs).subspan(i * width, width), row);
        for (double& m : row) m *= mass[from];
      }
      agree(comm, [&] {
        const auto wrong = [](double z) { return !std::isfinite(z); };
        if (std::any_of(outputs.begin(), outputs.end(), wrong))
          throw Error("the network's outputs are not finite numbers");
      });
      longer.complete();
      mass.assign(longer.data().begin(), longer.data().end());
    }
    (terminal == 0 ? learned.source : learned.target) = std::move(mass);
  }
  return learned;
}

}  // namespace kirchhoff
