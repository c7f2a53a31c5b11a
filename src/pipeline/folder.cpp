#include "pipeline/folder.hpp"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "kirchhoff/base/error.hpp"
#include "kirchhoff/io/files/text_file.hpp"
#include "kirchhoff/io/results/store.hpp"
#include "kirchhoff/parallel/agree.hpp"
#include "kirchhoff/parallel/parallel.hpp"
#include "kirchhoff/parallel/stop.hpp"
#include "kirchhoff/version.hpp"

namespace kirchhoff {

namespace fs = std::filesystem;

void put(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

void say(MPI_Comm comm, const std::string& stage, const std::string& text) {
  if (rank_of(comm) != 0) return;
  put(fmt::format("{:<9} {}\n", stage, text));
}

std::string grouped(std::int64_t value) {
  auto digits = std::to_string(value);
  for (auto at = static_cast<int>(digits.size()) - 3; at > 0; at -= 3) digits.insert(static_cast<std::size_t>(at), ",");
  return digits;
}

namespace {

using Json = nlohmann::ordered_json;

constexpr auto kStateFile = "state.json";
constexpr std::array kStages = {"bench", "solve", "train", "sample", "table", "validate", "impute"};

/// A JSON object in a file; null when there is none that can be read.
Json read_json(const std::string& path) {
  if (!fs::is_regular_file(path)) return {};
  std::ifstream file(path);
  auto json = Json::parse(file, nullptr, false);
  return json.is_object() ? json : Json();
}

std::string text_in(const Json& json, const char* key) {
  const auto it = json.find(key);
  return it != json.end() && it->is_string() ? it->get<std::string>() : "";
}

std::string host_name() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "unknown";
}

/// " (process 123 on HOST)" of who is at work in a folder, as its state says.
std::string who_works_in(const std::string& folder) {
  const auto state = read_json((fs::path(folder) / kStateFile).string());
  const auto process = state.find("process");
  if (text_in(state, "state") != "running" || process == state.end() || !process->is_number_integer()) return "";
  return fmt::format(" (process {} on {})", process->get<std::int64_t>(), text_in(state, "host"));
}

/// A file of a newer schema is more than this program can know: the whole folder is left alone, even by -force.
void refuse_newer(const std::string& folder) {
  for (const auto& entry : fs::directory_iterator(folder)) {
    const auto file = entry.path().filename().string();
    const bool ours =
        file == "solution.h5" || file == "currents.h5" || file == "samples.h5" || file.starts_with("checkpoint");
    if (!ours || !file.ends_with(".h5")) continue;
    const auto status = file_status(entry.path().string(), Check::structure);
    if (status.state == FileState::newer) throw Error(status.reason);
  }
}

}  // namespace

FolderLock::FolderLock(const std::string& folder) {
  std::error_code failed;
  fs::create_directories(folder, failed);
  if (failed) throw Error(fmt::format("option -out: cannot make the folder {}: {}", folder, failed.message()));
  descriptor_ = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (access(folder.c_str(), W_OK) != 0) throw Error(fmt::format("option -out: no permission to write in {}", folder));
  // Some network file systems know no locks: then there is none.
  if (descriptor_ >= 0 && flock(descriptor_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    throw Error(fmt::format("option -out: another kirchhoff{} is at work in {}", who_works_in(folder), folder));
  }
  refuse_newer(folder);
}

FolderLock::~FolderLock() {
  if (descriptor_ >= 0) close(descriptor_);
}

namespace {

/// Whether a file of this name may be one of ours.
bool is_result(const std::string& file) {
  static constexpr std::array kNames = {"solution.h5", "currents.h5", "samples.h5", "samples.csv", "imputed.csv",
                                        "report.json", "report.html", "bench.json", kStateFile};
  const bool training = file.starts_with("training") && file.ends_with(".csv");
  const bool checkpoint = file.starts_with("checkpoint") && file.ends_with(".h5");
  return training || checkpoint || std::find(kNames.begin(), kNames.end(), file) != kNames.end();
}

std::vector<std::string> results_in(const std::string& folder) {
  std::vector<std::string> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const auto file = entry.path().filename().string();
    if (is_result(file)) files.push_back(file);
  }
  std::sort(files.begin(), files.end());
  return files;
}

/// What a program that was killed could not finish or remove.
void remove_unfinished(const std::string& folder) {
  std::vector<fs::path> left;
  for (const auto& entry : fs::directory_iterator(folder)) {
    auto name = entry.path();
    while (name.extension() == ".tmp" || name.extension() == ".new") name = name.stem();
    if (name != entry.path() && is_result(name.filename().string())) left.push_back(entry.path());
  }
  std::error_code ignored;
  for (const auto& path : left) fs::remove(path, ignored);
}

/// Which problem a file is of; hash "" when it does not say, or cannot be read.
struct Owner {
  std::string hash;
  std::string name;
  std::string options;
  std::string version;
};

Owner owner_of(const std::string& path) {
  if (path.ends_with(".json")) {
    const auto json = read_json(path);
    return {text_in(json, "problem_hash"), text_in(json, "input"), text_in(json, "options"),
            text_in(json, "package_version")};
  }
  try {
    auto p = read_provenance(path);
    return {p.problem_hash, "", p.options, p.package_version};
  } catch (const Error&) {
    return {};
  }
}

/// Atomically, and on the disk when it returns: whoever waits for the end of the work may trust it.
void write_durably(const std::string& path, const std::string& text) {
  const auto temporary = path + ".tmp";
  const int file = open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  const auto size = static_cast<ssize_t>(text.size());
  const bool written = file >= 0 && write(file, text.data(), text.size()) == size && fsync(file) == 0;
  const auto reason = std::generic_category().message(errno);
  if (file >= 0) close(file);
  if (!written) {
    std::error_code ignored;
    fs::remove(temporary, ignored);
    throw Error(fmt::format("cannot write {}: {}", path, reason));
  }
  replace_file(temporary, path);
  const int folder = open(fs::path(path).parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder >= 0) {
    fsync(folder);
    close(folder);
  }
}

std::string state_text(const FolderWork& work, const std::string& state, const std::string& error) {
  Json json = {{"state", state}, {"command", work.command}};
  json["stage"] = work.at_work.empty() ? Json() : Json(work.at_work.back());
  if (!error.empty()) json["error"] = error;
  json["stages"] = Json::object();
  for (const auto* name : kStages) {
    const auto it = work.stages.find(name);
    if (it == work.stages.end()) continue;
    auto& stage = json["stages"][name] = {{"state", it->second.state}};
    for (const auto& [figure, value] : it->second.figures) stage[figure] = value;
  }
  json["input"] = work.problem.name;
  json["problem_hash"] = work.problem.hash;
  json["options"] = work.problem.options.yaml();
  json["package_version"] = std::string(kVersion);
  json["host"] = host_name();
  json["process"] = static_cast<std::int64_t>(getpid());
  const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  json["time"] = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(now));
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string training_of(const std::string& checkpoint) {
  try {
    return summarise_checkpoint(checkpoint).training_hash;
  } catch (const Error&) {
    return "";
  }
}

}  // namespace

ResultFolder::ResultFolder(MPI_Comm comm, std::string folder, ProblemName problem, std::string command, bool overwrite)
    : comm_(comm), folder_(std::move(folder)), work_{std::move(problem), std::move(command), {}, {}} {
  agree(comm_, [&] {
    if (rank_of(comm_) != 0) return;
    lock_ = FolderLock(folder_);
    if (const auto why = conflict(); !why.empty()) {
      if (!overwrite) throw Error(fmt::format("option -out: {}; -overwrite removes what is there", why));
      make_room();
      say(MPI_COMM_SELF, "overwrite", fmt::format("{}; removed", why));
    }
    remove_unfinished(folder_);
    take_over_stages();
    write_state("running", "");
  });
}

std::string ResultFolder::path(const std::string& file) const { return (fs::path(folder_) / file).string(); }

bool ResultFolder::fresh(const char* file) const {
  const auto status = file_status(comm_, path(file), Check::structure);
  switch (status.state) {
    case FileState::whole:
      return status.problem_hash == hash();
    case FileState::newer:
    case FileState::damaged:
    case FileState::older:
    case FileState::foreign:
      say(comm_, "", fmt::format("{} is not used: {}", path(file), status.reason));
      return false;
    case FileState::absent:
      break;
  }
  return false;
}

/// Why this problem's results do not belong into the folder; "" when they do. A file that cannot be read is a damaged
/// one of ours where others are ours, and somebody else's where none is.
std::string ResultFolder::conflict() const {
  bool ours = false;
  std::string unknown;
  std::string where;
  Owner other;
  const auto files = results_in(folder_);
  if (files == std::vector<std::string>{kStateFile}) return "";  // of work that has left nothing
  for (const auto& file : files) {
    const auto owner = owner_of(path(file));
    if (owner.hash == hash()) {
      ours = true;
    } else if (!owner.hash.empty() && (other.options.empty() || file == kStateFile)) {  // which tells most
      where = file;
      other = owner;
    } else if (owner.hash.empty() && (file.ends_with(".h5") || file.ends_with(".json"))) {
      unknown = file;
    }
  }
  const auto named = [](const std::string& name, const std::string& hash) {
    return name.empty() ? hash : fmt::format("{} ({})", name, hash);
  };
  if (other.hash.empty()) {
    if (ours || unknown.empty()) return "";
    return fmt::format("{} holds {}, which is not of this program or damaged, and this is {}", folder_, unknown,
                       named(work_.problem.name, hash()));
  }
  auto differences = other.options.empty() ? "" : work_.problem.options.differences(other.options);
  if (differences.empty()) {
    differences =
        other.version == kVersion
            ? "no option differs, so that what the input files hold does"
            : fmt::format("no option differs, but an input file does, or the version of the program ({} there)",
                          other.version);
  }
  return fmt::format("{} holds another problem, {} by {}, and this is {}: {}", folder_, named(other.name, other.hash),
                     where, named(work_.problem.name, hash()), differences);
}

/// Removes what is of another problem, or does not say of which.
void ResultFolder::make_room() const {
  for (const auto& file : results_in(folder_)) {
    std::error_code failed;
    if (owner_of(path(file)).hash != hash()) fs::remove(path(file), failed);
    if (failed) throw Error(fmt::format("option -overwrite: cannot remove {}: {}", path(file), failed.message()));
  }
}

void ResultFolder::take_over_stages() {
  const auto state = read_json(path(kStateFile));
  if (text_in(state, "problem_hash") != hash() || !state.contains("stages") || !state["stages"].is_object()) return;
  for (const auto& [name, stage] : state["stages"].items()) {
    auto& mine = work_.stages[name];
    mine.state = text_in(stage, "state");
    if (mine.state == "running") mine.state = "died";
    for (const auto& [figure, value] : stage.items()) {
      if (value.is_number_integer()) mine.figures[figure] = value.get<std::int64_t>();
    }
  }
}

void ResultFolder::remove(const char* file) const {
  agree(comm_, [&] {
    std::error_code failed;
    if (rank_of(comm_) == 0) fs::remove(path(file), failed);
    if (failed) throw Error(fmt::format("cannot remove {}: {}", path(file), failed.message()));
  });
}

ResultFolder::Stage ResultFolder::begin(const std::string& stage) {
  work_.at_work.push_back(stage);
  work_.stages[stage].state = "running";
  agree(comm_, [&] { write_state("running", ""); });
  return {*this, stage};
}

void ResultFolder::note(const std::string& stage, const std::string& figure, std::int64_t value) {
  work_.stages[stage].figures[figure] = value;
  prepare_leave();
}

void ResultFolder::done(const std::string& stage, bool anew, const char* state) {
  std::erase(work_.at_work, stage);
  work_.stages[stage].state = state;
  if (!anew || stage == "solve" || stage == "bench") return;  // a solution that is made again is the same
  const auto after = std::find(kStages.begin(), kStages.end(), stage) + 1;
  std::for_each(after, kStages.end(), [&](const char* later) { work_.stages.erase(later); });
}

void ResultFolder::end(const std::string& state, const std::string& error) noexcept {
  for (const auto& stage : work_.at_work) work_.stages[stage].state = state;
  try {
    write_state(state, error);
  } catch (const std::exception& e) {  // not what has ended the work, which is said by others
    const auto what =
        fmt::format("warning: {}; it says what it said before, not that the work is {}\n", e.what(), state);
    std::fputs(what.c_str(), stderr);
  }
}

/// What is to be in the file instead of `running` if the program is forced to leave: by the first rank, or by another
/// if the first has heard nothing.
void ResultFolder::prepare_leave() const {
  forced_leave::set_last_act([path = path(kStateFile), work = work_] {
    auto stopped = work;
    for (const auto& stage : stopped.at_work) stopped.stages[stage].state = "interrupted";
    write_durably(path, state_text(stopped, "interrupted", ""));
  });
}

void ResultFolder::write_state(const std::string& state, const std::string& error) {
  const auto write = [&] {
    if (rank_of(comm_) == 0) write_durably(path(kStateFile), state_text(work_, state, error));
  };
  if (state == "running") {
    forced_leave::exclusively([&] {
      write();
      prepare_leave();
    });
  } else {
    forced_leave::set_last_act(nullptr);
    write();
  }
}

void ResultFolder::keep_training(const std::string& wanted, bool may_train) const {
  agree(comm_, [&] {
    if (rank_of(comm_) != 0) return;
    const auto beside = [](const char* file, const std::string& hash, const char* kind) {
      return fmt::format("{}.{}.{}", file, hash.substr(0, 8), kind);
    };
    const auto move = [&](const std::string& from, const std::string& to) {
      if (fs::exists(path(from))) fs::rename(path(from), path(to));
    };
    auto found = training_of(path("checkpoint.h5"));
    const bool whole = !found.empty();
    if (!whole) found = training_of(path("checkpoint.previous.h5"));
    const auto again = beside("checkpoint", wanted, "h5");
    const bool can_go_back = training_of(path(again)) == wanted;
    if (found == wanted || !(may_train || can_go_back)) return;
    if (!found.empty()) {
      const auto kept = beside("checkpoint", found, "h5");
      move(whole ? "checkpoint.h5" : "checkpoint.previous.h5", kept);
      if (whole) fs::remove(path("checkpoint.previous.h5"));  // the same training at an earlier step
      move("training.csv", beside("training", found, "csv"));
      say(MPI_COMM_SELF, "train", fmt::format("another training of this problem stays as {}", path(kept)));
    }
    if (can_go_back) {
      move(again, "checkpoint.h5");
      move(beside("training", wanted, "csv"), "training.csv");
      say(MPI_COMM_SELF, "train", fmt::format("{} is taken up again", path(again)));
    }
  });
}

std::string describe_folder(const std::string& folder) {
  const auto path = (fs::path(folder) / kStateFile).string();
  const auto state = read_json(path);
  if (text_in(state, "state").empty()) throw Error(fmt::format("{}: no state of any work can be read", path));
  std::string text = fmt::format("{}\n", folder);
  const auto line = [&](const std::string& key, const std::string& value) {
    if (!value.empty()) text += fmt::format("  {:<16} {}\n", key, value);
  };
  const auto is = text_in(state, "state");
  line("state", is == "running" ? "running, or died without a word" : is);
  for (const auto* key : {"stage", "error", "input", "problem_hash", "command", "time", "package_version"}) {
    line(key, text_in(state, key));
  }
  const auto stages = state.contains("stages") ? state["stages"] : Json::object();
  for (const auto& [name, stage] : stages.items()) {
    auto what = text_in(stage, "state");
    for (const auto& [figure, value] : stage.items()) {
      if (value.is_number_integer()) what += fmt::format(", {} {}", figure, value.get<std::int64_t>());
    }
    line(name, what);
  }
  return text;
}

}  // namespace kirchhoff
