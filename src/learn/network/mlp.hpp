#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "kirchhoff/learn/network/model.hpp"

namespace kirchhoff {

/// Coordinates that share their number of categories. Each category of each coordinate has a column in the embedding
/// table, of the width of the first hidden layer; the first layer adds up the columns that a row names.
struct InputGroup {
  int coordinates = 0;
  int categories = 0;
  bool free = true;       // a learned vector a category
  int fourier_pairs = 0;  // learned weights of sin, cos of pi k u, k = 1.., u = (category + 1/2) / categories
};

/// A multilayer perceptron: input groups and dense features add up to the first hidden layer.
struct MlpShape {
  std::vector<InputGroup> groups;
  int features = 0;  // dense inputs
  std::vector<int> hidden;
  int outputs = 0;
  Activation activation = Activation::silu;
};

/// Rows of a batch as a perceptron reads them.
template <class T>
struct MlpInput {
  std::int64_t rows = 0;
  std::span<const std::int32_t> columns = {};  // (rows x all coordinates): columns of the embedding table
  std::span<const T> features = {};            // (rows x features)
  Dropout dropout = {};                        // of hidden units, in training only
};

/// The perceptron in precision T. It owns work space but no parameters: those lie in one flat buffer of the caller's,
///
///   for each input group   free embeddings H1 x (coordinates categories), Fourier weights H1 x (coordinates F)
///   dense features         H1 x features
///   bias                   H1
///   then a layer each      weights H_k x H_{k-1}, bias H_k; the last has `outputs` rows.
///
/// All matrices are column-major; a row of a batch is a column, so outputs are (rows x outputs) in the order of C.
/// Local.
template <class T>
class Mlp {
 public:
  explicit Mlp(MlpShape shape);
  Mlp(Mlp&&) noexcept;
  Mlp& operator=(Mlp&&) noexcept;
  ~Mlp();

  const MlpShape& shape() const;
  std::size_t parameter_count() const;
  /// Coordinates of all groups: what a row of MlpInput::columns has.
  int coordinates() const;
  /// Column of a category of a coordinate, coordinates counted through all groups.
  std::int32_t column(int coordinate, int category) const;

  /// Random parameters, a function of the seed alone: outputs of about size one.
  void initialise(std::uint64_t seed, std::span<T> parameters) const;

  /// Outputs (rows x outputs), valid until the next call. @param training whether backward() will follow.
  std::span<const T> forward(std::span<const T> parameters, const MlpInput<T>& input, bool training);
  /// The loss's derivative by the outputs (rows x outputs): to be filled between forward(..., true) and backward().
  std::span<T> delta();
  /// Adds to `gradient` the loss's derivative by the parameters. Parameters and input as in forward().
  void backward(std::span<const T> parameters, const MlpInput<T>& input, std::span<T> gradient);

 private:
  struct Work;
  std::unique_ptr<Work> work_;
};

extern template class Mlp<float>;
extern template class Mlp<double>;

/// Sum over rows and outputs of weight[output] (output - target)^2, and its derivative times `scale`.
template <class T>
double squared_error(std::span<const T> outputs, std::span<const T> targets, std::span<const T> weight, double scale,
                     std::span<T> delta);

/// Sum over rows of row_weight (or 1) times the cross-entropy -sum target log softmax(outputs) [nat], over the outputs
/// that are allowed (0 in `forbidden`, or all when it is empty), and its derivative times `scale`. A row's targets,
/// which are zero where forbidden, need not sum to one.
template <class T>
double soft_cross_entropy(std::span<const T> outputs, std::span<const T> targets,
                          std::span<const std::uint8_t> forbidden, std::span<const T> row_weight, std::size_t width,
                          double scale, std::span<T> delta);

}  // namespace kirchhoff
