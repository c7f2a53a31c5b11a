// GraphML. The first byte chooses the values and what edges are that stand twice.
#include "fuzz.hpp"

using namespace kirchhoff;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  EdgeReading reading;
  if (data[0] % 4 > 0) reading.values = static_cast<EdgeValues>(data[0] % 4 - 1);
  reading.duplicates = static_cast<EdgeDuplicates>(data[0] / 4 % 3);
  fuzz::accept_or_refuse([&] {
    const auto netlist = parse_graphml(fuzz::text_of(data + 1, size - 1), "g.graphml", reading);
    fuzz::check(netlist);
    fuzz::require(netlist.nodes.size() <= size && netlist.resistors.size() <= size, "all of it stands there");
  });
  return 0;
}
