// Sparse matrices as scipy.sparse.save_npz writes them: a zip archive of NumPy arrays.
#include <fmt/format.h>

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "io/files/zip.hpp"
#include "io/network/matrix.hpp"
#include "io/table/table_formats.hpp"
#include "kirchhoff/base/error.hpp"
#include "kirchhoff/base/text.hpp"

namespace kirchhoff {
namespace {

/// The arrays of one file.
class ScipyReader {
 public:
  ScipyReader(const std::string& bytes, const std::string& origin) : archive_(bytes, origin), origin_(origin) {}

  detail::NodeMatrix read() {
    const auto format = detail::parse_npy_text(where("format"), archive_.member("format.npy"));
    read_shape();
    const auto data = numbers("data");
    if (format == "coo") {
      const auto rows = whole("row", matrix_.order);
      const auto columns = whole("col", matrix_.order);
      same_length("row", rows.size(), data.size());
      same_length("col", columns.size(), data.size());
      // A row takes more than a byte, if it is to be joined to anything: memory follows what the file holds.
      if (!data.empty() && matrix_.order > bytes_) {
        refuse(fmt::format("{} rows are announced, in arrays of {} bytes", matrix_.order, bytes_));
      }
      for (std::size_t k = 0; k < data.size(); ++k) add(rows[k], columns[k], data[k]);
    } else if (format == "csr" || format == "csc") {
      read_compressed(format == "csr", data);
    } else {
      refuse(fmt::format("it holds a {} matrix; coo, csr and csc are read: save_npz(file, matrix.tocsr())",
                         in_quotes(format)));
    }
    return std::move(matrix_);
  }

 private:
  [[noreturn]] void refuse(const std::string& what) const { throw Error(fmt::format("{}: {}", origin_, what)); }
  std::string where(const std::string& array) const { return fmt::format("{} ({})", origin_, array); }

  std::vector<double> numbers(const std::string& name) {
    const auto array = archive_.member(name + ".npy");
    bytes_ += static_cast<std::int64_t>(array.size());
    auto table = detail::parse_npy(where(name), array);
    if (table.columns != 1) refuse(fmt::format("{} has {} columns instead of one", name, table.columns));
    return std::move(table.values);
  }

  /// Whole numbers from 0, below `end`.
  std::vector<std::int64_t> whole(const std::string& name, std::int64_t end) {
    const auto values = numbers(name);
    std::vector<std::int64_t> result(values.size());
    for (std::size_t k = 0; k < values.size(); ++k) {
      if (!(values[k] >= 0) || values[k] >= static_cast<double>(end) || values[k] != std::floor(values[k])) {
        refuse(fmt::format("{}[{}] is {}, outside 0..{}", name, k, values[k], end - 1));
      }
      result[k] = static_cast<std::int64_t>(values[k]);
    }
    return result;
  }

  void same_length(const std::string& name, std::size_t size, std::size_t expected) const {
    if (size != expected) refuse(fmt::format("{} has {} numbers and data {}", name, size, expected));
  }

  void read_shape() {
    constexpr double kMostNodes = 1e15;
    const auto shape = numbers("shape");
    if (shape.size() != 2 || shape[0] != shape[1] || !(shape[0] >= 1) || shape[0] > kMostNodes) {
      refuse("the matrix must be square, with at least one row");
    }
    matrix_.origin = origin_;
    matrix_.order = static_cast<std::int64_t>(shape[0]);
  }

  void read_compressed(bool by_rows, const std::vector<double>& data) {
    const auto inner = whole("indices", matrix_.order);
    same_length("indices", inner.size(), data.size());
    const auto first = whole("indptr", static_cast<std::int64_t>(data.size()) + 1);
    if (first.size() != static_cast<std::size_t>(matrix_.order) + 1 || first.front() != 0 ||
        first.back() != static_cast<std::int64_t>(data.size())) {
      refuse(fmt::format("indptr does not lead from 0 to the {} entries in {} steps", data.size(), matrix_.order));
    }
    for (std::int64_t outer = 0; outer < matrix_.order; ++outer) {
      const auto begin = first[static_cast<std::size_t>(outer)];
      const auto end = first[static_cast<std::size_t>(outer) + 1];
      if (begin > end) refuse(fmt::format("indptr falls at {}", outer + 1));
      for (auto k = begin; k < end; ++k) {
        const auto other = inner[static_cast<std::size_t>(k)];
        add(by_rows ? outer : other, by_rows ? other : outer, data[static_cast<std::size_t>(k)]);
      }
    }
  }

  void add(std::int64_t row, std::int64_t column, double value) {
    if (!std::isfinite(value)) refuse(fmt::format("the entry at ({}, {}) is {}", row, column, value));
    if (matrix_.diagonal.empty()) matrix_.diagonal.resize(static_cast<std::size_t>(matrix_.order));
    matrix_.add(row, column, value, 0);
  }

  detail::ZipArchive archive_;
  const std::string& origin_;
  std::int64_t bytes_ = 0;  // of the arrays read so far
  detail::NodeMatrix matrix_;
};

}  // namespace

Netlist parse_scipy_sparse(const std::string& bytes, const std::string& origin, const EdgeReading& reading) {
  auto matrix = ScipyReader(bytes, origin).read();
  if (matrix.entries.empty()) throw Error(fmt::format("{}: no entry off the diagonal joins two nodes", origin));
  return detail::network_of(std::move(matrix), reading);
}

}  // namespace kirchhoff
