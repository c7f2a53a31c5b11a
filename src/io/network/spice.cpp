// SPICE netlists of resistors and constant sources. What is read and what is refused: docs/networks.md.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <limits>

#include "io/network/reader.hpp"
#include "kirchhoff/base/error.hpp"
#include "kirchhoff/base/text.hpp"
#include "kirchhoff/io/network/network_files.hpp"

namespace kirchhoff {
namespace {

using detail::alike;

constexpr std::string_view kSpiceFieldEnds = ",()=";

bool starts_alike(std::string_view a, std::string_view lower) {
  return a.size() >= lower.size() && alike(a.substr(0, lower.size()), lower);
}

/// A number with SPICE's scale and unit: "10k", "2.5MegOhm", "3mV". Not a number: empty.
std::optional<double> scaled_number(std::string_view text) {
  struct Scale {
    std::string_view suffix;
    double factor;
  };
  // The longer ones first. Without a: it is atto to some programs and ampere to others, and ngspice takes it for none.
  static constexpr std::array<Scale, 10> kScales = {{{"meg", 1e6},
                                                     {"mil", 25.4e-6},
                                                     {"t", 1e12},
                                                     {"g", 1e9},
                                                     {"k", 1e3},
                                                     {"m", 1e-3},
                                                     {"u", 1e-6},
                                                     {"n", 1e-9},
                                                     {"p", 1e-12},
                                                     {"f", 1e-15}}};
  if (text.size() > 1 && text.front() == '+' && text[1] != '-') text.remove_prefix(1);
  double value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc::invalid_argument) return std::nullopt;
  std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  if (error == std::errc::result_out_of_range) value = std::numeric_limits<double>::infinity();
  for (const auto& scale : kScales) {
    if (!starts_alike(unit, scale.suffix)) continue;
    value *= scale.factor;
    break;
  }
  const bool letters = std::all_of(unit.begin(), unit.end(), [](unsigned char c) { return std::isalpha(c) != 0; });
  return letters ? std::optional(value) : std::nullopt;
}

/// Whether a first line would be an element or a card, if it were not the title: what would then be lost.
bool reads_like_a_card(std::string_view line) {
  const auto word = detail::take_field(line, kSpiceFieldEnds);
  if (word.size() < 2) return false;
  if (word.front() == '.') return std::isalpha(static_cast<unsigned char>(word[1])) != 0;
  if (std::string_view("rviclRVICL").find(word.front()) == std::string_view::npos) return false;
  for (int node = 0; node < 2; ++node) {
    if (detail::take_field(line, kSpiceFieldEnds).empty()) return false;
  }
  auto value = detail::take_field(line, kSpiceFieldEnds);
  if (alike(value, "dc") || alike(value, "r") || alike(value, "resistance")) {
    value = detail::take_field(line, kSpiceFieldEnds);
  }
  return scaled_number(value).has_value();
}

class SpiceReader {
 public:
  SpiceReader(std::string_view text, const std::string& origin, SpiceTitle title)
      : lines_(text, origin), title_(title) {
    netlist_.origin = origin;
  }

  Netlist read() {
    std::string_view line;
    if (title_ != SpiceTitle::none) read_title();
    while (!ended_ && lines_.next(line)) {
      line = detail::trimmed(without_comment(detail::trimmed(line)));
      if (line.empty()) continue;
      if (line.front() != '+') {
        finish();
        card_ = line;
        line_ = lines_.number();
        continue;
      }
      if (card_.empty()) fail(lines_.number(), "a line that goes on (+) with nothing before it");
      if (joined_.empty()) joined_ = card_;
      joined_.append(" ").append(line.substr(1));
      card_ = joined_;
    }
    finish();
    if (control_) fail(line_, ".control without .endc");
    if (netlist_.nodes.empty()) throw Error(fmt::format("{} holds no elements", netlist_.origin));
    refuse_double_names();
    return std::move(netlist_);
  }

 private:
  [[noreturn]] void fail(std::int64_t line, const std::string& what) const {
    throw Error(fmt::format("{}:{}: {}", netlist_.origin, line, what));
  }

  void read_title() {
    std::string_view line;
    if (!lines_.next(line)) fail(1, "the file is empty");
    line = detail::trimmed(line);
    netlist_.title = line.substr(std::min(line.size(), line.find_first_not_of("* \t")));
    if (title_ == SpiceTitle::line || !reads_like_a_card(line)) return;
    netlist_.warning = fmt::format(
        "{}:1: the first line, {}, is taken as the title, as SPICE does, though it reads like an element or a card; "
        "-network_title none takes it as one, -network_title line as the title without this warning",
        netlist_.origin, in_quotes(line));
  }

  static std::string_view without_comment(std::string_view line) {
    if (line.starts_with('*')) return {};
    for (std::size_t k = 0; k < line.size(); ++k) {
      const bool after_blank = k == 0 || detail::kBlanks.find(line[k - 1]) != std::string_view::npos;
      const bool slashes = line[k] == '/' && k + 1 < line.size() && line[k + 1] == '/';
      if (line[k] == ';' || (after_blank && (line[k] == '$' || slashes))) return line.substr(0, k);
    }
    return line;
  }

  void finish() {
    if (!card_.empty() && !ended_) take(card_);
    card_ = {};
    joined_.clear();
  }

  void take(std::string_view card) {
    auto rest = card;
    const auto word = detail::take_field(rest, kSpiceFieldEnds);
    if (word.empty()) fail(line_, fmt::format("{} is neither an element nor a card", in_quotes(card)));
    if (control_) {
      control_ = !alike(word, ".endc");
      return;
    }
    switch (word.front()) {
      case '.':
        return dot_card(word, rest);
      case 'r':
      case 'R':
        return resistor(word, rest);
      case 'v':
      case 'V':
        return source(netlist_.voltages, word, rest);
      case 'i':
      case 'I':
        return source(netlist_.currents, word, rest);
      default:
        fail(line_, fmt::format("element {} is not of a kind that is read here (R, V and I are)", in_quotes(word)));
    }
  }

  void dot_card(std::string_view word, std::string_view rest) {
    if (alike(word, ".end")) {
      ended_ = true;
    } else if (alike(word, ".title")) {
      const auto begin = rest.find_first_not_of(detail::kBlanks);
      netlist_.title = begin == std::string_view::npos ? "" : std::string(rest.substr(begin));
    } else if (alike(word, ".control")) {
      control_ = true;
    } else {
      // Analyses, output and the simulator's own settings change nothing about the operating point of resistors.
      static constexpr std::array<std::string_view, 28> kHarmless = {
          ".op",     ".options", ".option", ".opt",   ".print",    ".plot",    ".probe", ".save",    ".tran", ".ac",
          ".dc",     ".tf",      ".sens",   ".noise", ".meas",     ".measure", ".width", ".nodeset", ".ic",   ".temp",
          ".global", ".four",    ".pz",     ".disto", ".backanno", ".model",   ".acct",  ".list"};
      const auto harmless = [&](std::string_view card) { return alike(word, card); };
      if (std::none_of(kHarmless.begin(), kHarmless.end(), harmless)) {
        fail(line_, fmt::format("card {} is not read here", in_quotes(word)));
      }
    }
  }

  std::int64_t node(std::string_view element, std::string_view& rest) {
    const auto name = detail::take_field(rest, kSpiceFieldEnds);
    if (name.empty()) fail(line_, fmt::format("{} needs two nodes", in_quotes(element)));
    if (!alike(name, "0") && !alike(name, "gnd")) return table_.index(name, netlist_.nodes);
    if (netlist_.ground < 0) netlist_.ground = table_.index("0", netlist_.nodes);
    return netlist_.ground;
  }

  void add(Branches& branches, std::string_view name, std::int64_t tail, std::int64_t head, double value) const {
    branches.names.emplace_back(name);
    branches.add(tail, head, value, line_);
  }

  void resistor(std::string_view name, std::string_view rest) {
    const auto tail = node(name, rest);
    const auto head = node(name, rest);
    auto field = detail::take_field(rest, kSpiceFieldEnds);
    if (alike(field, "r") || alike(field, "resistance")) field = detail::take_field(rest, kSpiceFieldEnds);  // r=10k
    if (field.empty()) fail(line_, fmt::format("{} has no resistance", in_quotes(name)));
    const auto ohm = scaled_number(field);
    if (!ohm) fail(line_, fmt::format("resistance {} of {} is not a number", in_quotes(field), in_quotes(name)));
    const double g = detail::conductance(netlist_.origin, line_, *ohm, EdgeValues::resistance, in_quotes(name));
    nothing_left(name, rest);
    add(netlist_.resistors, name, tail, head, g);
  }

  void source(Branches& branches, std::string_view name, std::string_view rest) {
    const auto tail = node(name, rest);
    const auto head = node(name, rest);
    double value = 0;
    bool any = false;
    for (auto field = detail::take_field(rest, kSpiceFieldEnds); !field.empty();
         field = detail::take_field(rest, kSpiceFieldEnds)) {
      if (alike(field, "ac")) {  // of another analysis: magnitude and phase
        for (int k = 0; k < 2; ++k) {
          auto ahead = rest;
          if (!scaled_number(detail::take_field(ahead, kSpiceFieldEnds))) break;
          rest = ahead;
        }
        continue;
      }
      if (alike(field, "dc")) field = detail::take_field(rest, kSpiceFieldEnds);
      const auto number = scaled_number(field);
      if (!number || any) {
        fail(line_, fmt::format("{} of {} is not read here: a source has one constant value", in_quotes(field),
                                in_quotes(name)));
      }
      if (!std::isfinite(*number)) fail(line_, fmt::format("the value of {} is not finite", in_quotes(name)));
      value = *number;
      any = true;
    }
    add(branches, name, tail, head, value);
  }

  void nothing_left(std::string_view name, std::string_view rest) {
    const auto field = detail::take_field(rest, kSpiceFieldEnds);
    if (!field.empty()) fail(line_, fmt::format("{} of {} is not read here", in_quotes(field), in_quotes(name)));
  }

  void refuse_double_names() const {
    struct Seen {
      std::uint64_t hash;
      const Branches* branches;
      std::size_t k;
    };
    std::vector<Seen> seen;
    for (const auto* branches : {&netlist_.resistors, &netlist_.voltages, &netlist_.currents}) {
      for (std::size_t k = 0; k < branches->size(); ++k)
        seen.push_back({detail::hash_of(branches->names[k]), branches, k});
    }
    std::sort(seen.begin(), seen.end(), [](const Seen& a, const Seen& b) { return a.hash < b.hash; });
    for (std::size_t k = 1; k < seen.size(); ++k) {
      if (seen[k].hash != seen[k - 1].hash) continue;
      const auto& a = seen[k - 1];
      const auto& b = seen[k];
      detail::NameTable both;
      std::vector<std::string> names;
      both.index(a.branches->names[a.k], names);
      if (both.index(b.branches->names[b.k], names) != 0) continue;
      const auto first = std::min(a.branches->line[a.k], b.branches->line[b.k]);
      fail(std::max(a.branches->line[a.k], b.branches->line[b.k]),
           fmt::format("element {} is there already, on line {}", in_quotes(names[0]), first));
    }
  }

  detail::Lines lines_;
  SpiceTitle title_;
  Netlist netlist_;
  detail::NameTable table_;
  std::string_view card_;  // the element or card being put together
  std::string joined_;     // its text, where it goes over several lines
  std::int64_t line_ = 0;  // where it begins
  bool ended_ = false;
  bool control_ = false;  // between .control and .endc: commands to an interpreter
};

}  // namespace

Netlist parse_spice(std::string_view text, const std::string& origin, SpiceTitle title) {
  return SpiceReader(text, origin, title).read();
}

std::vector<NetlistFile> spice_files(const Netlist& netlist) {
  const auto& title = netlist.title.empty() ? netlist.origin : netlist.title;
  std::string text = fmt::format("* {}\n", title);
  const auto out = std::back_inserter(text);
  // SPICE needs every node tied to ground. Where ours floats, a large resistance from every node to ground does so and
  // leaves the mean at 0 V, as here; programs that do not know this option ignore it.
  double least = std::numeric_limits<double>::infinity();
  for (const double g : netlist.resistors.value) least = g > 0 ? std::min(least, g) : least;
  constexpr double kShunt = 1e10;
  if (netlist.ground < 0 && std::isfinite(least)) fmt::format_to(out, ".options rshunt={:.3g}\n", kShunt / least);
  // A node that is not ground must not be called so: then all get a letter before their name.
  bool lettered = false;
  for (std::size_t k = 0; k < netlist.nodes.size(); ++k) {
    const auto& name = netlist.nodes[k];
    lettered = lettered || (static_cast<std::int64_t>(k) != netlist.ground && (name == "0" || alike(name, "gnd")));
  }
  const auto node = [&](std::int64_t k) {
    if (k < 0 || k == netlist.ground) return std::string("0");
    return (lettered ? "n" : "") + netlist.nodes[static_cast<std::size_t>(k)];
  };
  // A name may be anything in the other formats, and must begin with the element's letter here.
  const auto name = [&](const Branches& branches, std::size_t k, char kind) {
    auto own = branches.name(k);
    return !own.empty() && (own[0] | 0x20) == kind ? own : kind + own;
  };
  const auto write = [&](const Branches& branches, char kind) {
    for (std::size_t k = 0; k < branches.size(); ++k) {
      const double value = kind == 'r' ? 1 / branches.value[k] : branches.value[k];
      if (!std::isfinite(value)) continue;  // no conductance: no resistor
      fmt::format_to(out, "{} {} {} {}\n", name(branches, k, kind), node(branches.tail[k]), node(branches.head[k]),
                     value);
    }
  };
  write(netlist.resistors, 'r');
  write(netlist.voltages, 'v');
  write(netlist.currents, 'i');
  text += ".op\n.end\n";
  return {{"", std::move(text)}};
}

}  // namespace kirchhoff
