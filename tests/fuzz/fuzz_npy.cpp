// NumPy's arrays.
#include "fuzz.hpp"
#include "io/table/table_formats.hpp"

using namespace kirchhoff;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::accept_or_refuse([&] {
    const auto table = detail::parse_npy("t.npy", std::string(fuzz::text_of(data, size)));
    fuzz::require(static_cast<std::int64_t>(table.values.size()) == table.rows * table.columns, "a table is whole");
    fuzz::require(table.values.size() <= size, "a header is believed as far as the file is long");
  });
  return 0;
}
