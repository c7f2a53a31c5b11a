#include "kirchhoff/parallel/session.hpp"

#include <dlfcn.h>
#include <fmt/format.h>
#include <petscsys.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <utility>

#include "kirchhoff/parallel/parallel.hpp"
#include "kirchhoff/parallel/stop.hpp"
#include "parallel/petsc.hpp"

namespace kirchhoff {
namespace {

std::string petsc_message;  // what PETSc's error handler heard first

PetscErrorCode on_petsc_error(MPI_Comm /*comm*/, int /*line*/, const char* function, const char* /*file*/,
                              PetscErrorCode code, PetscErrorType type, const char* message, void* /*context*/) {
  if (type == PETSC_ERROR_INITIAL) {
    petsc_message = fmt::format("{}{}{}", function == nullptr ? "" : function, function == nullptr ? "" : ": ",
                                message == nullptr ? "" : message);
    std::replace(petsc_message.begin(), petsc_message.end(), '\n', ' ');
  }
  return code;
}

/// What the command line says, by name: whether with a value.
std::map<std::string, bool>& typed_options() {
  static std::map<std::string, bool> names;
  return names;
}

bool is_option(const std::string& word) {
  return word.size() > 1 && word[0] == '-' && std::isalpha(static_cast<unsigned char>(word[1])) != 0;
}

std::vector<std::string> to_strings(int argc, char** argv) { return {argv + 1, argv + argc}; }

}  // namespace

void check(PetscErrorCode code, std::source_location where) {
  if (code == 0) return;
  if (petsc_message.empty()) {
    const char* text = nullptr;
    PetscErrorMessage(code, &text, nullptr);
    petsc_message = text == nullptr ? fmt::format("error code {}", static_cast<int>(code)) : text;
  }
  const auto file = std::filesystem::path(where.file_name()).filename().string();
  throw Error(fmt::format("PETSc: {} ({}:{})", std::exchange(petsc_message, {}), file, where.line()));
}

Session::Session(int argc, char** argv) : Session(to_strings(argc, argv)) {}

Session::Session(const std::vector<std::string>& arguments) : arguments_(arguments) {
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (!is_option(arguments[i])) continue;
    typed_options()[arguments[i].substr(1)] = i + 1 < arguments.size() && !is_option(arguments[i + 1]);
  }
  catch_stop_signals();
  // PETSc would take over SIGTERM and others, and lose what comes until they are taken back.
  arguments_.insert(arguments_.begin(), {"kirchhoff", "-no_signal_handler"});
  for (auto& argument : arguments_) argv_.push_back(argument.data());
  int argc = static_cast<int>(argv_.size());
  argv_.push_back(nullptr);
  char** argv = argv_.data();
  // Without a launcher, Open MPI would start a daemon beside the program, for children that we never spawn: half of the
  // time in which a small problem is solved, and a process more to be left behind.
  setenv("OMPI_MCA_ess_singleton_isolated", "1", 0);
  check(PetscPushErrorHandler(on_petsc_error, nullptr));
  check(PetscInitialize(&argc, &argv, nullptr, nullptr));
  MPI_Comm_dup(MPI_COMM_WORLD, &last_words_);
}

Session::~Session() {
  if (last_words_ != MPI_COMM_NULL) MPI_Comm_free(&last_words_);
  // The handler stays: it was made before PETSc chose its allocator, and -malloc_debug would not know its block again.
  PetscFinalize();
}

bool Session::all_arrive(double seconds) { return kirchhoff::all_arrive(last_words_, seconds); }

namespace options {

std::optional<std::string> get(const std::string& name) {
  const char* value = nullptr;
  PetscBool set = PETSC_FALSE;
  check(PetscOptionsFindPair(nullptr, nullptr, ("-" + name).c_str(), &value, &set));
  if (set == PETSC_FALSE) return std::nullopt;
  return value == nullptr ? "" : value;
}

std::optional<bool> typed(const std::string& name) {
  const auto found = typed_options().find(name);
  return found == typed_options().end() ? std::nullopt : std::optional(found->second);
}

void set_if_absent(const std::string& name, const std::string& value) {
  PetscBool set = PETSC_FALSE;
  check(PetscOptionsHasName(nullptr, nullptr, ("-" + name).c_str(), &set));
  if (set == PETSC_FALSE) check(PetscOptionsSetValue(nullptr, ("-" + name).c_str(), value.c_str()));
}

std::vector<std::string> unused() {
  PetscInt count = 0;
  char** left = nullptr;
  char** values = nullptr;
  check(PetscOptionsLeftGet(nullptr, &count, &left, &values));
  std::vector<std::string> names(left, left + count);
  check(PetscOptionsLeftRestore(nullptr, &count, &left, &values));
  return names;
}

}  // namespace options

std::string petsc_version() {
  PetscInt major = 0;
  PetscInt minor = 0;
  PetscInt subminor = 0;
  PetscGetVersionNumber(&major, &minor, &subminor, nullptr);
  return fmt::format("{}.{}.{}, {}-bit PetscInt", static_cast<int>(major), static_cast<int>(minor),
                     static_cast<int>(subminor), 8 * sizeof(PetscInt));
}

std::string blas_version() {
  using Config = char* (*)();
  if (auto config = reinterpret_cast<Config>(dlsym(RTLD_DEFAULT, "openblas_get_config"))) return config();
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    const auto path = line.find('/');
    if (path == std::string::npos || line.find("libblas") == std::string::npos) continue;
    const auto file = line.substr(path);
    return file.find("/blas/") != std::string::npos ? "reference BLAS (" + file + ")" : file;
  }
  return "unknown";
}

}  // namespace kirchhoff
