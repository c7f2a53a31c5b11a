#pragma once

#include <Eigen/Dense>
#include <mpi.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kirchhoff/circuit/circuit.hpp"
#include "kirchhoff/circuit/nearest.hpp"
#include "kirchhoff/parallel/parallel.hpp"

/// What the tests hold the package against: dense linear algebra on circuits small enough for it, written from the
/// definitions and sharing no code with what is tested.
namespace kirchhoff::oracles {

using Eigen::MatrixXd;
using Eigen::VectorXd;

inline std::vector<double> to_vector(const VectorXd& v) { return {v.data(), v.data() + v.size()}; }
inline VectorXd to_eigen(std::span<const double> v) {
  return Eigen::Map<const VectorXd>(v.data(), static_cast<Eigen::Index>(v.size()));
}

/// max |a - b| / max |b|.
inline double relative_difference(std::span<const double> a, std::span<const double> b) {
  if (a.size() != b.size()) return std::numeric_limits<double>::infinity();
  return (to_eigen(a) - to_eigen(b)).cwiseAbs().maxCoeff() / to_eigen(b).cwiseAbs().maxCoeff();
}

/// The coordinates of a state, slowest first.
inline std::vector<int> digits_of(std::int64_t x, int categories, int dimensions) {
  std::vector<int> digits(static_cast<std::size_t>(dimensions));
  for (auto d = digits.size(); d-- > 0; x /= categories) digits[d] = static_cast<int>(x % categories);
  return digits;
}

inline std::int64_t state_of(const std::vector<int>& digits, int categories) {
  std::int64_t x = 0;
  for (const int digit : digits) x = x * categories + digit;
  return x;
}

/// A uniform coupling as an N x N matrix [S], entry by entry from the table in docs/theory.md, section 1.
template <class Number = double>
Eigen::Matrix<Number, Eigen::Dynamic, Eigen::Dynamic> uniform_matrix(Family family, int s, int dimensions, double same,
                                                                     double change, Boundary boundary) {
  Eigen::Index n = 1;
  for (int d = 0; d < dimensions; ++d) n *= s;
  using Result = Eigen::Matrix<Number, Eigen::Dynamic, Eigen::Dynamic>;
  Result m = Result::Zero(n, n);
  for (Eigen::Index x = 0; x < n; ++x) {
    auto a = digits_of(x, s, dimensions);
    m(x, x) += same;
    if (family == Family::lattice) {
      for (auto& digit : a) {
        for (const int step : {-1, 1}) {
          const int before = digit;
          digit += step;
          if (boundary == Boundary::periodic) digit = (digit + s) % s;
          if (digit < 0 || digit >= s) digit = before;
          m(x, state_of(a, s)) += change;
          digit = before;
        }
      }
      continue;
    }
    for (Eigen::Index y = 0; y < n; ++y) {
      const auto b = digits_of(y, s, dimensions);
      int differing = 0;
      for (std::size_t d = 0; d < a.size(); ++d) differing += a[d] != b[d] ? 1 : 0;
      if (differing > 0 && (family == Family::dense || differing == 1)) m(x, y) += change;
    }
  }
  return m;
}

/// A circuit with what its couplings are by definition, written down beside the code that is tested.
struct Defined : Circuit {
  Defined(Circuit circuit, std::vector<MatrixXd> definition)
      : Circuit(std::move(circuit)), matrices(std::move(definition)) {}
  std::vector<MatrixXd> matrices;  // a layer pair each [S]
};

/// The coupling as an N x N matrix: of a uniform one from its definition, of others what they store, for circuits that
/// a test made by other means than those below.
inline MatrixXd matrix_of(const Coupling& c) {
  const auto& space = c.space();
  const auto n = space.size();
  if (c.table()) {
    const auto& rows = c.table()->forward;
    MatrixXd m = MatrixXd::Zero(n, n);
    for (std::int64_t x = 0; x < n; ++x) {
      const auto row = static_cast<std::size_t>(x);
      for (auto k = static_cast<std::size_t>(rows.first[row]); k < static_cast<std::size_t>(rows.first[row + 1]); ++k) {
        m(x, rows.other[k]) += rows.conductance[k];
      }
    }
    return m;
  }
  const int s = space.categories();
  if (const auto* groups = c.groups()) {
    MatrixXd m(n, n);
    for (Eigen::Index x = 0; x < n; ++x) {
      for (Eigen::Index y = 0; y < n; ++y) {
        m(x, y) = x == y ? c.same() : groups->of(x) == groups->of(y) ? c.kinds()[1].conductance : c.change();
      }
    }
    return m;
  }
  if (c.weights().empty()) {
    const auto boundary = c.lattice() != nullptr ? c.lattice()->boundary : Boundary::reflecting;
    return uniform_matrix(c.family(), s, space.dimensions(), c.same(), c.change(), boundary);
  }
  MatrixXd m = MatrixXd::Zero(n, n);
  for (std::int64_t x = 0; x < n; ++x) {
    for (int slot = 0; slot < c.slots(); ++slot) {
      auto digits = digits_of(x, s, space.dimensions());
      if (slot > 0 && c.family() == Family::hamming) digits[static_cast<std::size_t>((slot - 1) / s)] = (slot - 1) % s;
      if (slot > 0 && c.family() == Family::lattice) {
        auto& digit = digits[static_cast<std::size_t>((slot - 1) / 2)];
        digit = (digit + (slot % 2 == 1 ? s - 1 : 1)) % s;
      }
      const double g = c.weights()[static_cast<std::size_t>(slot * n + x)];
      if (g != 0) m(x, state_of(digits, s)) += g;
    }
  }
  return m;
}

inline std::vector<MatrixXd> matrices_of(const Defined& circuit) { return circuit.matrices; }
inline std::vector<MatrixXd> matrices_of(const Circuit& circuit) {
  std::vector<MatrixXd> matrices;
  for (int l = 0; l < circuit.layers(); ++l) matrices.push_back(matrix_of(circuit.coupling(l)));
  return matrices;
}

/// Conductances between all pairs of vertices, (n x n) [S].
template <class AnyCircuit>
MatrixXd conductances(const AnyCircuit& circuit) {
  const auto n = circuit.states();
  MatrixXd w = MatrixXd::Zero(circuit.vertices(), circuit.vertices());
  const auto matrices = matrices_of(circuit);
  for (int l = 0; l < circuit.layers(); ++l) {
    const MatrixXd& m = matrices[static_cast<std::size_t>(l)];
    w.block(l * n, (l + 1) * n, n, n) = m;
    w.block((l + 1) * n, l * n, n, n) = m.transpose();
  }
  return w;
}

template <class AnyCircuit>
MatrixXd laplacian(const AnyCircuit& circuit) {
  const MatrixXd w = conductances(circuit);
  return MatrixXd(w.rowwise().sum().asDiagonal()) - w;
}

/// b: p on layer 0, -q on layer L [A].
inline VectorXd injected(const Circuit& circuit) {
  VectorXd b = VectorXd::Zero(circuit.vertices());
  b.head(circuit.states()) = to_eigen(circuit.source());
  b.tail(circuit.states()) -= to_eigen(circuit.target());
  return b;
}

/// The solution of A phi = b of mean zero: A + c 1 1^T has the same solution and no null space.
template <class AnyCircuit>
VectorXd potentials(const AnyCircuit& circuit) {
  const MatrixXd a = laplacian(circuit);
  const auto n = a.rows();
  const double c = a.trace() / static_cast<double>(n * n);
  return (a + MatrixXd::Constant(n, n, c)).ldlt().solve(injected(circuit));
}

/// Signed currents from v to w [A] of any field [V].
template <class AnyCircuit>
MatrixXd currents(const AnyCircuit& circuit, std::span<const double> potential) {
  const VectorXd phi = to_eigen(potential);
  const MatrixXd drop = phi.replicate(1, phi.size()) - phi.transpose().replicate(phi.size(), 1);
  return conductances(circuit).cwiseProduct(drop);
}

/// The walk as an absorbing Markov chain, docs/theory.md, section 4.
struct Chain {
  MatrixXd visits;  // (N x n) how often a walk from (0, x) passes v: where potentials drive it, once at most
  VectorXd out;     // (n) probability to stop for good at v, once there
  VectorXd stuck;   // (n) 1 where no current leaves v
};

/// @param current signed, from v to w [A].
inline Chain chain_of(const Circuit& circuit, const MatrixXd& current, std::span<const double> exit) {
  const auto n = circuit.states();
  MatrixXd moves = current.cwiseMax(0.0);
  VectorXd leaving = VectorXd::Zero(moves.rows());
  leaving.tail(n) = to_eigen(exit);
  Chain chain{{}, VectorXd::Zero(moves.rows()), VectorXd::Zero(moves.rows())};
  for (Eigen::Index v = 0; v < moves.rows(); ++v) {
    const double total = moves.row(v).sum() + leaving(v);
    if (total > 0) {
      moves.row(v) /= total;
      chain.out(v) = leaving(v) / total;
    } else {
      chain.stuck(v) = 1;
    }
  }
  const MatrixXd identity = MatrixXd::Identity(moves.rows(), moves.rows());
  chain.visits = (identity - moves).transpose().partialPivLu().solve(identity.leftCols(n)).transpose();
  return chain;
}

template <class AnyCircuit>
Chain chain_of(const AnyCircuit& circuit, std::span<const double> potential, std::span<const double> exit) {
  return chain_of(circuit, currents(circuit, potential), exit);
}

/// Philox4x32-10 (Salmon et al., SC 2011) with the key (seed) and the counter (index, stream, block) that
/// docs/theory.md gives it: ten rounds of two products each, keys bumped by the golden ratio and sqrt(3) - 1.
class Numbers {
 public:
  Numbers(std::uint64_t seed, std::uint32_t stream, std::uint64_t index)
      : seed_(seed), stream_(stream), index_(index) {}

  std::uint64_t bits() {
    if (used_ == 2) {
      next_block();
      used_ = 0;
    }
    const auto k = 2 * static_cast<std::size_t>(used_++);
    return (static_cast<std::uint64_t>(words_[k]) << 32) | words_[k + 1];
  }
  double uniform() { return std::ldexp(static_cast<double>(bits() >> 11), -53); }
  double normal() {
    const double u = 1.0 - uniform();
    return std::sqrt(-2.0 * std::log(u)) * std::cos(2.0 * std::acos(-1.0) * uniform());
  }
  /// In {0..n-1}.
  int below(int n) { return static_cast<int>(uniform() * n); }

 private:
  void next_block() {
    const auto low = [](std::uint64_t v) { return static_cast<std::uint32_t>(v); };
    const auto high = [](std::uint64_t v) { return static_cast<std::uint32_t>(v >> 32); };
    words_ = {block_++, stream_, low(index_), high(index_)};
    std::uint32_t k0 = low(seed_);
    std::uint32_t k1 = high(seed_);
    for (int round = 0; round < 10; ++round, k0 += 0x9E3779B9U, k1 += 0xBB67AE85U) {
      const auto a = std::uint64_t{0xD2511F53U} * words_[0];
      const auto b = std::uint64_t{0xCD9E8D57U} * words_[2];
      words_ = {high(b) ^ words_[1] ^ k0, low(b), high(a) ^ words_[3] ^ k1, low(a)};
    }
  }

  std::uint64_t seed_;
  std::uint32_t stream_;
  std::uint64_t index_;
  std::uint32_t block_ = 0;
  int used_ = 2;
  std::array<std::uint32_t, 4> words_{};
};

inline constexpr std::uint32_t kResistances = 4;  // the stream of random resistances
inline constexpr std::uint32_t kInputs = 5;       // of what tests make up

/// Numbers in [low, high), a function of the seed.
inline std::vector<double> uniform_numbers(std::int64_t count, double low, double high, std::uint64_t seed) {
  std::vector<double> values;
  for (std::int64_t i = 0; i < count; ++i) {
    values.push_back(low + (high - low) * Numbers(seed, kInputs, static_cast<std::uint64_t>(i)).uniform());
  }
  return values;
}

/// A field as a network might learn it: a fall from layer to layer with noise as large, so that it has local minima
/// away from the sinks and currents of both signs everywhere.
inline std::vector<double> learned_like_field(const Circuit& circuit, std::uint64_t seed) {
  auto field = uniform_numbers(circuit.vertices(), -1.0, 1.0, seed);
  for (std::int64_t v = 0; v < circuit.vertices(); ++v) {
    field[static_cast<std::size_t>(v)] -= 0.5 * static_cast<double>(v / circuit.states());
  }
  return field;
}

/// A random distribution in which every third state has no mass.
inline Mass mass_with_zeros(const StateSpace& space, std::uint64_t seed) {
  auto mass = uniform_numbers(space.size(), 0.1, 1.0, seed);
  for (std::size_t x = seed % 3; mass.size() > 2 && x < mass.size(); x += 3) mass[x] = 0;
  const double sum = to_eigen(mass).sum();
  for (double& m : mass) m /= sum;
  return mass;
}

struct Resistances {
  std::vector<double> same;    // a value a layer pair [ohm]
  std::vector<double> change;  // the same
};

inline Defined uniform_circuit(Family family, int categories, int dimensions, const Resistances& r,
                               Boundary boundary = Boundary::reflecting) {
  const StateSpace space(categories, dimensions);
  std::vector<Coupling> couplings;
  std::vector<MatrixXd> matrices;
  for (std::size_t l = 0; l < r.same.size(); ++l) {
    if (family == Family::dense) couplings.push_back(Coupling::dense(space, r.same[l], r.change[l]));
    if (family == Family::hamming) couplings.push_back(Coupling::hamming(space, r.same[l], r.change[l]));
    if (family == Family::lattice) couplings.push_back(Coupling::lattice(space, r.same[l], r.change[l], boundary));
    matrices.push_back(uniform_matrix(family, categories, dimensions, 1 / r.same[l], 1 / r.change[l], boundary));
  }
  return {Circuit(space, std::move(couplings), mass_with_zeros(space, 1), mass_with_zeros(space, 2)), matrices};
}

inline Defined uniform_circuit(Family family, int categories, int dimensions, int layers, double same, double change) {
  const auto count = static_cast<std::size_t>(layers);
  return uniform_circuit(family, categories, dimensions,
                         {std::vector<double>(count, same), std::vector<double>(count, change)});
}

/// Edges of a file: a ring that connects, and as many again at random, some of them in parallel.
inline std::vector<LayerEdge> file_edges(std::int64_t states, int layers) {
  std::vector<LayerEdge> edges;
  for (int l = 0; l < layers; ++l) {
    Numbers random(7, kInputs, static_cast<std::uint64_t>(l));
    const auto add = [&](std::int64_t x, std::int64_t y) {
      edges.push_back({l, x, y, std::pow(10.0, 2 * random.uniform() - 1)});
    };
    for (std::int64_t x = 0; x < states; ++x) {
      add(x, x);
      add(x, (x + 1) % states);
      const auto from = random.below(static_cast<int>(states));
      add(from, random.below(static_cast<int>(states)));
    }
    edges.push_back(edges.back());
  }
  return edges;
}

/// The same edges, each with a resistance of its own. Every rank builds all of it for itself.
inline Defined spread(const Defined& circuit, double sigma) {
  constexpr std::uint64_t kSeed = 11;
  std::vector<Coupling> couplings;
  auto matrices = circuit.matrices;
  const auto n = circuit.states();
  for (int l = 0; l < circuit.layers(); ++l) {
    couplings.push_back(circuit.coupling(l));
    for (std::int64_t x = 0; x < n; ++x) {
      for (std::int64_t y = 0; y < n; ++y) {
        const auto edge = static_cast<std::uint64_t>((l * n + x) * n + y);
        matrices[static_cast<std::size_t>(l)](x, y) *= std::exp(-sigma * Numbers(kSeed, kResistances, edge).normal());
      }
    }
  }
  return {Circuit(circuit.space(), spread_couplings(MPI_COMM_SELF, couplings, sigma, kSeed), circuit.source(),
                  circuit.target()),
          std::move(matrices)};
}

inline Defined circuit_of_edges(const StateSpace& space, int layers, const std::vector<LayerEdge>& edges, Mass source,
                                Mass target) {
  std::vector<MatrixXd> matrices(static_cast<std::size_t>(layers), MatrixXd::Zero(space.size(), space.size()));
  for (const auto& e : edges) matrices[static_cast<std::size_t>(e.layer)](e.from, e.to) += e.conductance;
  return {Circuit(space, couplings_from_edges(space, layers, edges, "edges"), std::move(source), std::move(target)),
          std::move(matrices)};
}

inline Defined file_circuit(int states, int layers) {
  const StateSpace space(states, 1);
  return circuit_of_edges(space, layers, file_edges(states, layers), mass_with_zeros(space, 1),
                          mass_with_zeros(space, 2));
}

/// Who is among the `count` nearest of whom, one way or the other; of states equally near those of lower index.
inline MatrixXd nearest_matrix(const Embedding& points, std::int64_t count, double same, double change) {
  const auto k = points.dimensions;
  const auto n = static_cast<std::int64_t>(points.coordinates.size()) / k;
  MatrixXd m = MatrixXd::Identity(n, n) * same;
  for (std::int64_t x = 0; x < n; ++x) {
    std::vector<std::pair<double, std::int64_t>> others;
    for (std::int64_t y = 0; y < n; ++y) {
      double square = 0;
      for (std::int64_t d = 0; d < k; ++d) {
        const double step = points.coordinates[static_cast<std::size_t>(x * k + d)] -
                            points.coordinates[static_cast<std::size_t>(y * k + d)];
        square += step * step;
      }
      if (y != x) others.emplace_back(square, y);
    }
    std::sort(others.begin(), others.end());
    for (std::int64_t j = 0; j < count; ++j) {
      const auto y = others[static_cast<std::size_t>(j)].second;
      m(x, y) = m(y, x) = change;
    }
  }
  return m;
}

/// Random points, each joined to its `count` nearest.
inline Defined nearest_circuit(int states, std::int64_t count, const Resistances& r) {
  const StateSpace space(states, 1);
  const Embedding embedding{3, uniform_numbers(3 * states, -1, 1, 5)};
  std::vector<MatrixXd> matrices;
  for (std::size_t l = 0; l < r.same.size(); ++l) {
    matrices.push_back(nearest_matrix(embedding, count, 1 / r.same[l], 1 / r.change[l]));
  }
  return {Circuit(space, nearest_couplings(space, nearest_neighbours(space, embedding, count), r.same, r.change),
                  mass_with_zeros(space, 1), mass_with_zeros(space, 2)),
          std::move(matrices)};
}

/// Of family blocks, from its definition: `group` says which state is in which.
inline Defined blocks_circuit(int categories, int dimensions, const Resistances& r, const std::vector<double>& within,
                              std::shared_ptr<const Groups> groups, const std::function<int(std::int64_t)>& group) {
  const StateSpace space(categories, dimensions);
  std::vector<Coupling> couplings;
  std::vector<MatrixXd> matrices;
  for (std::size_t l = 0; l < r.same.size(); ++l) {
    couplings.push_back(Coupling::blocks(space, r.same[l], within[l], r.change[l], groups));
    MatrixXd m(space.size(), space.size());
    for (Eigen::Index x = 0; x < m.rows(); ++x) {
      for (Eigen::Index y = 0; y < m.cols(); ++y) {
        m(x, y) = 1 / (x == y ? r.same[l] : group(x) == group(y) ? within[l] : r.change[l]);
      }
    }
    matrices.push_back(std::move(m));
  }
  return {Circuit(space, std::move(couplings), mass_with_zeros(space, 1), mass_with_zeros(space, 2)), matrices};
}

struct Example {
  std::string name;
  Defined circuit;
};

/// Small circuits of all families, with R above, at and below r, and with r and R that differ from layer to layer.
inline std::vector<Example> examples() {
  const Resistances schedule{{1, 2, 0.5, 3}, {8, 1, 20, 0.7}};
  std::vector<Example> all;
  all.push_back({"dense", uniform_circuit(Family::dense, 3, 2, 3, 1, 20)});
  all.push_back({"dense, R = r", uniform_circuit(Family::dense, 4, 1, 2, 2, 2)});
  all.push_back({"dense, R < r", uniform_circuit(Family::dense, 5, 1, 3, 4, 0.5)});
  all.push_back({"dense, schedule", uniform_circuit(Family::dense, 7, 1, schedule)});
  all.push_back({"hamming", uniform_circuit(Family::hamming, 3, 2, 4, 1, 10)});
  all.push_back({"hamming, schedule", uniform_circuit(Family::hamming, 2, 3, schedule)});
  all.push_back({"lattice", uniform_circuit(Family::lattice, 4, 2, 2, 1, 5)});
  all.push_back({"lattice, schedule", uniform_circuit(Family::lattice, 6, 1, schedule)});
  all.push_back({"periodic lattice", uniform_circuit(Family::lattice, 5, 1, schedule, Boundary::periodic)});
  all.push_back({"periodic lattice, S = 2", uniform_circuit(Family::lattice, 2, 2, schedule, Boundary::periodic)});
  for (int d = 0; d < 3; ++d) {
    const auto groups = std::make_shared<const Groups>(Groups::by_coordinate(StateSpace(3, 3), d));
    const std::int64_t stride = d == 0 ? 9 : d == 1 ? 3 : 1;
    const auto digit = [stride](std::int64_t x) { return static_cast<int>(x / stride % 3); };
    all.push_back({"blocks by coordinate " + std::to_string(d),
                   blocks_circuit(3, 3, {{1, 2, 0.5}, {50, 10, 40}}, {5, 1, 4}, groups, digit)});
  }
  // Of different sizes, not side by side; near states cheaper and dearer than far ones, from pair to pair.
  const std::vector<std::int64_t> labels{7, 2, 7, 7, -1, 2, 7};
  const auto uneven = std::make_shared<const Groups>(Groups::by_label(labels));
  const auto label = [labels](std::int64_t x) { return static_cast<int>(labels[static_cast<std::size_t>(x)]); };
  all.push_back({"blocks by list", blocks_circuit(7, 1, schedule, {2, 3, 0.2, 9}, uneven, label)});
  const auto halves = std::make_shared<const Groups>(Groups::by_label(std::vector<std::int64_t>{4, 4, 4, 9, 9, 9}));
  const auto half = [](std::int64_t x) { return x < 3 ? 0 : 1; };
  all.push_back({"blocks, R_in above R_out", blocks_circuit(6, 1, {{3, 3}, {0.5, 1}}, {8, 16}, halves, half)});
  all.push_back({"nearest", nearest_circuit(11, 3, schedule)});
  all.push_back({"file", file_circuit(5, 3)});
  const auto grow = [&](const std::string& name, const Defined& circuit) { all.push_back({name, spread(circuit, 1)}); };
  grow("hamming, spread", uniform_circuit(Family::hamming, 3, 2, 3, 1, 10));
  grow("lattice, spread", uniform_circuit(Family::lattice, 4, 2, schedule));
  grow("periodic lattice, spread", uniform_circuit(Family::lattice, 3, 2, schedule, Boundary::periodic));
  grow("periodic lattice, S = 2, spread", uniform_circuit(Family::lattice, 2, 2, schedule, Boundary::periodic));
  return all;
}

/// A folder that all ranks of this job share and no other job has. Collective.
class ScratchFolder {
 public:
  explicit ScratchFolder(MPI_Comm comm) : comm_(comm) {
    const auto own = "kirchhoff_test_" + std::to_string(getpid());
    path_ = std::filesystem::temp_directory_path() / broadcast(comm_, own);  // rank 0's
    if (rank_of(comm_) == 0) std::filesystem::create_directories(path_);
    MPI_Barrier(comm_);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  ~ScratchFolder() {
    MPI_Barrier(comm_);
    std::error_code ignored;
    if (rank_of(comm_) == 0) std::filesystem::remove_all(path_, ignored);
    MPI_Barrier(comm_);
  }

  std::string path(const std::string& name = "") const {
    return name.empty() ? path_.string() : (path_ / name).string();
  }

  /// Names of the files in it, sorted.
  std::vector<std::string> names() const {
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator(path_)) found.push_back(entry.path().filename());
    std::sort(found.begin(), found.end());
    return found;
  }

 private:
  MPI_Comm comm_;
  std::filesystem::path path_;
};

}  // namespace kirchhoff::oracles
