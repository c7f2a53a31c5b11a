#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <limits>
#include <numeric>
#include <vector>

#include "kirchhoff/validate/bench.hpp"
#include "oracles.hpp"
#include "parallel/memory.hpp"

namespace kirchhoff {
namespace {

using testing::HasSubstr;

TEST(Times, HaveAMedian) {
  EXPECT_EQ(Times{{}}.median(), 0);
  EXPECT_EQ((Times{{3, 1, 2}}.median()), 2);
  EXPECT_EQ((Times{{4, 1, 2, 8}}.median()), 3);
  EXPECT_EQ((Times{{4, 1, 2}}.least()), 1);
  EXPECT_EQ((Times{{4, 1, 2}}.most()), 4);
}

TEST(TriadBandwidth, IsThatOfAMemory) {
  const double found = triad_bandwidth(MPI_COMM_WORLD);

  EXPECT_GT(found, 1e8);   // the slowest memory that a sanitized or shared machine shows
  EXPECT_LT(found, 1e13);  // a pass that was left out would take no time
}

TEST(PeakMemory, FallsWhenItIsReset) {
  constexpr std::size_t kDoubles = std::size_t{8} << 20;
  std::int64_t high = 0;
  {
    const OwnMemory<double> block(kDoubles);  // the sanitizer keeps what a vector gives back
    std::fill(block.data().begin(), block.data().end(), 1.0);
    high = peak_memory(MPI_COMM_WORLD);
  }

  const bool able = all_sum(MPI_COMM_WORLD, std::int64_t{reset_peak_memory() ? 0 : 1}) == 0;

  const auto low = peak_memory(MPI_COMM_WORLD);
  if (!able) return;  // another system
  EXPECT_LT(low, high - static_cast<std::int64_t>(kDoubles * 4) * size_of(MPI_COMM_WORLD));
}

class Bench : public testing::Test {
 protected:
  Circuit circuit_ = oracles::uniform_circuit(Family::hamming, 4, 2, 3, 1, 10);
};

TEST_F(Bench, TimesEveryMethod) {
  BenchOptions options;
  options.repeats = 3;

  const auto report = bench_solve(MPI_COMM_WORLD, circuit_, options);

  ASSERT_EQ(report.methods.size(), solve_method_names().size());
  EXPECT_EQ(report.unknowns, circuit_.vertices());
  double least = std::numeric_limits<double>::infinity();
  for (std::size_t m = 0; m < report.methods.size(); ++m) {
    const auto& bench = report.methods[m];
    EXPECT_EQ(bench.name, solve_method_names()[m]);
    if (!bench.not_done.empty()) continue;  // a method need not apply to this family
    EXPECT_EQ(bench.total.seconds.size(), 3U);
    EXPECT_LE(bench.report.relative_residual, 1e-12) << bench.name;
    for (std::size_t i = 0; i < 3; ++i) {
      const auto phases = {bench.assemble.seconds[i], bench.setup.seconds[i], bench.solve.seconds[i]};
      // One rank's phases make up its time, and the slowest rank need not be the same in each phase.
      EXPECT_GT(bench.solution.seconds[i], 0);
      EXPECT_GE(bench.solution.seconds[i], std::max(phases));
      EXPECT_LE(bench.solution.seconds[i], 1.001 * std::accumulate(phases.begin(), phases.end(), 0.0));
      EXPECT_GE(bench.total.seconds[i], bench.solution.seconds[i]);
    }
    least = std::min(least, bench.solution.median());
  }
  ASSERT_NE(report.best(), nullptr);
  EXPECT_EQ(report.best()->solution.median(), least);
  EXPECT_EQ(report.find("auto"), report.methods.data());
  EXPECT_TRUE(report.find("auto")->not_done.empty());
}

TEST_F(Bench, TimesWhatIsAskedForAsOftenAsItMay) {
  BenchOptions options;
  options.methods = {SolveMethod::direct, SolveMethod::krylov};
  options.repeats = 4;
  options.seconds = 0;  // the first repeat is one too many

  const auto report = bench_solve(MPI_COMM_WORLD, circuit_, options);

  ASSERT_EQ(report.methods.size(), 2U);
  EXPECT_EQ(report.methods[0].name, "direct");
  EXPECT_EQ(report.methods[1].name, "krylov");
  EXPECT_EQ(report.methods[0].total.seconds.size(), 1U);
}

TEST_F(Bench, NotesWhatFailsAndGoesOn) {
  const auto wide = oracles::uniform_circuit(Family::dense, static_cast<int>(kDenseDirectStates) + 1, 1, 1, 1, 10);
  BenchOptions options;
  options.methods = {SolveMethod::direct, SolveMethod::krylov};
  options.repeats = 2;

  const auto report = bench_solve(MPI_COMM_WORLD, wide, options);

  EXPECT_THAT(report.methods[0].not_done, HasSubstr("refused above"));
  EXPECT_EQ(report.methods[1].not_done, "");
  EXPECT_EQ(report.best(), &report.methods[1]);
  EXPECT_EQ(report.find("auto"), nullptr);
}

TEST_F(Bench, LeavesTheInfeasibleOutUnlessItIsNamed) {
  const auto wide = oracles::uniform_circuit(Family::dense, 1001, 1, 1, 1, 10);  // above a million edges
  BenchOptions options;
  options.repeats = 1;

  const auto report = bench_solve(MPI_COMM_WORLD, wide, options);

  EXPECT_THAT(report.find("direct")->not_done, HasSubstr("unless it is named"));
}

TEST_F(Bench, IsWrittenAsJson) {
  BenchReport report;
  report.unknowns = 1000;
  report.triad_bytes_per_second = 24e6;
  report.methods.resize(3);
  report.methods[0].name = "auto";
  report.methods[1].name = "krylov";
  report.methods[2].name = "direct";
  report.methods[2].not_done = "too large";
  for (const double s : {1.0, 3.0, 2.0}) {
    report.methods[0].solution.seconds.push_back(1.5 * s);
    report.methods[0].total.seconds.push_back(4 * s);
    report.methods[1].solution.seconds.push_back(s);
    report.methods[1].total.seconds.push_back(2 * s);
  }
  report.methods[1].peak_memory_bytes = 3000;
  report.methods[1].added_memory_bytes = 2000;

  const auto json = nlohmann::json::parse(bench_json(report, {{"case", "tiny"}}));

  EXPECT_EQ(json["case"], "tiny");
  EXPECT_EQ(json["best"], "krylov");
  EXPECT_EQ(json["auto_to_best"], 1.5);
  EXPECT_DOUBLE_EQ(json["triad_seconds"], 1e-3);
  const auto& krylov = json["methods"][1];
  EXPECT_EQ(krylov["seconds"]["solution"]["median"], 2);
  EXPECT_EQ(krylov["seconds"]["solution"]["min"], 1);
  EXPECT_EQ(krylov["seconds"]["solution"]["max"], 3);
  EXPECT_EQ(krylov["unknowns_per_second"], 500);
  EXPECT_DOUBLE_EQ(krylov["triads"], 2000);
  EXPECT_EQ(krylov["added_memory_bytes"], 2000);
  EXPECT_TRUE(json["methods"][0]["peak_memory_bytes"].is_null());
  EXPECT_EQ(json["methods"][2]["not_done"], "too large");
  EXPECT_FALSE(json["methods"][2].contains("seconds"));
  EXPECT_THAT(bench_table(report), testing::AllOf(HasSubstr("krylov"), HasSubstr("1..3"), HasSubstr("too large")));
}

TEST_F(Bench, IsWrittenWithoutAnySolution) {
  BenchReport report;
  report.methods.resize(1);
  report.methods[0].not_done = "failed";

  const auto json = nlohmann::json::parse(bench_json(report, {}));

  EXPECT_TRUE(json["best"].is_null());
  EXPECT_TRUE(json["auto_to_best"].is_null());
  EXPECT_THAT(bench_table(report), HasSubstr("failed"));
}

}  // namespace
}  // namespace kirchhoff
