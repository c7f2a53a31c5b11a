// Samples as the table that they were learned from: samples.csv.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "io/files/posix.hpp"
#include "io/table/records.hpp"
#include "kirchhoff/base/error.hpp"
#include "kirchhoff/io/files/text_file.hpp"
#include "kirchhoff/io/results/store.hpp"
#include "kirchhoff/parallel/agree.hpp"
#include "kirchhoff/parallel/parallel.hpp"
#include "kirchhoff/parallel/stop.hpp"

namespace kirchhoff {
namespace {

constexpr std::size_t kPieceBytes = std::size_t{1} << 20;  // of text at a time

/// Makes lines of text out of rows of codes.
class RowText {
 public:
  RowText(const Schema& schema, std::uint64_t seed) : schema_(schema), seed_(seed) {
    for (std::size_t d = 0; d < schema.columns.size(); ++d) {
      const auto& column = schema.columns[d];
      for (std::size_t k = 0; k < column.places.size(); ++k) fields_.push_back({d, k, column.places[k]});
      words_.emplace_back();
      for (int code = 0; code < column.categories() && (!column.binned() || column.missing >= 0); ++code) {
        words_.back().push_back(
            detail::as_field(field_text(schema, column, static_cast<std::uint16_t>(code), 0), schema.separator));
      }
    }
    // The order of the file: bits of a block may stand apart.
    std::sort(fields_.begin(), fields_.end(), [](const auto& x, const auto& y) { return x.place < y.place; });
  }

  std::string header() const {
    std::string line;
    if (!schema_.header) return line;
    for (const auto& field : fields_) {
      append(line, detail::as_field(schema_.file_names.at(static_cast<std::size_t>(field.place)), schema_.separator),
             field);
    }
    return finished(std::move(line));
  }

  /// @param row its number, which drawn values depend on.
  void add(std::string& text, std::span<const std::uint16_t> codes, std::int64_t row) const {
    std::string line;
    for (const auto& field : fields_) {
      const auto& column = schema_.columns[field.coordinate];
      const auto code = codes[field.coordinate];
      if (code >= column.categories()) {
        throw Error(fmt::format("row {}: code {} is not one of the {} of column '{}'", row + 1, code,
                                column.categories(), column.name));
      }
      if (column.one_hot()) {
        append(line, code == field.bit ? "1" : "0", field);
      } else if (column.binned() && code != column.missing) {
        append(line, detail::as_field(drawn_text(schema_, field.coordinate, code, seed_, row), schema_.separator),
               field);
      } else {
        append(line, words_[field.coordinate].at(code), field);
      }
    }
    text += finished(std::move(line));
  }

 private:
  struct Field {
    std::size_t coordinate;
    std::size_t bit;  // of a block of one-hot columns
    std::int64_t place;
  };

  void append(std::string& line, std::string_view text, const Field& field) const {
    if (&field != fields_.data()) line += schema_.separator;
    line += text;
  }
  /// A line of nothing would be passed over by readers.
  static std::string finished(std::string line) {
    if (line.empty()) line = "\"\"";
    return line + "\n";
  }

  const Schema& schema_;
  std::uint64_t seed_;
  std::vector<Field> fields_;
  std::vector<std::vector<std::string>> words_;  // (D)(S) as fields
};

/// Makes all lines of this rank, piece by piece.
void for_each_piece(const RowText& lines, std::span<const std::uint16_t> rows, std::size_t d, std::int64_t first,
                    bool with_header, const std::function<void(const std::string&)>& use) {
  std::string piece = with_header ? lines.header() : "";
  for (std::size_t i = 0; i * d < rows.size(); ++i) {
    lines.add(piece, rows.subspan(i * d, d), first + static_cast<std::int64_t>(i));
    if (piece.size() < kPieceBytes) continue;
    use(piece);
    piece.clear();
  }
  use(piece);
}

}  // namespace

void write_rows(MPI_Comm comm, const std::string& path, const Schema& schema, std::span<const std::uint16_t> rows,
                std::int64_t first, std::uint64_t seed) {
  const auto temporary = path + ".tmp";
  const bool leads = rank_of(comm) == 0;
  std::optional<forced_leave::Unfinished> unfinished;
  if (leads) unfinished.emplace(temporary);
  const auto d = schema.columns.size();
  try {
    // Twice over the same text: first for its length, which says where each rank's part begins.
    std::optional<RowText> lines;
    std::int64_t bytes = 0;
    agree(comm, [&] {
      lines.emplace(schema, seed);
      for_each_piece(*lines, rows, d, first, leads,
                     [&](const std::string& piece) { bytes += static_cast<std::int64_t>(piece.size()); });
    });
    std::int64_t begin = 0;
    MPI_Exscan(&bytes, &begin, 1, MPI_INT64_T, MPI_SUM, comm);
    if (leads) begin = 0;
    agree(comm, [&] {
      if (leads) create_to_write(temporary, path).settle();
    });
    agree(comm, [&] {
      auto file = open_to_write(temporary, path);
      auto at = static_cast<std::uint64_t>(begin);
      for_each_piece(*lines, rows, d, first, leads, [&](const std::string& piece) {
        file.write_at(at, piece);
        at += piece.size();
      });
      file.settle();
    });
    agree(comm, [&] {
      if (!leads) return;
      replace_file(temporary, path);
      settle_folder(path);
    });
  } catch (const AgreedError&) {
    std::error_code ignored;
    if (leads) std::filesystem::remove(temporary, ignored);
    throw;
  }
}

}  // namespace kirchhoff
