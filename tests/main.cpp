/// GoogleTest under MPI: every test runs on all ranks, and what fails on one rank fails on all.
///
///   mpiexec -n 3 kirchhoff_tests [--module=coupling] [--gtest_filter=...] [PETSc options]
///
/// --module=NAME runs the tests of tests/test_NAME.cpp. With KIRCHHOFF_NO_SKIP set in the environment, a skipped test
/// fails.
#include <gtest/gtest.h>
#include <mpi.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include "kirchhoff/parallel/parallel.hpp"
#include "kirchhoff/parallel/session.hpp"

namespace {

/// Prints, on ranks > 0, nothing but failures, each in one write and with its rank.
class FailurePrinter : public testing::EmptyTestEventListener {
 public:
  explicit FailurePrinter(int rank) : rank_(rank) {}

  void OnTestStart(const testing::TestInfo& test) override {
    name_ = std::string(test.test_suite_name()) + "." + test.name();
  }
  void OnTestPartResult(const testing::TestPartResult& part) override {
    if (!part.failed()) return;
    const char* file = part.file_name() == nullptr ? "unknown file" : part.file_name();
    std::fprintf(stderr, "[rank %d] %s:%d: Failure in %s\n%s\n", rank_, file, part.line_number(), name_.c_str(),
                 part.message());
    std::fflush(stderr);
  }

 private:
  int rank_;
  std::string name_;
};

/// Brings the ranks together after each test and makes one rank's failure everyone's. GoogleTest calls OnTestEnd in
/// reverse order of registration: registered last, this one speaks before the printer says OK.
class CommonVerdict : public testing::EmptyTestEventListener {
 public:
  CommonVerdict(kirchhoff::Session& session, bool skips_fail) : session_(session), skips_fail_(skips_fail) {}

  void OnTestEnd(const testing::TestInfo& test) override {
    // A rank that failed may have left a collective in which the others still wait.
    constexpr double kPatience = 60;  // [s]
    const auto& result = *test.result();
    if (skips_fail_ && result.Skipped()) ADD_FAILURE() << "skipped, and KIRCHHOFF_NO_SKIP is set";
    if (!session_.all_arrive(result.Failed() ? kPatience : std::numeric_limits<double>::infinity())) {
      std::fprintf(stderr, "[rank %d] %s.%s failed here and the other ranks never ended it: they wait for this rank\n",
                   kirchhoff::rank_of(session_.comm()), test.test_suite_name(), test.name());
      MPI_Abort(session_.comm(), 1);
    }
    const int rank = kirchhoff::rank_of(session_.comm());
    const int nowhere = kirchhoff::size_of(session_.comm());
    const int mine = result.Failed() ? rank : nowhere;
    int first = nowhere;
    MPI_Allreduce(&mine, &first, 1, MPI_INT, MPI_MIN, session_.comm());
    if (rank == 0 && first != nowhere && first != 0) ADD_FAILURE() << "failed on rank " << first << ", see there";
    if (rank != 0 && first != nowhere) failed_elsewhere_ = true;
  }

  bool failed_elsewhere() const { return failed_elsewhere_; }

 private:
  kirchhoff::Session& session_;
  bool skips_fail_;
  bool failed_elsewhere_ = false;
};

/// The filter that selects the tests written in tests/test_<module>.cpp; "" when there are none.
std::string filter_of(const std::string& module) {
  const std::string file = "test_" + module + ".cpp";
  const auto& unit = *testing::UnitTest::GetInstance();
  std::string filter;
  for (int s = 0; s < unit.total_test_suite_count(); ++s) {
    const auto& suite = *unit.GetTestSuite(s);
    for (int t = 0; t < suite.total_test_count(); ++t) {
      const auto& test = *suite.GetTestInfo(t);
      if (std::filesystem::path(test.file()).filename() != file) continue;
      filter += (filter.empty() ? "" : ":") + std::string(suite.name()) + "." + test.name();
    }
  }
  return filter;
}

/// Takes --module=NAME out of the arguments.
std::string take_module(int& argc, char** argv) {
  const std::string key = "--module=";
  std::string module;
  argc = static_cast<int>(std::remove_if(argv + 1, argv + argc,
                                         [&](const char* argument) {
                                           const std::string text = argument;
                                           if (!text.starts_with(key)) return false;
                                           module = text.substr(key.size());
                                           return true;
                                         }) -
                          argv);
  return module;
}

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  const std::string module = take_module(argc, argv);
  kirchhoff::Session session(argc, argv);
  const int rank = kirchhoff::rank_of(session.comm());
  const bool lists = GTEST_FLAG_GET(list_tests);

  GTEST_FLAG_SET(shuffle, false);  // ranks must run the same test at the same time
  if (!module.empty()) {
    const auto filter = filter_of(module);
    if (filter.empty()) {
      if (rank == 0) std::fprintf(stderr, "error: no test was written in test_%s.cpp\n", module.c_str());
      return 2;
    }
    GTEST_FLAG_SET(filter, filter);
  }

  auto& listeners = testing::UnitTest::GetInstance()->listeners();
  if (rank > 0) {
    if (lists) return 0;
    GTEST_FLAG_SET(output, "");
    delete listeners.Release(listeners.default_result_printer());
    delete listeners.Release(listeners.default_xml_generator());
    listeners.Append(new FailurePrinter(rank));
  }
  auto* verdict = new CommonVerdict(session, std::getenv("KIRCHHOFF_NO_SKIP") != nullptr);
  listeners.Append(verdict);

  int status = RUN_ALL_TESTS();
  if (lists) return status;
  if (verdict->failed_elsewhere()) status = 1;
  MPI_Allreduce(MPI_IN_PLACE, &status, 1, MPI_INT, MPI_MAX, session.comm());
  const auto& unit = *testing::UnitTest::GetInstance();
  if (rank == 0) {
    std::printf("%s on %d ranks: %d passed, %d failed, %d skipped in %.1f s%s\n",
                module.empty() ? "all" : module.c_str(), kirchhoff::size_of(session.comm()),
                unit.successful_test_count(), unit.failed_test_count(), unit.skipped_test_count(),
                static_cast<double>(unit.elapsed_time()) * 1e-3,
                status != 0 && unit.failed_test_count() == 0 ? "; failed outside of a test" : "");
  }
  return status;
}
