#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace kirchhoff {

/// One key of a case and option of the command line: the only list of them, from which -help, the checks for unknown
/// names and the resolved options in every file are made.
struct OptionSpec {
  std::string name;      // section_key
  std::string fallback;  // the default; "" where there is none
  std::string unit;      // unit or values
  std::string help;
  bool of_case = true;  // false: an option of the program, not of the problem
  bool list = false;    // holds a list of values where it has commas
};

const std::vector<OptionSpec>& option_table();

/// What -help prints.
std::string option_help();

/// A key of a case with its value and line.
struct CaseEntry {
  std::string name;   // joined by underscores
  std::string value;  // lists joined by commas
  int line = 0;
};

/// Reads YAML: nested maps, scalars, lists of scalars. `origin` names it in messages. Local.
/// @throws Error naming the line: bad YAML, a key twice, anything nested deeper than a list of values.
std::vector<CaseEntry> parse_case(const std::string& text, const std::string& origin);

/// Typed access to PETSc's option database, with defaults and with errors that say where a value came from.
class Options {
 public:
  /// Puts the case's keys into the database, where the command line has not set them. Local, the same on every rank.
  /// @throws Error for a key or option that no command knows, with the nearest known name.
  Options(const std::vector<CaseEntry>& entries, const std::string& case_name);

  bool given(const std::string& name) const;
  std::string text(const std::string& name) const;
  bool flag(const std::string& name) const;
  std::int64_t integer(const std::string& name, std::int64_t least) const;
  double real(const std::string& name, double least, double most) const;
  std::vector<double> reals(const std::string& name) const;
  std::vector<int> integers(const std::string& name) const;
  std::vector<std::string> words(const std::string& name) const;
  /// Index of the value among `choices`. @throws Error with the choices.
  std::size_t choice(const std::string& name, const std::vector<std::string>& choices) const;

  /// "case.yaml:7: circuit_layers" or "option -circuit_layers".
  std::string origin(const std::string& name) const;

  /// All options of the case with the values in force, as a case; only those of `sections`, unless that is empty.
  std::string resolved(const std::vector<std::string>& sections = {}) const;
  /// Replaces a value in `resolved` (a path that was looked up).
  void resolve(const std::string& name, const std::string& value);

 private:
  std::string case_name_;
  std::map<std::string, int> line_of_;  // of what the case set
  std::map<std::string, std::string> replaced_;
};

}  // namespace kirchhoff
