// SPICE netlists: read, written and read back. The first byte chooses what the first line is. What is included is what
// stands behind a line "=== NAME".
#include "fuzz.hpp"

using namespace kirchhoff;

namespace {

/// The part of the input that bears the name, up to the next.
std::string part_of(std::string_view text, const std::string& name) {
  const auto mark = "\n=== " + name + "\n";
  const auto at = text.find(mark);
  if (at == std::string_view::npos) throw Error("cannot read it: no such file");
  text.remove_prefix(at + mark.size());
  return std::string(text.substr(0, text.find("\n=== ")));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto text = fuzz::text_of(data + 1, size - 1);
  SpiceReading reading;
  reading.title = static_cast<SpiceTitle>(data[0] % 3);
  reading.ground_names = static_cast<GroundNames>(data[0] / 3 % 2);
  reading.read_file = [&](const std::string& name) { return part_of(text, name); };
  reading.most_elements = 1e4;
  fuzz::accept_or_refuse([&] {
    const auto netlist = parse_spice(text.substr(0, text.find("\n=== ")), "a.sp", reading);
    fuzz::check(netlist);
    const auto again = parse_spice(spice_files(netlist).at(0).text, "b.sp", {.title = SpiceTitle::line});
    fuzz::check(again);
    const auto conducting =
        std::count_if(netlist.resistors.value.begin(), netlist.resistors.value.end(), [](double g) { return g > 0; });
    fuzz::require(static_cast<std::ptrdiff_t>(again.resistors.size()) == conducting &&
                      again.voltages.value == netlist.voltages.value && again.currents.value == netlist.currents.value,
                  "what is written is read back");
  });
  return 0;
}
