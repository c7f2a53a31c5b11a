// Tables of numbers as text.
#include "fuzz.hpp"
#include "io/table/table_formats.hpp"

using namespace kirchhoff;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::accept_or_refuse([&] {
    const auto table = detail::parse_text_table("t.csv", std::string(fuzz::text_of(data, size)));
    const auto rows = fuzz::rows_of(fuzz::text_of(data, size), "#");
    fuzz::require(static_cast<std::int64_t>(table.values.size()) == table.rows * table.columns, "a table is whole");
    fuzz::require(std::all_of(table.values.begin(), table.values.end(), [](double v) { return std::isfinite(v); }),
                  "values are finite");
    fuzz::require(table.header.empty() || static_cast<std::int64_t>(table.header.size()) == table.columns,
                  "a header names every column");
    fuzz::require(static_cast<std::size_t>(table.rows) + (table.header.empty() ? 0 : 1) == rows,
                  "no row is passed over but a header");
    fuzz::require(table.header.empty() == table.note.empty(), "a header is named");
  });
  return 0;
}
