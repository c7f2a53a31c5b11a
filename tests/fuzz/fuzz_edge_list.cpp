// Edge lists. The first byte chooses the values and the least node.
#include "fuzz.hpp"

using namespace kirchhoff;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::optional<EdgeValues> values;
  if (data[0] % 3 > 0) values = static_cast<EdgeValues>(data[0] % 3 - 1);
  const auto text = fuzz::text_of(data + 1, size - 1);
  fuzz::accept_or_refuse([&] {
    const auto netlist = parse_edge_list(text, "g.txt", values, data[0] / 3 % 2);
    fuzz::check(netlist);
    const auto rows = fuzz::rows_of(text, "#%");
    const bool header = netlist.note.find(" names them: ") != std::string::npos;
    fuzz::require(netlist.resistors.size() == rows || (header && netlist.resistors.size() + 1 == rows),
                  "no row is passed over but a header that is named");
    fuzz::require(std::is_sorted(netlist.nodes.begin(), netlist.nodes.end(),
                                 [](const auto& a, const auto& b) { return std::stoll(a) < std::stoll(b); }),
                  "nodes ascend");
  });
  return 0;
}
