// SPICE netlists: read, written and read back. The first byte chooses what the first line is.
#include "fuzz.hpp"

using namespace kirchhoff;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto title = static_cast<SpiceTitle>(data[0] % 3);
  fuzz::accept_or_refuse([&] {
    const auto netlist = parse_spice(fuzz::text_of(data + 1, size - 1), "a.sp", title);
    fuzz::check(netlist);
    fuzz::require(title == SpiceTitle::automatic || netlist.warning.empty(), "who chose is not warned");
    const auto again = parse_spice(spice_files(netlist).at(0).text, "b.sp");
    fuzz::check(again);
    const auto conducting =
        std::count_if(netlist.resistors.value.begin(), netlist.resistors.value.end(), [](double g) { return g > 0; });
    fuzz::require(static_cast<std::ptrdiff_t>(again.resistors.size()) == conducting &&
                      again.voltages.value == netlist.voltages.value && again.currents.value == netlist.currents.value,
                  "what is written is read back");
  });
  return 0;
}
