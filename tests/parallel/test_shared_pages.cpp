#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cstdint>
#include <utility>

#include "kirchhoff/parallel/parallel.hpp"
#include "parallel/shared_pages.hpp"

namespace kirchhoff {
namespace {

constexpr std::size_t kNumbers = 100001;

/// Files that this process may not write longer, while this lives.
class ShortFiles {
 public:
  ShortFiles() {
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit shorter{4096, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &shorter);
  }
  ~ShortFiles() { setrlimit(RLIMIT_FSIZE, &before_); }
  ShortFiles(const ShortFiles&) = delete;
  ShortFiles& operator=(const ShortFiles&) = delete;

 private:
  rlimit before_{};
};

TEST(SharedPages, AreZerosThatAllRanksWriteAndSee) {
  const auto rank = rank_of(MPI_COMM_WORLD);
  const auto ranks = size_of(MPI_COMM_WORLD);
  const SharedPages pages(MPI_COMM_WORLD, kNumbers * sizeof(double));
  const auto values = pages.as<double>();
  const auto mine = partition(kNumbers, ranks, rank);
  double before = 0;
  for (const double v : values) before += v;
  node_barrier(MPI_COMM_WORLD);

  pages.reserve(static_cast<std::size_t>(mine.begin) * sizeof(double),
                static_cast<std::size_t>(mine.size()) * sizeof(double));
  for (auto i = mine.begin; i < mine.end; ++i) values[static_cast<std::size_t>(i)] = static_cast<double>(i + 1);
  node_barrier(MPI_COMM_WORLD);
  pages.map();

  double sum = 0;
  for (const double v : values) sum += v;
  ASSERT_EQ(values.size(), kNumbers);
  EXPECT_EQ(all_sum(MPI_COMM_WORLD, before), 0);
  EXPECT_EQ(all_sum(MPI_COMM_WORLD, sum), ranks * (kNumbers * (kNumbers + 1.0) / 2));
}

TEST(SharedPages, KeepTheirPlaceWhenTheyAreMoved) {
  SharedPages pages(MPI_COMM_WORLD, 8);
  const auto* place = pages.as<double>().data();

  SharedPages other = std::move(pages);
  pages = SharedPages(MPI_COMM_WORLD, 8);

  EXPECT_EQ(all_sum(MPI_COMM_WORLD, std::int64_t{other.as<double>().data() == place ? 0 : 1}), 0);
  EXPECT_EQ(all_sum(MPI_COMM_WORLD, std::int64_t{pages ? 0 : 1}), 0);
}

TEST(SharedPages, AreNoneWithoutBytes) {
  EXPECT_EQ(all_sum(MPI_COMM_WORLD, std::int64_t{SharedPages(MPI_COMM_WORLD, 0) ? 1 : 0}), 0);
}

TEST(SharedPages, AreNoneOnAnyRankWhereTheFirstCannotMakeThem) {
  const bool first = rank_of(MPI_COMM_WORLD) == 0;
  const auto have = [&] {
    if (!first) return static_cast<bool>(SharedPages(MPI_COMM_WORLD, 8192));
    const ShortFiles limit;
    return static_cast<bool>(SharedPages(MPI_COMM_WORLD, 8192));
  }();

  EXPECT_EQ(all_sum(MPI_COMM_WORLD, std::int64_t{have ? 1 : 0}), 0);
}

TEST(SharedArray, IsHeldByEveryRankWhereTheyCannotShareIt) {
  const ShortFiles limit;
  SharedArray array(MPI_COMM_WORLD, kNumbers);
  const auto mine = partition(kNumbers, size_of(MPI_COMM_WORLD), rank_of(MPI_COMM_WORLD));
  for (auto i = mine.begin; i < mine.end; ++i) array.data()[static_cast<std::size_t>(i)] = static_cast<double>(i + 1);

  array.complete();

  std::int64_t wrong = 0;
  for (std::size_t i = 0; i < kNumbers; ++i) wrong += array.data()[i] == static_cast<double>(i + 1) ? 0 : 1;
  EXPECT_EQ(all_sum(MPI_COMM_WORLD, wrong), 0);
  EXPECT_EQ(array.sharing().copies, size_of(MPI_COMM_WORLD));
}

}  // namespace
}  // namespace kirchhoff
