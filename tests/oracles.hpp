#pragma once

#include <Eigen/Dense>
#include <mpi.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kirchhoff/circuit.hpp"
#include "kirchhoff/nearest.hpp"
#include "kirchhoff/parallel.hpp"
#include "kirchhoff/random.hpp"

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

/// The coupling as an N x N matrix [S], entry by entry from the table in docs/theory.md, section 1. A table's entries
/// are its own (test_coupling.cpp compares them with its edges).
inline MatrixXd matrix_of(const Coupling& c) {
  const auto& space = c.space();
  const auto n = space.size();
  MatrixXd m = MatrixXd::Zero(n, n);
  if (c.table() || !c.weights().empty()) {
    for (std::int64_t x = 0; x < n; ++x) c.forward(x, [&](std::int64_t y, double g) { m(x, y) += g; });
    return m;
  }
  const int s = space.categories();
  std::vector<std::uint16_t> a(static_cast<std::size_t>(space.dimensions()));
  std::vector<std::uint16_t> b(a.size());
  for (std::int64_t x = 0; x < n; ++x) {
    space.coordinates(x, a);
    m(x, x) += c.same();
    if (c.family() == Family::lattice) {
      for (auto& digit : a) {
        for (const int step : {-1, 1}) {
          const int before = digit;
          int after = before + step;
          if (c.boundary() == Boundary::periodic) after = (after + s) % s;
          if (after < 0 || after >= s) after = before;
          digit = static_cast<std::uint16_t>(after);
          m(x, space.index(a)) += c.change();
          digit = static_cast<std::uint16_t>(before);
        }
      }
      continue;
    }
    for (std::int64_t y = 0; y < n; ++y) {
      space.coordinates(y, b);
      int differing = 0;
      for (std::size_t d = 0; d < a.size(); ++d) differing += a[d] != b[d] ? 1 : 0;
      if (differing > 0 && (c.family() == Family::dense || differing == 1)) m(x, y) += c.change();
    }
  }
  return m;
}

/// Conductances between all pairs of vertices, (n x n) [S].
inline MatrixXd conductances(const Circuit& circuit) {
  const auto n = circuit.states();
  MatrixXd w = MatrixXd::Zero(circuit.vertices(), circuit.vertices());
  for (int l = 0; l < circuit.layers(); ++l) {
    const MatrixXd m = matrix_of(circuit.coupling(l));
    w.block(l * n, (l + 1) * n, n, n) = m;
    w.block((l + 1) * n, l * n, n, n) = m.transpose();
  }
  return w;
}

inline MatrixXd laplacian(const Circuit& circuit) {
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
inline VectorXd potentials(const Circuit& circuit) {
  const MatrixXd a = laplacian(circuit);
  const auto n = a.rows();
  const double c = a.trace() / static_cast<double>(n * n);
  return (a + MatrixXd::Constant(n, n, c)).ldlt().solve(injected(circuit));
}

/// Signed currents from v to w [A] of any field [V].
inline MatrixXd currents(const Circuit& circuit, std::span<const double> potential) {
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

inline Chain chain_of(const Circuit& circuit, std::span<const double> potential, std::span<const double> exit) {
  return chain_of(circuit, currents(circuit, potential), exit);
}

/// Numbers in [low, high), a function of the seed.
inline std::vector<double> uniform_numbers(std::int64_t count, double low, double high, std::uint64_t seed) {
  std::vector<double> values;
  for (std::int64_t i = 0; i < count; ++i) {
    values.push_back(low + (high - low) * Random(seed, Stream::target_draw, static_cast<std::uint64_t>(i)).uniform());
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

inline Circuit uniform_circuit(Family family, int categories, int dimensions, const Resistances& r,
                               Boundary boundary = Boundary::reflecting) {
  const StateSpace space(categories, dimensions);
  std::vector<Coupling> couplings;
  for (std::size_t l = 0; l < r.same.size(); ++l) {
    if (family == Family::dense) couplings.push_back(Coupling::dense(space, r.same[l], r.change[l]));
    if (family == Family::hamming) couplings.push_back(Coupling::hamming(space, r.same[l], r.change[l]));
    if (family == Family::lattice) couplings.push_back(Coupling::lattice(space, r.same[l], r.change[l], boundary));
  }
  return {space, std::move(couplings), mass_with_zeros(space, 1), mass_with_zeros(space, 2)};
}

inline Circuit uniform_circuit(Family family, int categories, int dimensions, int layers, double same, double change) {
  const auto count = static_cast<std::size_t>(layers);
  return uniform_circuit(family, categories, dimensions,
                         {std::vector<double>(count, same), std::vector<double>(count, change)});
}

/// Edges of a file: a ring that connects, and as many again at random, some of them in parallel.
inline std::vector<LayerEdge> file_edges(std::int64_t states, int layers) {
  std::vector<LayerEdge> edges;
  for (int l = 0; l < layers; ++l) {
    Random random(7, Stream::target_draw, static_cast<std::uint64_t>(l));
    const auto add = [&](std::int64_t x, std::int64_t y) {
      edges.push_back({l, x, y, std::pow(10.0, 2 * random.uniform() - 1)});
    };
    for (std::int64_t x = 0; x < states; ++x) {
      add(x, x);
      add(x, (x + 1) % states);
      add(random.below(states), random.below(states));
    }
    edges.push_back(edges.back());
  }
  return edges;
}

/// The same edges, each with a resistance of its own. Every rank builds all of it for itself.
inline Circuit spread(const Circuit& circuit, double sigma) {
  std::vector<Coupling> couplings;
  for (int l = 0; l < circuit.layers(); ++l) couplings.push_back(circuit.coupling(l));
  return {circuit.space(), spread_couplings(MPI_COMM_SELF, couplings, sigma, 11), circuit.source(), circuit.target()};
}

inline Circuit file_circuit(int states, int layers) {
  const StateSpace space(states, 1);
  return {space, couplings_from_edges(space, layers, file_edges(states, layers), "edges"), mass_with_zeros(space, 1),
          mass_with_zeros(space, 2)};
}

/// Random points, each joined to its `count` nearest.
inline Circuit nearest_circuit(int states, std::int64_t count, const Resistances& r) {
  const StateSpace space(states, 1);
  const Embedding embedding{3, uniform_numbers(3 * states, -1, 1, 5)};
  return {space, nearest_couplings(space, nearest_neighbours(space, embedding, count), r.same, r.change),
          mass_with_zeros(space, 1), mass_with_zeros(space, 2)};
}

struct Example {
  std::string name;
  Circuit circuit;
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
  all.push_back({"nearest", nearest_circuit(11, 3, schedule)});
  all.push_back({"file", file_circuit(5, 3)});
  const auto grow = [&](const std::string& name, const Circuit& circuit) { all.push_back({name, spread(circuit, 1)}); };
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
