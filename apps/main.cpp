// kirchhoff: layered circuits solved exactly, and a network that learns their currents.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>

#include "commands.hpp"
#include "kirchhoff/base/error.hpp"
#include "kirchhoff/base/text.hpp"
#include "kirchhoff/io/raster/job_file.hpp"
#include "kirchhoff/io/results/store.hpp"
#include "kirchhoff/parallel/agree.hpp"
#include "kirchhoff/parallel/parallel.hpp"
#include "kirchhoff/parallel/session.hpp"
#include "kirchhoff/parallel/stop.hpp"
#include "kirchhoff/version.hpp"
#include "pipeline/folder.hpp"
#include "pipeline/network.hpp"
#include "pipeline/options.hpp"
#include "pipeline/pipeline.hpp"

namespace kirchhoff {
namespace {

constexpr int kDone = 0;
constexpr int kFailed = 1;
constexpr int kWrongUsage = 2;

/// The command line taken apart: words that belong to no option, and the options.
struct CommandLine {
  std::vector<std::string> words;
  std::vector<std::string> options;
  std::string again = "kirchhoff";  // what to type to go on after an interruption
  bool help = false;
  bool version = false;

  CommandLine(int argc, char** argv) {
    bool last_has_value = false;
    for (int i = 1; i < argc; ++i) {
      std::string argument = argv[i];
      const bool redo =
          argument == "-force" || argument == "--force" || argument == "-overwrite" || argument == "--overwrite";
      if (!redo) again += " " + quoted(argument);
      if (!is_option(argument)) {
        words.push_back(argument);
        continue;
      }
      if (argument.starts_with("--")) argument.erase(0, 1);
      if (argument == "-help" || argument == "-h") {
        help = true;
      } else if (argument == "-version") {
        version = true;
      } else {
        options.push_back(argument);
        last_has_value = false;
        if (i + 1 < argc && !is_option(argv[i + 1]) && takes(argument, argv[i + 1])) {
          options.emplace_back(argv[++i]);
          if (!redo) again += " " + quoted(options.back());
          last_has_value = true;
        }
      }
    }
    // "run -ksp_monitor case.yaml": only PETSc knows which of its options take a value.
    if (words.size() == 1 && last_has_value && looks_like_input(options.back())) {
      words.push_back(options.back());
      options.pop_back();
    }
  }

 private:
  static bool is_option(const std::string& a) {
    return a.size() > 1 && a[0] == '-' && (std::isalpha(static_cast<unsigned char>(a[1])) != 0 || a[1] == '-');
  }

  /// Whether the next word is an option's value: not the input behind a true-or-false option, and only true or false
  /// behind the program's own flags.
  static bool takes(const std::string& option, const std::string& next) {
    const auto* known = find_option(option.substr(1));
    if (known == nullptr || known->values.type != Values::Type::flag || next == "true" || next == "false") return true;
    return known->of_case() && !looks_like_input(next);
  }

  static bool looks_like_input(const std::string& word) {
    return word.ends_with(".yaml") || word.ends_with(".yml") || is_network(word) || is_raster_job(word) ||
           std::filesystem::is_directory(word);
  }

  static std::string quoted(const std::string& word) {
    if (word.find_first_of(" \t'\"$*?;&|<>()") == std::string::npos && !word.empty()) return word;
    std::string text = "'";
    for (const char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return text + "'";
  }
};

/// A command by its name: how many words it takes, and what it does with them.
struct Command {
  std::size_t words;
  std::function<void(MPI_Comm, const CommandLine&)> work;
  const char* takes = "an input";
};

const std::map<std::string, Command>& commands() {
  static const auto table = [] {
    std::map<std::string, Command> all;
    for (const std::string name : {"run", "solve", "train", "sample", "validate"}) {
      all[name] = {
          1, [name](MPI_Comm comm, const CommandLine& line) { bring_stages(comm, name, line.words[1], line.again); }};
    }
    all["bench"] = {1, [](MPI_Comm comm, const CommandLine& line) { bench(comm, line.words[1], line.again); }};
    all["info"] = {1, [](MPI_Comm comm, const CommandLine& line) { info(comm, line.words[1]); }};
    all["convert"] = {2, [](MPI_Comm comm, const CommandLine& line) { convert(comm, line.words[1], line.words[2]); },
                      "an input and an output"};
    all["impute"] = {
        2, [](MPI_Comm comm, const CommandLine& line) { impute(comm, line.words[1], line.words[2], line.again); },
        "a case and a file of rows"};
    return all;
  }();
  return table;
}

/// A network is solved or converted as a whole, and nothing is kept of a part of it.
std::string resume_line(const std::string& launcher, const CommandLine& line) {
  const bool whole =
      !line.words.empty() && (line.words[0] == "convert" || (line.words.size() > 1 && is_network(line.words[1])));
  return fmt::format("interrupted: {} with {}{}", whole ? "nothing was written; begin again" : "resume", launcher,
                     line.again);
}

int usage_error(bool speaks, const std::string& what) {
  if (speaks) fmt::print(stderr, "error: {}; 'kirchhoff -help' lists the commands\n", what);
  return kWrongUsage;
}

int run(Session& session, const CommandLine& line) {
  const bool speaks = rank_of(session.comm()) == 0;
  if (line.help) {
    if (speaks) put(option_help());
    return kDone;
  }
  if (line.version) {
    if (speaks) put(fmt::format("kirchhoff {}\nPETSc {}\nBLAS {}\n", kVersion, petsc_version(), blas_version()));
    return kDone;
  }
  if (line.words.empty()) return usage_error(speaks, "a command is missing");
  const auto& name = line.words[0];
  const auto found = commands().find(name);
  if (found == commands().end()) {
    std::vector<std::string> names;
    for (const auto& [known, command] : commands()) names.push_back(known);
    return usage_error(speaks, fmt::format("unknown command '{}'{}", name, did_you_mean(name, names)));
  }
  const auto& command = found->second;
  const auto* takes = command.takes;
  if (line.words.size() <= command.words) return usage_error(speaks, fmt::format("'{}' needs {}", name, takes));
  if (line.words.size() > command.words + 1) {
    return usage_error(speaks, fmt::format("'{}' is one word too many: '{}' takes {}", line.words[command.words + 1],
                                           name, command.words == 1 ? "one input" : takes));
  }
  const int ranks = size_of(session.comm());
  forced_leave::arm(session.comm(), resume_line(ranks > 1 ? fmt::format("mpirun -n {} ", ranks) : "", line));
  try {
    heed_stop(session.comm());
    agree(session.comm(), refuse_wrong_options);
    command.work(session.comm(), line);
  } catch (const Interrupted&) {
    if (speaks) put(forced_leave::line() + "\n");
  }
  return kDone;
}

}  // namespace
}  // namespace kirchhoff

int main(int argc, char** argv) {
  using namespace kirchhoff;
  catch_stop_signals();
  keep_standard_streams();
  const CommandLine line(argc, argv);
  forced_leave::arm(resume_line("", line));
  std::optional<Session> started;
  try {
    started.emplace(line.options);
  } catch (const std::exception& e) {
    fmt::print(stderr, "error: {}\n", e.what());
    std::fflush(nullptr);
    std::_Exit(kFailed);  // what has been started of MPI and PETSc cannot be ended in order
  }
  Session& session = *started;
  const auto report = [&](const std::exception& e) {
    // What all ranks met together is said once, and all leave in order; what only this rank met ends the others too.
    constexpr double kSecondsToArrive = 3;
    const int rank = rank_of(session.comm());
    const bool out_of_memory = dynamic_cast<const std::bad_alloc*>(&e) != nullptr;
    const std::string what = out_of_memory ? "out of memory" : e.what();
    if (session.all_arrive(kSecondsToArrive)) {
      if (rank == 0) fmt::print(stderr, "error: {}\n", what);
      std::fflush(nullptr);
      return;
    }
    fmt::print(stderr, "[rank {}] error: {}\n", rank, what);
    std::fflush(stderr);
    MPI_Abort(session.comm(), kFailed);
  };
  try {
    const int status = run(session, line);
    forced_leave::disarm();
    return status;
  } catch (const std::exception& e) {
    forced_leave::disarm();
    report(e);
  }
  return kFailed;
}
