#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "kirchhoff/circuit/conditional/quotient.hpp"
#include "kirchhoff/learn/task/column_walks.hpp"
#include "kirchhoff/learn/walk/given.hpp"
#include "kirchhoff/learn/walk_train.hpp"

namespace kirchhoff {
namespace {

constexpr int kColumns = 4;

/// Rows whose columns depend on each other, on a small mixed space.
std::vector<std::uint16_t> mixed_rows() {
  std::vector<std::uint16_t> rows;
  for (std::uint64_t i = 0; i < 400; ++i) {
    Random random(8, Stream::target_draw, i);
    const auto a = random.below(2);
    const auto b = random.uniform() < 0.7 ? a : random.below(3);
    const auto c = random.uniform() < 0.7 ? a + b : random.below(4);
    const auto e = random.uniform() < 0.6 ? 2 - b : random.below(3);
    for (const auto value : {a, b, c, e}) rows.push_back(static_cast<std::uint16_t>(value));
  }
  return rows;
}

/// A network that has learned a little of them, and all that walks over it need.
struct MixedProblem {
  StateSpace space{std::vector<int>{2, 3, 4, 3}};
  std::vector<std::uint16_t> rows = mixed_rows();
  std::vector<ColumnGraph> graphs{ColumnGraph::hamming, ColumnGraph::hamming, ColumnGraph::lattice,
                                  ColumnGraph::hamming};
  Draws uniform = Draws::named(space, "uniform");
  ColumnWalkSupervision conditional{
      std::make_shared<const ConditionalColumns>(ColumnCircuit{space, graphs, std::vector(kColumns, 1.0), 1, 1}),
      Draws::from_rows(space, rows), 3, 16};
  MoveModel model{conditional.moves(), {{16}, Activation::silu, Precision::single}};
  Mass law;

  MixedProblem() {
    TrainOptions training;
    training.steps = 150;
    training.batch = 64;
    training.learning_rate = 1e-2;
    training.warmup = 10;
    training.validate_every = 150;
    training.checkpoint_every = 150;
    training.average = 0.95;
    TrainState state;
    train_walk(
        MPI_COMM_SELF, model, conditional, rows, training, 1, state, [](const TrainState&) {},
        [](const TrainRecord&) { return std::string(); });
    law = exit_law_of_moves(MPI_COMM_SELF, model, named_mass(space, "uniform")).mass;
  }
};

/// Sum of the law over the states that have a row's given entries, and over each value of a column among them.
double marginal(const MixedProblem& p, const std::vector<std::uint16_t>& row, const std::vector<std::uint8_t>& allowed,
                int column, int value) {
  double sum = 0;
  std::vector<std::uint16_t> state(kColumns);
  for (std::int64_t x = 0; x < p.space.size(); ++x) {
    p.space.coordinates(x, state);
    bool fits = column < 0 || state[static_cast<std::size_t>(column)] == value;
    std::size_t offset = 0;
    for (int j = 0; j < kColumns; ++j) {
      const auto at = static_cast<std::size_t>(j);
      const bool may = allowed.empty() || allowed[offset + state[at]] != 0;
      fits = fits && (row[at] == kHole ? may : row[at] == state[at]);
      offset += static_cast<std::size_t>(p.space.categories(j));
    }
    if (fits) sum += p.law[static_cast<std::size_t>(x)];
  }
  return sum;
}

/// Rows with holes, and which values these may have.
struct GivenCase {
  std::vector<std::uint16_t> row;
  std::vector<std::uint8_t> allowed;
};

std::vector<GivenCase> given_cases() {
  return {{{1, kHole, 2, kHole}, {}},
          {{kHole, 0, kHole, 1}, {}},
          {{kHole, kHole, kHole, kHole}, {}},
          {{0, kHole, kHole, 2}, {1, 1, 0, 1, 1, 1, 0, 1, 0, 1, 1, 0}},
          {{kHole, kHole, 3, kHole}, {1, 1, 1, 1, 0, 1, 1, 1, 1, 0, 0, 1}}};
}

TEST(DrawGiven, ByPathsHasTheConditionalsOfTheExitLaw) {
  const MixedProblem p;
  constexpr int kRows = 300;
  for (const auto& given : given_cases()) {
    GivenRows rows;
    rows.allowed = given.allowed;
    for (int i = 0; i < kRows; ++i) rows.rows.insert(rows.rows.end(), given.row.begin(), given.row.end());
    const auto found = draw_given(MPI_COMM_WORLD, p.model, p.conditional, p.uniform, rows, 2, 64, 5);

    const double exact = marginal(p, given.row, given.allowed, -1, 0);
    ASSERT_EQ(found.logs.size(), static_cast<std::size_t>(2 * kRows));
    double mean = 0;
    double square = 0;
    for (const double log : found.logs) {
      mean += std::exp(log) / (2 * kRows);
      square += std::exp(2 * log) / (2 * kRows);
    }
    const double error = std::sqrt(std::max(0.0, square - mean * mean) / (2 * kRows));
    EXPECT_NEAR(mean, exact, 5 * error + 1e-6) << "unbiased";
    EXPECT_LT(error, 0.05 * exact);

    ASSERT_EQ(found.rows.size(), static_cast<std::size_t>(2 * kRows * kColumns));
    for (int j = 0; j < kColumns; ++j) {
      for (int v = 0; v < p.space.categories(j); ++v) {
        double share = 0;
        for (int i = 0; i < 2 * kRows; ++i) share += found.rows[static_cast<std::size_t>(i * kColumns + j)] == v;
        share /= 2 * kRows;
        const double expected = marginal(p, given.row, given.allowed, j, v) / exact;
        // The two draws of a row may be the same: as if there were half of them. Populations of 32 have a small bias.
        EXPECT_NEAR(share, expected, 4 * std::sqrt(expected * (1 - expected) / kRows) + 0.01) << j << " is " << v;
        EXPECT_TRUE(expected > 0 || share == 0) << j << " is " << v;
      }
    }
  }
}

TEST(DrawGiven, ByTheLawIsExact) {
  const MixedProblem p;
  for (const auto& given : given_cases()) {
    GivenRows rows{given.row, given.allowed};
    constexpr int kDraws = 2000;
    const auto found = draw_given(MPI_COMM_WORLD, p.space, p.law, rows, kDraws, 5);

    const double exact = marginal(p, given.row, given.allowed, -1, 0);
    ASSERT_EQ(found.logs.size(), 1U);
    EXPECT_NEAR(found.logs[0], std::log(exact), 1e-12);
    EXPECT_TRUE(found.exact);
    for (int j = 0; j < kColumns; ++j) {
      for (int v = 0; v < p.space.categories(j); ++v) {
        double share = 0;
        for (int i = 0; i < kDraws; ++i) share += found.rows[static_cast<std::size_t>(i * kColumns + j)] == v;
        // Points are evenly apart: each run of a value's states is wrong by one draw at most.
        EXPECT_NEAR(share / kDraws, marginal(p, given.row, given.allowed, j, v) / exact, 0.02) << j << " is " << v;
      }
    }
  }
}

TEST(DrawGiven, IsTheSameOnAnyNumberOfRanksAndHoldsWhatIsGiven) {
  const MixedProblem p;
  GivenRows rows;
  for (const auto& given : given_cases()) rows.rows.insert(rows.rows.end(), given.row.begin(), given.row.end());
  const auto all = draw_given(MPI_COMM_WORLD, p.model, p.conditional, p.uniform, rows, 3, 16, 7);
  const auto alone = draw_given(MPI_COMM_SELF, p.model, p.conditional, p.uniform, rows, 3, 16, 7);
  const auto law = draw_given(MPI_COMM_WORLD, p.space, p.law, rows, 3, 7);
  const auto law_alone = draw_given(MPI_COMM_SELF, p.space, p.law, rows, 3, 7);

  EXPECT_EQ(all.rows, alone.rows);
  EXPECT_EQ(all.logs, alone.logs);
  EXPECT_EQ(law.rows, law_alone.rows);
  EXPECT_EQ(law.logs, law_alone.logs);
  for (const auto* draws : {&all.rows, &law.rows}) {
    for (std::size_t i = 0; i < draws->size(); ++i) {
      const auto given = rows.rows[i / (3 * kColumns) * kColumns + i % kColumns];
      EXPECT_TRUE(given == kHole || (*draws)[i] == given) << i;
    }
  }
}

TEST(DrawGiven, WholeRowsHaveTheProbabilityThatPathsTell) {
  const MixedProblem p;
  const std::vector<std::uint16_t> rows = {1, 0, 2, 1, 0, 2, 3, 0};
  const auto drawn = draw_given(MPI_COMM_WORLD, p.model, p.conditional, p.uniform, {rows, {}}, 1, 16, 7);

  EXPECT_EQ(drawn.rows, rows);
  EXPECT_EQ(drawn.logs, path_log_probabilities(MPI_COMM_WORLD, p.model, p.conditional, p.uniform, rows, 16, 7));
}

}  // namespace
}  // namespace kirchhoff
