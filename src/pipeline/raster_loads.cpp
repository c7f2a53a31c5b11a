#include "pipeline/raster_loads.hpp"

#include <algorithm>
#include <cmath>

namespace kirchhoff {

void join_loads(Netlist& netlist, std::int64_t node, double source, double ground) {
  if (source != 0) netlist.currents.add(-1, node, source);
  if (std::isinf(ground)) {
    netlist.voltages.add(node, netlist.ground, 0);
  } else if (ground > 0) {
    auto& r = netlist.resistors;
    r.tail.push_back(node);
    r.head.push_back(netlist.ground);
    r.value.push_back(ground);
    if (!r.line.empty()) r.line.push_back(0);  // a landscape's resistors come from no line
  }
}

bool keep_driven(const std::vector<std::int32_t>& part, std::int32_t parts, const std::vector<double>& ground,
                 Loads& loads) {
  std::vector<char> has_source(static_cast<std::size_t>(parts), 0);
  std::vector<char> has_ground(static_cast<std::size_t>(parts), 0);
  for (std::size_t node = 0; node < part.size(); ++node) {
    const auto mine = static_cast<std::size_t>(part[node]);
    if (loads.source[node] != 0) has_source[mine] = 1;
    if (ground[node] > 0) has_ground[mine] = 1;
  }
  loads.keep.assign(static_cast<std::size_t>(parts), 0);
  bool any = false;
  for (std::size_t k = 0; k < loads.keep.size(); ++k) {
    loads.keep[k] = has_source[k] != 0 && has_ground[k] != 0 ? 1 : 0;
    any = any || loads.keep[k] != 0;
  }
  return any;
}

std::int64_t settle_loads(SourceOrGround policy, const std::vector<std::int32_t>& part, std::int32_t parts,
                          Loads& loads) {
  std::int64_t left = 0;
  auto counts = loads.ground;  // as grounds, for whether a part has any
  for (std::size_t node = 0; node < part.size(); ++node) {
    auto& source = loads.source[node];
    auto& ground = loads.ground[node];
    if (source == 0 || ground == 0) continue;
    if (policy == SourceOrGround::remove_source || policy == SourceOrGround::remove_all) {
      source = 0;
    } else if (policy == SourceOrGround::remove_ground) {
      counts[node] = 0;
      if (std::isinf(ground)) {
        ground = 0;
      } else {
        ++left;
      }
    } else if (std::isinf(ground) && source > 0) {
      ground = counts[node] = 0;  // else the source would drive nothing
    }
  }
  keep_driven(part, parts, counts, loads);
  return left;
}

}  // namespace kirchhoff
