#pragma once

#include <mpi.h>

#include <filesystem>
#include <functional>
#include <limits>
#include <string>
#include <vector>

namespace kirchhoff {

/// How much memory somebody still grants, in bytes, and who, as a sentence has it: "the control group /x".
struct MemoryLimit {
  std::string who;
  double left = std::numeric_limits<double>::infinity();
};

/// Where limits are read: the files of Linux below `root`, and the environment. Tests have folders of their own.
struct MemorySystem {
  std::filesystem::path root = "/";
  std::function<const char*(const char*)> environment;
};
/// The real one.
MemorySystem this_system();

/// What this process holds [byte]: memory of its own, and pages shared with others.
struct MemoryInUse {
  double own = 0;
  double shared = 0;
};
MemoryInUse memory_in_use(const MemorySystem& system);

/// What is available of this machine's memory without swapping, and of each limited control group (version 1 and 2)
/// from this process's up to the root. Caches of files count as free. Local.
std::vector<MemoryLimit> limits_of_system(const MemorySystem& system);

/// What Slurm grants this job on the node (SLURM_MEM_PER_NODE, or SLURM_MEM_PER_CPU and SLURM_CPUS_ON_NODE, which are
/// in MiB) beyond `in_use` bytes; nothing where it sets no limit. Local.
std::vector<MemoryLimit> limit_of_slurm(const MemorySystem& system, double in_use);

/// What this process may still map (RLIMIT_AS) and allocate (RLIMIT_DATA). Local.
std::vector<MemoryLimit> limits_of_process(const MemorySystem& system);

/// The least of the memory that this process could still take by itself. Local.
MemoryLimit least_memory_left();

/// What a stage will hold beyond what is held now [byte]: once a node for all of its ranks, and this rank for itself.
struct MemoryNeed {
  double once = 0;
  double each = 0;
  MemoryNeed operator+(const MemoryNeed& other) const { return {once + other.once, each + other.each}; }
};

/// Sees that every node has room for its ranks, before the system would end one without a word.
/// @param stage what takes the memory, as a sentence begins with it: "solving".
/// @note Collective. @throws AgreedError that says how much is needed and who allows how much.
void require_memory(MPI_Comm comm, const std::string& stage, const MemoryNeed& need);

}  // namespace kirchhoff
