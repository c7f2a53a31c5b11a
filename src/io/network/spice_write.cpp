// A network as a SPICE netlist.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

#include "io/network/reader.hpp"
#include "kirchhoff/io/network/network_files.hpp"

namespace kirchhoff {

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
    lettered = lettered ||
               (static_cast<std::int64_t>(k) != netlist.ground && detail::is_ground_name(name, GroundNames::usual));
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
