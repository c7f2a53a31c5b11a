#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "kirchhoff/base/random.hpp"
#include "kirchhoff/circuit/moves.hpp"

namespace kirchhoff {

/// A circuit whose coordinates (columns) each have a graph of their own; r and R are the same for all layer pairs.
struct ColumnCircuit {
  StateSpace space;
  std::vector<ColumnGraph> graphs;  // (D)
  std::vector<double> change;       // (D) R_d [ohm] of an edge that changes column d
  double same = 1;                  // r [ohm]
  int layers = 1;                   // L
};

/// The conditional circuit of a ColumnCircuit: one ampere enters layer 0 spread evenly over all states and leaves at
/// (L, x_L). Its matrix is a sum over columns, so its potentials are integrals over one number s of products over
/// columns (docs/theory.md, section 9), whatever the number of states is:
///
///   V_l(x) = sum_m a_m cos(pi m l / L) integral exp(-s (1 - lambda_m) / r) prod_d h_d(s; x_d, x_L,d) ds + even part.
///
/// The integrals are sums over nodes of s; a *term* is a node of one m, or the even part. All currents are in units of
/// 1 A / N: N may have hundreds of digits. Local; equal on every rank.
class ConditionalColumns {
 public:
  /// @param accuracy of the integrals, relative to their size: fewer digits cost fewer terms.
  /// @throws Error for no layer, a resistance that is not positive and finite, or a lattice of more than kMostRanks.
  explicit ConditionalColumns(const ColumnCircuit& circuit, double accuracy = 1e-13);
  static constexpr int kMostRanks = 256;

  const MoveSet& moves() const { return moves_; }
  /// Number of terms, T.
  std::size_t terms() const { return terms_; }

  /// What each term has at state x for a walk that ends in `end`: products over columns (T), the largest of size one.
  /// Returns the logarithm of their unit: exp(log) products is what they are [1 / N].
  double products(std::span<const std::uint16_t> x, std::span<const std::uint16_t> end, std::span<double> out) const;

  /// Adds `weight` times the positive currents out of vertex (layer, x) to `out`, by move (M) [exp(log) A / N], from
  /// the products of the state. Returns their sum: the expected visits of the vertex, times weight.
  double add_currents(int layer, std::span<const std::uint16_t> x, std::span<const std::uint16_t> end,
                      std::span<const double> products, double log, double weight, std::span<float> out) const;

  /// The logarithm of N.
  double log_states() const { return log_states_; }

  /// A vertex near the walk to `end`, drawn from a law that is close to its visits.
  void propose(Random& random, std::span<const std::uint16_t> end, std::int32_t& layer,
               std::span<std::uint16_t> x) const;
  /// The probability of that law at x on any one layer [exp(log) / N], from the products of the state.
  double proposed(std::span<const std::uint16_t> x, std::span<const std::uint16_t> end,
                  std::span<const double> products, double log) const;

 private:
  /// Columns that are alike: their heat kernels, and what moves make of them.
  struct Column {
    ColumnGraph graph = ColumnGraph::hamming;
    int categories = 1;
    double conductance = 1;            // 1 / R_d [S]
    std::vector<std::size_t> numbers;  // of the columns that are such
    std::size_t classes = 2;           // of (x_d, end_d): equal or not on hamming, S x S on a lattice
    std::vector<double> kernel;        // (classes x T): S_d h_d
    std::vector<double> difference;    // (directions, classes, 2 moves, T): see add_currents
    // Of hamming: the product over all of them depends on how many are equal. Each product is divided by its largest.
    std::vector<double> product;  // (numbers + 1, T)
    std::vector<double> log;      // (numbers + 1) of what it was divided by
  };
  struct Node {
    double s = 0;
    double lambda = 0;
    int mode = 0;
    double weight = 0;
  };

  /// Of proposals that know nothing of the end: so that none is far too rare.
  static constexpr double kEvenShare = 0.04;

  static std::vector<Node> nodes_of(const ColumnCircuit& circuit, double accuracy);
  Column column_of(ColumnGraph graph, int categories, double conductance, const std::vector<Node>& nodes) const;
  void set_difference(Column& column, std::size_t t, const Node& node, std::size_t kind, std::size_t move,
                      double minus_ratio, double plus_ratio) const;
  void set_hamming(Column& column, std::size_t t, const Node& node) const;
  void set_lattice(Column& column, std::size_t t, const Node& node) const;
  void multiply_alike(Column& column) const;
  void set_levels(const std::vector<Node>& nodes, double kappa);
  void set_proposal(const std::vector<Node>& nodes);
  std::size_t class_of(const Column& column, int value, int goal) const {
    return column.graph == ColumnGraph::hamming ? (value == goal ? 0U : 1U)
                                                : static_cast<std::size_t>(value * column.categories + goal);
  }
  /// The number of the layer pair and direction of a current from `layer` to its neighbour.
  std::size_t direction_of(int layer, int direction) const {
    return 2 * static_cast<std::size_t>(layer) + (direction > 0 ? 0U : 1U);
  }

  MoveSet moves_;
  double conductance_same_;  // 1 / r [S]
  double log_states_ = 0;
  std::size_t terms_ = 0;
  std::vector<Column> columns_;     // those that differ
  std::vector<double> same_;        // (directions, T): current of the edge that changes nothing
  std::vector<double> node_share_;  // of the proposal: the nodes of m = 0, whose kernels are probabilities
  std::vector<double> node_sum_;    // cumulative
  double end_share_ = 0;            // of the proposal: the vertices of x_L
};

}  // namespace kirchhoff
