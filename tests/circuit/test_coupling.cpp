#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>
#include <utility>
#include <vector>

#include "kirchhoff/base/error.hpp"
#include "kirchhoff/base/random.hpp"
#include "kirchhoff/circuit/circuit.hpp"
#include "oracles.hpp"

namespace kirchhoff {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

struct Named {
  std::string name;
  Coupling coupling;
};

/// All uniform families, with the small S at which neighbours coincide.
std::vector<Named> uniform_couplings() {
  std::vector<Named> all;
  for (const auto& [s, d] : std::vector<std::pair<int, int>>{{1, 1}, {1, 2}, {2, 1}, {2, 3}, {3, 2}, {4, 1}, {5, 2}}) {
    const StateSpace space(s, d);
    const auto size = std::to_string(s) + "^" + std::to_string(d);
    all.push_back({"dense " + size, Coupling::dense(space, 0.5, 8)});
    all.push_back({"hamming " + size, Coupling::hamming(space, 0.5, 8)});
    all.push_back({"reflecting " + size, Coupling::lattice(space, 0.5, 8, Boundary::reflecting)});
    all.push_back({"periodic " + size, Coupling::lattice(space, 0.5, 8, Boundary::periodic)});
  }
  return all;
}

/// What forward or backward visits, as a matrix whose row is the state asked about; and how often, which must be once.
struct Visited {
  Eigen::MatrixXd conductance;
  Eigen::MatrixXi times;
};
Visited visit_all(const Coupling& c, bool forward) {
  const auto n = c.space().size();
  Visited v{Eigen::MatrixXd::Zero(n, n), Eigen::MatrixXi::Zero(n, n)};
  for (std::int64_t x = 0; x < n; ++x) {
    const auto take = [&](std::int64_t y, double g) {
      v.conductance(x, y) += g;
      ++v.times(x, y);
    };
    if (forward) {
      c.forward(x, take);
    } else {
      c.backward(x, take);
    }
  }
  return v;
}

TEST(Coupling, JoinsWhatItsDefinitionJoins) {
  for (const auto& [name, coupling] : uniform_couplings()) {
    const Eigen::MatrixXd expected = oracles::matrix_of(coupling);

    const auto found = visit_all(coupling, true);

    EXPECT_LT((found.conductance - expected).cwiseAbs().maxCoeff(), 1e-14) << name;  // rounding of sums of 1/R
    EXPECT_LE(found.times.maxCoeff(), 1) << name;
  }
}

TEST(Coupling, IsTheSameBackward) {
  for (const auto& [name, coupling] : uniform_couplings()) {
    const auto backward = visit_all(coupling, false);

    const auto forward = visit_all(coupling, true);
    EXPECT_EQ(backward.conductance, forward.conductance.transpose()) << name;
    EXPECT_LE(backward.times.maxCoeff(), 1) << name;
  }
}

TEST(Coupling, HasTheRowSumsOfTheTheory) {
  for (const auto& [name, coupling] : uniform_couplings()) {
    const double s = coupling.space().categories();
    const double d = coupling.space().dimensions();
    double others = 2 * d;  // lattice
    if (coupling.family() == Family::dense) others = std::pow(s, d) - 1;
    if (coupling.family() == Family::hamming) others = d * (s - 1);
    const double kappa = 2 + others / 8;  // 1/r + others / R

    const Eigen::VectorXd sums = visit_all(coupling, true).conductance.rowwise().sum();

    EXPECT_LT((sums.array() - kappa).abs().maxCoeff(), 1e-13) << name;  // rounding
  }
}

TEST(Coupling, CountsItsEdges) {
  for (const auto& [name, coupling] : uniform_couplings()) {
    const auto expected = (oracles::matrix_of(coupling).array() > 0).count();

    EXPECT_EQ(coupling.edges(), expected) << name;
  }
}

TEST(Coupling, DoublesTheEdgeOfAPeriodicPair) {
  const auto pair = Coupling::lattice(StateSpace(2, 1), 1, 4, Boundary::periodic);

  const auto found = visit_all(pair, true);

  EXPECT_EQ(found.conductance(0, 1), 0.5);  // 2 / R
  EXPECT_EQ(found.conductance(0, 0), 1);
}

TEST(Coupling, AddsWhatWouldLeaveAReflectingLatticeToTheSameState) {
  const auto line = Coupling::lattice(StateSpace(3, 1), 1, 4, Boundary::reflecting);

  const auto found = visit_all(line, true);

  EXPECT_EQ(found.conductance(0, 0), 1.25);  // 1 / r + 1 / R
  EXPECT_EQ(found.conductance(1, 1), 1);
  EXPECT_EQ(found.conductance(0, 2), 0);
}

TEST(Coupling, RefusesResistancesThatAreNotPositiveAndFinite) {
  const StateSpace space(3, 1);
  for (const double wrong : {0.0, -1.0, std::numeric_limits<double>::infinity(), std::nan("")}) {
    EXPECT_THAT([&] { Coupling::dense(space, wrong, 1); },
                ThrowsMessage<Error>(AllOf(HasSubstr("circuit_resistance_same"), HasSubstr("positive and finite"))));
    EXPECT_THAT([&] { Coupling::lattice(space, 1, wrong, Boundary::periodic); },
                ThrowsMessage<Error>(AllOf(HasSubstr("circuit_resistance_change"), HasSubstr("positive and finite"))));
  }
  EXPECT_THAT([&] { Coupling::hamming(space, 1e-310, 1); }, ThrowsMessage<Error>(HasSubstr("cannot be represented")));
}

TEST(Coupling, HoldsTheEdgesOfAList) {
  const auto edges = oracles::file_edges(6, 3);  // some in parallel
  const auto couplings = couplings_from_edges(StateSpace(6, 1), 3, edges, "edges");
  for (int l = 0; l < 3; ++l) {
    Eigen::MatrixXd expected = Eigen::MatrixXd::Zero(6, 6);
    std::set<std::pair<std::int64_t, std::int64_t>> pairs;
    for (const auto& edge : edges) {
      if (edge.layer != l) continue;
      expected(edge.from, edge.to) += edge.conductance;
      pairs.insert({edge.from, edge.to});
    }
    const auto& coupling = couplings[static_cast<std::size_t>(l)];

    const auto forward = visit_all(coupling, true);
    const auto backward = visit_all(coupling, false);

    EXPECT_LT((forward.conductance - expected).cwiseAbs().maxCoeff(), 1e-14) << l;  // rounding of sums in another order
    EXPECT_EQ(backward.conductance, forward.conductance.transpose()) << l;
    EXPECT_LE(forward.times.maxCoeff(), 1) << l;
    EXPECT_EQ(coupling.edges(), static_cast<std::int64_t>(pairs.size())) << l;
    EXPECT_LT(pairs.size(), edges.size() / 3) << l;  // else none was in parallel
  }
}

TEST(Coupling, IsNotSymmetricWhenItsListIsNot) {
  const auto one_way = couplings_from_edges(StateSpace(2, 1), 1, {{0, 0, 1, 3}}, "edges").front();

  EXPECT_EQ(visit_all(one_way, true).conductance(0, 1), 3);
  EXPECT_EQ(visit_all(one_way, true).conductance(1, 0), 0);
  EXPECT_EQ(visit_all(one_way, false).conductance(1, 0), 3);
  EXPECT_EQ(visit_all(one_way, false).conductance(0, 1), 0);
}

TEST(Family, HasTheNamesOfTheContract) {
  EXPECT_EQ(to_string(Family::dense), "dense");
  EXPECT_EQ(to_string(Family::hamming), "hamming");
  EXPECT_EQ(to_string(Family::lattice), "lattice");
  EXPECT_EQ(to_string(Family::nearest), "nearest");
  EXPECT_EQ(to_string(Family::file), "file");
}

/// The uniform families that can have a conductance of each edge.
std::vector<Named> sparse_couplings() {
  auto all = uniform_couplings();
  std::erase_if(all, [](const Named& named) { return named.coupling.slots() == 0; });
  return all;
}

TEST(SpreadCouplings, MultiplyEveryEdgeByItsOwnFactorBothWays) {
  for (const auto& [name, coupling] : sparse_couplings()) {
    const double sigma = 0.7;
    const auto n = coupling.space().size();

    const auto spread = spread_couplings(MPI_COMM_WORLD, {coupling, coupling}, sigma, 5);

    for (std::size_t l = 0; l < 2; ++l) {
      const auto forward = visit_all(spread[l], true);
      const auto base = visit_all(coupling, true);
      Eigen::MatrixXd expected = base.conductance;
      for (std::int64_t x = 0; x < n; ++x) {
        for (std::int64_t y = 0; y < n; ++y) {
          const auto edge = static_cast<std::uint64_t>((static_cast<std::int64_t>(l) * n + x) * n + y);
          expected(x, y) *= std::exp(-sigma * Random(5, Stream::resistance, edge).normal());
        }
      }
      EXPECT_LT((forward.conductance - expected).cwiseAbs().maxCoeff(), 1e-14) << name;
      EXPECT_EQ(forward.times, base.times) << name;
      EXPECT_EQ(visit_all(spread[l], false).conductance, forward.conductance.transpose()) << name;
    }
  }
}

TEST(SpreadCouplings, RefuseDense) {
  const auto dense = Coupling::dense(StateSpace(3, 1), 1, 2);
  EXPECT_THAT([&] { spread_couplings(MPI_COMM_WORLD, {dense}, 1, 0); }, ThrowsMessage<Error>(HasSubstr("dense")));
}

std::vector<LayerEdge> edges_of(const std::vector<Coupling>& couplings) {
  std::vector<LayerEdge> edges;
  for (std::size_t l = 0; l < couplings.size(); ++l) {
    for (std::int64_t x = 0; x < couplings[l].space().size(); ++x) {
      couplings[l].forward(x, [&](std::int64_t y, double g) { edges.push_back({static_cast<int>(l), x, y, g}); });
    }
  }
  return edges;
}

TEST(WeighCouplings, TakeEachEdgeFromTheList) {
  for (const auto& [name, coupling] : sparse_couplings()) {
    const auto spread = spread_couplings(MPI_COMM_WORLD, {coupling, coupling}, 1, 3);

    const auto weighed = weigh_couplings(MPI_COMM_WORLD, {coupling, coupling}, edges_of(spread), "edges.csv");

    for (std::size_t l = 0; l < 2; ++l) {
      EXPECT_EQ(visit_all(weighed[l], true).conductance, visit_all(spread[l], true).conductance) << name;
    }
  }
}

TEST(WeighCouplings, RefuseListsThatDoNotFitTheFamily) {
  const std::vector<Coupling> couplings{Coupling::lattice(StateSpace(4, 1), 1, 2, Boundary::reflecting)};
  const auto weigh = [&](std::vector<LayerEdge> edges) {
    return [&couplings, edges] { weigh_couplings(MPI_COMM_WORLD, couplings, edges, "edges.csv"); };
  };
  const auto edges = edges_of(couplings);

  auto missing = edges;
  missing.pop_back();
  EXPECT_THAT(weigh(missing), ThrowsMessage<Error>(AllOf(HasSubstr("edges.csv"), HasSubstr("missing"))));
  auto twice = edges;
  twice.push_back(edges[0]);
  EXPECT_THAT(weigh(twice), ThrowsMessage<Error>(HasSubstr("stands twice")));
  auto foreign = edges;
  foreign[0] = {0, 0, 3, 1.0};
  EXPECT_THAT(weigh(foreign), ThrowsMessage<Error>(HasSubstr("does not join")));
  auto negative = edges;
  negative[1].conductance = -1;
  EXPECT_THAT(weigh(negative), ThrowsMessage<Error>(HasSubstr("not positive")));
}

}  // namespace
}  // namespace kirchhoff
