// Matrix Market. The first byte chooses the values and what the sums of rows are.
#include "fuzz.hpp"

using namespace kirchhoff;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  EdgeReading reading;
  reading.values = static_cast<EdgeValues>(data[0] % 3);
  reading.row_sums = static_cast<RowSums>(data[0] / 3 % 2);
  fuzz::accept_or_refuse([&] {
    const auto netlist = parse_matrix_market(fuzz::text_of(data + 1, size - 1), "a.mtx", reading);
    fuzz::check(netlist);
    fuzz::require(netlist.nodes.size() <= size, "a header is believed as far as the file is long");
  });
  return 0;
}
