#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <vector>

#include "kirchhoff/base/error.hpp"
#include "kirchhoff/circuit/circuit.hpp"
#include "kirchhoff/learn/task/walk_supervision.hpp"
#include "kirchhoff/learn/walk/neural_walk.hpp"
#include "kirchhoff/learn/walk_train.hpp"
#include "kirchhoff/validate/validate.hpp"
#include "oracles.hpp"
#include "walk_chain.hpp"

namespace kirchhoff {
namespace {

struct WalkProblem {
  StateSpace space;
  HammingCircuit circuit;
  std::vector<std::uint16_t> ends;  // (count x D)
};

/// S = 2 and more, L = 1 and more, R above and below r, a schedule; end points with repetitions.
std::vector<WalkProblem> problems() {
  std::vector<WalkProblem> all;
  const auto add = [&](int s, int d, std::vector<double> same, std::vector<double> change, int count) {
    WalkProblem p{StateSpace(s, d), {s, d, std::move(same), std::move(change)}, {}};
    for (int i = 0; i < count * d; ++i) {
      Random random(11, Stream::target_draw, static_cast<std::uint64_t>(i));
      p.ends.push_back(static_cast<std::uint16_t>(random.below(s)));
    }
    p.ends.insert(p.ends.end(), p.ends.begin(), p.ends.begin() + d);
    all.push_back(std::move(p));
  };
  add(2, 5, {1}, {1}, 4);
  add(3, 3, {1}, {1}, 5);
  add(3, 3, {1, 1, 1}, {8, 8, 8}, 5);
  add(4, 2, {2, 2}, {1, 1}, 3);
  add(2, 4, {1, 2, 1}, {4, 3, 9}, 6);
  return all;
}

std::string text(const WalkProblem& p) {
  return "S " + std::to_string(p.space.categories()) + ", D " + std::to_string(p.space.dimensions()) + ", L " +
         std::to_string(p.circuit.same.size());
}

/// A small network of the moves of a problem, with the linear evidence where there are bits.
MoveModel network_of(const WalkProblem& p, std::vector<int> hidden) {
  ModelOptions options;
  options.hidden = std::move(hidden);
  options.evidence = p.space.categories() == 2;
  return {MoveSet(p.space, static_cast<int>(p.circuit.same.size())), options};
}

TEST(WalkSupervision, PoolsTheWalksOfAllEndPointsByTheirVisits) {
  for (const auto& p : problems()) {
    const Quotient quotient(p.circuit);
    const HammingWalkSupervision supervision(quotient, Draws::from_rows(p.space, p.ends), 3, 1);
    const auto m = static_cast<std::size_t>(supervision.moves().size());
    const auto d = static_cast<std::size_t>(p.space.dimensions());
    std::vector<float> pooled(m);
    std::vector<float> one(m);
    double worst = 0;
    oracles::every_vertex(supervision.moves(), [&](int l, std::int64_t, const std::vector<std::uint16_t>& state) {
      supervision.flow(l, state, {}, p.ends, pooled);
      std::vector<double> expected(m, 0.0);
      double total = 0;
      for (std::size_t k = 0; k < p.ends.size(); k += d) {
        const auto end = std::span(p.ends).subspan(k, d);
        const int distance = p.space.hamming(p.space.index(state), p.space.index(end));
        const double weight = quotient.visits(l, distance) / std::exp(quotient.log_states(distance));
        supervision.toward(l, state, {}, end, one);
        for (std::size_t i = 0; i < m; ++i) expected[i] += weight * one[i];
        total += weight;
      }
      for (std::size_t i = 0; i < m; ++i) worst = std::max(worst, std::abs(expected[i] / total - pooled[i]));
    });

    EXPECT_LT(worst, 2e-5) << text(p);
  }
}

TEST(WalkSupervision, ItsFlowIsAMarkovChainThatEndsInTheTarget) {
  for (const auto& p : problems()) {
    const Quotient quotient(p.circuit);
    const HammingWalkSupervision supervision(quotient, Draws::from_rows(p.space, p.ends), 3, 1);
    const auto chain = oracles::chain_of(supervision, named_mass(p.space, "uniform"), {}, p.ends);
    const double moves = std::accumulate(chain.visits.begin(), chain.visits.end(), 0.0) - 1;

    EXPECT_LT(total_variation(chain.law, empirical_mass(p.space, p.ends)), 2e-5) << text(p);
    EXPECT_NEAR(moves, quotient.expected_moves(), 1e-3) << text(p);
  }
}

TEST(WalkSupervision, ABatchIsTheSameHoweverItIsDividedAmongRanks) {
  const auto p = problems()[1];
  const HammingWalkSupervision supervision(Quotient(p.circuit), Draws::from_rows(p.space, p.ends), 3, 16);
  MoveBatch whole;
  supervision.batch(7, 50, {0, 50}, whole);
  for (const int parts : {2, 3, 50}) {
    MoveBatch glued;
    for (int part = 0; part < parts; ++part) {
      MoveBatch piece;
      supervision.batch(7, 50, partition(50, parts, part), piece);
      glued.layers.insert(glued.layers.end(), piece.layers.begin(), piece.layers.end());
      glued.states.insert(glued.states.end(), piece.states.begin(), piece.states.end());
      glued.targets.insert(glued.targets.end(), piece.targets.begin(), piece.targets.end());
    }

    EXPECT_EQ(glued.layers, whole.layers);
    EXPECT_EQ(glued.states, whole.states);
    EXPECT_EQ(glued.targets, whole.targets);
  }
}

TEST(WalkSupervision, VerticesComeWithTheVisitsOfTheExactFlow) {
  const auto p = problems()[2];
  const Quotient quotient(p.circuit);
  const auto d = static_cast<std::size_t>(p.space.dimensions());
  const std::vector<std::uint16_t> end(p.ends.begin(), p.ends.begin() + p.space.dimensions());
  const HammingWalkSupervision supervision(quotient, Draws::from_rows(p.space, end), 3, 1);
  constexpr std::int64_t kCount = 200000;
  MoveBatch batch;
  supervision.batch(0, kCount, {0, kCount}, batch);
  std::vector<double> seen(static_cast<std::size_t>(p.space.size()) * 4, 0.0);
  for (std::size_t i = 0; i < batch.layers.size(); ++i) {
    const auto x = p.space.index(std::span<const std::uint16_t>(batch.states).subspan(i * d, d));
    seen[static_cast<std::size_t>(batch.layers[i] * p.space.size() + x)] += 1.0 / kCount;
  }
  std::vector<double> expected;
  oracles::every_vertex(supervision.moves(), [&](int l, std::int64_t x, const std::vector<std::uint16_t>&) {
    const int distance = p.space.hamming(x, p.space.index(end));
    expected.push_back(quotient.visits(l, distance) / std::exp(quotient.log_states(distance)) /
                       (quotient.expected_moves() + 1));
  });

  EXPECT_LT(total_variation(seen, expected), 2 * std::sqrt(108.0 / (2 * 3.14159 * kCount)));
}

TEST(MoveModel, DerivativesAreThoseOfItsLoss) {
  for (const std::size_t which : {0U, 2U, 4U}) {
    const auto p = problems()[which];
    const HammingWalkSupervision supervision(Quotient(p.circuit), Draws::from_rows(p.space, p.ends), 3, 8);
    auto model = network_of(p, {12, 9});
    model.initialise(1);
    const auto parameters = model.parameters();
    for (std::size_t i = 0; i < parameters.size(); ++i) {  // also where training starts from zero
      parameters[i] += static_cast<float>(0.2 * Random(5, Stream::parameters, i).normal());
    }
    MoveBatch batch;
    supervision.batch(0, 16, {0, 16}, batch);
    std::vector<float> gradient(parameters.size(), 0.0F);
    model.cross_entropy(batch.layers, batch.states, batch.targets, {}, 1, gradient);
    constexpr float kStep = 1e-2F;
    double worst = 0;
    double largest = 0;
    for (std::size_t i = 0; i < gradient.size(); i += 3) {
      const float before = parameters[i];
      const auto loss_at = [&](float value) {
        parameters[i] = value;
        return model.cross_entropy(batch.layers, batch.states, batch.targets, {}, 1, {});
      };
      const double slope = (loss_at(before + kStep) - loss_at(before - kStep)) / (2 * static_cast<double>(kStep));
      parameters[i] = before;
      worst = std::max(worst, std::abs(slope - gradient[i]));
      largest = std::max(largest, std::abs(slope));
    }

    EXPECT_LT(worst, 2e-3 * largest) << text(p);
  }
}

TEST(MoveModel, GivesProbabilitiesToTheMovesThatThereAre) {
  const auto p = problems()[4];
  auto model = network_of(p, {8});
  model.initialise(2);
  std::vector<float> out(static_cast<std::size_t>(model.moves().size()));
  oracles::every_vertex(model.moves(), [&](int l, std::int64_t, const std::vector<std::uint16_t>& state) {
    const std::int32_t layer = l;
    model.probabilities(std::span(&layer, 1), state, out);
    std::vector<float> rest = out;
    float sum = 0;
    model.moves().visit(l, state, [&](int k) {
      sum += out[static_cast<std::size_t>(k)];
      rest[static_cast<std::size_t>(k)] = 0;
    });

    EXPECT_NEAR(sum, 1, 1e-5);
    EXPECT_EQ(std::accumulate(rest.begin(), rest.end(), 0.0F), 0.0F);
  });
}

struct Trained {
  MoveModel model;
  TrainState state;
  TrainState half;  // as saved half-way
};

TrainOptions short_training(std::int64_t steps) {
  TrainOptions options;
  options.steps = steps;
  options.batch = 64;
  options.learning_rate = 5e-3;
  options.warmup = 10;
  options.average = 0.98;
  options.validate_every = steps / 4;
  options.checkpoint_every = steps / 2;
  return options;
}

Trained train_on(MPI_Comm comm, const WalkProblem& p, std::int64_t steps, TrainState start = {}) {
  const HammingWalkSupervision supervision(Quotient(p.circuit), Draws::from_rows(p.space, p.ends), 3, 32);
  Trained trained{network_of(p, {32, 32}), std::move(start), {}};
  const auto save = [&](const TrainState& now) {
    if (now.step == steps / 2) trained.half = now;
  };
  train_walk(comm, trained.model, supervision, p.ends, short_training(steps), 1, trained.state, save,
             [](const TrainRecord&) { return std::string(); });
  return trained;
}

TEST(TrainWalk, LearnsTheFlowAndItsWalkEndsNearTheTarget) {
  const auto p = problems()[1];
  const auto trained = train_on(MPI_COMM_WORLD, p, 800);
  const auto law = exit_law_of_moves(MPI_COMM_WORLD, trained.model, named_mass(p.space, "uniform"));

  EXPECT_LT(total_variation(law.mass, empirical_mass(p.space, p.ends)), 0.1);
  EXPECT_LT(law.lost, 1e-9);
  EXPECT_NEAR(std::accumulate(law.mass.begin(), law.mass.end(), 0.0), 1, 1e-5);
}

TEST(TrainWalk, GoesOnFromACheckpointBitForBit) {
  const auto p = problems()[4];
  const auto whole = train_on(MPI_COMM_WORLD, p, 40);
  const auto resumed = train_on(MPI_COMM_WORLD, p, 40, whole.half);

  EXPECT_EQ(whole.half.step, 20);
  EXPECT_EQ(whole.state.parameters, resumed.state.parameters);
  EXPECT_EQ(whole.state.best, resumed.state.best);
  EXPECT_EQ(whole.state.best_validation, resumed.state.best_validation);
}

TEST(TrainWalk, RanksTogetherTakeTheStepsOfOne) {
  const auto p = problems()[0];
  const auto together = train_on(MPI_COMM_WORLD, p, 20);
  const auto alone = train_on(MPI_COMM_SELF, p, 20);
  double worst = 0;
  for (std::size_t i = 0; i < alone.state.average.size(); ++i) {
    worst = std::max(worst, std::abs(alone.state.average[i] - together.state.average[i]));
  }

  EXPECT_LT(worst, 1e-3);  // Adam divides by the gradient's size: rounding of small ones shows
  EXPECT_NEAR(alone.state.best_validation, together.state.best_validation, 1e-3);
}

/// Letters of four kinds, written as three bits each of which one at most is set: a letter is the one before or the
/// one after that in its order. Few of them: a network has to see which bits belong together.
TEST(TrainWalk, EvidenceFindsBitsThatBelongTogetherInFewRows) {
  constexpr int kLetters = 8;
  const StateSpace space(2, 3 * kLetters);
  const HammingCircuit circuit{2, 3 * kLetters, {1}, {1}};
  const auto rows_of = [&](std::uint64_t first, int count) {
    std::vector<std::uint16_t> rows;
    for (int i = 0; i < count; ++i) {
      Random random(17, Stream::target_draw, first + static_cast<std::uint64_t>(i));
      int letter = static_cast<int>(random.below(4));
      for (int j = 0; j < kLetters; ++j, letter = (letter + static_cast<int>(random.below(2))) % 4) {
        for (int bit = 0; bit < 3; ++bit) rows.push_back(letter == bit ? 1 : 0);
      }
    }
    return rows;
  };
  const HammingWalkSupervision supervision(Quotient(circuit), Draws::from_rows(space, rows_of(0, 200)), 3, 64);
  const auto held_out = rows_of(1000, 200);
  const auto loss = [&](bool evidence) {
    ModelOptions options;
    options.hidden = {32, 32};
    options.evidence = evidence;
    MoveModel model(MoveSet(space, 1), options);
    TrainState state;
    train_walk(
        MPI_COMM_WORLD, model, supervision, held_out, short_training(400), 1, state, [](const TrainState&) {},
        [](const TrainRecord&) { return std::string(); });
    return state.best_validation;
  };

  EXPECT_LT(loss(true), loss(false) - 0.05);
}

TEST(WalkMoves, PathsLeadFromStartToEnd) {
  const auto p = problems()[4];
  const auto trained = train_on(MPI_COMM_SELF, p, 20);
  const auto& moves = trained.model.moves();
  const auto walks = walk_moves(MPI_COMM_WORLD, trained.model, Draws::named(p.space, "uniform"), 300, 9, 0, true);
  const auto d = static_cast<std::size_t>(p.space.dimensions());
  ASSERT_EQ(walks.path.size(), walks.moves.size());
  for (std::size_t i = 0; i < walks.path.size(); ++i) {
    std::vector<std::uint16_t> state(walks.start.begin() + static_cast<std::ptrdiff_t>(i * d),
                                     walks.start.begin() + static_cast<std::ptrdiff_t>((i + 1) * d));
    int layer = 0;
    for (const int move : walks.path[i]) moves.apply(move, layer, state);

    EXPECT_EQ(walks.path[i].size(), static_cast<std::size_t>(walks.moves[i]) + 1);
    EXPECT_EQ(walks.path[i].back(), MoveSet::kLeave);
    EXPECT_TRUE(std::equal(state.begin(), state.end(), walks.end.begin() + static_cast<std::ptrdiff_t>(i * d)));
  }
}

TEST(WalkMoves, AreTheSameOnAnyNumberOfRanksAndFollowTheExitLaw) {
  const auto p = problems()[1];
  const auto trained = train_on(MPI_COMM_SELF, p, 100);
  const auto uniform = Draws::named(p.space, "uniform");
  constexpr std::int64_t kCount = 20000;
  const auto mine = walk_moves(MPI_COMM_WORLD, trained.model, uniform, kCount, 9);
  const auto all = walk_moves(MPI_COMM_SELF, trained.model, uniform, kCount, 9);
  const auto law = exit_law_of_moves(MPI_COMM_WORLD, trained.model, named_mass(p.space, "uniform"));
  const auto alone = exit_law_of_moves(MPI_COMM_SELF, trained.model, named_mass(p.space, "uniform"));
  const auto d = static_cast<std::size_t>(p.space.dimensions());
  const auto from = static_cast<std::size_t>(mine.first);

  double different = 0;
  for (std::size_t i = 0; i < mine.moves.size(); ++i) different += mine.moves[i] != all.moves[from + i] ? 1 : 0;
  for (std::size_t i = 0; i < mine.end.size(); ++i) different += mine.end[i] != all.end[from * d + i] ? 1 : 0;
  EXPECT_EQ(all_sum(MPI_COMM_WORLD, different), 0);
  EXPECT_LT(total_variation(law.mass, alone.mass), 1e-10);
  EXPECT_LT(total_variation(empirical_mass(p.space, all.end), law.mass), 2 * std::sqrt(27.0 / (2 * 3.14159 * kCount)));
  EXPECT_EQ(std::accumulate(all.stuck.begin(), all.stuck.end(), 0), 0);
}

TEST(WalkMoves, LeapWithFewerCallsAndNearlyToTheSameEnds) {
  // Independent bits: the moves do not depend on each other far from the end, so leaps cost little there.
  constexpr int kBits = 8;
  const StateSpace space(2, kBits);
  std::vector<std::uint16_t> ends;
  for (std::uint64_t i = 0; i < 400; ++i) {
    Random random(8, Stream::target_draw, i);
    for (int j = 0; j < kBits; ++j) ends.push_back(random.uniform() < 0.9 ? 1 : 0);
  }
  const WalkProblem p{space, {2, kBits, {1}, {1}}, ends};
  const auto trained = train_on(MPI_COMM_SELF, p, 400);
  const auto uniform = Draws::named(space, "uniform");
  constexpr std::int64_t kCount = 4000;
  const auto exact = walk_moves(MPI_COMM_SELF, trained.model, uniform, kCount, 9);
  const auto leapt = walk_moves(MPI_COMM_SELF, trained.model, uniform, kCount, 9, 1);
  const auto mean = [](const auto& v) { return std::accumulate(v.begin(), v.end(), 0.0) / kCount; };

  for (std::size_t i = 0; i < exact.moves.size(); ++i) ASSERT_EQ(exact.calls[i], exact.moves[i] + 1);
  EXPECT_LT(mean(leapt.calls), 0.95 * mean(exact.calls));
  EXPECT_NEAR(mean(leapt.end) / kBits, mean(exact.end) / kBits, 0.05);  // measured: 0.031 with the largest leaps
  EXPECT_EQ(std::accumulate(leapt.stuck.begin(), leapt.stuck.end(), 0), 0);
  const MoveModel longer(MoveSet(space, 2), {{8}, Activation::silu, Precision::single});
  EXPECT_THROW(walk_moves(MPI_COMM_SELF, longer, uniform, 10, 1, 0.5), Error);
}

TEST(PathLogLikelihood, AgreesWithTheExitLaw) {
  for (const std::size_t which : {0U, 4U}) {
    const auto p = problems()[which];
    const auto trained = train_on(MPI_COMM_SELF, p, 200);
    const HammingWalkSupervision conditional(Quotient(p.circuit), Draws::from_rows(p.space, p.ends), 3, 1);
    const auto law = exit_law_of_moves(MPI_COMM_WORLD, trained.model, named_mass(p.space, "uniform"));
    std::vector<std::uint16_t> rows;  // all states: also those that the model hardly ever ends in
    std::vector<std::uint16_t> state(static_cast<std::size_t>(p.space.dimensions()));
    double exact = 0;
    for (std::int64_t x = 0; x < p.space.size(); ++x) {
      p.space.coordinates(x, state);
      rows.insert(rows.end(), state.begin(), state.end());
      exact += std::log(law.mass[static_cast<std::size_t>(x)]) / static_cast<double>(p.space.size());
    }
    const auto uniform = Draws::named(p.space, "uniform");
    const auto found = path_log_likelihood(MPI_COMM_WORLD, trained.model, conditional, uniform, rows, 4000, 5);

    ASSERT_TRUE(found.mean && found.error);
    EXPECT_GT(*found.error, 0);
    EXPECT_LT(*found.error, 0.05);
    EXPECT_NEAR(*found.mean, exact, 5 * *found.error) << text(p);
    EXPECT_EQ(found.rows_without_path, 0);
    for (const int few : {1, 2, 3, kFewestPathsForError - 1}) {
      const auto rough = path_log_likelihood(MPI_COMM_WORLD, trained.model, conditional, uniform, rows, few, 5);
      EXPECT_TRUE(rough.mean_of_rest) << few;
      EXPECT_FALSE(rough.error || rough.bias) << few;  // nothing tells it
    }
    EXPECT_TRUE(
        path_log_likelihood(MPI_COMM_WORLD, trained.model, conditional, uniform, rows, kFewestPathsForError, 5).error);
  }
}

TEST(PathLogLikelihood, CountsRowsThatHalfOfThePathsOrNoneLedTo) {
  const double never = -std::numeric_limits<double>::infinity();
  const std::vector<double> logs = {-1, -3, never, -2, never, never};

  const auto found = likelihood_of(logs, 2, true);

  const double of_first = std::log((std::exp(-1.0) + std::exp(-3.0)) / 2);
  const double of_second = std::log(std::exp(-2.0) / 2);
  EXPECT_FALSE(found.mean);
  EXPECT_NEAR(*found.mean_of_rest, (of_first + of_second) / 2, 1e-15);
  EXPECT_EQ(found.rows_without_path, 1);
  EXPECT_EQ(found.rows_half_found, 1);
  EXPECT_NEAR(*found.error, std::sqrt((2.0 + 2.0) / 2) / 2, 1e-15);  // (1 - 3)^2 / 2, and 2 of the half found
  EXPECT_NEAR(*found.bias, -(2.0 + 2.0) / 2 / 4, 1e-15);
  EXPECT_FALSE(likelihood_of(logs, 2, false).error);
  const std::vector<double> none = {never, never};
  EXPECT_FALSE(likelihood_of(none, 2, true).mean_of_rest || likelihood_of(none, 2, true).error);
}

TEST(PathLogLikelihood, HasAnErrorThatCoversHalfFoundRows) {
  // Of halves that find a row of probability p with a chance of 0.8 as p / 0.8: unbiased, and not found else.
  constexpr int kRows = 4000;
  std::vector<double> logs;
  const auto chance = oracles::uniform_numbers(2 * kRows, 0, 1, 4);
  for (const double u : chance) logs.push_back(u < 0.8 ? -std::log(0.8) : -std::numeric_limits<double>::infinity());

  const auto found = likelihood_of(logs, 2, true);

  EXPECT_NEAR(static_cast<double>(found.rows_half_found), 0.32 * kRows, 5 * std::sqrt(0.32 * 0.68 * kRows));
  // E log of the mean, given that one half found it: (0.64 log(1 / 0.8) + 0.32 log(0.5 / 0.8)) / 0.96.
  const double expected = (0.64 * std::log(1.25) + 0.32 * std::log(0.625)) / 0.96;
  const double deviation = std::sqrt(0.64 * 0.32) / 0.96 * std::log(2.0) / std::sqrt(0.96 * kRows);
  EXPECT_NEAR(*found.mean_of_rest, expected, 5 * deviation);
  EXPECT_GE(*found.error, deviation);
  EXPECT_LE(*found.bias, 0.9 * expected);  // log p is 0: all of it is bias, and is covered
}

/// Walks between samples: each pair of a start and an end is as likely as any other. R far above r makes walks of very
/// different length, a start that is also an end the shortest.
struct PairProblem {
  WalkProblem p;                      // with the distinct pairs' ends
  std::vector<std::uint16_t> source;  // (count x D)
  std::vector<std::uint16_t> starts;  // all pairs
  std::vector<std::uint16_t> ends;

  HammingWalkSupervision supervision(int references) const {
    return {p.circuit, Draws::from_rows(p.space, source), Draws::from_rows(p.space, p.ends), 3, references};
  }
};

std::vector<PairProblem> pair_problems() {
  std::vector<PairProblem> all;
  for (auto& p : problems()) {
    const auto d = static_cast<std::size_t>(p.space.dimensions());
    PairProblem pairs{p, {}, {}, {}};
    for (std::size_t j = 0; j < 2 * d; ++j) {
      Random random(12, Stream::target_draw, j);
      pairs.source.push_back(static_cast<std::uint16_t>(random.below(p.space.categories())));
    }
    pairs.source.insert(pairs.source.end(), p.ends.begin(), p.ends.begin() + p.space.dimensions());
    for (std::size_t i = 0; i < pairs.source.size(); i += d) {
      for (std::size_t k = 0; k < p.ends.size(); k += d) {
        pairs.starts.insert(pairs.starts.end(), &pairs.source[i], &pairs.source[i] + d);
        pairs.ends.insert(pairs.ends.end(), &p.ends[k], &p.ends[k] + d);
      }
    }
    all.push_back(std::move(pairs));
  }
  all[0].p.circuit.change = {20};
  return all;
}

TEST(WalkBetweenSamples, FollowsTheCurrentsOfThePairsWholeCircuit) {
  for (const auto& pairs : pair_problems()) {
    const auto& p = pairs.p;
    const auto supervision = pairs.supervision(1);
    const auto& moves = supervision.moves();
    const auto d = static_cast<std::size_t>(p.space.dimensions());
    const auto n = p.space.size();
    std::vector<Coupling> couplings;
    for (std::size_t l = 0; l < p.circuit.same.size(); ++l) {
      couplings.push_back(Coupling::hamming(p.space, p.circuit.same[l], p.circuit.change[l]));
    }
    double worst = 0;
    double least = 1;
    std::vector<float> found(static_cast<std::size_t>(moves.size()));
    for (std::size_t k = 0; k < pairs.starts.size(); k += d) {
      const auto start = std::span(pairs.starts).subspan(k, d);
      const auto end = std::span(pairs.ends).subspan(k, d);
      Mass source(static_cast<std::size_t>(n), 0.0);
      Mass target(source);
      source[static_cast<std::size_t>(p.space.index(start))] = 1;
      target[static_cast<std::size_t>(p.space.index(end))] = 1;
      const Circuit circuit(p.space, couplings, source, target);
      const auto potential = oracles::to_vector(oracles::potentials(circuit));
      oracles::every_vertex(moves, [&](int l, std::int64_t x, const std::vector<std::uint16_t>& state) {
        std::vector<double> expected(found.size(), 0.0);
        double visits = 0;
        const double here = potential[static_cast<std::size_t>(l * n + x)];
        moves.visit(l, state, [&](int move) {
          auto moved = state;
          int layer = l;
          double current = 0;
          if (moves.apply(move, layer, moved)) {
            const auto pair = static_cast<std::size_t>(std::min(l, layer));
            const double ohm = moved == state ? p.circuit.same[pair] : p.circuit.change[pair];
            current = (here - potential[static_cast<std::size_t>(layer * n + p.space.index(moved))]) / ohm;
          } else if (target[static_cast<std::size_t>(x)] == 1) {
            current = 1;
          }
          expected[static_cast<std::size_t>(move)] = std::max(0.0, current);
          visits += std::max(0.0, current);
        });
        if (visits < 1e-6) return;
        supervision.toward(l, state, start, end, found);
        least = std::min(least, std::accumulate(found.begin(), found.end(), 0.0));
        for (std::size_t i = 0; i < found.size(); ++i) {
          worst = std::max(worst, std::abs(expected[i] / visits - static_cast<double>(found[i])));
        }
      });
    }

    EXPECT_LT(worst, 1e-6) << text(p);
    EXPECT_GT(least, 1 - 1e-5) << text(p);
  }
}

oracles::WalkChain chain_of(const PairProblem& pairs, const WalkSupervision& supervision) {
  return oracles::chain_of(supervision, empirical_mass(pairs.p.space, pairs.source), pairs.starts, pairs.ends);
}

TEST(WalkBetweenSamples, ItsFlowIsAMarkovChainThatEndsInTheTarget) {
  for (const auto& pairs : pair_problems()) {
    const auto supervision = pairs.supervision(1);
    const auto chain = chain_of(pairs, supervision);
    const double moves = std::accumulate(chain.visits.begin(), chain.visits.end(), 0.0) - 1;

    EXPECT_LT(total_variation(chain.law, empirical_mass(pairs.p.space, pairs.p.ends)), 2e-5) << text(pairs.p);
    EXPECT_NEAR(supervision.expected_moves(), moves, 0.02 * (moves + 1)) << text(pairs.p);
  }
}

TEST(WalkBetweenSamples, ExamplesComeWithTheVisitsAndTheMovesOfTheFlow) {
  for (const int references : {1, 8}) {
    const auto pairs = pair_problems()[0];
    const auto& p = pairs.p;
    const auto supervision = pairs.supervision(references);
    const auto chain = chain_of(pairs, supervision);
    const auto d = static_cast<std::size_t>(p.space.dimensions());
    const auto m = static_cast<std::size_t>(supervision.moves().size());
    constexpr std::int64_t kCount = 400000;
    MoveBatch batch;
    supervision.batch(0, kCount, {0, kCount}, batch);
    std::vector<double> seen(chain.moves.size() * m, 0.0);  // of moves at vertices
    std::vector<double> expected(seen);
    for (std::size_t i = 0; i < batch.layers.size(); ++i) {
      const auto x = p.space.index(std::span<const std::uint16_t>(batch.states).subspan(i * d, d));
      const auto v = static_cast<std::size_t>(batch.layers[i] * p.space.size() + x);
      for (std::size_t k = 0; k < m; ++k) seen[v * m + k] += static_cast<double>(batch.targets[i * m + k]) / kCount;
    }
    const double all = std::accumulate(chain.visits.begin(), chain.visits.end(), 0.0);
    for (std::size_t v = 0; v < chain.moves.size(); ++v) {
      for (std::size_t k = 0; k < m; ++k) {
        expected[v * m + k] = chain.visits[v] * static_cast<double>(chain.moves[v][k]) / all;
      }
    }

    EXPECT_LT(total_variation(seen, expected), 0.01) << references << " references";
  }
}

TEST(WalkBetweenSamples, ABatchIsTheSameHoweverItIsDividedAmongRanks) {
  const auto supervision = pair_problems()[2].supervision(16);
  MoveBatch whole;
  supervision.batch(7, 50, {0, 50}, whole);
  MoveBatch glued;
  for (int part = 0; part < 3; ++part) {
    MoveBatch piece;
    supervision.batch(7, 50, partition(50, 3, part), piece);
    glued.states.insert(glued.states.end(), piece.states.begin(), piece.states.end());
    glued.targets.insert(glued.targets.end(), piece.targets.begin(), piece.targets.end());
  }

  EXPECT_EQ(glued.states, whole.states);
  EXPECT_EQ(glued.targets, whole.targets);
}

TEST(WalkBetweenSamples, IsLearnedAndItsPathsGiveTheLikelihoodOfTheExitLaw) {
  const auto pairs = pair_problems()[1];
  const auto& p = pairs.p;
  const auto supervision = pairs.supervision(32);
  MoveModel model(MoveSet(p.space, 1), {{32, 32}, Activation::silu, Precision::single});
  TrainState state;
  train_walk(
      MPI_COMM_WORLD, model, supervision, p.ends, short_training(800), 1, state, [](const TrainState&) {},
      [](const TrainRecord&) { return std::string(); });
  const auto law = exit_law_of_moves(MPI_COMM_WORLD, model, empirical_mass(p.space, pairs.source));
  double exact = 0;
  const auto d = static_cast<std::size_t>(p.space.dimensions());
  for (std::size_t k = 0; k < p.ends.size(); k += d) {
    const auto x = p.space.index(std::span(p.ends).subspan(k, d));
    exact +=
        std::log(law.mass[static_cast<std::size_t>(x)]) * static_cast<double>(d) / static_cast<double>(p.ends.size());
  }
  const auto found =
      path_log_likelihood(MPI_COMM_WORLD, model, supervision, Draws::from_rows(p.space, pairs.source), p.ends, 4000, 5);

  EXPECT_LT(total_variation(law.mass, empirical_mass(p.space, p.ends)), 0.1);
  ASSERT_TRUE(found.mean && found.error);
  EXPECT_NEAR(*found.mean, exact, 5 * *found.error);
  EXPECT_LT(*found.error, 0.05);
}

}  // namespace
}  // namespace kirchhoff
