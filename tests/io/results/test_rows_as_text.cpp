#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kirchhoff/base/error.hpp"
#include "kirchhoff/io/files/text_file.hpp"
#include "kirchhoff/io/results/store.hpp"
#include "oracles.hpp"

namespace kirchhoff {
namespace {

using testing::ElementsAre;

/// Words that need quotes, bits of a block that stand apart, bins, missing entries.
Schema some_schema() {
  Schema schema;
  schema.columns.resize(3);
  schema.columns[0].name = "word";
  schema.columns[0].words = {"plain", "a \"b\", c", " edge", "missing"};
  schema.columns[0].missing = 3;
  schema.columns[0].places = {1};
  schema.columns[1].name = "x";
  schema.columns[1].words = {"a", "b", "c"};
  schema.columns[1].places = {0, 2, 4};
  schema.columns[2].name = "t";
  schema.columns[2].kind = Column::ordinal;
  schema.columns[2].words = {"0", "1..9"};
  schema.columns[2].edges = {0, 1, 10};
  schema.columns[2].decimals = 0;
  schema.columns[2].places = {3};
  schema.missing_words = {"NA", ""};
  schema.file_names = {"x_a", "the word", "x_b", "t", "x_c"};
  return schema;
}

class RowsAsText : public testing::Test {
 protected:
  /// Writes rows, each rank its own, and gives back the text.
  std::string written(const Schema& schema, const std::vector<std::uint16_t>& rows, std::uint64_t seed) const {
    const auto d = schema.columns.size();
    const auto mine =
        partition(static_cast<std::int64_t>(rows.size() / d), size_of(MPI_COMM_WORLD), rank_of(MPI_COMM_WORLD));
    const auto own =
        std::span(rows).subspan(static_cast<std::size_t>(mine.begin) * d, static_cast<std::size_t>(mine.size()) * d);
    write_rows(MPI_COMM_WORLD, folder_.path("samples.csv"), schema, own, mine.begin, seed);
    return read_text_file(folder_.path("samples.csv"));
  }

  oracles::ScratchFolder folder_{MPI_COMM_WORLD};
};

TEST_F(RowsAsText, AreWrittenAsTheFileHadThem) {
  const auto text = written(some_schema(), {0, 0, 0, 1, 1, 0, 2, 2, 0, 3, 0, 0}, 1);

  EXPECT_EQ(text,
            "x_a,the word,x_b,t,x_c\n"
            "1,plain,0,0,0\n"
            "0,\"a \"\"b\"\", c\",1,0,0\n"
            "0,\" edge\",0,0,1\n"
            "1,NA,0,0,0\n");
  EXPECT_THAT(folder_.names(), ElementsAre("samples.csv"));  // no .tmp stays
}

TEST_F(RowsAsText, AreTheSameOnAnyNumberOfRanks) {
  Schema schema;
  schema.columns.resize(1);
  schema.columns[0].name = "t";
  schema.columns[0].words = {"0..999999"};
  schema.columns[0].edges = {0, 1000000};
  schema.columns[0].decimals = 0;
  schema.columns[0].places = {0};
  schema.header = false;
  const std::vector<std::uint16_t> rows(50, 0);

  const auto all = written(schema, rows, 7);

  // As one rank alone writes them.
  const auto alone = folder_.path("alone" + std::to_string(rank_of(MPI_COMM_WORLD)) + ".csv");
  write_rows(MPI_COMM_SELF, alone, schema, rows, 0, 7);
  EXPECT_EQ(all, read_text_file(alone));
  EXPECT_NE(all, written(schema, rows, 8));
}

TEST_F(RowsAsText, DrawValuesUniformlyInTheirBin) {
  Schema schema;
  schema.columns.resize(1);
  schema.columns[0].words = {"0..9"};
  schema.columns[0].edges = {0, 10};
  schema.columns[0].decimals = 0;
  schema.columns[0].places = {0};
  schema.header = false;
  constexpr int kRows = 20000;

  const auto text = written(schema, std::vector<std::uint16_t>(kRows, 0), 3);

  std::vector<int> counts(10);
  for (const char c : text) {
    if (c != '\n') ++counts.at(static_cast<std::size_t>(c - '0'));
  }
  for (const int count : counts) EXPECT_NEAR(count, kRows / 10, 5 * 43);  // five standard deviations
}

TEST_F(RowsAsText, OfACodeThatIsNoneAreAnErrorAndLeaveWhatWasThere) {
  written(some_schema(), {0, 0, 0}, 1);

  EXPECT_THROW(written(some_schema(), {0, 0, 0, 9, 0, 0}, 1), AgreedError);

  EXPECT_THAT(folder_.names(), ElementsAre("samples.csv"));
  EXPECT_EQ(read_text_file(folder_.path("samples.csv")), "x_a,the word,x_b,t,x_c\n1,plain,0,0,0\n");
}

TEST_F(RowsAsText, AreDescribedInTheFilesOfTheirProblem) {
  auto made = provenance(MPI_COMM_WORLD, "0123456789abcdef", "seed: 4\n");
  made.table = std::make_shared<const Schema>(some_schema());
  Checkpoint checkpoint;
  checkpoint.state.parameters = {1, 2};
  checkpoint.state.average = {1, 2};
  checkpoint.state.first_moment = {0, 0};
  checkpoint.state.second_moment = {0, 0};
  write_checkpoint(MPI_COMM_WORLD, folder_.path(""), 2, checkpoint, made);

  EXPECT_EQ(read_schema(folder_.path("checkpoint.h5")), some_schema());

  made.table = nullptr;
  write_checkpoint(MPI_COMM_WORLD, folder_.path(""), 2, checkpoint, made);
  EXPECT_EQ(read_schema(folder_.path("checkpoint.h5")), std::nullopt);
}

}  // namespace
}  // namespace kirchhoff
