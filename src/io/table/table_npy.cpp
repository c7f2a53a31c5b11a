// NumPy's array files: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <string_view>
#include <system_error>
#include <vector>

#include "base/text_rows.hpp"
#include "io/table/table_formats.hpp"
#include "kirchhoff/base/error.hpp"
#include "kirchhoff/base/text.hpp"

namespace kirchhoff {

namespace {

[[noreturn]] void refuse(const std::string& path, const std::string& why) {
  throw Error(fmt::format("cannot read {}: {}", path, why));
}

struct Header {
  std::string type;
  bool fortran_order = false;
  std::vector<std::int64_t> shape;
};

/// What follows `'key':` in the Python dictionary that is the header.
std::string_view value_of(const std::string& path, std::string_view dictionary, const std::string& key) {
  const auto at = dictionary.find("'" + key + "'");
  const auto colon = at == std::string_view::npos ? at : dictionary.find(':', at);
  const auto value = colon == std::string_view::npos ? colon : dictionary.find_first_not_of(' ', colon + 1);
  if (value == std::string_view::npos) refuse(path, fmt::format("its npy header has no {}", key));
  return dictionary.substr(value);
}

Header parse_header(const std::string& path, std::string_view dictionary) {
  Header header;
  const auto type = value_of(path, dictionary, "descr");
  const auto quote = type.find('\'', 1);
  if (type.front() != '\'' || quote == std::string_view::npos) refuse(path, "npy records are not numbers");
  header.type = type.substr(1, quote - 1);

  const auto order = value_of(path, dictionary, "fortran_order");
  header.fortran_order = order.starts_with("True");
  if (!header.fortran_order && !order.starts_with("False")) refuse(path, "its npy header has no fortran_order");

  auto shape = value_of(path, dictionary, "shape");
  const auto close = shape.find(')');
  if (shape.front() != '(' || close == std::string_view::npos) refuse(path, "its npy header has no shape");
  shape = shape.substr(1, close - 1);
  while (true) {
    const auto digit = shape.find_first_not_of(", ");
    if (digit == std::string_view::npos) return header;
    shape.remove_prefix(digit);
    std::int64_t extent = 0;
    const auto [end, error] = std::from_chars(shape.data(), shape.data() + shape.size(), extent);
    if (error != std::errc() || extent < 0) refuse(path, "its npy header has no shape");
    header.shape.push_back(extent);
    shape.remove_prefix(static_cast<std::size_t>(end - shape.data()));
  }
}

/// `count` little-endian numbers of type T (this program is for little-endian machines).
template <class T>
std::vector<double> numbers(std::string_view data, std::size_t count) {
  std::vector<double> values(count);
  for (std::size_t k = 0; k < count; ++k) {
    T value;
    std::memcpy(&value, data.data() + k * sizeof(T), sizeof(T));
    values[k] = static_cast<double>(value);
  }
  return values;
}

struct Type {
  std::string_view name;
  std::size_t size;
  std::vector<double> (*read)(std::string_view, std::size_t);
};
constexpr Type kTypes[] = {
    {"f4", 4, numbers<float>},         {"f8", 8, numbers<double>},        {"i1", 1, numbers<std::int8_t>},
    {"i2", 2, numbers<std::int16_t>},  {"i4", 4, numbers<std::int32_t>},  {"i8", 8, numbers<std::int64_t>},
    {"u1", 1, numbers<std::uint8_t>},  {"u2", 2, numbers<std::uint16_t>}, {"u4", 4, numbers<std::uint32_t>},
    {"u8", 8, numbers<std::uint64_t>}, {"b1", 1, numbers<std::uint8_t>}};

const Type& type_of(const std::string& path, const std::string& name) {
  for (const Type& type : kTypes) {
    const bool order_matters = type.size > 1;
    if (name.size() == 3 && name.substr(1) == type.name && (name[0] == '<' || (name[0] == '|' && !order_matters)))
      return type;
  }
  refuse(path, fmt::format("npy type {} is not among little-endian f4 f8 i1 i2 i4 i8 u1 u2 u4 u8 b1", in_quotes(name)));
}

std::vector<double> transposed(const std::vector<double>& values, std::size_t rows, std::size_t columns) {
  std::vector<double> result(values.size());
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t j = 0; j < columns; ++j) result[i * columns + j] = values[j * rows + i];
  }
  return result;
}

/// Reads the header, and leaves in `rest` what follows it.
Header open_npy(const std::string& path, std::string_view& rest) {
  constexpr std::string_view kNpyMagic = "\x93NUMPY";
  if (rest.substr(0, kNpyMagic.size()) != kNpyMagic || rest.size() < 12) refuse(path, "not an npy file");
  const int version = static_cast<unsigned char>(rest[6]);
  if (version < 1 || version > 3) refuse(path, fmt::format("npy version {} is not among 1, 2, 3", version));
  const std::size_t length_bytes = version == 1 ? 2 : 4;
  std::size_t length = 0;
  for (std::size_t k = 0; k < length_bytes; ++k) {
    length |= static_cast<std::size_t>(static_cast<unsigned char>(rest[8 + k])) << (8 * k);
  }
  rest.remove_prefix(8 + length_bytes);
  if (length > rest.size()) refuse(path, "the npy file ends within its header");
  auto header = parse_header(path, rest.substr(0, length));
  rest.remove_prefix(length);
  return header;
}

}  // namespace

Table detail::parse_npy(const std::string& path, const std::string& bytes) {
  std::string_view rest = bytes;
  const Header header = open_npy(path, rest);
  if (header.shape.empty() || header.shape.size() > 2) {
    refuse(path, fmt::format("its array has {} dimensions, not 1 or 2", header.shape.size()));
  }
  const Type& type = type_of(path, header.type);
  Table table;
  table.rows = header.shape[0];
  table.columns = header.shape.size() == 2 ? header.shape[1] : 1;
  // In floating point, as a damaged shape could overflow; exact for whatever a file can hold. Nothing is allocated by
  // what the header says: it must be what the file has.
  const double expected =
      static_cast<double>(table.rows) * static_cast<double>(table.columns) * static_cast<double>(type.size);
  if (expected != static_cast<double>(rest.size())) {
    refuse(path, fmt::format("{} bytes of numbers where its shape {} x {} needs {:.0f}", rest.size(), table.rows,
                             table.columns, expected));
  }
  table.values = type.read(rest, rest.size() / type.size);
  if (header.fortran_order && table.columns > 1) {
    table.values =
        transposed(table.values, static_cast<std::size_t>(table.rows), static_cast<std::size_t>(table.columns));
  }
  if (type.size == 8 && type.name != "f8") require_exact_integers(path, table);
  return table;
}

std::string detail::parse_npy_text(const std::string& path, const std::string& bytes) {
  std::string_view rest = bytes;
  const Header header = open_npy(path, rest);
  const bool wide = header.type.starts_with("<U");  // four bytes a character
  if (!header.shape.empty() || (!wide && !header.type.starts_with("|S"))) refuse(path, "one word is needed");
  std::string text;
  for (std::size_t k = 0; k < rest.size(); k += wide ? 4 : 1) {
    if (rest[k] != '\0') text += rest[k];
  }
  return text;
}

void detail::require_exact_integers(const std::string& path, const Table& table) {
  const auto wide =
      std::find_if(table.values.begin(), table.values.end(), [](double v) { return std::abs(v) >= kExactIntegers; });
  if (wide == table.values.end()) return;
  const auto at = wide - table.values.begin();
  throw Error(fmt::format("{} row {}, column {}: the integer {:.0f} is not below 2^53, where doubles stop being exact",
                          path, at / table.columns + 1, at % table.columns + 1, *wide));
}

}  // namespace kirchhoff
