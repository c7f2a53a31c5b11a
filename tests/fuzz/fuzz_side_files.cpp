// Sources, grounds and pairs of a network some of whose nodes are called like the columns of a header. The first byte
// chooses which of the three.
#include "fuzz.hpp"

using namespace kirchhoff;

namespace {

const Netlist& network() {
  static const auto netlist = parse_spice(
      "t\nR1 a b 1\nR2 b node 2\nR3 node source 3\nR4 source 43 1k\nR5 43 0 1\nR6 ampere a 2\nR7 1 to 5\n", "net.sp");
  return netlist;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto text = fuzz::text_of(data + 1, size - 1);
  const auto rows = fuzz::rows_of(text, "#%");
  fuzz::accept_or_refuse([&] {
    auto netlist = network();
    const auto branches = [&] { return netlist.resistors.size() + netlist.voltages.size() + netlist.currents.size(); };
    const auto before = branches();
    std::string note;
    std::size_t taken = 0;
    if (data[0] % 3 == 2) {
      const auto pairs = parse_pairs(netlist, text, "p.txt", 1e4, &note);
      for (const auto& [i, j] : pairs) fuzz::require(i != j, "a pair is of two nodes");
      fuzz::require(!pairs.empty(), "there are pairs");
      return;
    }
    data[0] % 3 == 0 ? add_sources(netlist, text, "s.txt") : add_grounds(netlist, text, "r.txt");
    fuzz::check(netlist);
    taken = branches() - before;
    const bool header = netlist.note.find(" names them: ") != std::string::npos;
    fuzz::require(taken == rows || (header && taken + 1 == rows), "no row is passed over but a header that is named");
  });
  return 0;
}
