#include "options.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "kirchhoff/error.hpp"
#include "kirchhoff/session.hpp"
#include "kirchhoff/text.hpp"

namespace kirchhoff {
namespace {

const OptionSpec* find_option(const std::string& name) {
  for (const auto& option : option_table()) {
    if (option.name == name) return &option;
  }
  return nullptr;
}

std::vector<std::string> known_names(bool of_case) {
  std::vector<std::string> names;
  for (const auto& option : option_table()) {
    if (option.of_case || !of_case) names.push_back(option.name);
  }
  return names;
}

/// PETSc's options for the run as a whole. Some are read only when it ends, so that nothing but a list can tell a
/// misspelt one.
const std::vector<std::string> kPetscRunOptions = {"citations",
                                                   "draw_pause",
                                                   "draw_size",
                                                   "info",
                                                   "info_exclude",
                                                   "log",
                                                   "log_all",
                                                   "log_exclude",
                                                   "log_mpe",
                                                   "log_perfstubs",
                                                   "log_sync",
                                                   "log_trace",
                                                   "log_view",
                                                   "log_view_gpu_time",
                                                   "log_view_memory",
                                                   "malloc",
                                                   "malloc_coalesce",
                                                   "malloc_debug",
                                                   "malloc_dump",
                                                   "malloc_hbw",
                                                   "malloc_requested_size",
                                                   "malloc_test",
                                                   "malloc_view",
                                                   "malloc_view_threshold",
                                                   "memory_view",
                                                   "objects_dump",
                                                   "on_error_abort",
                                                   "on_error_attach_debugger",
                                                   "on_error_emacs",
                                                   "on_error_mpiabort",
                                                   "options_file",
                                                   "options_file_yaml",
                                                   "options_left",
                                                   "options_monitor",
                                                   "options_string_yaml",
                                                   "options_suppress_deprecated_warnings",
                                                   "options_view"};

/// Whether a name can be one of PETSc's: a solver's are checked by the solver, once it has asked for its own.
bool may_be_petsc(const std::string& name) {
  static const std::array<std::string, 17> prefixes = {
      "ksp_",         "pc_",     "mat_",        "vec_",      "mg_",        "sub_",
      "sf_",          "draw_",   "fieldsplit_", "inner_",    "redundant_", "start_in_debugger",
      "skip_petscrc", "use_gpu", "device",      "blas_view", "hypre_"};
  return std::any_of(prefixes.begin(), prefixes.end(), [&](const auto& prefix) { return name.starts_with(prefix); }) ||
         std::find(kPetscRunOptions.begin(), kPetscRunOptions.end(), name) != kPetscRunOptions.end();
}

template <class T>
bool parse_number(const std::string& text, T& value) {
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  return result.ec == std::errc() && result.ptr == text.data() + text.size();
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts;
  for (std::size_t at = 0; at <= text.size();) {
    const auto end = std::min(text.find(',', at), text.size());
    auto part = text.substr(at, end - at);
    part.erase(0, part.find_first_not_of(" \t"));
    part.erase(part.find_last_not_of(" \t") + 1);
    parts.push_back(part);
    at = end + 1;
  }
  return parts;
}

}  // namespace

Options::Options(const std::vector<CaseEntry>& entries, const std::string& case_name) : case_name_(case_name) {
  const auto case_names = known_names(true);
  for (const auto& entry : entries) {
    const auto* option = find_option(entry.name);
    if (option == nullptr || !option->of_case) {
      const auto is_section = [&](const auto& name) { return name.starts_with(entry.name + "_"); };
      if (std::any_of(case_names.begin(), case_names.end(), is_section)) {
        throw Error(fmt::format("{}:{}: '{}' is a section and holds keys: {}: {{key: value}}", case_name, entry.line,
                                entry.name, entry.name));
      }
      throw Error(fmt::format("{}:{}: unknown key '{}'{}", case_name, entry.line, entry.name,
                              did_you_mean(entry.name, case_names)));
    }
  }
  auto all_names = known_names(false);
  all_names.insert(all_names.end(), kPetscRunOptions.begin(), kPetscRunOptions.end());
  for (const auto& name : options::unused()) {
    if (find_option(name) == nullptr && !may_be_petsc(name)) {
      throw Error(fmt::format("unknown option -{}{}", name, did_you_mean(name, all_names)));
    }
  }
  for (const auto& entry : entries) {
    if (options::get(entry.name)) continue;
    options::set_if_absent(entry.name, entry.value);
    line_of_[entry.name] = entry.line;
  }
}

std::string Options::origin(const std::string& name) const {
  const auto line = line_of_.find(name);
  if (line != line_of_.end()) return fmt::format("{}:{}: {}", case_name_, line->second, name);
  return given(name) ? "option -" + name : name;
}

bool Options::given(const std::string& name) const { return options::get(name).has_value(); }

std::string Options::text(const std::string& name) const {
  const auto* option = find_option(name);
  if (option == nullptr) throw Error("internal: option " + name + " is not in the table");
  return options::get(name).value_or(option->fallback);
}

bool Options::flag(const std::string& name) const {
  const auto value = text(name);
  if (value.empty() || value == "true" || value == "yes" || value == "1") return true;
  if (value == "false" || value == "no" || value == "0") return false;
  throw Error(fmt::format("{} is '{}': true or false is needed", origin(name), value));
}

std::int64_t Options::integer(const std::string& name, std::int64_t least) const {
  const auto value = text(name);
  std::int64_t number = 0;
  if (!parse_number(value, number)) {
    throw Error(fmt::format("{} is '{}': a whole number is needed", origin(name), value));
  }
  if (number < least) throw Error(fmt::format("{} is {}: it must be at least {}", origin(name), number, least));
  return number;
}

double Options::real(const std::string& name, double least, double most) const {
  const auto value = text(name);
  double number = 0;
  if (!parse_number(value, number)) throw Error(fmt::format("{} is '{}': a number is needed", origin(name), value));
  if (!(number >= least && number <= most)) {
    throw Error(fmt::format("{} is {}: it must be between {} and {}", origin(name), value, least, most));
  }
  return number;
}

std::vector<double> Options::reals(const std::string& name) const {
  std::vector<double> numbers;
  for (const auto& part : split(text(name))) {
    double number = 0;
    if (!parse_number(part, number)) throw Error(fmt::format("{} has '{}': a number is needed", origin(name), part));
    numbers.push_back(number);
  }
  return numbers;
}

std::vector<int> Options::integers(const std::string& name) const {
  std::vector<int> numbers;
  for (const auto& part : split(text(name))) {
    int number = 0;
    if (!parse_number(part, number))
      throw Error(fmt::format("{} has '{}': a whole number is needed", origin(name), part));
    numbers.push_back(number);
  }
  return numbers;
}

std::vector<std::string> Options::words(const std::string& name) const { return split(text(name)); }

std::size_t Options::choice(const std::string& name, const std::vector<std::string>& choices) const {
  const auto value = text(name);
  const auto it = std::find(choices.begin(), choices.end(), value);
  if (it == choices.end()) {
    throw Error(fmt::format("{} is '{}': it must be one of {}{}", origin(name), value, fmt::join(choices, ", "),
                            did_you_mean(value, choices)));
  }
  return static_cast<std::size_t>(it - choices.begin());
}

void Options::resolve(const std::string& name, const std::string& value) { replaced_[name] = value; }

std::string Options::resolved(const std::vector<std::string>& sections) const {
  std::string yaml;
  std::string section;
  for (const auto& option : option_table()) {
    if (!option.of_case) continue;
    const auto of_option = option.name.substr(0, option.name.find('_'));
    if (!sections.empty() && std::find(sections.begin(), sections.end(), of_option) == sections.end()) continue;
    const auto it = replaced_.find(option.name);
    auto value = it != replaced_.end() ? it->second : text(option.name);
    if (value.empty()) continue;
    double number = 0;
    const bool list = option.list && value.find(',') != std::string::npos;
    if (list) {
      value = fmt::format("[{}]", fmt::join(split(value), ", "));
    } else if (!parse_number(value, number) && value != "true" && value != "false") {
      std::string quoted;
      for (const char c : value) quoted += c == '\'' ? std::string("''") : std::string(1, c);
      value = "'" + quoted + "'";
    }
    const auto underscore = option.name.find('_');
    if (underscore == std::string::npos) {
      yaml += fmt::format("{}: {}\n", option.name, value);
      continue;
    }
    if (option.name.substr(0, underscore) != section) {
      section = option.name.substr(0, underscore);
      yaml += section + ":\n";
    }
    yaml += fmt::format("  {}: {}\n", option.name.substr(underscore + 1), value);
  }
  return yaml;
}

}  // namespace kirchhoff
