#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "kirchhoff/base/error.hpp"
#include "kirchhoff/parallel/parallel.hpp"
#include "parallel/memory_limit.hpp"

namespace kirchhoff {
namespace {

namespace fs = std::filesystem;
using testing::ContainsRegex;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::ThrowsMessage;

/// A folder with files as a system has them.
class MadeUpSystem {
 public:
  MadeUpSystem() {
    std::string pattern = (fs::temp_directory_path() / "kirchhoff_limits_XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw Error("no folder");
    root_ = pattern;
    put("proc/meminfo", "MemTotal:       16000000 kB\nMemFree:  1 kB\nMemAvailable:    4000000 kB\n");
  }
  ~MadeUpSystem() { fs::remove_all(root_); }
  MadeUpSystem(const MadeUpSystem&) = delete;
  MadeUpSystem& operator=(const MadeUpSystem&) = delete;

  void put(const std::string& file, const std::string& text) {
    fs::create_directories((root_ / file).parent_path());
    std::ofstream(root_ / file) << text;
  }
  void set(const std::string& name, const std::string& value) { environment_[name] = value; }
  MemorySystem get() const {
    return {root_, [this](const char* name) -> const char* {
              const auto found = environment_.find(name);
              return found == environment_.end() ? nullptr : found->second.c_str();
            }};
  }

 private:
  fs::path root_;
  std::map<std::string, std::string> environment_;
};

std::vector<std::string> in_words(const std::vector<MemoryLimit>& limits) {
  std::vector<std::string> words;
  for (const auto& limit : limits) words.push_back(limit.who + ": " + std::to_string(static_cast<long>(limit.left)));
  return words;
}

constexpr const char* kMountsOfVersion1 =
    "30 25 0:26 / /sys/fs/cgroup/cpu rw,relatime shared:9 - cgroup cgroup rw,cpu\n"
    "31 25 0:27 / /sys/fs/cgroup/memory rw,relatime shared:10 - cgroup cgroup rw,memory\n";
constexpr const char* kMountsOfVersion2 = "30 25 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n";

TEST(MemoryLimits, AreTheMachinesWhereNoGroupHasOne) {
  const MadeUpSystem system;

  EXPECT_THAT(in_words(limits_of_system(system.get())), ElementsAre("this machine: 4096000000"));
}

TEST(MemoryLimits, AreThoseOfEveryGroupUpToTheRoot) {
  MadeUpSystem system;
  system.put("proc/self/cgroup", "4:memory:/jobs/7\n3:cpu:/other\n0::/\n");
  system.put("proc/self/mountinfo", kMountsOfVersion1);
  const std::string at = "sys/fs/cgroup/memory/";
  system.put(at + "jobs/7/memory.limit_in_bytes", "9223372036854771712\n");  // none
  system.put(at + "jobs/7/memory.usage_in_bytes", "5000\n");
  system.put(at + "jobs/memory.limit_in_bytes", "1000000\n");
  system.put(at + "jobs/memory.usage_in_bytes", "700000\n");
  system.put(at + "jobs/memory.stat", "inactive_file 1\ntotal_inactive_file 200000\ntotal_active_file 50000\n");
  system.put(at + "memory.limit_in_bytes", "9000000\n");
  system.put(at + "memory.usage_in_bytes", "9500000\n");  // more than allowed: nothing is left

  EXPECT_THAT(in_words(limits_of_system(system.get())),
              ElementsAre("this machine: 4096000000", "the control group /jobs: 550000", "the control group /: 0"));
}

TEST(MemoryLimits, OfVersion2TellMaxFromANumber) {
  MadeUpSystem system;
  system.put("proc/self/cgroup", "0::/user.slice/run-1.scope\n");
  system.put("proc/self/mountinfo", kMountsOfVersion2);
  const std::string at = "sys/fs/cgroup/user.slice/";
  system.put(at + "run-1.scope/memory.max", "1073741824\n");
  system.put(at + "run-1.scope/memory.current", "73741824\n");
  system.put(at + "run-1.scope/memory.stat", "anon 5\nfile 60000000\ninactive_file 3000000\nactive_file 1000000\n");
  system.put(at + "memory.max", "max\n");
  system.put(at + "memory.current", "100000000\n");

  EXPECT_THAT(in_words(limits_of_system(system.get())),
              ElementsAre("this machine: 4096000000", "the control group /user.slice/run-1.scope: 1004000000"));
}

TEST(MemoryLimits, AreFoundInAContainerThatSeesItsGroupAsTheRoot) {
  MadeUpSystem system;
  system.put("proc/self/cgroup", "9:cpu,memory:/docker/abc\n");
  system.put("proc/self/mountinfo", "1 0 0:1 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,cpu,memory\n");
  system.put("sys/fs/cgroup/memory/memory.limit_in_bytes", "2000000\n");
  system.put("sys/fs/cgroup/memory/memory.usage_in_bytes", "500000\n");

  EXPECT_THAT(in_words(limits_of_system(system.get())),
              ElementsAre("this machine: 4096000000", "the control group /docker/abc: 1500000"));
}

TEST(MemoryLimits, OfSlurmAreInMebibytes) {
  MadeUpSystem system;
  EXPECT_THAT(limit_of_slurm(system.get(), 0), IsEmpty());
  system.set("SLURM_MEM_PER_NODE", "0");  // all of it
  EXPECT_THAT(limit_of_slurm(system.get(), 0), IsEmpty());

  system.set("SLURM_MEM_PER_NODE", "2000");
  EXPECT_THAT(in_words(limit_of_slurm(system.get(), 97152000)), ElementsAre("Slurm (SLURM_MEM_PER_NODE): 2000000000"));

  system.set("SLURM_MEM_PER_NODE", "");
  system.set("SLURM_MEM_PER_CPU", "100");
  system.set("SLURM_CPUS_ON_NODE", "3");
  EXPECT_THAT(in_words(limit_of_slurm(system.get(), 572800)),
              ElementsAre("Slurm (SLURM_MEM_PER_CPU times SLURM_CPUS_ON_NODE): 314000000"));
}

TEST(MemoryLimits, AreNotExceededByWhatIsHeldNow) {
  const auto used = memory_in_use(this_system());

  EXPECT_GT(used.own, 1e6);
  EXPECT_GT(least_memory_left().left, 0);
}

TEST(RequireMemory, LetsPassWhatFits) {
  EXPECT_NO_THROW(require_memory(MPI_COMM_WORLD, "solving", {.once = 2e7, .each = 1e7}));
}

TEST(RequireMemory, RefusesOnAllRanksWhatOneAloneCannotHave) {
  const double mine = rank_of(MPI_COMM_WORLD) == size_of(MPI_COMM_WORLD) - 1 ? 5.42e18 : 1e3;

  EXPECT_THAT(([&] { require_memory(MPI_COMM_WORLD, "solving", {.each = mine}); }),
              ThrowsMessage<AgreedError>(
                  ContainsRegex("^solving needs about 5420000000\\.0 GB on this node.*, .* allows [0-9.]+ [MG]B$")));
  EXPECT_EQ(all_sum(MPI_COMM_WORLD, std::int64_t{1}), size_of(MPI_COMM_WORLD));  // and they are still in step
}

TEST(RequireMemory, AddsUpWhatTheRanksOfANodeTake) {
  const double left = least_memory_left().left;
  const double each = 1.5 * left / size_of(MPI_COMM_WORLD);

  EXPECT_THROW(require_memory(MPI_COMM_WORLD, "solving", {.each = each}), AgreedError);
}

}  // namespace
}  // namespace kirchhoff
