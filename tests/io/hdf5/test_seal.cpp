// Checksums of files, where their bytes lie, and what is said of a file.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <numeric>
#include <string>
#include <vector>

#include "io/files/posix.hpp"
#include "io/hdf5/chunks.hpp"
#include "io/hdf5/guard.hpp"
#include "io/hdf5/seal.hpp"
#include "io/hdf5/writer.hpp"
#include "kirchhoff/base/error.hpp"
#include "kirchhoff/base/hash.hpp"
#include "kirchhoff/io/results/store.hpp"
#include "kirchhoff/parallel/parallel.hpp"
#include "oracles.hpp"

namespace kirchhoff {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

Seal some_seal() {
  Seal seal{2, "samples", 4096, "abc", 5000, {}, {{"/@seed", hash_of_value(std::int64_t{4})}}};
  seal.segments = {{"structure", 4096, 4, "0a"}, {"/exact/samples", 4100, 900, "0b"}};
  return seal;
}

TEST(Seal, IsReadAsItWasWritten) {
  const auto text = some_seal().text();

  const auto read = read_seal(text + "what follows").value();

  EXPECT_EQ(text.size(), 4096u);
  EXPECT_EQ(read.text(), text);
  EXPECT_EQ(read.kind, "samples");
  EXPECT_EQ(read.problem_hash, "abc");
  EXPECT_EQ(read.segments[1].name, "/exact/samples");
}

TEST(Seal, IsRefusedWhenAnyOfItsBytesHasChanged) {
  const auto text = some_seal().text();
  for (std::size_t at = 0; at < 400; ++at) {
    auto changed = text;
    changed[at] = static_cast<char>(changed[at] ^ 4);
    bool whole = false;
    try {
      const auto read = read_seal(changed);
      whole = read && read->schema <= 2;  // of a newer schema nothing else is read
    } catch (const Error&) {
    }
    EXPECT_FALSE(whole) << at;
  }
}

TEST(Seal, IsNotThereInOtherFiles) {
  EXPECT_FALSE(read_seal("").has_value());
  EXPECT_FALSE(read_seal("\x89HDF\r\n\x1a\n").has_value());
}

TEST(Seal, HashesSegmentsAlikeOnAnyNumberOfRanks) {
  const oracles::ScratchFolder folder(MPI_COMM_WORLD);
  std::string bytes(std::size_t{9} << 20, '\0');
  std::iota(bytes.begin(), bytes.end(), '\1');
  if (rank_of(MPI_COMM_WORLD) == 0) std::ofstream(folder.path("file"), std::ios::binary) << bytes;
  MPI_Barrier(MPI_COMM_WORLD);
  const std::vector<Segment> segments = {
      {"a", 0, 7, ""}, {"b", 7, bytes.size() - 7, ""}, {"none", bytes.size(), 0, ""}};

  const auto hashes = hash_segments(MPI_COMM_WORLD, folder.path("file"), segments);

  const auto part = [&](std::size_t begin, std::size_t count) { return Hash().add(bytes.substr(begin, count)).text(); };
  constexpr std::size_t kPiece = std::size_t{4} << 20;
  EXPECT_EQ(hashes[0], Hash().add(part(0, 7)).text());
  EXPECT_EQ(hashes[1], Hash().add(part(7, kPiece) + part(7 + kPiece, kPiece) + part(7 + 2 * kPiece, kPiece)).text());
  EXPECT_EQ(hashes[2], Hash().text());
}

TEST(Chunks, HoldTheRowsOfAllRanksOnTheRankOfTheirFirst) {
  for (const std::uint64_t rows : {1u, 2u, 7u, 40u}) {
    for (const std::uint64_t chunk_rows : {1u, 3u, 16u, 64u}) {
      const auto ranks = size_of(MPI_COMM_WORLD);
      const auto mine = partition(static_cast<std::int64_t>(rows), ranks, rank_of(MPI_COMM_WORLD));
      std::vector<char> own;
      for (auto row = mine.begin; row < mine.end; ++row) own.insert(own.end(), 2, static_cast<char>(row + 1));
      std::uint64_t first = 0;

      const auto bytes = gather_chunks(
          MPI_COMM_WORLD,
          {rows, chunk_rows, 2, static_cast<std::uint64_t>(mine.begin), static_cast<std::uint64_t>(mine.size())},
          own.data(), first);

      const auto chunks = bytes.size() / (2 * chunk_rows);
      bool right = true;
      for (std::size_t k = 0; k < bytes.size(); ++k) {
        const auto row = first * chunk_rows + k / 2;
        right = right && bytes[k] == (row < rows ? static_cast<char>(row + 1) : 0);
      }
      EXPECT_TRUE(right) << rows << " rows in chunks of " << chunk_rows;
      EXPECT_EQ(all_sum(MPI_COMM_WORLD, static_cast<std::int64_t>(chunks)),
                static_cast<std::int64_t>((rows + chunk_rows - 1) / chunk_rows));
    }
  }
}

TEST(GuardedWork, GivesItsTextOrItsError) {
  EXPECT_EQ(guarded("f.h5", [] { return std::string(100000, 'x'); }), std::string(100000, 'x'));
  EXPECT_THAT([] { guarded("f.h5", []() -> std::string { throw Error("f.h5: no"); }); },
              ThrowsMessage<Error>("f.h5: no"));
}

TEST(GuardedWork, MayCrash) {
  EXPECT_THAT([] { guarded("f.h5", []() -> std::string { std::abort(); }); },
              ThrowsMessage<Error>(AllOf(HasSubstr("f.h5"), HasSubstr("damaged"))));
}

class StatusOfFile : public testing::Test {
 protected:
  std::string write(MPI_Comm comm = MPI_COMM_WORLD, const std::string& name = "f.h5") const {
    const std::vector<double> numbers(1000, 0.25);
    const std::vector<std::uint16_t> words(1000, 3);
    const auto mine = partition(500, size_of(comm), rank_of(comm));
    Hdf5Writer file(comm, folder_.path(name));
    file.write_replicated("/numbers", numbers);
    file.write("/packed", rows_slab(500, mine.begin, mine.size(), 2), words.data(), "", true);
    file.write("/none", rows_slab(0, 0, 0), numbers.data());
    file.attribute("kind", "test");
    file.attribute("problem_hash", "p");
    file.attribute("schema_version", std::int64_t{2});
    file.commit();
    return folder_.path(name);
  }
  FileStatus after(const std::function<void(std::string&)>& change) const {
    const auto path = write();
    if (rank_of(MPI_COMM_WORLD) == 0) {
      std::ifstream in(path, std::ios::binary);
      std::string bytes(std::istreambuf_iterator<char>(in), {});
      in.close();
      change(bytes);
      std::ofstream(path, std::ios::binary) << bytes;
    }
    MPI_Barrier(MPI_COMM_WORLD);
    return file_status(MPI_COMM_WORLD, path, Check::all);
  }

  oracles::ScratchFolder folder_{MPI_COMM_WORLD};
};

TEST_F(StatusOfFile, IsWholeAsWritten) {
  const auto status = after([](std::string&) {});

  EXPECT_EQ(status.state, FileState::whole);
  EXPECT_EQ(status.kind, "test");
  EXPECT_EQ(status.problem_hash, "p");
  EXPECT_EQ(status.reason, "");
}

TEST_F(StatusOfFile, NamesTheArrayOfAFlippedBit) {
  const auto status = after([](std::string& bytes) {
    const double quarter = 0.25;
    const auto at = bytes.find(std::string(reinterpret_cast<const char*>(&quarter), sizeof quarter));
    bytes[at + 16] = static_cast<char>(bytes[at + 16] ^ 1);
  });

  EXPECT_EQ(status.state, FileState::damaged);
  EXPECT_THAT(status.reason, HasSubstr("f.h5: dataset /numbers was edited or damaged"));
}

TEST_F(StatusOfFile, IsNeverWholeWithAChangedByte) {
  // Bytes of all parts: of the seal, the structure, the arrays.
  const auto path = write();
  std::ifstream in(path, std::ios::binary);
  const std::string bytes(std::istreambuf_iterator<char>(in), {});
  for (std::size_t at = 0; at < bytes.size(); at += 487) {
    const auto status = after([&](std::string& b) { b[at] = static_cast<char>(b[at] ^ 0x20); });
    EXPECT_NE(status.state, FileState::whole) << at;
    EXPECT_THAT(status.reason, HasSubstr("f.h5")) << at;
  }
}

TEST_F(StatusOfFile, TellsAShorterALongerAndANewerFile) {
  const auto shorter = after([](std::string& bytes) { bytes.pop_back(); });
  const auto longer = after([](std::string& bytes) { bytes += "xy"; });
  const auto newer = after([](std::string& bytes) { bytes.replace(bytes.find(" 2 "), 3, " 3 "); });
  const auto foreign = after([](std::string& bytes) { bytes = "text"; });
  const auto absent = file_status(MPI_COMM_WORLD, folder_.path("none.h5"), Check::all);

  EXPECT_THAT(shorter.reason, HasSubstr("it is not whole"));
  EXPECT_THAT(longer.reason, HasSubstr("2 bytes were added"));
  EXPECT_EQ(shorter.state, FileState::damaged);
  EXPECT_EQ(longer.state, FileState::damaged);
  EXPECT_EQ(newer.state, FileState::newer);
  EXPECT_EQ(foreign.state, FileState::foreign);
  EXPECT_EQ(absent.state, FileState::absent);
}

TEST_F(StatusOfFile, HasTheSameBytesOnAnyNumberOfRanks) {
  const auto bytes_of = [](const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
  };

  const auto together = write();
  const auto alone = write(MPI_COMM_SELF, "alone" + std::to_string(rank_of(MPI_COMM_WORLD)) + ".h5");

  EXPECT_EQ(bytes_of(together), bytes_of(alone));
}

}  // namespace
}  // namespace kirchhoff
