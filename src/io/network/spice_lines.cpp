// From the lines of files to the cards of one netlist.
#include "io/network/spice_lines.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <utility>

#include "kirchhoff/base/error.hpp"
#include "kirchhoff/base/text.hpp"

namespace kirchhoff::detail {
namespace {

constexpr std::size_t kDeepestInclude = 64;
constexpr std::int64_t kMostIncluded = 10'000;

/// Whether a first line would be an element or a card, if it were not the title: what would then be lost.
bool reads_like_a_card(std::string_view line) {
  SpiceFields fields(line);
  const auto word = fields.next();
  if (word.size() < 2) return false;
  if (word.front() == '.') return std::isalpha(static_cast<unsigned char>(word[1])) != 0;
  if (std::string_view("rviclRVICL").find(word.front()) == std::string_view::npos) return false;
  for (int node = 0; node < 2; ++node) {
    if (fields.next().empty()) return false;
  }
  auto value = fields.next();
  if (alike(value, "dc") || alike(value, "r") || alike(value, "resistance")) value = fields.next();
  return !value.empty() && (enclosed(value) == value.size() || scaled_number(value).has_value());
}

std::string_view without_comment(std::string_view line) {
  if (line.starts_with('*')) return {};
  const auto* first =
      std::find_if(line.data(), line.data() + line.size(), [](char c) { return c == ';' || c == '$' || c == '/'; });
  for (auto k = static_cast<std::size_t>(first - line.data()); k < line.size(); ++k) {
    const bool after_blank = k == 0 || kBlanks.find(line[k - 1]) != std::string_view::npos;
    const bool slashes = line[k] == '/' && k + 1 < line.size() && line[k + 1] == '/';
    if (line[k] == ';' || (after_blank && (line[k] == '$' || slashes))) return line.substr(0, k);
  }
  return line;
}

}  // namespace

SpiceFiles::SpiceFiles(std::string_view text, const std::string& origin,
                       std::function<std::string(const std::string&)> read_file)
    : read_file_(std::move(read_file)), texts_{text}, names_{origin} {}

std::int32_t SpiceFiles::include(const std::string& name, SpicePlace place) {
  const auto path = (std::filesystem::path(this->name(place.file)).parent_path() / name).lexically_normal().string();
  constexpr std::size_t kLongest = 1000;
  const bool plain = std::none_of(path.begin(), path.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
  if (!plain || path.size() > kLongest) fail(place, fmt::format("{} is no name of a file", in_quotes(path)));
  const auto known = std::find(names_.begin(), names_.end(), path);
  if (known != names_.end()) return static_cast<std::int32_t>(known - names_.begin());
  if (!read_file_) fail(place, fmt::format("{} is not read: no other files are", in_quotes(path)));
  try {
    owned_.push_back(read_file_(path));
  } catch (const Error& error) {
    fail(place, error.what());
  }
  texts_.emplace_back(owned_.back());
  names_.push_back(path);
  return static_cast<std::int32_t>(names_.size()) - 1;
}

void SpiceFiles::fail(SpicePlace place, const std::string& what) const {
  throw Error(fmt::format("{}:{}: {}", name(place.file), place.line, what));
}

SpiceLines::SpiceLines(SpiceFiles& files, SpiceTitle title) : files_(files) {
  frames_.push_back(
      {.lines = Lines(files.text(0), files.name(0)), .section = "", .asked = {}, .waiting = {}, .sections = ""});
  if (title == SpiceTitle::none) return;
  if (!frames_.back().lines.next(first_line_)) files_.fail({0, 1}, "the file is empty");
  first_line_ = trimmed(first_line_);
  if (title == SpiceTitle::automatic && reads_like_a_card(first_line_)) doubtful_title_ = first_line_;
}

std::string SpiceLines::title() const {
  return std::string(first_line_.substr(std::min(first_line_.size(), first_line_.find_first_not_of("* \t"))));
}

bool SpiceLines::next(SpiceCard& card) {
  while (!frames_.empty()) {
    auto& frame = frames_.back();
    if (!next_joined(frame, card)) {
      leave();
      continue;
    }
    if (control_.line == 0 && card.text.front() != '.') {
      if (frame.inside && !frame.skipping) return true;
      continue;
    }
    if (control_.line > 0) {
      if (alike(SpiceFields(card.text).next(), ".endc")) control_.line = 0;
    } else if (!directs(card) && frames_.back().inside && !frames_.back().skipping) {
      return true;
    }
  }
  return false;
}

bool SpiceLines::next_line(Frame& frame, std::string_view& line) {
  while (frame.lines.next(line)) {
    line = trimmed(without_comment(trimmed(line)));
    if (!line.empty()) return true;
  }
  return false;
}

bool SpiceLines::next_joined(Frame& frame, SpiceCard& card) {
  auto line = std::exchange(frame.waiting, {});
  auto number = frame.waiting_line;
  if (line.empty()) {
    if (!next_line(frame, line)) return false;
    number = frame.lines.number();
  }
  card = {line, {frame.file, number}};
  if (line.front() == '+') files_.fail(card.place, "a line that goes on (+) with nothing before it");
  bool goes_on = false;
  while (next_line(frame, line)) {
    if (line.front() != '+') {
      frame.waiting = line;
      frame.waiting_line = frame.lines.number();
      break;
    }
    if (!goes_on) joined_ = card.text;
    goes_on = true;
    joined_.append(" ").append(line.substr(1));
  }
  if (goes_on) card.text = joined_;
  return true;
}

bool SpiceLines::directs(const SpiceCard& card) {
  SpiceFields fields(card.text);
  const auto word = lower_case(fields.next());
  auto& frame = frames_.back();
  if (word == ".lib") {
    lib(fields, card);
  } else if (word == ".endl") {
    endl(card);
  } else if (!frame.inside || frame.skipping) {
    return true;
  } else if (word == ".include" || word == ".inc" || word == ".incl") {
    const auto name = without_braces(trimmed(fields.rest()));
    if (name.empty()) files_.fail(card.place, fmt::format("{} names no file", word));
    enter(std::string(name), "", card);
  } else if (word == ".control") {
    control_ = card.place;
  } else if (word == ".end") {
    frame.found = true;
    leave();
  } else {
    return false;
  }
  return true;
}

/// .lib FILE SECTION reads a section of a file; .lib SECTION begins one, up to .endl; .lib FILE reads a whole file.
void SpiceLines::lib(SpiceFields fields, const SpiceCard& card) {
  auto& frame = frames_.back();
  const auto first = std::string(without_braces(fields.next()));
  const auto section = lower_case(fields.next());
  if (first.empty()) files_.fail(card.place, ".lib names neither a file nor a section");
  if (!section.empty()) {
    if (frame.inside && !frame.skipping) enter(first, section, card);
    return;
  }
  if (frame.skipping || (frame.found && frame.inside)) {
    files_.fail(card.place, fmt::format("section {} begins before the one before it ends (.endl)", in_quotes(first)));
  }
  if (frame.section.empty() && !section_ends(frame)) return enter(first, "", card);
  frame.sections += (frame.sections.empty() ? "" : ", ") + first;
  frame.inside = frame.found = frame.section.empty() || lower_case(first) == frame.section;
  frame.skipping = !frame.inside || frame.section.empty();
}

void SpiceLines::endl(const SpiceCard& card) {
  auto& frame = frames_.back();
  if (frame.skipping) {
    frame.skipping = frame.found = false;
    frame.inside = frame.section.empty();
  } else if (frame.found) {
    leave();
  } else {
    files_.fail(card.place, ".endl without .lib");
  }
}

/// Whether an .endl follows in the file.
bool SpiceLines::section_ends(const Frame& frame) const {
  auto lines = frame.lines;
  std::string_view line = frame.waiting;
  do {
    const auto word = SpiceFields(trimmed(line)).next();
    if (alike(word, ".endl")) return true;
  } while (lines.next(line));
  return false;
}

void SpiceLines::enter(const std::string& name, const std::string& section, const SpiceCard& card) {
  const auto file = files_.include(name, card.place);
  for (const auto& frame : frames_) {
    if (frame.file == file && frame.section == section) {
      files_.fail(card.place, fmt::format("{} includes itself: {}", in_quotes(files_.name(file)), chain(file)));
    }
  }
  if (frames_.size() >= kDeepestInclude) {
    files_.fail(card.place, fmt::format("files include each other more than {} deep", kDeepestInclude));
  }
  if (++included_ > kMostIncluded) {
    files_.fail(card.place, fmt::format("more than {} files are included", kMostIncluded));
  }
  frames_.push_back({.lines = Lines(files_.text(file), files_.name(file)),
                     .file = file,
                     .section = section,
                     .asked = card.place,
                     .inside = section.empty(),
                     .waiting = {},
                     .sections = ""});
}

void SpiceLines::leave() {
  const auto& frame = frames_.back();
  if (control_.line > 0) files_.fail(control_, ".control without .endc");
  if (!frame.section.empty() && !frame.found) {
    files_.fail(frame.asked,
                fmt::format("{} has no section {} (it has {})", in_quotes(files_.name(frame.file)),
                            in_quotes(frame.section), frame.sections.empty() ? "none" : in_quotes(frame.sections)));
  }
  frames_.pop_back();
}

std::string SpiceLines::chain(std::int32_t file) const {
  std::string text;
  const auto begin = std::find_if(frames_.begin(), frames_.end(), [&](const Frame& f) { return f.file == file; });
  constexpr std::ptrdiff_t kShown = 8;
  for (auto at = begin; at != frames_.end(); ++at) {
    if (at - begin == kShown) {
      text += "... -> ";
      break;
    }
    text += in_quotes(files_.name(at->file)) + " -> ";
  }
  return text + in_quotes(files_.name(file));
}

}  // namespace kirchhoff::detail
