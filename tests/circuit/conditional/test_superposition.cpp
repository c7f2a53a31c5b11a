#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "kirchhoff/circuit/conditional/superposition.hpp"
#include "kirchhoff/validate/validate.hpp"
#include "oracles.hpp"

namespace kirchhoff {
namespace {

std::vector<double> potentials_of(const DenseSuperposition& closed, const Mass& p, const Mass& q) {
  std::vector<double> phi;
  for (int l = 0; l <= closed.layers(); ++l) {
    for (std::size_t x = 0; x < p.size(); ++x) phi.push_back(closed.potential(l, p[x], q[x]));
  }
  return phi;
}

TEST(DenseSuperposition, IsTheCircuitsSolution) {
  const auto circuit = oracles::uniform_circuit(Family::dense, 6, 2, 4, 1, 36);
  const std::vector<double> same(4, 1.0);
  const std::vector<double> change(4, 36.0);

  const DenseSuperposition closed(36, same, change);

  const auto phi = potentials_of(closed, circuit.source(), circuit.target());
  EXPECT_LT(oracles::relative_difference(phi, oracles::to_vector(oracles::potentials(circuit))), 1e-12);
}

TEST(DenseSuperposition, TakesResistancesThatDifferFromLayerToLayer) {
  const StateSpace space(5, 1);
  const std::vector<double> same = {1, 0.5, 30};
  const std::vector<double> change = {7, 20, 2};  // the last with r > R
  std::vector<Coupling> couplings;
  for (std::size_t l = 0; l < 3; ++l) couplings.push_back(Coupling::dense(space, same[l], change[l]));
  const Circuit circuit(space, couplings, {0.1, 0.2, 0.3, 0.4, 0}, {0.5, 0, 0, 0.2, 0.3});

  const DenseSuperposition closed(5, same, change);

  const auto phi = potentials_of(closed, circuit.source(), circuit.target());
  EXPECT_LT(oracles::relative_difference(phi, oracles::to_vector(oracles::potentials(circuit))), 1e-12);
}

// The mean of conditional potentials over pairs (x0, xL) is unbiased, whatever joins them: its error falls as 1/sqrt.
TEST(DenseSuperposition, OfPairsConvergesToTheExactPotentialsAsOneOverTheSquareRoot) {
  const auto circuit = oracles::uniform_circuit(Family::dense, 6, 2, 4, 1, 36);
  const std::vector<double> same(4, 1.0);
  const std::vector<double> change(4, 36.0);
  const DenseSuperposition closed(36, same, change);
  const auto exact = oracles::potentials(circuit);
  const auto root_mean_square_error = [&](std::int64_t batch) {
    constexpr std::uint64_t kBatches = 60;
    double square = 0;
    for (std::uint64_t k = 0; k < kBatches; ++k) {
      const auto starts = draw_states(circuit.source(), batch, 2 * k);
      const auto ends = draw_states(circuit.target(), batch, 2 * k + 1);
      std::vector<double> mean(static_cast<std::size_t>(exact.size()));
      for (std::size_t i = 0; i < starts.size(); ++i) {
        Mass p(36);
        Mass q(36);
        p[static_cast<std::size_t>(starts[i])] = 1;
        q[static_cast<std::size_t>(ends[i])] = 1;
        const auto phi = potentials_of(closed, p, q);
        for (std::size_t v = 0; v < mean.size(); ++v) mean[v] += phi[v] / static_cast<double>(batch);
      }
      square += (oracles::to_eigen(mean) - exact).squaredNorm() / exact.squaredNorm();
    }
    return std::sqrt(square / static_cast<double>(kBatches));
  };

  const double few = root_mean_square_error(10);
  const double many = root_mean_square_error(160);

  EXPECT_NEAR(few / many, 4, 0.6);  // 60 batches of some 30 independent states each: the ratio is known to 3 percent
}

}  // namespace
}  // namespace kirchhoff
