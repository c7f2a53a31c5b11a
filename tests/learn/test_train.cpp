#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "kirchhoff/base/error.hpp"
#include "kirchhoff/flow/flow.hpp"
#include "kirchhoff/learn/task/supervision.hpp"
#include "kirchhoff/learn/train.hpp"
#include "networks.hpp"
#include "oracles.hpp"

namespace kirchhoff {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

const auto kForget = [](const TrainState&) {};

/// A small circuit, its exact potentials and a network to learn them.
class Training : public testing::Test {
 protected:
  Training() {
    options_.steps = 40;
    options_.batch = 50;
    options_.warmup = 5;
    options_.learning_rate = 5e-3;
    options_.weight_decay = 0.01;
    options_.validate_every = 6;
    options_.checkpoint_every = 1000;
  }

  Model model(Precision precision = Precision::double_) const {
    return {circuit_.space(), circuit_.layers(), {{16, 16}, Activation::silu, precision}};
  }
  void train_on(MPI_Comm comm, Model& model, TrainState& state,
                const std::function<void(const TrainState&)>& save = kForget) const {
    train(comm, model, supervision_, options_, 3, state, save);
  }

  Circuit circuit_ = oracles::uniform_circuit(Family::dense, 6, 2, 3, 1, 36);
  std::vector<double> potential_ = oracles::to_vector(oracles::potentials(circuit_));
  ExactSupervision supervision_{circuit_.states(), circuit_.layers(), potential_, 3, 0.5};
  TrainOptions options_;
};

using TrainTest = Training;

TEST_F(TrainTest, LowersTheLoss) {
  options_.steps = 400;
  options_.validate_every = 40;
  auto network = model();
  TrainState state;

  train_on(MPI_COMM_WORLD, network, state);

  ASSERT_EQ(state.history.size(), 10u);
  EXPECT_LT(state.history.back().loss, 0.1 * state.history.front().loss);
  EXPECT_LT(state.history.back().validation, 0.1 * state.history.front().validation);
  EXPECT_LT(state.history.back().validation, 0.1);  // of targets of variance one
}

TEST_F(TrainTest, LeavesTheAveragedWeightsInTheModel) {
  auto network = model();
  TrainState state;

  train_on(MPI_COMM_WORLD, network, state);

  EXPECT_EQ(std::vector<double>(network.parameters().begin(), network.parameters().end()), state.average);
  EXPECT_NE(state.average, state.parameters);
}

TEST_F(TrainTest, ValidatesTheAveragedWeightsOnStatesOfTheirOwn) {
  auto network = model();
  TrainState state;

  train_on(MPI_COMM_WORLD, network, state);

  // As many rows as states: a stratified batch is then every state once.
  const auto layers = static_cast<std::size_t>(circuit_.layers()) + 1;
  const auto weights = supervision_.weights(network);
  const auto field = tabulate(MPI_COMM_WORLD, network);
  double sum = 0;
  for (std::size_t v = 0; v < potential_.size(); ++v) {
    const auto l = v / static_cast<std::size_t>(circuit_.states());
    const double error = (field.data()[v] - potential_[v]) / network.scale()[l];
    sum += weights[l] * error * error;
  }
  const double expected = sum / static_cast<double>(static_cast<std::size_t>(circuit_.states()) * layers);
  EXPECT_NEAR(state.history.back().validation, expected, 1e-12 * expected);  // rounding of sums
}

// Loshchilov and Hutter, 2019, algorithm 2, with the constants that everyone uses.
TEST_F(TrainTest, TakesTheStepsOfAdamW) {
  constexpr double kBeta1 = 0.9;
  constexpr double kBeta2 = 0.999;
  options_.steps = 4;
  options_.validate_every = 1;
  auto network = model();
  TrainState state;
  train_on(MPI_COMM_WORLD, network, state);

  supervision_.standardise(network);
  network.initialise(3);
  Eigen::VectorXd p = oracles::to_eigen(network.parameters());
  Eigen::VectorXd m = Eigen::VectorXd::Zero(p.size());
  Eigen::VectorXd v = m;
  std::vector<std::int64_t> states(50);
  std::vector<double> targets(200);
  for (int t = 1; t <= 4; ++t) {
    supervision_.batch(network, t - 1, 50, {0, 50}, states, targets);
    std::vector<double> sum(network.parameters().size());
    networks::accumulate_gradient(network, states, targets, supervision_.weights(network), sum);
    const Eigen::VectorXd g = oracles::to_eigen(sum) / 200;  // the mean over rows and layers
    m = kBeta1 * m + (1 - kBeta1) * g;
    v = kBeta2 * v + (1 - kBeta2) * g.cwiseAbs2();
    const Eigen::ArrayXd step =
        m.array() / (1 - std::pow(kBeta1, t)) / ((v.array() / (1 - std::pow(kBeta2, t))).sqrt() + 1e-8);
    const double rate = state.history[static_cast<std::size_t>(t - 1)].learning_rate;
    p -= rate * (step.matrix() + options_.weight_decay * p);
    std::copy(p.begin(), p.end(), network.parameters().begin());
  }

  // Rounding alone, magnified where a gradient is small.
  EXPECT_LT(oracles::relative_difference(state.parameters, oracles::to_vector(p)), 1e-9);
  EXPECT_LT(oracles::relative_difference(state.first_moment, oracles::to_vector(m)), 1e-9);
  EXPECT_LT(oracles::relative_difference(state.second_moment, oracles::to_vector(v)), 1e-9);
}

TEST_F(TrainTest, GoesOnBitForBitWhereItWasInterrupted) {
  for (const auto precision : {Precision::double_, Precision::single}) {
    auto uninterrupted = model(precision);
    auto resumed = model(precision);
    TrainState whole;
    TrainState kept;
    options_.checkpoint_every = 15;
    train_on(MPI_COMM_WORLD, uninterrupted, whole, [&](const TrainState& state) {
      if (state.step == 15) kept = state;
    });
    ASSERT_EQ(kept.step, 15);

    train_on(MPI_COMM_WORLD, resumed, kept);

    EXPECT_EQ(kept.step, 40);
    EXPECT_EQ(kept.parameters, whole.parameters);
    EXPECT_EQ(kept.first_moment, whole.first_moment);
    EXPECT_EQ(kept.second_moment, whole.second_moment);
    EXPECT_EQ(kept.average, whole.average);
    EXPECT_EQ(kept.best_validation, whole.best_validation);
    ASSERT_EQ(kept.history.size(), whole.history.size());
    for (std::size_t k = 0; k < whole.history.size(); ++k) {
      EXPECT_EQ(kept.history[k].step, whole.history[k].step);
      EXPECT_EQ(kept.history[k].loss, whole.history[k].loss) << k;
      EXPECT_EQ(kept.history[k].validation, whole.history[k].validation) << k;
      EXPECT_EQ(kept.history[k].learning_rate, whole.history[k].learning_rate) << k;
    }
  }
}

TEST_F(TrainTest, IsTheSameOnAnyNumberOfRanksToRounding) {
  options_.steps = 10;
  options_.batch = 17;  // uneven on 2 and 3 ranks
  auto network = model();
  TrainState alone;
  TrainState together;
  train_on(MPI_COMM_SELF, network, alone);

  train_on(MPI_COMM_WORLD, network, together);

  // Gradients differ by rounding alone (1e-15), which Adam may magnify where they are small.
  EXPECT_LT(oracles::relative_difference(together.parameters, alone.parameters), 1e-9);
  EXPECT_LT(oracles::relative_difference(together.average, alone.average), 1e-9);
  EXPECT_NEAR(together.history.back().loss, alone.history.back().loss, 1e-9);
}

TEST_F(TrainTest, TakesBatchesSmallerThanTheNumberOfRanks) {
  options_.steps = 3;
  options_.batch = 1;
  auto network = model();
  TrainState state;

  train_on(MPI_COMM_WORLD, network, state);

  EXPECT_EQ(state.step, 3);
  EXPECT_TRUE(oracles::to_eigen(state.parameters).allFinite());
}

TEST_F(TrainTest, SavesNothingOnceItHasDiverged) {
  options_.learning_rate = 1e300;
  options_.warmup = 0;
  options_.checkpoint_every = 1;
  auto network = model();
  TrainState state;
  int saved = 0;

  EXPECT_THAT([&] { train_on(MPI_COMM_WORLD, network, state, [&](const TrainState&) { ++saved; }); },
              ThrowsMessage<AgreedError>(HasSubstr("training diverged")));

  EXPECT_EQ(saved, 0);
}

TEST_F(TrainTest, SavesEverySoManyStepsAndAtTheEnd) {
  options_.checkpoint_every = 15;
  auto network = model();
  TrainState state;
  std::vector<std::int64_t> saved;

  train_on(MPI_COMM_WORLD, network, state, [&](const TrainState& s) { saved.push_back(s.step); });

  EXPECT_THAT(saved, testing::ElementsAre(15, 30, 40));
}

TEST_F(TrainTest, RecordsEverySoManyStepsAndAtTheEnd) {
  auto network = model();
  TrainState state;

  train_on(MPI_COMM_WORLD, network, state);

  std::vector<std::int64_t> steps;
  double best = state.history.front().validation;
  for (const auto& record : state.history) {
    steps.push_back(record.step);
    best = std::min(best, record.validation);
  }
  EXPECT_THAT(steps, testing::ElementsAre(6, 12, 18, 24, 30, 36, 40));
  EXPECT_EQ(state.best_validation, best);
  EXPECT_EQ(state.loss_sum, 0);
}

TEST_F(TrainTest, WarmsUpAndCoolsDown) {
  options_.validate_every = 1;
  auto network = model();
  TrainState state;

  train_on(MPI_COMM_WORLD, network, state);

  const auto rate = [&](std::size_t step) { return state.history[step - 1].learning_rate; };
  EXPECT_NEAR(rate(1), 1e-3, 1e-15);  // a fifth of the peak
  EXPECT_NEAR(rate(5), 5e-3, 1e-15);  // the peak
  EXPECT_LT(rate(23), 2.6e-3);        // past the middle of the cosine
  EXPECT_GT(rate(22), 2.4e-3);
  EXPECT_NEAR(rate(40), 0, 1e-15);  // the end
}

TEST_F(TrainTest, SaysWhenItDiverges) {
  options_.learning_rate = 1e200;
  auto network = model();
  TrainState state;

  EXPECT_THAT([&] { train_on(MPI_COMM_WORLD, network, state); },
              ThrowsMessage<AgreedError>(AllOf(HasSubstr("training diverged"), HasSubstr("-train_learning_rate"))));
}

/// A small lattice and a network of the currents of its moves.
class CurrentTraining : public testing::Test {
 protected:
  CurrentTraining() {
    options_.steps = 300;
    options_.batch = 36;
    options_.warmup = 5;
    options_.learning_rate = 5e-3;
    options_.validate_every = 30;
    options_.checkpoint_every = 200;
  }
  Model model(Precision precision) const {
    return {circuit_.space(), circuit_.layers(), {{24, 24}, Activation::silu, precision, Head::current, 5}};
  }
  void train_on(MPI_Comm comm, Model& model, TrainState& state,
                const std::function<void(const TrainState&)>& save = kForget) const {
    train(comm, model, CurrentSupervision(circuit_, potential_, 3, 0.5), options_, 3, state, save);
  }

  Circuit circuit_ = oracles::uniform_circuit(Family::lattice, 6, 2, 3, 1, 6);
  std::vector<double> potential_ = oracles::to_vector(oracles::potentials(circuit_));
  TrainOptions options_;
};

TEST_F(CurrentTraining, LearnsTheCurrentsOfEveryMove) {
  auto network = model(Precision::double_);
  TrainState state;

  train_on(MPI_COMM_WORLD, network, state);

  const auto field = std::make_shared<const SharedArray>(tabulate(MPI_COMM_WORLD, network));
  const EdgeCurrents learned(circuit_, field);
  double error2 = 0;
  double exact2 = 0;
  for (std::int64_t v = 0; v < circuit_.vertices(); ++v) {
    const int l = static_cast<int>(v / 36);
    const Flow exact{&circuit_, potential_, {}, nullptr};
    std::vector<double> currents;
    each_current(exact, l, v % 36, [&](int, std::int64_t, double i) { currents.push_back(i); });
    std::size_t k = 0;
    learned.leaving(l, v % 36, [&](int, std::int64_t, double i) {
      error2 += (i - currents[k]) * (i - currents[k]);
      exact2 += currents[k] * currents[k];
      ++k;
    });
  }
  EXPECT_LT(std::sqrt(error2 / exact2), 0.1);
  EXPECT_LT(state.history.back().validation, 0.1 * state.history.front().validation);
}

TEST_F(CurrentTraining, GoesOnBitForBitWhereItWasInterrupted) {
  auto network = model(Precision::single);
  TrainState whole;
  TrainState kept;
  train_on(MPI_COMM_WORLD, network, whole, [&](const TrainState& state) {
    if (state.step == 200) kept = state;
  });

  train_on(MPI_COMM_WORLD, network, kept);

  EXPECT_EQ(kept.parameters, whole.parameters);
  EXPECT_EQ(kept.average, whole.average);
}

TEST_F(CurrentTraining, IsTheSameOnAnyNumberOfRanksToRounding) {
  options_.steps = 10;
  auto network = model(Precision::double_);
  TrainState alone;
  TrainState together;
  train_on(MPI_COMM_SELF, network, alone);

  train_on(MPI_COMM_WORLD, network, together);

  EXPECT_LT(oracles::relative_difference(together.parameters, alone.parameters), 1e-9);  // rounding, as above
}

/// 36 states; source and target that a network of terminals learns from pairs.
class MonteCarloTraining : public testing::Test {
 protected:
  MonteCarloTraining() {
    options_.steps = 30;
    options_.batch = 64;
    options_.warmup = 5;
    options_.learning_rate = 5e-3;
    options_.validate_every = 10;
  }
  Model model(Precision precision = Precision::double_, Likelihood likelihood = Likelihood::categorical) const {
    return {
        circuit_.space(), circuit_.layers(), {{16, 16}, Activation::silu, precision, Head::terminals, 0, likelihood}};
  }
  void train_on(MPI_Comm comm, Model& model, TrainState& state, std::int64_t pairs = 0,
                const std::function<void(const TrainState&)>& save = kForget, double jitter = 0) const {
    train(comm, model, MonteCarloSupervision(circuit_.source(), circuit_.target(), pairs, 3, jitter), options_, 3,
          state, save);
  }

  Circuit circuit_ = oracles::uniform_circuit(Family::dense, 6, 2, 3, 1, 36);
  TrainOptions options_;
};

TEST_F(MonteCarloTraining, LearnsBothTerminalsFromSamples) {
  options_.steps = 1500;
  options_.batch = 256;
  auto network = model(Precision::single);
  network.initialise(3);
  const auto before = learned_terminals(MPI_COMM_WORLD, network);
  TrainState state;

  train_on(MPI_COMM_WORLD, network, state);

  const auto after = learned_terminals(MPI_COMM_WORLD, network);
  const auto tv = [](const Mass& g, const Mass& q) {
    return (oracles::to_eigen(g) - oracles::to_eigen(q)).cwiseAbs().sum() / 2;
  };
  EXPECT_GT(tv(before.target, circuit_.target()), 0.1);
  EXPECT_LT(tv(after.source, circuit_.source()), 0.006);  // counting as many draws: about 0.003
  EXPECT_LT(tv(after.target, circuit_.target()), 0.006);
  const auto entropy = [](const Mass& q) {
    double sum = 0;
    for (const double m : q) sum -= m > 0 ? m * std::log(m) : 0;
    return sum;
  };
  // The loss is the mean negative log-likelihood of a terminal's row.
  const double floor = (entropy(circuit_.source()) + entropy(circuit_.target())) / 2;
  EXPECT_NEAR(state.history.back().validation, floor, 0.05);  // 4,096 held-out rows: deviation about 0.01
}

TEST_F(MonteCarloTraining, IsTheSameOnAnyNumberOfRanksToRounding) {
  options_.batch = 17;
  auto network = model();
  TrainState alone;
  TrainState together;
  train_on(MPI_COMM_SELF, network, alone);

  train_on(MPI_COMM_WORLD, network, together);

  EXPECT_LT(oracles::relative_difference(together.parameters, alone.parameters), 1e-8);  // rounding, as above
}

TEST_F(MonteCarloTraining, OfAMixtureWithJitterIsTheSameOnAnyNumberOfRanksToo) {
  options_.batch = 17;
  auto network = model(Precision::double_, Likelihood::mixture);
  TrainState alone;
  TrainState together;
  train_on(MPI_COMM_SELF, network, alone, 40, kForget, 0.7);

  train_on(MPI_COMM_WORLD, network, together, 40, kForget, 0.7);

  EXPECT_LT(oracles::relative_difference(together.parameters, alone.parameters), 1e-8);  // rounding, as above
  TrainState still;
  train_on(MPI_COMM_SELF, network, still, 40);
  EXPECT_GT(oracles::relative_difference(still.parameters, alone.parameters), 1e-3);
}

TEST_F(MonteCarloTraining, KeepsTheWeightsThatValidatedBest) {
  options_.steps = 400;  // 9 pairs are soon learned by heart
  options_.average = 0.9;
  auto network = model();
  TrainState state;

  train_on(MPI_COMM_WORLD, network, state, 10);

  const auto best = std::min_element(state.history.begin(), state.history.end(),
                                     [](const auto& a, const auto& b) { return a.validation < b.validation; });
  EXPECT_LT(best->step, options_.steps);
  EXPECT_EQ(state.best_validation, best->validation);
  EXPECT_NE(state.best, state.average);
  EXPECT_TRUE(std::equal(state.best.begin(), state.best.end(), network.parameters().begin()));
}

TEST_F(MonteCarloTraining, SamplesByTheAverageWhereNoRowRepeatsAndBeforeAnyValidation) {
  TrainState fresh;
  TrainState early;
  auto network = model();
  train_on(MPI_COMM_WORLD, network, fresh);
  EXPECT_EQ(fresh.model(), fresh.average);
  EXPECT_EQ(fresh.validation(), fresh.history.back().validation);
  EXPECT_TRUE(std::equal(fresh.average.begin(), fresh.average.end(), network.parameters().begin()));

  options_.checkpoint_every = 4;  // validations are 10 apart
  train_on(MPI_COMM_WORLD, network, early, 50, [&](const TrainState& state) {
    if (state.step == 4) fresh = state;
  });

  EXPECT_EQ(fresh.model(), fresh.average);
  EXPECT_NE(fresh.model(), early.model());
  EXPECT_EQ(fresh.validation(), 0);
}

TEST(MonteCarloMixture, LearnsFromFewRowsWhatCountingThemDoesNot) {
  constexpr int kStates = 60;
  constexpr int kPairs = 1000;
  Mass bump(kStates);
  for (int x = 0; x < kStates; ++x)
    bump[static_cast<std::size_t>(x)] = 0.02 + std::exp(-0.5 * std::pow((x - 25) / 9.0, 2));
  double sum = 0;
  for (const double m : bump) sum += m;
  for (double& m : bump) m /= sum;
  const MonteCarloSupervision pairs(bump, bump, kPairs, 2);
  TrainOptions options;
  options.steps = 300;
  options.batch = 128;
  options.warmup = 20;
  options.average = 0.95;
  options.learning_rate = 3e-3;
  options.validate_every = 20;
  Model network(StateSpace(kStates, 1), 2,
                {{32, 32}, Activation::silu, Precision::double_, Head::terminals, 0, Likelihood::mixture});
  TrainState state;

  train(MPI_COMM_WORLD, network, pairs, options, 2, state, kForget);

  Mass counted(kStates);
  for (std::int64_t row = 0; row < 8000; ++row) {
    counted[static_cast<std::size_t>(pairs.draw(0, 8000, row).target)] += 1.0 / 8000;
  }
  const auto tv = [&](const Mass& g) { return (oracles::to_eigen(g) - oracles::to_eigen(bump)).cwiseAbs().sum() / 2; };
  EXPECT_LT(tv(learned_terminals(MPI_COMM_WORLD, network).target), tv(counted) / 2);
}

TEST_F(MonteCarloTraining, GoesOnBitForBitWhereItWasInterrupted) {
  options_.checkpoint_every = 12;
  auto network = model(Precision::single);
  TrainState whole;
  TrainState kept;
  train_on(MPI_COMM_WORLD, network, whole, 50, [&](const TrainState& state) {
    if (state.step == 12) kept = state;
  });

  train_on(MPI_COMM_WORLD, network, kept, 50);

  EXPECT_EQ(kept.parameters, whole.parameters);
  EXPECT_EQ(kept.average, whole.average);
  EXPECT_EQ(kept.best, whole.best);
}

TEST(LearnedTerminals, AreDistributionsAndTheSameBitsOnAnyNumberOfRanks) {
  for (const auto precision : {Precision::double_, Precision::single}) {
    Model model(StateSpace(30, 2), 4, {{16}, Activation::silu, precision, Head::terminals});
    model.initialise(6);
    const auto alone = learned_terminals(MPI_COMM_SELF, model);

    const auto together = learned_terminals(MPI_COMM_WORLD, model);

    EXPECT_EQ(together.source, alone.source);
    EXPECT_EQ(together.target, alone.target);
    EXPECT_NE(together.target, together.source);
    EXPECT_NEAR(oracles::to_eigen(together.target).sum(), 1, 1e-13);  // rounding
    EXPECT_GT(oracles::to_eigen(together.target).minCoeff(), 0);
  }
}

TEST(MonteCarloSupervision, NeverTrainsOnWhatIsHeldOut) {
  const Mass mass(100000, 1e-5);  // draws hardly ever repeat by chance
  const MonteCarloSupervision pairs(mass, mass, 100, 1);
  std::vector<std::int64_t> held;
  for (std::int64_t row = 0; row < pairs.held_out_rows(); ++row) held.push_back(pairs.held_out(row).target);

  for (std::int64_t row = 0; row < 2000; ++row) {
    const auto drawn = pairs.draw(0, 2000, row);
    EXPECT_EQ(std::count(held.begin(), held.end(), drawn.target), 0) << row;
  }

  EXPECT_EQ(held.size(), 10u);
  EXPECT_EQ(pairs.distinct_rows(1, 2000), 90);
}

TEST(MonteCarloSupervision, DrawsStatesAsOftenAsTheirMass) {
  const Mass p = {0.5, 0, 0.3, 0.2};
  const Mass q = {0, 0.1, 0.9, 0};
  const MonteCarloSupervision pairs(p, q, 0, 1);
  Mass shares_p(4);
  Mass shares_q(4);
  for (std::int64_t row = 0; row < 40000; ++row) {
    const auto drawn = pairs.draw(row % 7, 40000, row);
    shares_p[static_cast<std::size_t>(drawn.source)] += 1.0 / 40000;
    shares_q[static_cast<std::size_t>(drawn.target)] += 1.0 / 40000;
  }

  for (std::size_t x = 0; x < 4; ++x) {
    EXPECT_NEAR(shares_p[x], p[x], 0.0125);  // five deviations of at most 0.0025
    EXPECT_NEAR(shares_q[x], q[x], 0.0125);
  }
}

}  // namespace
}  // namespace kirchhoff
