#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <sstream>
#include <string>
#include <vector>

#include "io/hdf5/hdf5.hpp"
#include "io/hdf5/writer.hpp"
#include "kirchhoff/base/error.hpp"
#include "kirchhoff/io/results/store.hpp"
#include "kirchhoff/version.hpp"
#include "oracles.hpp"

namespace kirchhoff {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::ThrowsMessage;

/// A circuit and a folder that all ranks share.
class Files : public testing::Test {
 protected:
  std::string path(const std::string& name) const { return folder_.path(name); }
  void write_some_solution(const std::string& name) const {
    auto solution = solve(MPI_COMM_WORLD, circuit_, {});
    write_solution(MPI_COMM_WORLD, path(name), circuit_, solution, provenance_);
  }

  oracles::ScratchFolder folder_{MPI_COMM_WORLD};
  Circuit circuit_ = oracles::uniform_circuit(Family::hamming, 5, 2, 3, 1, 10);
  Provenance provenance_ = provenance(MPI_COMM_WORLD, "0123456789abcdef", "seed: 4\ncircuit: {layers: 3}\n");
};

class SolutionFile : public Files {};
class CurrentsFile : public Files {};
class SamplesFile : public Files {};
class AnyFile : public Files {};

TEST_F(SolutionFile, GivesBackEveryBitOfThePotentials) {
  for (const auto& [name, circuit] : oracles::examples()) {
    auto written = solve(MPI_COMM_WORLD, circuit, {});
    write_solution(MPI_COMM_WORLD, path("solution.h5"), circuit, written, provenance_);

    const auto read = read_solution(MPI_COMM_WORLD, path("solution.h5"), circuit);

    const auto bits = [](const Solution& s) {
      return std::vector<double>(s.potential.data().begin(), s.potential.data().end());
    };
    EXPECT_EQ(bits(read), bits(written)) << name;
    EXPECT_THAT(folder_.names(), ElementsAre("solution.h5")) << name;  // no .tmp stays
  }
}

TEST_F(SolutionFile, GivesBackTheReport) {
  auto written = solve(MPI_COMM_WORLD, circuit_, {});
  write_solution(MPI_COMM_WORLD, path("solution.h5"), circuit_, written, provenance_);

  auto read = read_solution(MPI_COMM_WORLD, path("solution.h5"), circuit_);

  const auto fields = [](SolveReport& report) {
    std::ostringstream text;
    text << std::hexfloat;
    visit_fields(report, [&](const std::string& name, const auto& value) { text << name << " " << value << "\n"; });
    return text.str();
  };
  ASSERT_GT(written.report.seconds_write, 0);
  EXPECT_EQ(fields(read.report), broadcast(MPI_COMM_WORLD, fields(written.report)));  // rank 0's: timings differ
}

TEST_F(SolutionFile, HasTheTerminalsAndUnitsOfTheContract) {
  write_some_solution("solution.h5");
  const Hdf5Reader file(path("solution.h5"));

  EXPECT_EQ(file.values("/source"), circuit_.source());
  EXPECT_EQ(file.values("/target"), circuit_.target());
  EXPECT_THAT(file.shape("/potential"), ElementsAre(4, 25));
  EXPECT_EQ(file.text("unit", "/potential"), "volt");
  EXPECT_EQ(file.text("unit", "/source"), "ampere");
  EXPECT_EQ(file.text("kind"), "solution");
  EXPECT_EQ(file.integer("unknowns"), 100);
  EXPECT_LE(file.number("relative_residual"), 1e-12);
}

TEST_F(SolutionFile, IsRefusedForACircuitOfAnotherShape) {
  write_some_solution("solution.h5");
  const auto other = oracles::uniform_circuit(Family::hamming, 5, 2, 4, 1, 10);

  EXPECT_THAT([&] { read_solution(MPI_COMM_WORLD, path("solution.h5"), other); },
              ThrowsMessage<AgreedError>(AllOf(HasSubstr("solution.h5"), HasSubstr("shape"))));
}

TEST_F(SolutionFile, IsRefusedWhenTruncated) {
  write_some_solution("solution.h5");
  if (rank_of(MPI_COMM_WORLD) == 0) {
    std::filesystem::resize_file(path("solution.h5"), std::filesystem::file_size(path("solution.h5")) / 2);
  }
  MPI_Barrier(MPI_COMM_WORLD);

  EXPECT_THAT([&] { read_solution(MPI_COMM_WORLD, path("solution.h5"), circuit_); },
              ThrowsMessage<AgreedError>(AllOf(HasSubstr("solution.h5"), HasSubstr("not a whole HDF5 file"))));
}

TEST_F(SolutionFile, IsRefusedWhenItIsMissing) {
  EXPECT_THAT([&] { read_solution(MPI_COMM_WORLD, path("none.h5"), circuit_); },
              ThrowsMessage<AgreedError>(AllOf(HasSubstr("none.h5"), HasSubstr("o such file"))));
}

TEST_F(SolutionFile, LeavesNothingBehindWhereItCannotBeWritten) {
  auto solution = solve(MPI_COMM_WORLD, circuit_, {});

  EXPECT_THAT([&] { write_solution(MPI_COMM_WORLD, path("absent/solution.h5"), circuit_, solution, provenance_); },
              ThrowsMessage<AgreedError>(AllOf(HasSubstr("cannot write"), HasSubstr("absent/solution.h5"))));
  EXPECT_THAT(folder_.names(), IsEmpty());
}

TEST_F(CurrentsFile, HoldsEveryEdgeOnceWithItsCurrent) {
  for (const auto& [name, circuit] : oracles::examples()) {
    const auto field = oracles::learned_like_field(circuit, 51);
    const Eigen::MatrixXd expected = oracles::currents(circuit, field);
    write_currents(MPI_COMM_WORLD, path("currents.h5"), circuit, field, provenance_);

    const Hdf5Reader file(path("currents.h5"));
    const auto layer = file.values("/layer");
    const auto from = file.values("/from");
    const auto to = file.values("/to");
    const auto current = file.values("/current");

    const auto n = static_cast<double>(circuit.states());
    Eigen::MatrixXd rest = expected;  // what the file does not hold
    ASSERT_EQ(current.size(), static_cast<std::size_t>(circuit.edges())) << name;
    for (std::size_t k = 0; k < current.size(); ++k) {
      const auto v = static_cast<Eigen::Index>(layer[k] * n + from[k]);
      const auto w = static_cast<Eigen::Index>((layer[k] + 1) * n + to[k]);
      rest(v, w) -= current[k];
      rest(w, v) += current[k];
    }
    EXPECT_LT(rest.cwiseAbs().maxCoeff(), 1e-13 * expected.cwiseAbs().maxCoeff()) << name;  // rounding
    EXPECT_EQ(file.text("unit", "/current"), "ampere");
  }
}

/// Walks whose numbers tell which particle they belong to.
StoredWalks made_up_walks(const Circuit& circuit, const std::string& flow, std::int64_t count) {
  const auto mine = partition(count, size_of(MPI_COMM_WORLD), rank_of(MPI_COMM_WORLD));
  StoredWalks stored{flow, "origin of " + flow, 1.25, count, {mine.begin, {}, {}, {}, {}, {}}};
  for (auto i = mine.begin; i < mine.end; ++i) {
    stored.walks.start.push_back(i % circuit.states());
    stored.walks.end.push_back(i * 7 % circuit.states());
    stored.walks.moves.push_back(static_cast<std::int32_t>(100000 + i));
    stored.walks.stuck.push_back(i % 3 == 0 ? 1 : 0);
  }
  return stored;
}

TEST_F(SamplesFile, GivesBackTheWalksOfBothFlows) {
  const std::vector<StoredWalks> written = {made_up_walks(circuit_, "exact", 101),
                                            made_up_walks(circuit_, "neural", 2)};
  write_samples(MPI_COMM_WORLD, path("samples.h5"), circuit_, written, provenance_);

  const auto read = read_samples(MPI_COMM_WORLD, path("samples.h5"), circuit_);

  ASSERT_EQ(read.size(), 2u);
  for (std::size_t k = 0; k < 2; ++k) {
    EXPECT_EQ(read[k].flow, written[k].flow);
    EXPECT_EQ(read[k].origin, written[k].origin);
    EXPECT_EQ(read[k].seconds, 1.25);
    EXPECT_EQ(read[k].count, written[k].count);
    EXPECT_EQ(read[k].walks.first, written[k].walks.first);
    EXPECT_EQ(read[k].walks.start, written[k].walks.start);
    EXPECT_EQ(read[k].walks.end, written[k].walks.end);
    EXPECT_EQ(read[k].walks.moves, written[k].walks.moves);
    EXPECT_EQ(read[k].walks.stuck, written[k].walks.stuck);
  }
  EXPECT_THAT(folder_.names(), ElementsAre("samples.h5"));
}

TEST_F(SamplesFile, HasRowsOfCoordinates) {
  write_samples(MPI_COMM_WORLD, path("samples.h5"), circuit_, {made_up_walks(circuit_, "exact", 101)}, provenance_);
  const Hdf5Reader file(path("samples.h5"));

  const auto samples = file.values("/exact/samples");
  const auto start = file.values("/exact/start");
  const auto steps = file.values("/exact/steps");

  EXPECT_THAT(file.shape("/exact/samples"), ElementsAre(101, 2));
  EXPECT_THAT(file.shape("/exact/steps"), ElementsAre(101));
  EXPECT_EQ(samples[2 * 100] * 5 + samples[2 * 100 + 1], 700 % 25);  // coordinate 0 first
  EXPECT_EQ(start[2 * 13], 2);
  EXPECT_EQ(start[2 * 13 + 1], 3);
  EXPECT_EQ(steps[100], 100100);
}

TEST_F(SamplesFile, HoldsOnlyTheFlowsThatWalked) {
  write_samples(MPI_COMM_WORLD, path("samples.h5"), circuit_, {made_up_walks(circuit_, "neural", 5)}, provenance_);

  const auto read = read_samples(MPI_COMM_WORLD, path("samples.h5"), circuit_);

  ASSERT_EQ(read.size(), 1u);
  EXPECT_EQ(read[0].flow, "neural");
}

TEST_F(AnyFile, TellsHowItWasMade) {
  write_some_solution("solution.h5");

  const auto read = read_provenance(path("solution.h5"));

  EXPECT_EQ(read.problem_hash, "0123456789abcdef");
  EXPECT_EQ(read.options, "seed: 4\ncircuit: {layers: 3}\n");
  EXPECT_EQ(read.ranks, size_of(MPI_COMM_WORLD));
  EXPECT_EQ(read.package_version, kVersion);
  EXPECT_EQ(read.blas, provenance_.blas);
  EXPECT_THAT(read.petsc, HasSubstr("PetscInt"));
}

TEST_F(AnyFile, IsRefusedWhenItIsOfAnotherKind) {
  write_some_solution("solution.h5");
  write_samples(MPI_COMM_WORLD, path("samples.h5"), circuit_, {made_up_walks(circuit_, "exact", 5)}, provenance_);

  EXPECT_THAT([&] { read_solution(MPI_COMM_WORLD, path("samples.h5"), circuit_); },
              ThrowsMessage<AgreedError>(HasSubstr("samples.h5: holds a samples, not a solution")));
  EXPECT_THAT([&] { read_samples(MPI_COMM_WORLD, path("solution.h5"), circuit_); },
              ThrowsMessage<AgreedError>(HasSubstr("solution.h5: holds a solution, not a samples")));
  EXPECT_THAT([&] { summarise_checkpoint(path("solution.h5")); },
              ThrowsMessage<Error>(HasSubstr("holds a solution, not a checkpoint")));
}

TEST_F(AnyFile, DescribesItself) {
  write_some_solution("solution.h5");

  const auto text = describe_file(path("solution.h5"));

  EXPECT_THAT(
      text, AllOf(HasSubstr("solution.h5: solution\n"), HasSubstr("potential"), HasSubstr("4 x 25"), HasSubstr("volt"),
                  HasSubstr("0123456789abcdef"), HasSubstr("circuit: {layers: 3}"), HasSubstr("relative_residual")));
}

TEST_F(AnyFile, IsNotWrittenWhenItIsNotCommitted) {
  const std::vector<double> values = {1, 2, 3};
  {
    Hdf5Writer file(MPI_COMM_WORLD, path("half.h5"));
    file.write_replicated("/values", values);
  }
  MPI_Barrier(MPI_COMM_WORLD);  // rank 0 tidies up

  EXPECT_THAT(folder_.names(), IsEmpty());
}

TEST_F(AnyFile, IsNotWrittenWhenWhatIsReadBackDiffers) {
  std::vector<double> values = {1, 2, 3};
  {
    Hdf5Writer file(MPI_COMM_WORLD, path("wrong.h5"));
    file.write_replicated("/values", values);
    file.write_arrays();
    values[1] = 7;  // as if the disk had lost what was written

    EXPECT_THAT([&] { file.commit(); }, ThrowsMessage<AgreedError>(HasSubstr("read back differs")));
  }
  MPI_Barrier(MPI_COMM_WORLD);
  EXPECT_THAT(folder_.names(), IsEmpty());
}

}  // namespace
}  // namespace kirchhoff
