#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "kirchhoff/base/error.hpp"
#include "oracles.hpp"

namespace kirchhoff {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

Circuit from_edges(const std::vector<LayerEdge>& edges, int layers, Mass source, Mass target) {
  const StateSpace space(2, 1);
  return {space, couplings_from_edges(space, layers, edges, "wires.csv"), std::move(source), std::move(target)};
}

const std::vector<LayerEdge> kLadder = {{0, 0, 0, 1}, {0, 1, 1, 1}, {0, 0, 1, 2}, {1, 0, 0, 1}, {1, 1, 1, 3}};

TEST(Circuit, HasTheNeighboursOfItsCouplings) {
  for (const auto& [name, circuit] : oracles::examples()) {
    const auto n = circuit.states();
    const Eigen::MatrixXd expected = oracles::conductances(circuit);
    Eigen::MatrixXd found = Eigen::MatrixXd::Zero(circuit.vertices(), circuit.vertices());

    for (std::int64_t v = 0; v < circuit.vertices(); ++v) {
      circuit.neighbours(static_cast<int>(v / n), v % n,
                         [&](int l, std::int64_t y, double g) { found(v, l * n + y) += g; });
    }

    EXPECT_LT((found - expected).cwiseAbs().maxCoeff(), 1e-13 * expected.maxCoeff()) << name;  // rounding
    EXPECT_EQ(circuit.edges(), (expected.array() > 0).count() / 2) << name;
    EXPECT_EQ(circuit.vertices(), n * (circuit.layers() + 1)) << name;
  }
}

TEST(Circuit, VisitsTheNextLayerFirst) {
  const auto circuit = oracles::uniform_circuit(Family::hamming, 3, 2, 2, 1, 5);
  std::vector<int> layers;

  circuit.neighbours(1, 4, [&](int l, std::int64_t, double) { layers.push_back(l); });

  EXPECT_THAT(layers, testing::ElementsAre(2, 2, 2, 2, 2, 0, 0, 0, 0, 0));
}

TEST(Circuit, InjectsTheSourceAndTakesOutTheTarget) {
  for (const auto& [name, circuit] : oracles::examples()) {
    const auto n = circuit.states();
    const Eigen::VectorXd expected = oracles::injected(circuit);

    for (std::int64_t v = 0; v < circuit.vertices(); ++v) {
      EXPECT_EQ(circuit.injected(static_cast<int>(v / n), v % n), expected(v)) << name << " " << v;
    }
    EXPECT_NEAR(expected.sum(), 0, 1e-15) << name;  // balanced to rounding
  }
}

TEST(Circuit, NamesAVertexOutOfReach) {
  // Vertex (2, 1) hangs on nothing.
  const std::vector<LayerEdge> cut(kLadder.begin(), kLadder.end() - 1);

  EXPECT_THAT(
      [&] {
        from_edges(cut, 2, {1, 0}, {1, 0});
      },
      ThrowsMessage<Error>(AllOf(HasSubstr("2 connected components"), HasSubstr("(layer 2, state 1)"))));
}

TEST(Circuit, CountsItsComponents) {
  const std::vector<LayerEdge> rails = {{0, 0, 0, 1}, {0, 1, 1, 1}, {1, 0, 0, 1}};  // two rails, the second one broken

  EXPECT_THAT(
      [&] {
        from_edges(rails, 2, {1, 0}, {1, 0});
      },
      ThrowsMessage<Error>(AllOf(HasSubstr("3 connected components"), HasSubstr("(layer 0, state 1)"))));
}

TEST(Circuit, IsOneComponentWhenItIsAccepted) { EXPECT_EQ(from_edges(kLadder, 2, {0.5, 0.5}, {0, 1}).components(), 1); }

TEST(Circuit, RefusesTerminalsThatAreNoDistributions) {
  const double nan = std::nan("");
  EXPECT_THAT(
      [&] {
        from_edges(kLadder, 2, {1, 0}, {0.5, 0.4});
      },
      ThrowsMessage<Error>(AllOf(HasSubstr("target"), HasSubstr("0.9"))));
  EXPECT_THAT(
      [&] {
        from_edges(kLadder, 2, {1.5, -0.5}, {1, 0});
      },
      ThrowsMessage<Error>(AllOf(HasSubstr("source"), HasSubstr("1"))));
  EXPECT_THAT([&] { from_edges(kLadder, 2, {1, 0}, {nan, 1}); }, ThrowsMessage<Error>(HasSubstr("target")));
  EXPECT_THAT([&] { from_edges(kLadder, 2, {1, 0, 0}, {1, 0}); }, ThrowsMessage<Error>(HasSubstr("source")));
  EXPECT_THAT([&] { from_edges(kLadder, 2, {1, 0}, {}); }, ThrowsMessage<Error>(HasSubstr("target")));
}

TEST(Circuit, NeedsALayerPair) {
  EXPECT_THAT(
      [] {
        Circuit(StateSpace(2, 1), {}, {1, 0}, {1, 0});
      },
      ThrowsMessage<Error>(HasSubstr("circuit_layers is 0")));
}

TEST(CouplingsFromEdges, NameTheEdgeThatIsWrong) {
  const double infinity = std::numeric_limits<double>::infinity();
  struct Wrong {
    LayerEdge edge;
    std::string complaint;
  };
  const std::vector<Wrong> wrong = {
      {{2, 0, 0, 1}, "the layer is outside 0..1"},      {{-1, 0, 0, 1}, "the layer is outside 0..1"},
      {{0, 2, 0, 1}, "a state is outside 0..1"},        {{0, -1, 0, 1}, "a state is outside 0..1"},
      {{0, 0, 2, 1}, "a state is outside 0..1"},        {{0, 0, -1, 1}, "a state is outside 0..1"},
      {{0, 0, 0, 0}, "not positive and finite"},        {{0, 0, 0, -2}, "not positive and finite"},
      {{0, 0, 0, infinity}, "not positive and finite"}, {{0, 0, 0, std::nan("")}, "not positive and finite"}};
  for (const auto& [edge, complaint] : wrong) {
    auto edges = kLadder;
    edges.push_back(edge);

    EXPECT_THAT(
        [&] {
          from_edges(edges, 2, {1, 0}, {1, 0});
        },
        ThrowsMessage<Error>(AllOf(HasSubstr("wires.csv: edge 6 ("), HasSubstr(complaint))));
  }
}

}  // namespace
}  // namespace kirchhoff
