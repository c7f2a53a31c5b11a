#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "kirchhoff/currents/currents.hpp"
#include "oracles.hpp"

namespace kirchhoff {
namespace {

constexpr double kRounding = 1e-13;  // sums of at most some hundred terms, relative to the largest

/// Exact fields, learned-like ones, and learned-like ones far from zero.
std::vector<std::vector<double>> fields(const Circuit& circuit) {
  std::vector<std::vector<double>> all = {oracles::to_vector(oracles::potentials(circuit)),
                                          oracles::learned_like_field(circuit, 81)};
  all.push_back(oracles::learned_like_field(circuit, 82));
  for (double& phi : all.back()) phi += 50;
  return all;
}

/// Currents of the edges of layer pair l, (N x N), and the conductances.
Eigen::MatrixXd block(const Circuit& circuit, const Eigen::MatrixXd& whole, int l) {
  const auto n = circuit.states();
  return whole.block(l * n, (l + 1) * n, n, n);
}

TEST(NetCurrent, IsWhatLeavesThroughAllEdges) {
  for (const auto& [name, circuit] : oracles::examples()) {
    for (const auto& field : fields(circuit)) {
      const auto n = circuit.states();
      const Eigen::MatrixXd currents = oracles::currents(circuit, field);
      const Eigen::VectorXd expected = currents.rowwise().sum();
      const double scale = 1 + oracles::to_eigen(field).cwiseAbs().maxCoeff();  // an offset costs digits
      const NetCurrent net(circuit, field);

      double worst = 0;
      for (std::int64_t v = 0; v < circuit.vertices(); ++v) {
        worst = std::max(worst, std::abs(net(static_cast<int>(v / n), v % n) - expected(v)));
      }

      EXPECT_LT(worst, kRounding * scale * (1 + currents.cwiseAbs().rowwise().sum().maxCoeff())) << name;
    }
  }
}

TEST(NetCurrent, IsTheSameForAVertexAndForALayer) {
  for (const auto& [name, circuit] : oracles::examples()) {
    for (const auto& field : fields(circuit)) {
      const auto n = circuit.states();
      const double scale = 1 + oracles::to_eigen(field).cwiseAbs().maxCoeff();
      const double conductance = oracles::conductances(circuit).rowwise().sum().maxCoeff();
      const NetCurrent net(circuit, field);

      double worst = 0;
      for (int l = 0; l <= circuit.layers(); ++l) {
        for (const Range states : {Range{0, n}, Range{1, n}, Range{n / 2, n / 2 + 1}, Range{2, n - 1}}) {
          std::vector<double> out(static_cast<std::size_t>(states.size()));
          net.layer(l, states, out);
          for (auto x = states.begin; x < states.end; ++x) {
            worst = std::max(worst, std::abs(out[static_cast<std::size_t>(x - states.begin)] - net(l, x)));
          }
        }
      }

      EXPECT_LT(worst, kRounding * scale * (1 + conductance)) << name;
    }
  }
}

TEST(EdgeSum, AddsUpConductanceToThePowerTimesSquaredDrops) {
  for (const auto& [name, circuit] : oracles::examples()) {
    const auto field = oracles::learned_like_field(circuit, 83);
    const Eigen::MatrixXd g = oracles::conductances(circuit);
    const Eigen::MatrixXd currents = oracles::currents(circuit, field);
    for (int l = 0; l < circuit.layers(); ++l) {
      const Eigen::MatrixXd i = block(circuit, currents, l);
      const Eigen::MatrixXd drop =
          (block(circuit, g, l).array() > 0).select(i.cwiseQuotient(block(circuit, g, l)), 0.0);
      const double power = i.cwiseProduct(drop).sum();
      const double square = i.squaredNorm();
      const double part = i.middleRows(1, 2).squaredNorm();

      EXPECT_NEAR(edge_sum(circuit, field, l, 1, {0, circuit.states()}), power, kRounding * power) << name << l;
      EXPECT_NEAR(edge_sum(circuit, field, l, 2, {0, circuit.states()}), square, kRounding * square) << name << l;
      EXPECT_NEAR(edge_sum(circuit, field, l, 2, {1, 3}), part, kRounding * square) << name << l;
      EXPECT_EQ(edge_sum(circuit, field, l, 1, {2, 2}), 0) << name << l;
    }
  }
}

TEST(LayerCurrents, SplitByDirectionAndState) {
  for (const auto& [name, circuit] : oracles::examples()) {
    for (const auto& field : fields(circuit)) {
      const Eigen::MatrixXd all = oracles::currents(circuit, field);

      const auto found = layer_currents(MPI_COMM_WORLD, circuit, field);

      for (int l = 0; l < circuit.layers(); ++l) {
        const auto k = static_cast<std::size_t>(l);
        const Eigen::MatrixXd i = block(circuit, all, l);
        const double size = i.cwiseAbs().sum();
        const double same = i.diagonal().cwiseMax(0.0).sum();
        EXPECT_NEAR(found.forward_same[k], same, kRounding * size) << name << l;
        EXPECT_NEAR(found.forward_change[k], i.cwiseMax(0.0).sum() - same, kRounding * size) << name << l;
        EXPECT_NEAR(found.backward[k], (-i).cwiseMax(0.0).sum(), kRounding * size) << name << l;
      }
    }
  }
}

TEST(LayerCurrents, CarryOneAmpereFromLayerToLayer) {
  for (const auto& [name, circuit] : oracles::examples()) {
    const auto field = oracles::to_vector(oracles::potentials(circuit));

    const auto found = layer_currents(MPI_COMM_WORLD, circuit, field);

    for (std::size_t l = 0; l < found.backward.size(); ++l) {
      EXPECT_NEAR(found.forward_same[l] + found.forward_change[l] - found.backward[l], 1, 1e-12) << name << l;  // solve
    }
  }
}

TEST(SolutionCheck, HasTheFiguresOfDenseLinearAlgebra) {
  for (const auto& [name, circuit] : oracles::examples()) {
    const auto field = oracles::learned_like_field(circuit, 84);  // far from a solution: nothing is hidden by rounding
    const Eigen::VectorXd phi = oracles::to_eigen(field);
    const Eigen::MatrixXd a = oracles::laplacian(circuit);
    const Eigen::VectorXd b = oracles::injected(circuit);
    const Eigen::VectorXd residual = b - a * phi;
    const double power = phi.dot(a * phi);
    const double floor =
        4 * std::numeric_limits<double>::epsilon() * a.cwiseAbs().rowwise().sum().maxCoeff() * phi.norm() / b.norm();

    const auto found = check_solution(MPI_COMM_WORLD, circuit, field);

    const auto near = [&](double value, double expected) {
      return std::abs(value - expected) <= 1e-12 * std::abs(expected);  // rounding, with some cancellation
    };
    EXPECT_TRUE(near(found.relative_residual, residual.norm() / b.norm())) << name;
    EXPECT_TRUE(near(found.residual_norm1, residual.lpNorm<1>())) << name;
    EXPECT_TRUE(near(found.kcl_max_imbalance, residual.lpNorm<Eigen::Infinity>())) << name;
    EXPECT_TRUE(near(found.residual_floor, floor)) << name;
    EXPECT_TRUE(near(found.dissipated_power, power)) << name;
    EXPECT_TRUE(near(found.effective_resistance, phi.dot(b))) << name;
    EXPECT_TRUE(near(found.energy_relative_error, std::abs(power - phi.dot(b)) / std::abs(phi.dot(b)))) << name;
  }
}

TEST(SolutionCheck, IsSatisfiedWithExactPotentials) {
  for (const auto& [name, circuit] : oracles::examples()) {
    const auto field = oracles::to_vector(oracles::potentials(circuit));

    const auto found = check_solution(MPI_COMM_WORLD, circuit, field);

    EXPECT_LT(found.relative_residual, 1e-13) << name;  // what an LDLT of some tens of unknowns leaves
    EXPECT_LT(found.kcl_max_imbalance, 1e-13) << name;
    EXPECT_LT(found.energy_relative_error, 1e-12) << name;
  }
}

TEST(SolutionCheck, NoticesEverySingleWrongPotential) {
  for (const auto& [name, circuit] : oracles::examples()) {
    auto field = oracles::to_vector(oracles::potentials(circuit));
    const double span = oracles::to_eigen(field).cwiseAbs().maxCoeff();
    for (double& phi : field) {
      const double kept = phi;
      phi += 1e-8 * span;

      const auto found = check_solution(MPI_COMM_WORLD, circuit, field);

      phi = kept;
      EXPECT_GT(found.relative_residual, 1e-11) << name;  // above both the tolerance and the floor
      EXPECT_GT(found.relative_residual, 10 * found.residual_floor) << name;
      EXPECT_GT(found.kcl_max_imbalance, 1e-12) << name;
    }
  }
}

TEST(SolutionCheck, DoesNotHideNotANumber) {
  const auto circuit = oracles::uniform_circuit(Family::lattice, 4, 1, 2, 1, 5);
  auto field = oracles::to_vector(oracles::potentials(circuit));
  field[5] = std::nan("");

  const auto found = check_solution(MPI_COMM_WORLD, circuit, field);

  EXPECT_TRUE(std::isnan(found.relative_residual));
  EXPECT_TRUE(std::isnan(found.kcl_max_imbalance));
}

}  // namespace
}  // namespace kirchhoff
