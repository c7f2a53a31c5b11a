// A network as a SPICE netlist.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <string_view>

#include "io/network/reader.hpp"
#include "kirchhoff/io/network/network_files.hpp"

namespace kirchhoff {
namespace {

/// Whether a name is one field of a card and no comment.
bool is_spice_name(std::string_view name) {
  constexpr std::string_view kOthers = " \t\r\v\f,()=;'\"{}$";
  return !name.empty() && name.find_first_of(kOthers) == std::string_view::npos && !name.starts_with("//") &&
         name.front() != '+' && name.front() != '*';
}

/// How nodes are called: as they are; with a letter before, where one that is not ground is called so; or by number,
/// where names are no names here, or the same but for upper and lower case.
enum class NodeNaming { own, letters, numbers };

NodeNaming naming_of(const Netlist& netlist) {
  auto naming = NodeNaming::own;
  detail::NameTable table;
  std::vector<std::string> seen;
  for (std::size_t k = 0; k < netlist.nodes.size(); ++k) {
    if (static_cast<std::int64_t>(k) == netlist.ground) continue;
    const auto& name = netlist.nodes[k];
    const auto before = seen.size();
    table.index(name, seen);
    if (seen.size() == before || !is_spice_name(name)) return NodeNaming::numbers;
    if (detail::is_ground_name(name, GroundNames::usual)) naming = NodeNaming::letters;
  }
  return naming;
}

}  // namespace

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
  const auto naming = naming_of(netlist);
  const auto node = [&](std::int64_t k) {
    if (k < 0 || k == netlist.ground) return std::string("0");
    if (naming == NodeNaming::numbers) return fmt::format("n{}", k);
    return (naming == NodeNaming::letters ? "n" : "") + netlist.nodes[static_cast<std::size_t>(k)];
  };
  // A name may be anything in the other formats, and must begin with the element's letter here.
  const auto name = [&](const Branches& branches, std::size_t k, char kind) {
    auto own = branches.name(k);
    if (!is_spice_name(own)) return fmt::format("{}{}", kind, k + 1);
    return (own[0] | 0x20) == kind ? own : kind + own;
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
  std::vector<NetlistFile> files = {{"", std::move(text)}};
  if (naming == NodeNaming::numbers) files.push_back(detail::name_file(netlist, node));
  return files;
}

}  // namespace kirchhoff
