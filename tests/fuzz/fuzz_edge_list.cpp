// Edge lists. The first byte chooses the values, the least node, what edges are that stand twice, and what nodes are.
#include "fuzz.hpp"

using namespace kirchhoff;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  EdgeReading reading;
  if (data[0] % 4 > 0) reading.values = static_cast<EdgeValues>(data[0] % 4 - 1);
  reading.first = data[0] / 4 % 2;
  reading.duplicates = static_cast<EdgeDuplicates>(data[0] / 8 % 3);
  reading.nodes = static_cast<NodeNames>(data[0] / 24 % 3);
  const auto text = fuzz::text_of(data + 1, size - 1);
  fuzz::accept_or_refuse([&] {
    const auto netlist = parse_edge_list(text, "g.txt", reading);
    fuzz::check(netlist);
    const auto rows = fuzz::rows_of(text, "#%");
    const bool header = netlist.note.find(" names them: ") != std::string::npos;
    const auto edges = netlist.resistors.size();
    fuzz::require(
        edges == rows || (header && edges + 1 == rows) || (edges < rows && reading.duplicates == EdgeDuplicates::once),
        "no row is passed over but a header that is named, and what stands twice");
    fuzz::require(netlist.note.find("nodes are names") != std::string::npos ||
                      std::is_sorted(netlist.nodes.begin(), netlist.nodes.end(),
                                     [](const auto& a, const auto& b) { return std::stoll(a) < std::stoll(b); }),
                  "numbers of nodes ascend");
  });
  return 0;
}
