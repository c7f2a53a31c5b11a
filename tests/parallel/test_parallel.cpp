#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <new>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "kirchhoff/base/error.hpp"
#include "kirchhoff/parallel/agree.hpp"
#include "kirchhoff/parallel/parallel.hpp"
#include "parallel/pieces.hpp"

namespace kirchhoff {
namespace {

using testing::StrEq;
using testing::ThrowsMessage;

int rank() { return rank_of(MPI_COMM_WORLD); }
int ranks() { return size_of(MPI_COMM_WORLD); }

TEST(Partition, CoversAllInOrderWithSizesThatDifferByOneAtMost) {
  for (const std::int64_t n : {0, 1, 2, 3, 7, 12, 1000}) {
    for (const int parts : {1, 2, 3, 5, 13}) {
      std::int64_t at = 0;
      for (int part = 0; part < parts; ++part) {
        const auto range = partition(n, parts, part);

        EXPECT_EQ(range.begin, at) << n << " " << parts;
        EXPECT_GE(range.size(), n / parts) << n << " " << parts;
        EXPECT_LE(range.size(), (n + parts - 1) / parts) << n << " " << parts;
        at = range.end;
      }
      EXPECT_EQ(at, n);
    }
  }
}

TEST(Partition, GivesTheFirstPartsWhatIsLeftOver) {
  EXPECT_EQ(partition(8, 3, 0).size(), 3);
  EXPECT_EQ(partition(8, 3, 1).size(), 3);
  EXPECT_EQ(partition(8, 3, 2).size(), 2);
}

TEST(AllSum, AddsUpOverTheRanks) {
  const std::int64_t expected = ranks() * (ranks() + 1) / 2;
  std::vector<double> doubles = {1.0 + rank(), -1.0};
  std::vector<float> floats = {1.0F + static_cast<float>(rank()), 0.5F};

  const auto integer = all_sum(MPI_COMM_WORLD, std::int64_t{1 + rank()});
  const auto number = all_sum(MPI_COMM_WORLD, 1.0 + rank());
  all_sum(MPI_COMM_WORLD, std::span<double>(doubles));
  all_sum(MPI_COMM_WORLD, std::span<float>(floats));

  EXPECT_EQ(integer, expected);
  EXPECT_EQ(number, static_cast<double>(expected));
  EXPECT_EQ(doubles, (std::vector<double>{static_cast<double>(expected), -1.0 * ranks()}));
  EXPECT_EQ(floats, (std::vector<float>{static_cast<float>(expected), 0.5F * static_cast<float>(ranks())}));
}

TEST(AllSum, KeepsIntegersAboveTheDigitsOfADouble) {
  const std::int64_t large = (std::int64_t{1} << 60) / ranks() + 1;

  EXPECT_EQ(all_sum(MPI_COMM_WORLD, large), large * ranks());
}

TEST(AllMax, IsTheLargestOverTheRanks) { EXPECT_EQ(all_max(MPI_COMM_WORLD, -5.0 + rank()), -5.0 + ranks() - 1); }

TEST(Broadcast, GivesEveryRankWhatTheFirstHas) {
  std::vector<double> values = {10.0 + rank(), 20.0 + rank()};
  const std::string text = rank() == 0 ? "from the first" : std::string(static_cast<std::size_t>(rank()), 'x');

  broadcast(MPI_COMM_WORLD, values);
  const auto received = broadcast(MPI_COMM_WORLD, text);

  EXPECT_EQ(values, (std::vector<double>{10, 20}));
  EXPECT_EQ(received, "from the first");
}

TEST(PeakMemory, IsAtLeastWhatEveryRankHasTouched) {
  const std::vector<char> touched(std::size_t{32} << 20, 1);

  const auto bytes = peak_memory(MPI_COMM_WORLD);

  EXPECT_GE(bytes, static_cast<std::int64_t>(touched.size()) * ranks());
  EXPECT_LT(bytes, std::int64_t{ranks()} << 33);  // kilobytes taken for bytes, or the reverse, would be outside
}

TEST(Agree, ReturnsEachRanksOwnValue) {
  const auto value = agree(MPI_COMM_WORLD, [] { return 100 + rank(); });

  EXPECT_EQ(value, 100 + rank());
}

TEST(Agree, MakesOneRanksErrorEveryones) {
  const int last = ranks() - 1;

  EXPECT_THAT(([&] {
                agree(MPI_COMM_WORLD, [&] {
                  if (rank() == last) throw Error("file a.csv, line 3: no number");
                });
              }),
              ThrowsMessage<AgreedError>(StrEq("file a.csv, line 3: no number")));
  EXPECT_EQ(all_sum(MPI_COMM_WORLD, std::int64_t{1}), ranks());  // and they are still in step
}

TEST(Agree, SaysWhatTheLowestRankSays) {
  const int lowest = ranks() > 1 ? 1 : 0;
  const auto fail = [&]() -> int {
    if (rank() < lowest) return 0;
    throw std::runtime_error("rank " + std::to_string(rank()));
  };

  EXPECT_THAT(([&] { agree(MPI_COMM_WORLD, fail); }),
              ThrowsMessage<AgreedError>(StrEq("rank " + std::to_string(lowest))));
}

TEST(Agree, ExplainsExhaustedMemory) {
  EXPECT_THAT(([] { agree(MPI_COMM_WORLD, [] { throw std::bad_alloc(); }); }),
              ThrowsMessage<AgreedError>(StrEq("out of memory")));
}

/// Fills index i with 1000 + i, each rank its own piece, and counts on all ranks together the values that are missing.
std::int64_t fill_and_count_wrong(SharedArray& array, std::int64_t size) {
  const auto mine = partition(size, ranks(), rank());
  for (auto i = mine.begin; i < mine.end; ++i)
    array.data()[static_cast<std::size_t>(i)] = 1000.0 + static_cast<double>(i);
  array.complete();
  std::int64_t wrong = 0;
  for (std::size_t i = 0; i < array.data().size(); ++i)
    wrong += array.data()[i] == 1000.0 + static_cast<double>(i) ? 0 : 1;
  return all_sum(MPI_COMM_WORLD, wrong);
}

TEST(SharedArray, StartsWithZeros) {
  const SharedArray array(MPI_COMM_WORLD, 37);

  double sum = 0;
  for (const double value : array.data()) sum += value * value;
  EXPECT_EQ(array.data().size(), 37u);
  EXPECT_EQ(all_sum(MPI_COMM_WORLD, sum), 0);
}

TEST(SharedArray, ShowsEveryRankWhatAllHaveWritten) {
  SharedArray array(MPI_COMM_WORLD, 1001);

  EXPECT_EQ(fill_and_count_wrong(array, 1001), 0);
}

TEST(SharedArray, IsHeldOnceOnANode) {
  SharedArray array(MPI_COMM_WORLD, 1);
  if (rank() == 0) array.data()[0] = 42;
  MPI_Barrier(MPI_COMM_WORLD);  // not complete(): what is seen can only be the same memory

  EXPECT_EQ(static_cast<const volatile double&>(array.data()[0]), 42);
}

TEST(SharedArray, ExchangesBetweenNodes) {
  for (const int node : {rank(), rank() % 2, rank() > 0 ? 1 : 0}) {  // one rank a node, two nodes, unequal nodes
    SharedArray array(MPI_COMM_WORLD, 1001, node);

    EXPECT_EQ(fill_and_count_wrong(array, 1001), 0);
  }
}

TEST(SharedArray, HasACopyOnEveryNode) {
  SharedArray array(MPI_COMM_WORLD, 1, rank());
  array.data()[0] = 1;  // every rank is a node of its own: the copies are added up

  array.complete();

  EXPECT_EQ(array.data()[0], ranks());
}

TEST(SharedArray, TakesMorePlacesThanThereAreValues) {
  SharedArray array(MPI_COMM_WORLD, 1, rank());

  EXPECT_EQ(fill_and_count_wrong(array, 1), 0);
}

TEST(SharedArray, KeepsItsValuesWhenItIsMoved) {
  SharedArray array(MPI_COMM_WORLD, 10);
  const auto wrong = fill_and_count_wrong(array, 10);

  SharedArray other = std::move(array);
  other = SharedArray(std::move(other));

  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(other.data()[7], 1007);
}

TEST(WallTime, RunsForward) {
  const double before = wall_time();
  const double after = wall_time();

  EXPECT_GE(after, before);
}

TEST(Pieces, CoverTheWholeInOrderAndAreNoLongerThanAllowed) {
  for (const std::size_t size : {0U, 1U, 4U, 5U, 12U, 13U}) {
    std::size_t next = 0;
    in_pieces(
        size,
        [&](std::size_t at, int count) {
          EXPECT_EQ(at, next);
          EXPECT_GT(count, 0);
          EXPECT_LE(count, 4);
          next += static_cast<std::size_t>(count);
        },
        4);
    EXPECT_EQ(next, size);
  }
}

}  // namespace
}  // namespace kirchhoff
