#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "kirchhoff/circuit/circuit.hpp"

namespace kirchhoff {

/// Kinds of problems, a bit each: what an option's defaults and use depend on.
enum Problem : unsigned {
  kExact = 1,
  kMonteCarlo = 2,
  kWalkDrawn = 4,   // walk supervision of a named target, which is drawn from without end
  kWalkRows = 8,    // walk supervision of a file's rows
  kNetwork = 16,    // a plain network, not a layered circuit
  kWalkTable = 32,  // walk supervision of a table, whose columns say what the states are
  kWalkFile = kWalkRows | kWalkTable,
  kWalk = kWalkDrawn | kWalkFile,
  kSolved = kExact | kMonteCarlo,  // whose circuit is solved as a whole
  kLayered = kSolved | kWalk,
};

/// What an option changes, a bit each: hashes and the descriptions of a problem are made from these.
enum Change : unsigned {
  kNothing = 0,   // how results are reached, which of them, what is reported
  kCircuit = 1,   // the problem, by its value
  kLaw = 2,       // the problem: a terminal's law, which enters by its masses where states can be counted
  kContent = 4,   // the problem, by the numbers that are read from a file
  kTraining = 8,  // the network
  kSamples = 16,  // the walks
  kProgram = 32,  // no key of a case: an option of the program
  kProblem = kCircuit | kLaw | kContent,
};

/// What decides which options are of use, and their defaults.
struct Setting {
  Problem problem = kExact;
  Family family = Family::dense;
};

/// Type and range of a value.
struct Values {
  enum class Type { text, texts, path, flag, choice, words, integer, integers, real, reals, map };
  Type type = Type::text;
  double least = 0;
  double most = 0;
  bool automatic = false;  // `auto` too

  bool list() const {
    return type == Type::texts || type == Type::words || type == Type::integers || type == Type::reals;
  }
};

/// A default: the usual one, and others for some problems. "=name": that option's value.
struct Default {
  Default(const char* value) : usual(value) {}  // NOLINT(google-explicit-constructor): a row of the table
  Default(const char* value, std::vector<std::pair<unsigned, std::string>> others)
      : usual(value), special(std::move(others)) {}
  const std::string& of(Problem problem) const;

  std::string usual;
  std::vector<std::pair<unsigned, std::string>> special;
};

/// One key of a case and option of the command line. The table of them is the only list: parsing, -help, the checks for
/// names that nobody knows or uses, the hashes and the resolved options in every file are made from it. Which families
/// use it stands with the families (FamilyRow::options).
struct OptionSpec {
  std::string name;  // section_key
  Default fallback;
  Values values;
  std::string unit;  // unit, or the choices as a|b|c
  std::string help;
  unsigned changes;  // bits of Change
  unsigned problems = kLayered;
  std::string needs{};  // a|b|c: of use only beside one of these options
  std::vector<std::pair<std::string, std::string>>
      older{};  // words of before, each with the one that stands for it now

  bool of_case() const { return (changes & kProgram) == 0; }
  /// Whether a family uses it: one that lists it, or every one where none does.
  bool serves(Family family) const;
  /// Why a problem does not use it, "walk supervision does not use it"; "" when it does.
  std::string useless(const Setting& setting) const;
  /// The same, with what it needs among the values of others.
  std::string useless(const Setting& setting, const std::function<std::string(const std::string&)>& text_of) const;
  /// The value in the words of now.
  std::string in_words_of_now(const std::string& value) const;
  /// A value written in one way only: 1e3 and 1000.0, [2, 2] and 2 are the same.
  std::string canonical(const std::string& value) const;
};

const std::vector<OptionSpec>& option_table();
const OptionSpec* find_option(const std::string& name);

/// What -help prints.
std::string option_help();

/// A key of a case with its value and line.
struct CaseEntry {
  std::string name;   // joined by underscores
  std::string value;  // lists joined by commas
  int line = 0;
  bool null = false;  // `key:`, with nothing behind it; '' is a value
};

/// Reads YAML: nested maps, scalars, lists of scalars. What stands below an option of type map becomes one value, as by
/// `nested_json`. `origin` names it in messages. Local.
/// @throws Error naming the line: bad YAML, a key twice, anything nested deeper than a list of values.
std::vector<CaseEntry> parse_case(const std::string& text, const std::string& origin);

/// A map of texts, lists of texts and maps in YAML, as JSON; both keep their order. Local. @throws Error naming
/// `origin`.
std::string nested_json(const std::string& text, const std::string& origin);

/// The options that a problem uses, with the values in force.
class ResolvedOptions {
 public:
  void add(const OptionSpec& option, std::string value) { values_.emplace_back(&option, std::move(value)); }
  /// Replaces a value by what it has turned out to mean.
  void set(const std::string& name, const std::string& value);

  /// As a case that can be run again.
  std::string yaml() const;
  /// One text for all that change any of `changes`.
  std::string digest(unsigned changes) const;
  /// In which options another problem, whose yaml() this is, differs: "circuit_layers is 10 there and 20 here"; "" for
  /// none that is known.
  std::string differences(const std::string& other) const;

 private:
  std::vector<std::pair<const OptionSpec*, std::string>> values_;
};

/// What no command can use, wherever it stands (command line, PETSC_OPTIONS, .petscrc): to be asked before any command
/// begins. Local, the same on every rank.
/// @throws Error for an option that nobody knows, with the nearest known name; for one that needs a value and has none.
void refuse_wrong_options();

/// Typed access to PETSc's option database, with defaults and with errors that say where a value came from.
class Options {
 public:
  /// case_file: what no stage could use is an error; stored: a case that the program wrote itself; network: no case.
  enum class Source { case_file, stored, network };

  /// Puts the case's keys into the database, where the command line has not set them, finds out what kind of problem it
  /// is, and checks every value that it uses. Local, the same on every rank.
  /// @throws Error for a key that no command knows, with the nearest known name; for a key without its value; for one,
  /// in a case file or on the command line, that no stage of this problem uses (what .petscrc and PETSC_OPTIONS say
  /// serves many cases, and may be of no use to one of them); for a value of the wrong type or out of range.
  Options(const std::vector<CaseEntry>& entries, const std::string& case_name, Source source = Source::case_file);

  const Setting& setting() const { return setting_; }
  bool given(const std::string& name) const;
  /// Whether it was given outside the case.
  bool overruled(const std::string& name) const { return given(name) && !line_of_.contains(name); }
  std::string text(const std::string& name) const;
  bool flag(const std::string& name) const;
  std::int64_t integer(const std::string& name) const;
  double real(const std::string& name) const;
  std::vector<double> reals(const std::string& name) const;
  std::vector<int> integers(const std::string& name) const;
  std::vector<std::string> words(const std::string& name) const;
  /// Index of the value among the choices of the table.
  std::size_t choice(const std::string& name) const;

  /// "case.yaml:7: circuit_layers" or "option -circuit_layers".
  std::string origin(const std::string& name) const;

  /// All options that this problem uses.
  ResolvedOptions resolved() const;
  /// Replaces a value by what it has turned out to mean (a path that was looked up, `auto`).
  void resolve(const std::string& name, const std::string& value) { replaced_[name] = value; }

 private:
  void refuse_unknown(const std::vector<CaseEntry>& entries) const;
  void settle_terminal(const std::string& role);
  void refuse_useless(const std::vector<CaseEntry>& entries, Source source) const;
  void check(const OptionSpec& option) const;

  std::string case_name_;
  std::map<std::string, int> line_of_;  // of what the case set
  std::map<std::string, std::string> replaced_;
  Setting setting_;
};

}  // namespace kirchhoff
