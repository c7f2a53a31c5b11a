#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace kirchhoff {

/// What a move along an edge of a hamming circuit does to the state, seen from the state x_L in which its walk is to
/// end: nothing; a wrong coordinate is mended; a wrong one takes another wrong value; a right one is spoilt.
enum class MoveKind : std::uint8_t { same, toward, other, away };
inline constexpr std::array<MoveKind, 4> kMoveKinds = {MoveKind::same, MoveKind::toward, MoveKind::other,
                                                       MoveKind::away};

/// A hamming circuit whose states may be far too many to count.
struct HammingCircuit {
  int categories = 2;          // S >= 2
  int dimensions = 1;          // D >= 1
  std::vector<double> same;    // (L) r [ohm]
  std::vector<double> change;  // (L) R [ohm]
};

/// The conditional circuit of a hamming circuit: one ampere enters layer 0 spread evenly over all states and leaves at
/// (L, x_L). Its potentials depend on the layer and on the Hamming distance d to x_L only, so states of equal distance
/// are lumped: (L+1) x (D+1) classes, whatever N = S^D. docs/theory.md, section 8.
///
/// Currents are totals over all states of a class and all edges of a kind. They are accurate to rounding in absolute
/// terms (of one ampere). Local; equal on every rank.
class Quotient {
 public:
  /// How the differences across one coordinate are found. `cosine` needs one r and one R for all layer pairs and costs
  /// O(D L^2); `elimination` takes any, costs O(D L^3), and where R >= r in every pair adds positive numbers only, so
  /// that each difference has full relative accuracy.
  enum class Method { automatic, cosine, elimination };

  /// @throws Error for S < 2, D < 1, no layer pair, a resistance that is not positive and finite, or `cosine` with
  /// resistances that differ.
  explicit Quotient(const HammingCircuit& circuit, Method method = Method::automatic);

  int categories() const { return categories_; }
  int dimensions() const { return dimensions_; }
  int layers() const { return layers_; }

  /// Positive current [A] that runs from class (l, d) to layer l + 1, or to layer l - 1, along all edges of a kind.
  double forward(int l, int d, MoveKind kind) const { return std::max(0.0, net_forward(l, d, kind)); }
  double backward(int l, int d, MoveKind kind) const { return std::max(0.0, net_backward(l, d, kind)); }
  /// The same with its sign: negative where it runs toward the class. 0 where there is no such layer.
  double net_forward(int l, int d, MoveKind kind) const { return current_[at(l, d)][static_cast<std::size_t>(kind)]; }
  double net_backward(int l, int d, MoveKind kind) const {
    return current_[at(l, d)][4 + static_cast<std::size_t>(kind)];
  }
  /// The current that leaves the circuit: 1 A at (L, 0).
  double exit(int l, int d) const { return l == layers_ && d == 0 ? 1.0 : 0.0; }
  /// Edges of a kind that one state at distance d has toward one neighbouring layer.
  double edges(int d, MoveKind kind) const;

  /// Expected number of times that a walk from a uniform start to x_L is in class (l, d): all positive current out of
  /// it, the exit included.
  double visits(int l, int d) const { return visits_[at(l, d)]; }
  /// log of the number of states at distance d, C(D, d) (S-1)^d.
  double log_states(int d) const { return log_states_[static_cast<std::size_t>(d)]; }
  /// Expected number of moves of such a walk, the exit not counted: the sum of |I| over all edges.
  double expected_moves() const { return expected_moves_; }

  /// Kirchhoff's law on layer L is not used by the solution: the largest imbalance there [A] is a check of it all.
  double kcl_leftover() const { return kcl_leftover_; }

  /// Potentials [V] of single states, (L+1) x (D+1), with mean zero over all vertices. They span as many orders of
  /// magnitude as N: meant for circuits small enough to be enumerated.
  std::vector<double> potentials() const;

 private:
  std::size_t at(int l, int d) const {
    return static_cast<std::size_t>(l) * static_cast<std::size_t>(dimensions_ + 1) + static_cast<std::size_t>(d);
  }

  int categories_;
  int dimensions_;
  int layers_;
  std::vector<double> difference_;              // (L+1) x D: y_l(e) = C(D-1, e) (S-1)^e (V_l(e+1) - V_l(e))
  std::vector<double> drop_;                    // L x (D+1): H_l(d) = states at d times (V_l(d) - V_{l+1}(d))
  std::vector<std::array<double, 8>> current_;  // signed: forward by kind, backward by kind [A]
  std::vector<double> visits_;
  std::vector<double> log_states_;  // (D+1)
  double expected_moves_ = 0;
  double kcl_leftover_ = 0;
};

}  // namespace kirchhoff
