#include "learn/network/mlp.hpp"

#include <Eigen/Core>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <string>

#include "kirchhoff/base/error.hpp"
#include "kirchhoff/base/random.hpp"

namespace kirchhoff {
namespace {

template <class T>
using Matrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic>;
template <class T>
using Array = Eigen::Array<T, Eigen::Dynamic, 1>;

/// A piece of the flat buffer seen as a matrix.
struct Block {
  Eigen::Index at = 0;
  Eigen::Index rows = 0;
  Eigen::Index columns = 0;
};

template <class T>
Eigen::Map<Matrix<T>> view(std::span<T> flat, const Block& b) {
  return {flat.data() + b.at, b.rows, b.columns};
}
template <class T>
Eigen::Map<const Matrix<T>> view(std::span<const T> flat, const Block& b) {
  return {flat.data() + b.at, b.rows, b.columns};
}

/// sin and cos of pi k u, u = (c + 1/2) / S: (2 pairs x S).
template <class T>
Matrix<T> fourier_features(int categories, int pairs) {
  Matrix<T> features(2 * pairs, categories);
  for (int c = 0; c < categories; ++c) {
    const double u = (c + 0.5) / categories;
    for (int k = 0; k < pairs; ++k) {
      features(2 * k, c) = static_cast<T>(std::sin(std::numbers::pi * (k + 1) * u));
      features(2 * k + 1, c) = static_cast<T>(std::cos(std::numbers::pi * (k + 1) * u));
    }
  }
  return features;
}

/// z + bias -> activation, and the activation's slope, a column at a time so that it stays in the nearest cache.
template <class T>
void activate(Activation kind, Matrix<T>& z, const Eigen::Map<const Matrix<T>>& bias, Matrix<T>* slopes) {
  const auto b = bias.col(0).array();
  Array<T> pre(z.rows());
  for (Eigen::Index i = 0; i < z.cols(); ++i) {
    auto a = z.col(i).array();
    pre = a + b;
    switch (kind) {
      case Activation::silu:
        if (slopes != nullptr) {
          auto slope = slopes->col(i).array();
          slope = (T(1) + (-pre).exp()).inverse();
          a = pre * slope;
          slope += a * (T(1) - slope);
        } else {
          a = pre / (T(1) + (-pre).exp());
        }
        break;
      case Activation::tanh:
        a = pre.tanh();
        if (slopes != nullptr) slopes->col(i).array() = T(1) - a.square();
        break;
      case Activation::relu:
        a = pre.max(T(0));
        if (slopes != nullptr) slopes->col(i).array() = (pre > T(0)).template cast<T>();
        break;
    }
  }
}

/// Multiplies activations and slopes of a hidden layer by 0 or 1 / (1 - share).
template <class T>
void drop(const Dropout& dropout, std::size_t layer, Matrix<T>& z, Matrix<T>& slopes) {
  const auto kept = static_cast<T>(1 / (1 - dropout.share));
  const auto threshold = static_cast<std::uint64_t>(dropout.share * 65536);  // of 16 random bits a unit
  for (Eigen::Index i = 0; i < z.cols(); ++i) {
    const auto row = static_cast<std::uint64_t>(dropout.first_row + i);
    Random random(dropout.seed, Stream::dropout, row << 8 | layer);
    std::uint64_t bits = 0;
    for (Eigen::Index j = 0; j < z.rows(); ++j) {
      bits = j % 4 == 0 ? random.bits() : bits >> 16;
      const T factor = (bits & 65535) < threshold ? T(0) : kept;
      z(j, i) *= factor;
      slopes(j, i) *= factor;
    }
  }
}

}  // namespace

template <class T>
struct Mlp<T>::Work {
  struct Group {
    InputGroup shape;
    Eigen::Index first_column = 0;  // in the table
    int first_coordinate = 0;
    Matrix<T> fourier;  // (F x S)
    Block embedding;
    Block fourier_weight;
    Eigen::Index columns() const { return static_cast<Eigen::Index>(shape.coordinates) * shape.categories; }
  };

  MlpShape shape;
  std::vector<Group> groups;
  int coordinates = 0;
  Block features;
  Block first_bias;
  std::vector<Block> weight;
  std::vector<Block> bias;
  Eigen::Index count = 0;
  Eigen::Index table_columns = 0;
  bool plain_table = false;  // the embeddings are the table: no Fourier features to add

  Matrix<T> table;                    // (H1 x all columns)
  std::vector<Matrix<T>> activation;  // (H_k x rows)
  std::vector<Matrix<T>> slope;       // (H_k x rows)
  Matrix<T> output;                   // (outputs x rows)
  Matrix<T> delta;                    // (outputs x rows), then (H_k x rows)
  Matrix<T> below;

  /// What each category of each coordinate adds to the first hidden layer.
  const T* make_table(std::span<const T> parameters) {
    if (plain_table) return parameters.data() + groups.front().embedding.at;
    table.resize(shape.hidden.front(), table_columns);
    for (const auto& g : groups) {
      auto part = table.middleCols(g.first_column, g.columns());
      if (g.shape.free) {
        part = view(parameters, g.embedding);
      } else {
        part.setZero();
      }
      if (g.fourier.rows() == 0) continue;
      const auto w = view(parameters, g.fourier_weight);
      const Eigen::Index f = g.fourier.rows();
      const Eigen::Index s = g.shape.categories;
      for (Eigen::Index j = 0; j < g.shape.coordinates; ++j) {
        part.middleCols(j * s, s).noalias() += w.middleCols(j * f, f) * g.fourier;
      }
    }
    return table.data();
  }

  /// Adds the derivative by the table, of which embeddings and Fourier weights are linear functions.
  void scatter_table(std::span<T> gradient) const {
    for (const auto& g : groups) {
      const auto part = table.middleCols(g.first_column, g.columns());
      if (g.shape.free) view(gradient, g.embedding) += part;
      if (g.fourier.rows() == 0) continue;
      auto w = view(gradient, g.fourier_weight);
      const Eigen::Index f = g.fourier.rows();
      const Eigen::Index s = g.shape.categories;
      for (Eigen::Index j = 0; j < g.shape.coordinates; ++j) {
        w.middleCols(j * f, f).noalias() += part.middleCols(j * s, s) * g.fourier.transpose();
      }
    }
  }
};

template <class T>
Mlp<T>::Mlp(MlpShape shape)  // NOLINT(performance-unnecessary-value-param): it is moved from
    : work_(std::make_unique<Work>()) {
  auto& w = *work_;
  if (shape.hidden.empty()) throw Error("model_hidden is empty: the network needs at least one hidden layer");
  for (const int width : shape.hidden) {
    if (width < 1) throw Error("model_hidden: a width of " + std::to_string(width) + " is not positive");
  }
  w.shape = std::move(shape);
  const auto& hidden = w.shape.hidden;
  const auto take = [&](Eigen::Index rows, Eigen::Index columns) {
    const Block block{w.count, rows, columns};
    w.count += rows * columns;
    return block;
  };
  for (const auto& g : w.shape.groups) {
    typename Work::Group group;
    group.shape = g;
    group.first_column = w.table_columns;
    group.first_coordinate = w.coordinates;
    if (g.fourier_pairs > 0) group.fourier = fourier_features<T>(g.categories, g.fourier_pairs);
    group.embedding = take(hidden[0], g.free ? group.columns() : 0);
    group.fourier_weight = take(hidden[0], g.coordinates * group.fourier.rows());
    w.table_columns += group.columns();
    w.coordinates += g.coordinates;
    w.groups.push_back(std::move(group));
  }
  w.features = take(hidden[0], w.shape.features);
  w.first_bias = take(hidden[0], 1);
  for (std::size_t k = 1; k <= hidden.size(); ++k) {
    w.weight.push_back(take(k < hidden.size() ? hidden[k] : w.shape.outputs, hidden[k - 1]));
    w.bias.push_back(take(w.weight.back().rows, 1));
  }
  w.plain_table = w.groups.size() == 1 && w.groups[0].shape.free && w.groups[0].fourier.rows() == 0;
  w.activation.resize(hidden.size());
  w.slope.resize(hidden.size());
}

template <class T>
Mlp<T>::Mlp(Mlp&&) noexcept = default;
template <class T>
Mlp<T>& Mlp<T>::operator=(Mlp&&) noexcept = default;
template <class T>
Mlp<T>::~Mlp() = default;

template <class T>
const MlpShape& Mlp<T>::shape() const {
  return work_->shape;
}
template <class T>
std::size_t Mlp<T>::parameter_count() const {
  return static_cast<std::size_t>(work_->count);
}
template <class T>
int Mlp<T>::coordinates() const {
  return work_->coordinates;
}

template <class T>
std::int32_t Mlp<T>::column(int coordinate, int category) const {
  for (const auto& g : work_->groups) {
    const int j = coordinate - g.first_coordinate;
    if (j >= g.shape.coordinates) continue;
    return static_cast<std::int32_t>(g.first_column + static_cast<Eigen::Index>(j) * g.shape.categories + category);
  }
  throw Error("no such coordinate");
}

template <class T>
void Mlp<T>::initialise(std::uint64_t seed, std::span<T> parameters) const {
  const auto& w = *work_;
  std::fill(parameters.begin(), parameters.end(), T(0));
  const auto fill = [&](const Block& block, double deviation) {
    for (Eigen::Index i = block.at; i < block.at + block.rows * block.columns; ++i) {
      parameters[static_cast<std::size_t>(i)] =
          static_cast<T>(deviation * Random(seed, Stream::parameters, static_cast<std::uint64_t>(i)).normal());
    }
  };
  // Variances chosen so that signals keep their size: each half of the embedding adds a term a coordinate, dense
  // features are taken to have size one; 1.6 makes up for SiLU.
  const double terms = w.coordinates;
  for (const auto& g : w.groups) {
    fill(g.embedding, std::sqrt(0.5 / terms));
    fill(g.fourier_weight, std::sqrt(1.0 / (terms * static_cast<double>(std::max<Eigen::Index>(1, g.fourier.rows())))));
  }
  fill(w.features, std::sqrt(1.0 / std::max(1, w.shape.features)));
  for (std::size_t k = 0; k < w.weight.size(); ++k) {
    const bool last = k + 1 == w.weight.size();
    fill(w.weight[k], std::sqrt((last ? 1.0 : 1.6 * 1.6) / static_cast<double>(w.weight[k].columns)));
  }
}

template <class T>
std::span<const T> Mlp<T>::forward(std::span<const T> parameters, const MlpInput<T>& input, bool training) {
  auto& w = *work_;
  const Eigen::Index rows = input.rows;
  const Eigen::Index h1 = w.shape.hidden[0];
  const auto d = static_cast<Eigen::Index>(w.coordinates);
  w.activation[0].resize(h1, rows);
  if (w.shape.features > 0) {
    const Eigen::Map<const Matrix<T>> x(input.features.data(), w.shape.features, rows);
    w.activation[0].noalias() = view(parameters, w.features) * x;
  } else {
    w.activation[0].setZero();
  }
  if (d > 0) {
    const Eigen::Map<const Matrix<T>> table(w.make_table(parameters), h1, w.table_columns);
    for (Eigen::Index i = 0; i < rows; ++i) {
      auto z = w.activation[0].col(i);
      const auto* column = input.columns.data() + i * d;
      Eigen::Index j = 0;  // four at a time: a sum is read and written once for them
      for (; j + 4 <= d; j += 4) {
        z += table.col(column[j]) + table.col(column[j + 1]) + table.col(column[j + 2]) + table.col(column[j + 3]);
      }
      for (; j < d; ++j) z += table.col(column[j]);
    }
  }
  for (std::size_t k = 0; k <= w.weight.size(); ++k) {
    const bool last = k == w.weight.size();
    auto& z = last ? w.output : w.activation[k];
    if (k > 0) {
      z.resize(w.weight[k - 1].rows, rows);
      z.noalias() = view(parameters, w.weight[k - 1]) * w.activation[k - 1];
    }
    const auto bias = view(parameters, k == 0 ? w.first_bias : w.bias[k - 1]);
    if (last) {
      z.colwise() += bias.col(0);
      break;
    }
    if (training) w.slope[k].resize(z.rows(), rows);
    activate(w.shape.activation, z, bias, training ? &w.slope[k] : nullptr);
    if (training && input.dropout.share > 0) drop(input.dropout, k, z, w.slope[k]);
  }
  w.delta.resize(w.output.rows(), rows);
  return {w.output.data(), static_cast<std::size_t>(w.output.size())};
}

template <class T>
std::span<T> Mlp<T>::delta() {
  return {work_->delta.data(), static_cast<std::size_t>(work_->delta.size())};
}

template <class T>
void Mlp<T>::backward(std::span<const T> parameters, const MlpInput<T>& input, std::span<T> gradient) {
  auto& w = *work_;
  const Eigen::Index rows = input.rows;
  const auto add_columns = [&](const Block& bias) {
    auto sum = view(gradient, bias).col(0);
    for (Eigen::Index i = 0; i < rows; ++i) sum += w.delta.col(i);
  };
  for (std::size_t k = w.weight.size(); k-- > 0;) {  // delta: dLoss / d(sum before activation of layer k + 1)
    view(gradient, w.weight[k]).noalias() += w.delta * w.activation[k].transpose();
    add_columns(w.bias[k]);
    w.below.resize(w.weight[k].columns, rows);
    w.below.noalias() = view(parameters, w.weight[k]).transpose() * w.delta;
    w.below.array() *= w.slope[k].array();
    w.delta.swap(w.below);
  }
  add_columns(w.first_bias);
  if (w.shape.features > 0) {
    const Eigen::Map<const Matrix<T>> x(input.features.data(), w.shape.features, rows);
    view(gradient, w.features).noalias() += w.delta * x.transpose();
  }
  if (w.coordinates == 0) return;
  if (!w.plain_table) w.table.setZero();
  const auto h1 = static_cast<Eigen::Index>(w.shape.hidden[0]);
  T* at = w.plain_table ? gradient.data() + w.groups.front().embedding.at : w.table.data();
  Eigen::Map<Matrix<T>> table(at, h1, w.table_columns);
  for (Eigen::Index i = 0; i < rows; ++i) {
    const auto* column = input.columns.data() + i * w.coordinates;
    for (int j = 0; j < w.coordinates; ++j) table.col(column[j]) += w.delta.col(i);
  }
  if (!w.plain_table) w.scatter_table(gradient);
}

template class Mlp<float>;
template class Mlp<double>;

template <class T>
double squared_error(std::span<const T> outputs, std::span<const T> targets, std::span<const T> weight, double scale,
                     std::span<T> delta) {
  const auto width = static_cast<Eigen::Index>(weight.size());
  const auto rows = static_cast<Eigen::Index>(outputs.size()) / width;
  const Eigen::Map<const Array<T>> w(weight.data(), width);
  Array<T> error(width);
  double loss = 0;
  for (Eigen::Index i = 0; i < rows; ++i) {
    const Eigen::Map<const Array<T>> out(outputs.data() + i * width, width);
    const Eigen::Map<const Array<T>> target(targets.data() + i * width, width);
    error = out - target;
    loss += static_cast<double>((error.square() * w).sum());
    if (!delta.empty()) Eigen::Map<Array<T>>(delta.data() + i * width, width) = static_cast<T>(2 * scale) * w * error;
  }
  return loss;
}

template <class T>
double soft_cross_entropy(std::span<const T> outputs, std::span<const T> targets,
                          std::span<const std::uint8_t> forbidden, std::span<const T> row_weight, std::size_t width,
                          double scale, std::span<T> delta) {
  const auto w = static_cast<Eigen::Index>(width);
  const auto rows = static_cast<Eigen::Index>(outputs.size() / width);
  Array<T> z(w);
  Array<T> target(w);  // a copy: the order of a sum over memory of the caller's would depend on its address
  double loss = 0;
  for (Eigen::Index i = 0; i < rows; ++i) {
    z = Eigen::Map<const Array<T>>(outputs.data() + i * w, w);
    target = Eigen::Map<const Array<T>>(targets.data() + i * w, w);
    if (!forbidden.empty()) {
      const auto* banned = forbidden.data() + i * w;
      for (Eigen::Index j = 0; j < w; ++j) {
        if (banned[j] != 0) z[j] = std::numeric_limits<T>::lowest();
      }
    }
    const double weight = row_weight.empty() ? 1.0 : static_cast<double>(row_weight[static_cast<std::size_t>(i)]);
    const T top = z.maxCoeff();
    const T total = target.sum();
    // target . z, where forbidden outputs (of huge negative z) have no target
    const double inner = static_cast<double>((target != T(0)).select(target * (z - top), T(0)).sum());
    z = (z - top).exp();
    const T sum = z.sum();
    loss += weight * (static_cast<double>(total) * std::log(static_cast<double>(sum)) - inner);
    if (delta.empty()) continue;
    Eigen::Map<Array<T>>(delta.data() + i * w, w) = static_cast<T>(weight * scale) * (z * (total / sum) - target);
  }
  return loss;
}

template double squared_error<float>(std::span<const float>, std::span<const float>, std::span<const float>, double,
                                     std::span<float>);
template double squared_error<double>(std::span<const double>, std::span<const double>, std::span<const double>, double,
                                      std::span<double>);
template double soft_cross_entropy<float>(std::span<const float>, std::span<const float>, std::span<const std::uint8_t>,
                                          std::span<const float>, std::size_t, double, std::span<float>);
template double soft_cross_entropy<double>(std::span<const double>, std::span<const double>,
                                           std::span<const std::uint8_t>, std::span<const double>, std::size_t, double,
                                           std::span<double>);

}  // namespace kirchhoff
