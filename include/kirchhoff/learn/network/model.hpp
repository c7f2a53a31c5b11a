#pragma once

#include <mpi.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "kirchhoff/parallel/parallel.hpp"
#include "kirchhoff/states/distribution.hpp"
#include "kirchhoff/states/state_space.hpp"

namespace kirchhoff {

/// Hidden units left out at random in training (Srivastava et al., 2014), the others scaled up for it. Which ones is a
/// function of (seed, row) alone, so that ranks can share a batch.
struct Dropout {
  double share = 0;
  std::uint64_t seed = 0;
  std::int64_t first_row = 0;  // number of the call's first row, counted through all of training
};

enum class Activation { silu, tanh, relu };
enum class Precision { single, double_ };
/// What a network's outputs are: potentials of all layers; currents of a state's moves to the next layer, of all layer
/// pairs; or the two terminals, coordinate by coordinate.
enum class Head { potential, current, terminals };
/// How a network of terminals gives the law of a coordinate: by a logit a category, or, for ordered categories, by a
/// mixture of normal laws cut into bins.
enum class Likelihood { categorical, mixture };

struct ModelOptions {
  std::vector<int> hidden = {256, 256, 256};
  Activation activation = Activation::silu;
  Precision precision = Precision::double_;
  Head head = Head::potential;
  int moves = 0;                                    // of a state to the next layer at most; for currents
  Likelihood likelihood = Likelihood::categorical;  // for terminals
  bool evidence = false;                            // for moves: src/learn/network/evidence.hpp
  std::vector<std::uint8_t> ordered = {};           // for moves: columns (D) of ordered categories; none: all are
};

struct MlpShape;

/// A neural network of potentials: currents follow from it by Ohm's law, so Kirchhoff's
/// voltage law holds by construction. Or, on sparse circuits, of currents.
///
/// A multilayer perceptron over the state whose last layer has one output a circuit layer (or one a move and layer
/// pair), so that one pass gives the potentials (or outgoing currents) of a state on all layers. The input is the sum
/// over coordinates of an embedding of the coordinate's category: Fourier features of its rank, and a free vector a
/// category (only when D > 1: with D = 1 that would be a table of states). No parameter belongs to a whole state.
/// Architecture and the comparison that decided it: docs/model.md.
///
/// All parameters lie in one flat buffer of doubles; passes run in the precision of the options (src/model/mlp.hpp),
/// and training keeps a buffer of its own in that precision.
class Model {
 public:
  Model(const StateSpace& space, int layers, const ModelOptions& options);
  const StateSpace& space() const { return space_; }
  int layers() const { return layers_; }
  const ModelOptions& options() const { return options_; }

  std::span<double> parameters() { return parameters_; }
  std::span<const double> parameters() const { return parameters_; }
  /// Random parameters, a function of the seed alone.
  void initialise(std::uint64_t seed);

  /// Outputs that stand for a field: L + 1 potentials, or L x moves currents.
  int field_width() const;
  /// Mean and scale of each of these [V or A]; the network's outputs are standardised by them.
  std::vector<double>& mean() { return mean_; }
  std::vector<double>& scale() { return scale_; }
  const std::vector<double>& mean() const { return mean_; }
  const std::vector<double>& scale() const { return scale_; }

  /// The perceptron's shape. Fields: one group of D coordinates, field_width() outputs. Terminals: D coordinates of S +
  /// 1 categories (S: not known yet) and one of 2 D, which says which terminal's coordinate is asked for; the outputs
  /// of its law.
  MlpShape shape() const;
  /// What the perceptron reads for each state: (count x D) columns of its embedding table. Local.
  void columns(std::span<const std::int64_t> states, std::span<std::int32_t> out) const;
  /// The same for a network of terminals: D + 1 columns that ask for coordinate `at` of a terminal (0 source, 1
  /// target), the coordinates before it being those of `prefix` (at). Local.
  void question(int terminal, std::span<const int> prefix, std::span<std::int32_t> out) const;

  /// Standardised outputs (count x field_width(), row-major) for the given states. Local. A state's bits depend on its
  /// place modulo 256 in the list and on nothing else.
  void outputs(std::span<const std::int64_t> states, std::span<double> out) const;

 private:
  StateSpace space_;
  int layers_;
  ModelOptions options_;
  std::vector<double> parameters_;
  std::vector<double> mean_;
  std::vector<double> scale_;
};

/// The model's field at all states, (field_width() x N): potentials [V] or currents [A]. The same bits on any number of
/// ranks: states are evaluated in blocks whose limits do not depend on it. @note Collective.
SharedArray tabulate(MPI_Comm comm, const Model& model);

/// Source and target that a network of terminals has learned: P(x) = prod_d P(x_d | x_0 .. x_{d-1}), each factor a law
/// of the categories, so that they are distributions by construction. One pass a prefix, about N/(S-1) passes a
/// terminal. The same bits on any number of ranks. @note Collective.
struct LearnedTerminals {
  Mass source;
  Mass target;
};
LearnedTerminals learned_terminals(MPI_Comm comm, const Model& model);

}  // namespace kirchhoff
