#pragma once

#include <Eigen/Core>

#include <cmath>
#include <numbers>
#include <vector>

#include "kirchhoff/model.hpp"
#include "kirchhoff/random.hpp"

namespace kirchhoff {

/// The perceptron in precision T. Activations are (features x batch), column-major: a state is a column.
///
/// Parameters, in the order of the flat buffer:
///   free embeddings   H1 x (D S)   only when D > 1
///   Fourier weights   H1 x (D F)   F features of a coordinate's rank, only when S > 2
///   bias              H1
///   then a layer each: weights H_k x H_{k-1}, bias H_k; the last has L+1 rows.
template <class T>
class Perceptron final : public Model::Network {
 public:
  using Matrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic>;
  using Vector = Eigen::Matrix<T, Eigen::Dynamic, 1>;

  Perceptron(const StateSpace& space, int outputs, const ModelOptions& options)
      : space_(space), activation_(options.activation), width_(options.hidden.begin(), options.hidden.end()) {
    width_.push_back(outputs);
    const Eigen::Index s = space.categories();
    const Eigen::Index d = space.dimensions();
    free_ = d > 1;
    if (s > 2 || !free_) fourier_ = fourier_features(s);
    Eigen::Index at = 0;
    const auto take = [&](Eigen::Index rows, Eigen::Index columns) {
      const Block block{at, rows, columns};
      at += rows * columns;
      return block;
    };
    embedding_ = take(width_[0], free_ ? d * s : 0);
    fourier_weight_ = take(width_[0], d * fourier_.rows());
    first_bias_ = take(width_[0], 1);
    for (std::size_t k = 1; k < width_.size(); ++k) {
      weight_.push_back(take(width_[k], width_[k - 1]));
      bias_.push_back(take(width_[k], 1));
    }
    count_ = at;
    activation_of_.resize(width_.size() - 1);
    slope_of_.resize(width_.size() - 1);
  }

  std::size_t parameter_count() const override { return static_cast<std::size_t>(count_); }

  void initialise(std::uint64_t seed, std::span<double> parameters) const override {
    std::fill(parameters.begin(), parameters.end(), 0.0);
    const auto fill = [&](const Block& block, double deviation) {
      for (Eigen::Index i = block.at; i < block.at + block.rows * block.columns; ++i) {
        parameters[static_cast<std::size_t>(i)] =
            deviation * Random(seed, Stream::parameters, static_cast<std::uint64_t>(i)).normal();
      }
    };
    // Variances chosen so that signals keep their size: each half of the embedding adds D terms; 1.6 makes up for SiLU.
    const double d = space_.dimensions();
    fill(embedding_, std::sqrt(0.5 / d));
    fill(fourier_weight_, std::sqrt(1.0 / (d * static_cast<double>(std::max<Eigen::Index>(1, fourier_.rows())))));
    for (std::size_t k = 0; k < weight_.size(); ++k) {
      const bool last = k + 1 == weight_.size();
      fill(weight_[k], std::sqrt((last ? 1.0 : 1.6 * 1.6) / static_cast<double>(weight_[k].columns)));
    }
  }

  void outputs(std::span<const double> parameters, std::span<const std::int64_t> states,
               std::span<double> out) override {
    load(parameters);
    forward(states, false);
    Eigen::Map<Eigen::MatrixXd>(out.data(), output_.rows(), output_.cols()) = output_.template cast<double>();
  }

  double accumulate_gradient(std::span<const double> parameters, std::span<const std::int64_t> states,
                             std::span<const double> targets, std::span<const double> weight,
                             std::span<double> gradient) override {
    load(parameters);
    forward(states, true);
    const Eigen::Map<const Eigen::MatrixXd> target(targets.data(), output_.rows(), output_.cols());
    const Eigen::Map<const Eigen::VectorXd> layer_weight(weight.data(), output_.rows());
    delta_ = output_ - target.template cast<T>();
    const Vector w = layer_weight.cast<T>();
    const double loss = (delta_.array().square().colwise() * w.array()).template cast<double>().sum();
    delta_.array().colwise() *= 2 * w.array();
    backward(states);
    Eigen::Map<Eigen::VectorXd>(gradient.data(), count_) += gradient_.template cast<double>();
    return loss;
  }

 private:
  /// A piece of the flat buffer seen as a matrix.
  struct Block {
    Eigen::Index at = 0;
    Eigen::Index rows = 0;
    Eigen::Index columns = 0;
  };
  Eigen::Map<Matrix> view(Vector& flat, const Block& b) const { return {flat.data() + b.at, b.rows, b.columns}; }
  Eigen::Map<const Matrix> view(const Vector& flat, const Block& b) const {
    return {flat.data() + b.at, b.rows, b.columns};
  }

  /// sin and cos of pi k u, k = 1..6, u = (c + 1/2) / S: (F x S), fewer pairs when S is small.
  static Matrix fourier_features(Eigen::Index s) {
    const Eigen::Index pairs = std::min<Eigen::Index>(6, std::max<Eigen::Index>(1, s / 2));
    Matrix features(2 * pairs, s);
    for (Eigen::Index c = 0; c < s; ++c) {
      const double u = (static_cast<double>(c) + 0.5) / static_cast<double>(s);
      for (Eigen::Index k = 0; k < pairs; ++k) {
        features(2 * k, c) = static_cast<T>(std::sin(std::numbers::pi * static_cast<double>(k + 1) * u));
        features(2 * k + 1, c) = static_cast<T>(std::cos(std::numbers::pi * static_cast<double>(k + 1) * u));
      }
    }
    return features;
  }

  void load(std::span<const double> parameters) {
    flat_ = Eigen::Map<const Eigen::VectorXd>(parameters.data(), count_).template cast<T>();
  }

  /// Column of the embedding table for coordinate d of state x.
  Eigen::Index column(std::int64_t x, int d) const {
    return static_cast<Eigen::Index>(d) * space_.categories() + space_.coordinate(x, d);
  }

  void forward(std::span<const std::int64_t> states, bool keep_slopes) {
    const auto batch = static_cast<Eigen::Index>(states.size());
    const Eigen::Index s = space_.categories();
    const int d = space_.dimensions();
    // What a coordinate's category adds to the first hidden layer: H1 x (D S), a few columns, so
    // that a state costs D additions.
    if (free_) {
      table_ = view(std::as_const(flat_), embedding_);
    } else {
      table_.setZero(width_[0], d * s);
    }
    if (fourier_.rows() > 0) {
      const auto w = view(std::as_const(flat_), fourier_weight_);
      for (int j = 0; j < d; ++j) {
        table_.middleCols(j * s, s).noalias() += w.middleCols(j * fourier_.rows(), fourier_.rows()) * fourier_;
      }
    }
    pre_.resize(width_[0], batch);
    const auto first_bias = view(std::as_const(flat_), first_bias_);
    for (Eigen::Index i = 0; i < batch; ++i) {
      auto z = pre_.col(i);
      z = first_bias.col(0);
      for (int j = 0; j < d; ++j) z += table_.col(column(states[static_cast<std::size_t>(i)], j));
    }
    activate(0, keep_slopes);
    for (std::size_t k = 0; k < weight_.size(); ++k) {
      auto& out = k + 1 == weight_.size() ? output_ : pre_;
      out.resize(weight_[k].rows, batch);
      out.noalias() = view(std::as_const(flat_), weight_[k]) * activation_of_[k];
      out.colwise() += view(std::as_const(flat_), bias_[k]).col(0);
      if (k + 1 < weight_.size()) activate(k + 1, keep_slopes);
    }
  }

  void backward(std::span<const std::int64_t> states) {
    gradient_.setZero(count_);
    for (std::size_t k = weight_.size(); k-- > 0;) {  // delta_: dLoss / d(pre-activation of layer k + 1)
      view(gradient_, weight_[k]).noalias() = delta_ * activation_of_[k].transpose();
      view(gradient_, bias_[k]).col(0) = delta_.rowwise().sum();
      below_.resize(weight_[k].columns, delta_.cols());
      below_.noalias() = view(std::as_const(flat_), weight_[k]).transpose() * delta_;
      below_.array() *= slope_of_[k].array();
      delta_.swap(below_);
    }
    const Eigen::Index s = space_.categories();
    const int d = space_.dimensions();
    table_.setZero(width_[0], d * s);
    for (Eigen::Index i = 0; i < delta_.cols(); ++i) {
      for (int j = 0; j < d; ++j) table_.col(column(states[static_cast<std::size_t>(i)], j)) += delta_.col(i);
    }
    view(gradient_, first_bias_).col(0) = delta_.rowwise().sum();
    if (free_) view(gradient_, embedding_) = table_;
    if (fourier_.rows() > 0) {
      auto w = view(gradient_, fourier_weight_);
      for (int j = 0; j < d; ++j) {
        w.middleCols(j * fourier_.rows(), fourier_.rows()).noalias() =
            table_.middleCols(j * s, s) * fourier_.transpose();
      }
    }
  }

  /// pre_ -> activation_of_[k], and its slope where a backward pass will follow.
  void activate(std::size_t k, bool keep_slopes) {
    auto& a = activation_of_[k];
    auto& slope = slope_of_[k];
    const auto z = pre_.array();
    a.resizeLike(pre_);
    switch (activation_) {
      case Activation::silu:
        if (keep_slopes) {
          slope = (T(1) + (-z).exp()).inverse().matrix();
          a = (z * slope.array()).matrix();
          slope.array() += a.array() * (T(1) - slope.array());
        } else {
          a = (z / (T(1) + (-z).exp())).matrix();
        }
        break;
      case Activation::tanh:
        a = z.tanh().matrix();
        if (keep_slopes) slope = (T(1) - a.array().square()).matrix();
        break;
      case Activation::relu:
        a = z.max(T(0)).matrix();
        if (keep_slopes) slope = (z > T(0)).template cast<T>().matrix();
        break;
    }
  }

  StateSpace space_;
  Activation activation_;
  std::vector<Eigen::Index> width_;  // H_1, ..., H_K, L+1
  bool free_ = false;
  Matrix fourier_;  // (F x S)
  Block embedding_;
  Block fourier_weight_;
  Block first_bias_;
  std::vector<Block> weight_;
  std::vector<Block> bias_;
  Eigen::Index count_ = 0;

  // Work space, kept between calls.
  Vector flat_;  // parameters in precision T
  Vector gradient_;
  Matrix table_;                       // (H1 x D S)
  Matrix pre_;                         // (H_k x batch)
  std::vector<Matrix> activation_of_;  // (H_k x batch)
  std::vector<Matrix> slope_of_;       // (H_k x batch)
  Matrix output_;                      // (L+1 x batch)
  Matrix delta_;
  Matrix below_;
};

}  // namespace kirchhoff
