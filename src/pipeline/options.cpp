#include "pipeline/options.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include "kirchhoff/base/error.hpp"
#include "kirchhoff/base/text.hpp"
#include "kirchhoff/parallel/session.hpp"

namespace kirchhoff {
namespace {

constexpr auto kProblemNames =
    std::to_array<std::pair<unsigned, const char*>>({{kExact, "exact supervision"},
                                                     {kMonteCarlo, "monte_carlo supervision"},
                                                     {kWalk, "walk supervision"},
                                                     {kWalkDrawn, "walk supervision of a named target"},
                                                     {kWalkRows, "walk supervision of a file's rows"},
                                                     {kWalkTable, "a table"},
                                                     {kNetwork, "a network"}});

std::vector<std::string> known_names(bool of_case) {
  std::vector<std::string> names;
  for (const auto& option : option_table()) {
    if (option.of_case() || !of_case) names.push_back(option.name);
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

std::vector<std::string> split(const std::string& text, char separator = ',') {
  std::vector<std::string> parts;
  for (std::size_t at = 0; at <= text.size();) {
    const auto end = std::min(text.find(separator, at), text.size());
    auto part = text.substr(at, end - at);
    part.erase(0, part.find_first_not_of(" \t"));
    part.erase(part.find_last_not_of(" \t") + 1);
    parts.push_back(part);
    at = end + 1;
  }
  return parts;
}

std::string one_of(const std::string& value, const std::vector<std::string>& choices) {
  if (std::find(choices.begin(), choices.end(), value) != choices.end()) return "";
  return fmt::format("it must be one of {}{}", fmt::join(choices, ", "), did_you_mean(value, choices));
}

/// What is wrong with one number; "" when nothing is.
std::string wrong_number(const Values& values, bool whole, const std::string& text) {
  double number = 0;
  std::int64_t integer = 0;
  if (whole ? !parse_number(text, integer) : !parse_number(text, number)) {
    return whole ? "a whole number is needed" : "a number is needed";
  }
  if (whole) number = static_cast<double>(integer);
  if (number >= values.least && number <= values.most) return "";
  if (std::isfinite(number) && number < values.least && values.most >= std::numeric_limits<int>::max()) {
    return fmt::format("it must be at least {}", values.least);
  }
  if (!whole && values.most == std::numeric_limits<double>::max()) return "a finite number is needed";
  return fmt::format("it must be between {} and {}", values.least, values.most);
}

/// What is wrong with one value, or one of a list of them; "" when nothing is.
std::string wrong_value(const OptionSpec& option, const std::string& value) {
  using Type = Values::Type;
  switch (option.values.type) {
    case Type::text:
    case Type::texts:
    case Type::path:
    case Type::map:
      return "";
    case Type::flag:
      return value.empty() || !one_of(value, {"true", "yes", "1", "false", "no", "0"}).empty()
                 ? "true or false is needed"
                 : "";
    case Type::choice:
    case Type::words:
      return one_of(value, split(option.unit, '|'));
    case Type::integer:
    case Type::integers:
      return wrong_number(option.values, true, value);
    case Type::real:
    case Type::reals:
      return wrong_number(option.values, false, value);
  }
  return "";
}

using TextOf = std::function<std::string(const std::string&)>;

/// The setting that values of a layered circuit make; unknown words count as none.
Setting setting_of(const TextOf& text_of) {
  Setting setting;
  const auto categories = text_of("space_categories");
  const bool from_file = !text_of("target_file").empty();
  const bool table = from_file && (categories.empty() || categories.find(',') != std::string::npos);
  auto supervision = text_of("train_supervision");
  if (supervision.empty() && table) supervision = "walk";
  if (supervision == "monte_carlo") setting.problem = kMonteCarlo;
  if (supervision == "walk") setting.problem = table ? kWalkTable : from_file ? kWalkRows : kWalkDrawn;
  const auto* family = find_option("circuit_family");
  const auto families = split(family->unit, '|');
  const auto word = text_of("circuit_family");
  auto it = std::find(families.begin(), families.end(), word.empty() ? family->fallback.of(setting.problem) : word);
  if (it != families.end()) setting.family = static_cast<Family>(it - families.begin());  // made from their rows
  return setting;
}

std::string section_of(const std::string& name) { return name.substr(0, name.find('_')); }

Error without_value(const std::string& where, const OptionSpec& option) {
  return Error(fmt::format("{} is without its value [{}]", where, option.unit));
}

std::string in_single_quotes(const std::string& text) {
  std::string quoted;
  for (const char c : text) quoted += c == '\'' ? std::string("''") : std::string(1, c);
  return "'" + quoted + "'";
}

/// A value as YAML.
std::string scalar(const OptionSpec& option, const std::string& value) {
  double number = 0;
  if (option.values.list() && value.find(',') != std::string::npos) {
    if (option.values.type != Values::Type::texts) return fmt::format("[{}]", fmt::join(split(value), ", "));
    std::vector<std::string> quoted;
    for (const auto& part : split(value)) quoted.push_back(in_single_quotes(part));
    return fmt::format("[{}]", fmt::join(quoted, ", "));
  }
  if (option.values.type == Values::Type::map) return value;
  if (parse_number(value, number) || value == "true" || value == "false") return value;
  return in_single_quotes(value);
}

}  // namespace

const OptionSpec* find_option(const std::string& name) {
  const auto& table = option_table();
  const auto it = std::find_if(table.begin(), table.end(), [&](const auto& option) { return option.name == name; });
  return it == table.end() ? nullptr : &*it;
}

const std::string& Default::of(Problem problem) const {
  for (const auto& [problems, value] : special) {
    if ((problems & problem) != 0) return value;
  }
  return usual;
}

bool OptionSpec::serves(Family family) const {
  const auto lists = [this](const FamilyRow& row) {
    return std::find(row.options.begin(), row.options.end(), name) != row.options.end();
  };
  return lists(row_of(family)) || std::none_of(families().begin(), families().end(), lists);
}

std::string OptionSpec::useless(const Setting& setting) const {
  if ((problems & setting.problem) == 0) {
    // "walk supervision" where it is of no use to any of it, and not its one kind.
    const auto named = std::find_if(kProblemNames.begin(), kProblemNames.end(), [&](const auto& p) {
      return (p.first & setting.problem) != 0 && (p.first & problems) == 0;
    });
    return fmt::format("{} does not use it", named->second);
  }
  if (setting.problem != kNetwork && !serves(setting.family)) {
    return fmt::format("family {} does not use it", to_string(setting.family));
  }
  return "";
}

std::string OptionSpec::useless(const Setting& setting, const TextOf& text_of) const {
  auto why = useless(setting);
  if (!why.empty() || needs.empty()) return why;
  const auto needed = split(needs, '|');
  const auto there = [&](const auto& other) { return !text_of(other).empty() && text_of(other) != "0"; };
  if (std::any_of(needed.begin(), needed.end(), there)) return "";
  return fmt::format("nothing uses it without {}", fmt::join(needed, " or "));
}

std::string OptionSpec::in_words_of_now(const std::string& value) const {
  if (older.empty()) return value;
  auto parts = split(value);
  for (auto& part : parts) {
    for (const auto& [before, now] : older) {
      if (part == before) part = now;
    }
  }
  return fmt::format("{}", fmt::join(parts, ","));
}

std::string OptionSpec::canonical(const std::string& value) const {
  const auto number_of = [](const std::string& text) {
    double number = 0;
    return parse_number(text, number) ? fmt::format("{}", number) : text;
  };
  using Type = Values::Type;
  if (values.type == Type::real) return number_of(value);
  if (values.type == Type::flag) return value == "true" || value == "yes" || value == "1" ? "true" : "false";
  if (!values.list()) return value;
  auto parts = split(value);
  if (values.type == Type::reals) {
    std::transform(parts.begin(), parts.end(), parts.begin(), number_of);
    if (std::all_of(parts.begin(), parts.end(), [&](const auto& part) { return part == parts[0]; })) parts.resize(1);
  }
  return fmt::format("{}", fmt::join(parts, ","));
}

void ResolvedOptions::set(const std::string& name, const std::string& value) {
  for (auto& [option, old] : values_) {
    if (option->name == name) old = value;
  }
}

std::string ResolvedOptions::yaml() const {
  std::string yaml;
  std::string section;
  for (const auto& [option, value] : values_) {
    if (value.empty()) continue;
    const auto underscore = option->name.find('_');
    if (underscore == std::string::npos) {
      yaml += fmt::format("{}: {}\n", option->name, scalar(*option, value));
      continue;
    }
    if (section_of(option->name) != section) {
      section = section_of(option->name);
      yaml += section + ":\n";
    }
    yaml += fmt::format("  {}: {}\n", option->name.substr(underscore + 1), scalar(*option, value));
  }
  return yaml;
}

std::string ResolvedOptions::digest(unsigned changes) const {
  std::string text;
  for (const auto& [option, value] : values_) {
    if ((option->changes & changes) != 0) text += fmt::format("{}={}\n", option->name, option->canonical(value));
  }
  return text;
}

std::string ResolvedOptions::differences(const std::string& other) const {
  std::map<std::string, std::string> theirs;
  try {
    for (const auto& entry : parse_case(other, "")) theirs[entry.name] = entry.value;
  } catch (const Error&) {  // damaged, or of no case: nothing can be said of it
    return "";
  }
  std::vector<std::string> found;
  for (const auto& option : option_table()) {
    if ((option.changes & kProblem) == 0) continue;
    const auto mine = std::find_if(values_.begin(), values_.end(), [&](const auto& v) { return v.first == &option; });
    const auto here = mine == values_.end() ? "" : mine->second;
    const auto there = theirs[option.name];
    if (option.canonical(here) == option.canonical(there)) continue;
    const auto shown = [](const std::string& value) { return value.empty() ? "not given" : value; };
    found.push_back(fmt::format("{} is {} there and {} here", option.name, shown(there), shown(here)));
  }
  return fmt::format("{}", fmt::join(found, ", "));
}

void refuse_wrong_options() {
  auto all_names = known_names(false);
  all_names.insert(all_names.end(), kPetscRunOptions.begin(), kPetscRunOptions.end());
  for (const auto& name : options::unused()) {
    if (find_option(name) == nullptr && !may_be_petsc(name)) {
      throw Error(fmt::format("unknown option -{}{}", name, did_you_mean(name, all_names)));
    }
  }
  for (const auto& option : option_table()) {
    if (option.values.type == Values::Type::flag) continue;
    // PETSc keeps '' and nothing alike; '' on the command line is a value: the case's one does not count.
    const auto typed = options::typed(option.name);
    const bool has_none = typed ? !*typed : options::get(option.name) == "";
    if (has_none) throw without_value("option -" + option.name, option);
  }
}

Options::Options(const std::vector<CaseEntry>& entries, const std::string& case_name, Source source)
    : case_name_(case_name) {
  refuse_unknown(entries);
  for (const auto& entry : entries) {
    if (entry.null || options::get(entry.name)) continue;
    options::set_if_absent(entry.name, entry.value);
    line_of_[entry.name] = entry.line;
  }
  if (source == Source::network) {
    setting_.problem = kNetwork;
  } else {
    for (const auto* role : {"source", "target"}) settle_terminal(role);
    for (const auto* name : {"train_supervision", "circuit_family"}) check(*find_option(name));
    setting_ = setting_of([&](const std::string& name) { return given(name) ? text(name) : ""; });
  }
  refuse_useless(entries, source);
  for (const auto& option : option_table()) {
    if (option.of_case() || option.values.type == Values::Type::flag) check(option);
  }
}

void Options::refuse_unknown(const std::vector<CaseEntry>& entries) const {
  const auto case_names = known_names(true);
  for (const auto& entry : entries) {
    const auto* option = find_option(entry.name);
    if (option != nullptr && option->of_case()) {
      if (entry.null) throw without_value(fmt::format("{}:{}: {}", case_name_, entry.line, entry.name), *option);
      continue;
    }
    const auto is_section = [&](const auto& name) { return name.starts_with(entry.name + "_"); };
    if (std::any_of(case_names.begin(), case_names.end(), is_section)) {
      if (entry.null) continue;  // a section of no keys
      throw Error(fmt::format("{}:{}: '{}' is a section and holds keys: {}: {{key: value}}", case_name_, entry.line,
                              entry.name, entry.name));
    }
    throw Error(fmt::format("{}:{}: unknown key '{}'{}", case_name_, entry.line, entry.name,
                            did_you_mean(entry.name, case_names)));
  }
}

/// A file given on the command line replaces the case's name, and the other way round.
void Options::settle_terminal(const std::string& role) {
  const auto name = role + "_name";
  const auto file = role + "_file";
  const auto filled = [](const std::string& option) { return !options::get(option).value_or("").empty(); };
  if (!filled(file)) return;
  if (!filled(name) || (overruled(file) && !overruled(name))) {
    replaced_[name] = "";
  } else if (overruled(name) && !overruled(file)) {
    replaced_[file] = "";
  } else {
    throw Error(fmt::format("{}: {} has both a name and a file", origin(file), role));
  }
}

void Options::refuse_useless(const std::vector<CaseEntry>& entries, Source source) const {
  const auto text_of = [&](const std::string& name) { return text(name); };
  const auto in_case = [&](const std::string& name) {
    const auto it = std::find_if(entries.begin(), entries.end(), [&](const auto& entry) { return entry.name == name; });
    return it == entries.end() ? "" : it->value;
  };
  const auto case_alone = setting_of(in_case);
  for (const auto& option : option_table()) {
    const auto why = option.useless(setting_, text_of);
    if (line_of_.contains(option.name)) {
      if (source == Source::stored || why.empty() || option.useless(case_alone, in_case).empty()) continue;
      throw Error(fmt::format("{}: {}", origin(option.name), why));
    }
    const auto typed = options::typed(option.name);
    if (typed && !why.empty()) throw Error(fmt::format("{}: {}", origin(option.name), why));
  }
}

void Options::check(const OptionSpec& option) const {
  if (!option.useless(setting_).empty()) return;
  const auto& fallback = option.fallback.of(setting_.problem);
  if (!given(option.name) && fallback.starts_with('=')) return;  // that option is checked by its own name
  const auto value = text(option.name);
  if (value.empty() && !given(option.name)) return;
  if (option.values.automatic && value == "auto") return;
  if (option.values.type == Values::Type::flag && value.empty()) return;
  for (const auto& part : option.values.list() ? split(value) : std::vector<std::string>{value}) {
    const auto wrong = wrong_value(option, part);
    if (wrong.empty()) continue;
    const bool range = wrong.starts_with("it must be between") || wrong.starts_with("it must be at least");
    throw Error(fmt::format("{} {} {}: {}", origin(option.name), option.values.list() ? "has" : "is",
                            range ? part : "'" + part + "'", wrong));
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
  const auto replaced = replaced_.find(name);
  if (replaced != replaced_.end()) return replaced->second;
  if (const auto value = options::get(name); value && option->useless(setting_).empty()) {
    return option->in_words_of_now(*value);
  }
  const auto& fallback = option->fallback.of(setting_.problem);
  return fallback.starts_with('=') ? text(fallback.substr(1)) : fallback;
}

bool Options::flag(const std::string& name) const {
  const auto value = text(name);
  return value.empty() || value == "true" || value == "yes" || value == "1";
}

std::int64_t Options::integer(const std::string& name) const {
  std::int64_t number = 0;
  if (!parse_number(text(name), number)) throw Error(fmt::format("{}: a whole number is needed", origin(name)));
  return number;
}

double Options::real(const std::string& name) const {
  double number = 0;
  if (!parse_number(text(name), number)) throw Error(fmt::format("{}: a number is needed", origin(name)));
  return number;
}

std::vector<double> Options::reals(const std::string& name) const {
  std::vector<double> numbers;
  for (const auto& part : split(text(name))) parse_number(part, numbers.emplace_back());
  return numbers;
}

std::vector<int> Options::integers(const std::string& name) const {
  std::vector<int> numbers;
  for (const auto& part : split(text(name))) parse_number(part, numbers.emplace_back());
  return numbers;
}

std::vector<std::string> Options::words(const std::string& name) const {
  const auto value = text(name);
  return value.empty() ? std::vector<std::string>() : split(value);
}

std::size_t Options::choice(const std::string& name) const {
  const auto choices = split(find_option(name)->unit, '|');
  return static_cast<std::size_t>(std::find(choices.begin(), choices.end(), text(name)) - choices.begin());
}

ResolvedOptions Options::resolved() const {
  ResolvedOptions resolved;
  const auto text_of = [&](const std::string& name) { return text(name); };
  for (const auto& option : option_table()) {
    if (option.of_case() && option.useless(setting_, text_of).empty()) resolved.add(option, text(option.name));
  }
  return resolved;
}

}  // namespace kirchhoff
