#include "parallel/memory_limit.hpp"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <sstream>

#include "kirchhoff/base/error.hpp"
#include "kirchhoff/parallel/agree.hpp"
#include "kirchhoff/parallel/parallel.hpp"

namespace kirchhoff {
namespace {

namespace fs = std::filesystem;

constexpr double kMiB = 1048576;

/// A number that is all there is in a text or file; none for "max" and the like.
std::optional<double> number_in(const std::string& text) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (end == text.c_str() || !std::isfinite(value) || value < 0) return std::nullopt;
  return value;
}
std::optional<double> number_of(const fs::path& file) {
  std::ifstream in(file);
  std::string word;
  return in >> word ? number_in(word) : std::nullopt;
}

/// Files of lines "name value", "name: value kB".
std::map<std::string, double> values_of(const fs::path& file) {
  std::map<std::string, double> values;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    std::string name;
    double value = 0;
    std::string unit;
    if (!(words >> name >> value)) continue;
    if (name.back() == ':') name.pop_back();
    values[name] = words >> unit && unit == "kB" ? value * 1024 : value;
  }
  return values;
}
double value_or_zero(const std::map<std::string, double>& values, const std::string& name) {
  const auto found = values.find(name);
  return found == values.end() ? 0 : found->second;
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, separator);) parts.push_back(part);
  return parts;
}
bool has(const std::vector<std::string>& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

/// A hierarchy of control groups that limits memory: the files that hold limit and use, and what of the use the system
/// can take back.
struct Hierarchy {
  bool unified;  // version 2
  const char* limit;
  const char* usage;
  const char* inactive;
  const char* active;
};
constexpr std::array<Hierarchy, 2> kHierarchies{
    Hierarchy{false, "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file", "total_active_file"},
    Hierarchy{true, "memory.max", "memory.current", "inactive_file", "active_file"}};

/// This process's group: /proc/self/cgroup has lines "4:memory:/group" (version 1), "0::/group" (version 2).
std::optional<std::string> group_of(const fs::path& root, const Hierarchy& of) {
  std::ifstream in(root / "proc/self/cgroup");
  for (std::string line; std::getline(in, line);) {
    const auto first = line.find(':');
    const auto second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const auto controllers = line.substr(first + 1, second - first - 1);
    if (of.unified ? controllers.empty() : has(split(controllers, ','), "memory")) return line.substr(second + 1);
  }
  return std::nullopt;
}

/// Where the hierarchy is mounted, and which group of it is there: a container sees its own as the root.
struct Mount {
  std::string group;
  std::string folder;
};
std::optional<Mount> mount_of(const fs::path& root, const Hierarchy& of) {
  std::ifstream in(root / "proc/self/mountinfo");  // proc(5): ... group folder ... - type source options
  for (std::string line; std::getline(in, line);) {
    const auto words = split(line, ' ');
    const auto dash = std::find(words.begin(), words.end(), "-");
    if (words.size() < 6 || std::distance(dash, words.end()) < 4) continue;
    const auto& type = dash[1];
    if (of.unified ? type == "cgroup2" : type == "cgroup" && has(split(dash[3], ','), "memory")) {
      return Mount{words[3], words[4]};
    }
  }
  return std::nullopt;
}

void add_groups(const fs::path& root, const Hierarchy& of, std::vector<MemoryLimit>& limits) {
  const auto group = group_of(root, of);
  const auto mount = mount_of(root, of);
  if (!group || !mount) return;
  auto relative = fs::path(*group).lexically_relative(mount->group);
  if (relative.empty() || *relative.begin() == "..") relative = ".";
  const auto top = root / fs::path(mount->folder).relative_path();
  for (auto at = relative.lexically_normal();; at = at.parent_path()) {
    if (at == ".") at.clear();
    const auto folder = top / at;
    const auto limit = number_of(folder / of.limit);
    const auto usage = number_of(folder / of.usage);
    constexpr double kNone = 9e18;  // version 1: the largest number of bytes in whole pages
    if (limit && usage && *limit < kNone) {
      const auto stat = values_of(folder / "memory.stat");
      const double cache = value_or_zero(stat, of.inactive) + value_or_zero(stat, of.active);
      limits.push_back({fmt::format("the control group {}",
                                    at.empty() ? mount->group : (fs::path(mount->group) / at).generic_string()),
                        std::max(0.0, *limit - std::max(0.0, *usage - cache))});
    }
    if (at.empty()) return;
  }
}

MemoryLimit least(const std::vector<MemoryLimit>& limits) {
  MemoryLimit found;
  for (const auto& limit : limits) {
    if (limit.left < found.left) found = limit;
  }
  return found;
}

std::string bytes_text(double bytes) {
  return bytes < 0.995e9 ? fmt::format("{:.0f} MB", bytes / 1e6) : fmt::format("{:.1f} GB", bytes / 1e9);
}

}  // namespace

MemorySystem this_system() {
  return {"/", [](const char* name) -> const char* { return std::getenv(name); }};
}

MemoryInUse memory_in_use(const MemorySystem& system) {
  const auto values = values_of(system.root / "proc/self/status");
  return {value_or_zero(values, "RssAnon"), value_or_zero(values, "RssShmem")};
}

std::vector<MemoryLimit> limits_of_system(const MemorySystem& system) {
  std::vector<MemoryLimit> limits;
  const auto info = values_of(system.root / "proc/meminfo");
  if (const auto found = info.find("MemAvailable"); found != info.end()) {
    limits.push_back({"this machine", found->second});
  } else {  // before Linux 3.14, or no Linux: what is installed
    limits.push_back(
        {"this machine", static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGE_SIZE))});
  }
  for (const auto& hierarchy : kHierarchies) add_groups(system.root, hierarchy, limits);
  return limits;
}

std::vector<MemoryLimit> limit_of_slurm(const MemorySystem& system, double in_use) {
  const auto number = [&](const char* name) -> double {
    const char* text = system.environment(name);
    return text == nullptr ? 0 : number_in(text).value_or(0);
  };
  const double of_node = number("SLURM_MEM_PER_NODE") * kMiB;  // 0: all that the node has
  const double of_cpus = number("SLURM_MEM_PER_CPU") * number("SLURM_CPUS_ON_NODE") * kMiB;
  std::vector<MemoryLimit> limits;
  if (of_node > 0) limits.push_back({"Slurm (SLURM_MEM_PER_NODE)", std::max(0.0, of_node - in_use)});
  if (of_cpus > 0) {
    limits.push_back({"Slurm (SLURM_MEM_PER_CPU times SLURM_CPUS_ON_NODE)", std::max(0.0, of_cpus - in_use)});
  }
  return limits;
}

std::vector<MemoryLimit> limits_of_process(const MemorySystem& system) {
  const auto status = values_of(system.root / "proc/self/status");
  std::vector<MemoryLimit> limits;
  const auto add = [&](auto resource, const char* who, const char* used) {
    rlimit limit{};
    if (getrlimit(resource, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return;
    limits.push_back({who, std::max(0.0, static_cast<double>(limit.rlim_cur) - value_or_zero(status, used))});
  };
  add(RLIMIT_AS, "the limit of a process's address space (ulimit -v)", "VmSize");
  add(RLIMIT_DATA, "the limit of a process's data (ulimit -d)", "VmData");
  return limits;
}

MemoryLimit least_memory_left() {
  const auto system = this_system();
  const auto used = memory_in_use(system);
  auto limits = limits_of_system(system);
  for (const auto& more : {limit_of_slurm(system, used.own + used.shared), limits_of_process(system)}) {
    limits.insert(limits.end(), more.begin(), more.end());
  }
  return least(limits);
}

void require_memory(MPI_Comm comm, const std::string& stage, const MemoryNeed& need) {
  constexpr double kNotWorthALook = 16 * kMiB;
  if (all_max(comm, need.once + need.each * size_of(comm)) < kNotWorthALook) return;
  const auto system = this_system();
  MPI_Comm node = MPI_COMM_NULL;
  MPI_Comm_split_type(comm, MPI_COMM_TYPE_SHARED, rank_of(comm), MPI_INFO_NULL, &node);
  const auto used = memory_in_use(system);
  const double all_used = all_sum(node, used.own) + all_max(node, used.shared);
  const double of_all = all_max(node, need.once) + all_sum(node, need.each);
  const int ranks = size_of(node);
  MPI_Comm_free(&node);
  agree(comm, [&] {
    auto of_node = limits_of_system(system);
    const auto slurm = limit_of_slurm(system, all_used);
    of_node.insert(of_node.end(), slurm.begin(), slurm.end());
    const auto refuse = [&](double bytes, const std::string& where, const MemoryLimit& limit) {
      throw Error(fmt::format("{} needs about {} {}, {} allows {}", stage, bytes_text(bytes), where, limit.who,
                              bytes_text(limit.left)));
    };
    const auto node_limit = least(of_node);
    if (of_all > node_limit.left) {
      refuse(of_all, ranks == 1 ? "on this node" : fmt::format("on this node ({} ranks)", ranks), node_limit);
    }
    const auto limit = least(limits_of_process(system));
    if (need.once + need.each > limit.left) refuse(need.once + need.each, "in each process", limit);
  });
}

}  // namespace kirchhoff
