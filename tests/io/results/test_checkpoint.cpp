#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

#include "kirchhoff/base/error.hpp"
#include "kirchhoff/io/results/store.hpp"
#include "oracles.hpp"

namespace kirchhoff {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr double kMark = 1234.56789;  // a parameter whose bytes can be found in the file

class CheckpointTest : public testing::Test {
 protected:
  Checkpoint checkpoint(std::int64_t step) const {
    const auto count = static_cast<std::int64_t>(model_.parameters().size());
    const auto numbers = [&](std::uint64_t seed) { return oracles::uniform_numbers(count, -1, 1, seed); };
    Checkpoint c;
    c.training_hash = "fedcba9876543210";
    c.supervision = "exact";
    c.seed = 0xfedcba9876543210ULL;  // above 2^63
    c.mean = {1, 2, 3};
    c.scale = {4, 5, 6};
    c.state.step = step;
    c.state.parameters = numbers(61);
    c.state.parameters[3] = kMark;
    c.state.average = numbers(62);
    c.state.first_moment = numbers(63);
    c.state.second_moment = numbers(64);
    c.state.loss_sum = 1.0 / 3;
    c.state.best_validation = std::numeric_limits<double>::infinity();
    c.state.seconds = 2.5;
    c.state.history = {{10, 0.5, 0.25, 0.125, 1e-3}, {20, 1.5, 1.0 / 7, 0.0625, 1e-4}};
    return c;
  }
  void write(std::int64_t step) const {
    write_checkpoint(MPI_COMM_WORLD, folder_.path(), model_, checkpoint(step),
                     provenance(MPI_COMM_WORLD, "0123456789abcdef", "seed: 1\n"));
  }
  Checkpoint read() const { return read_checkpoint(MPI_COMM_WORLD, folder_.path(), model_); }

  /// Rewrites a file by its bytes; on rank 0, while the others wait.
  template <class Change>
  void damage(const std::string& name, Change&& change) const {
    MPI_Barrier(MPI_COMM_WORLD);
    if (rank_of(MPI_COMM_WORLD) == 0) {
      std::stringstream text;
      text << std::ifstream(folder_.path(name), std::ios::binary).rdbuf();
      auto bytes = text.str();
      change(bytes);
      std::ofstream(folder_.path(name), std::ios::binary) << bytes;
    }
    MPI_Barrier(MPI_COMM_WORLD);
  }
  static void truncate(std::string& bytes) { bytes.resize(bytes.size() / 2); }
  static void flip_a_bit_of_a_parameter(std::string& bytes) {
    std::string mark(sizeof kMark, '\0');
    std::memcpy(mark.data(), &kMark, sizeof kMark);
    const auto at = bytes.find(mark);
    ASSERT_NE(at, std::string::npos);
    bytes[at] = static_cast<char>(bytes[at] ^ 1);
  }

  oracles::ScratchFolder folder_{MPI_COMM_WORLD};
  Model model_{StateSpace(5, 2), 2, {{4}, Activation::silu, Precision::double_}};
};

TEST_F(CheckpointTest, GivesBackEverythingThatTrainingNeeds) {
  const auto written = checkpoint(20);
  write(20);

  const auto read = this->read();

  EXPECT_EQ(read.training_hash, written.training_hash);
  EXPECT_EQ(read.supervision, written.supervision);
  EXPECT_EQ(read.seed, written.seed);
  EXPECT_EQ(read.mean, written.mean);
  EXPECT_EQ(read.scale, written.scale);
  EXPECT_EQ(read.state.step, 20);
  EXPECT_EQ(read.state.parameters, written.state.parameters);
  EXPECT_EQ(read.state.average, written.state.average);
  EXPECT_EQ(read.state.first_moment, written.state.first_moment);
  EXPECT_EQ(read.state.second_moment, written.state.second_moment);
  EXPECT_EQ(read.state.loss_sum, written.state.loss_sum);
  EXPECT_EQ(read.state.best_validation, written.state.best_validation);
  EXPECT_EQ(read.state.seconds, written.state.seconds);
  ASSERT_EQ(read.state.history.size(), 2u);
  EXPECT_EQ(read.state.history[1].step, 20);
  EXPECT_EQ(read.state.history[1].seconds, 1.5);
  EXPECT_EQ(read.state.history[1].loss, 1.0 / 7);
  EXPECT_EQ(read.state.history[1].validation, 0.0625);
  EXPECT_EQ(read.state.history[1].learning_rate, 1e-4);
}

TEST_F(CheckpointTest, HasNoHistoryBeforeTheFirstRecord) {
  auto early = checkpoint(1);
  early.state.history.clear();
  write_checkpoint(MPI_COMM_WORLD, folder_.path(), model_, early, {});

  const auto read = this->read();

  EXPECT_EQ(read.state.step, 1);
  EXPECT_TRUE(read.state.history.empty());
}

TEST_F(CheckpointTest, KeepsTheOneBefore) {
  write(1);
  write(2);
  write(3);

  const auto newest = summarise_checkpoint(folder_.path("checkpoint.h5"));
  const auto before = summarise_checkpoint(folder_.path("checkpoint.previous.h5"));

  EXPECT_EQ(newest.step, 3);
  EXPECT_EQ(before.step, 2);
  EXPECT_NE(newest.checksum, before.checksum);
  EXPECT_EQ(newest.training_hash, "fedcba9876543210");
  EXPECT_EQ(newest.provenance.problem_hash, "0123456789abcdef");
  EXPECT_THAT(folder_.names(), ElementsAre("checkpoint.h5", "checkpoint.previous.h5"));  // no .tmp, no .new
}

TEST_F(CheckpointTest, FallsBackToTheOneBeforeWhenTruncated) {
  write(1);
  write(2);
  damage("checkpoint.h5", truncate);

  const auto read = this->read();

  EXPECT_EQ(read.state.step, 1);
}

TEST_F(CheckpointTest, FallsBackToTheOneBeforeWhenABitHasFlipped) {
  write(1);
  write(2);
  damage("checkpoint.h5", flip_a_bit_of_a_parameter);

  const auto read = this->read();

  EXPECT_EQ(read.state.step, 1);
  EXPECT_EQ(read.state.parameters[3], kMark);
}

TEST_F(CheckpointTest, IsRefusedWhenDamagedAndNoneCameBefore) {
  write(1);
  damage("checkpoint.h5", flip_a_bit_of_a_parameter);

  EXPECT_THAT([&] { read(); },
              ThrowsMessage<AgreedError>(
                  AllOf(HasSubstr("checkpoint.h5"), HasSubstr("dataset /model/parameters was edited or damaged"))));
}

TEST_F(CheckpointTest, IsRefusedWhenBothAreDamaged) {
  write(1);
  write(2);
  damage("checkpoint.h5", truncate);
  damage("checkpoint.previous.h5", truncate);

  EXPECT_THAT([&] { read(); },
              ThrowsMessage<AgreedError>(AllOf(HasSubstr("checkpoint.h5: it is not a whole"),
                                               HasSubstr("checkpoint.previous.h5: it is not a whole"))));
}

TEST_F(CheckpointTest, IsRefusedWhenThereIsNone) {
  EXPECT_THAT([&] { read(); }, ThrowsMessage<AgreedError>(AllOf(HasSubstr("checkpoint.h5"), HasSubstr("o such file"))));
}

TEST_F(CheckpointTest, IsRefusedForANetworkOfAnotherShape) {
  write(1);
  const Model other(StateSpace(5, 2), 2, {{5}, Activation::silu, Precision::double_});

  EXPECT_THAT([&] { read_checkpoint(MPI_COMM_WORLD, folder_.path(), other); },
              ThrowsMessage<AgreedError>(AllOf(HasSubstr("network of"), HasSubstr("parameters"))));
}

}  // namespace
}  // namespace kirchhoff
