#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kirchhoff/base/error.hpp"
#include "pipeline/folder.hpp"

namespace kirchhoff {

/// How an artefact is asked for.
struct Asked {
  bool may_train = false;  // else the network has to be there
  bool redo = false;       // made anew even if it is up to date
};

/// What a stage leaves in a folder of results: files, and what they hold. A kind of problem says how they are read and
/// made; when that is done, and what is said of it, is the same for all (bring).
template <class Value>
struct Artefact {
  const char* stage;                 // in state.json, and before what is said on stdout
  std::vector<const char*> files{};  // any of them may do; messages name the first. None: it is made each time
  /// Whether the files are there and of this problem, where they do not say it themselves; else the folder asks them.
  std::function<bool()> there{};
  /// What the files hold, or part of it. @throws AgreedError: why they cannot be used.
  std::function<Value()> read{};
  /// Whether that is all of it; without: it always is.
  std::function<bool(const Value&)> complete{};
  /// Makes it, or goes on with what was read, and writes the files.
  std::function<Value(std::optional<Value>, ResultFolder::Stage&)> make{};
  /// Why it may not be made, when it may not: then what there is has to do.
  std::string refusal{};
  /// What is said of one that was read; without: that it is up to date.
  std::function<std::string(const Value&)> standing{};
  /// Figures of it for state.json.
  std::function<std::map<std::string, std::int64_t>(const Value&)> figures{};
};

/// Reads an artefact that is up to date, and makes or completes any other, saying which and why. @note Collective.
/// @throws AgreedError when it may not be made and is not there, or cannot be used.
template <class Value>
Value bring(ResultFolder& folder, const Artefact<Value>& artefact, bool redo) {
  auto stage = folder.begin(artefact.stage);
  const auto path = artefact.files.empty() ? "" : folder.path(artefact.files.front());
  const bool required = !artefact.refusal.empty();
  std::optional<Value> value;
  const auto fresh = [&](const char* file) { return folder.fresh(file); };
  const bool found =
      artefact.there ? artefact.there() : std::any_of(artefact.files.begin(), artefact.files.end(), fresh);
  if (!redo && found) {
    try {
      value = artefact.read();
    } catch (const AgreedError& e) {
      if (required) throw;
      say(folder.comm(), "", fmt::format("{} is made anew: {}", path, e.what()));
    }
  }
  if (required && !value) throw AgreedError(artefact.refusal);
  const bool complete = value && (!artefact.complete || artefact.complete(*value));
  const bool made = !complete && !required;
  if (made) {
    value = artefact.make(std::move(value), stage);
  } else {
    const auto standing = artefact.standing ? artefact.standing(*value) : "is up to date";
    say(folder.comm(), artefact.stage, fmt::format("{} {}", path, standing));
  }
  if (artefact.figures) {
    for (const auto& [figure, number] : artefact.figures(*value)) stage.note(figure, number);
  }
  stage.done(made, complete || made ? "finished" : "unfinished");
  return std::move(*value);
}

}  // namespace kirchhoff
