#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kirchhoff/states/state_space.hpp"

namespace kirchhoff {

/// Stands for the code of an entry that is not known.
inline constexpr std::uint16_t kHole = 65535;
/// Whether a code of a column of so many categories is none; of 65,536 all are some.
inline constexpr bool is_hole(std::uint16_t code, int categories) { return code == kHole && categories <= kHole; }

/// What the codes 0..S-1 of one coordinate stand for: a column of a table, or a block of one-hot columns.
struct Column {
  enum Kind { nominal, ordinal };

  std::string name;
  Kind kind = nominal;
  /// (S) in the order of the codes, which is that of the ranks when ordinal. A bin's word is its range.
  std::vector<std::string> words;
  int missing = -1;           ///< the code of the category "missing entry", S-1 when there is one, or -1
  std::vector<double> edges;  ///< of a binned column: bin k is edges[k] <= v < edges[k+1], without missing S+1 of them
  int decimals = -1;          ///< of binned values, digits behind the point; -1: as many as a value needs
  bool numeric = false;       ///< words are numbers: 1, 1.0 and 01 are the same one
  /// Columns of the file, from 0: one, or the S of a block of one-hot bits, whose words are then the bits' names.
  std::vector<std::int64_t> places{};

  int categories() const { return static_cast<int>(words.size()); }
  bool binned() const { return !edges.empty(); }
  bool one_hot() const { return places.size() > 1; }
  /// Number of bins, or of words that are no missing entry.
  int present() const { return categories() - (missing >= 0 ? 1 : 0); }

  bool operator==(const Column&) const = default;
};

/// What a table's columns mean, and how its file is written: what reading has understood, and what writing needs.
struct Schema {
  std::vector<Column> columns;               ///< (D) coordinate d is columns[d]
  std::vector<std::string> missing_words{};  ///< of a missing entry; the first is written
  char separator = ',';
  char point = '.';                       ///< in numbers: '.' or ','
  bool header = true;                     ///< the file begins with a row of names
  std::vector<std::string> file_names{};  ///< (columns of the file) as its header has them; of skipped ones too

  bool empty() const { return columns.empty(); }
  std::vector<int> categories() const;
  /// The product of the columns' categories. @throws Error when there is no column.
  StateSpace state_space() const;
  /// The coordinate of a name, or -1.
  int find(std::string_view name) const;
  std::vector<std::string> names() const;
  /// One text for all that decides what a code means: equal texts, equal meaning of equal rows.
  std::string digest() const;

  bool operator==(const Schema&) const = default;
};

/// Gives codes to the fields of one column; as quick for many words as for few. Local; refers to the column.
class FieldCodes {
 public:
  FieldCodes(const Schema& schema, const Column& column);
  FieldCodes(FieldCodes&&) noexcept;
  ~FieldCodes();

  /// The code of a field, or nothing when the column has no such word, no number stands there, or an entry is missing
  /// in a column that has none missing. Values beyond the outer bins are in them.
  std::optional<std::uint16_t> code(std::string_view field) const;
  /// Whether the field is one of the words for a missing entry, and no category's own.
  bool missing(std::string_view field) const;

 private:
  struct Index;
  std::unique_ptr<const Index> index_;
};

/// The text of a code: a word, the first word for a missing entry, or, of a bin, the value at `share` (0 <= share < 1)
/// of its width, as many digits as the file has. @throws Error for a code that is not below S.
std::string field_text(const Schema& schema, const Column& column, std::uint16_t code, double share);

/// The same of a coordinate of row number `row`, drawn in its bin: a function of (seed, row, coordinate) alone, so that
/// what a row has in one column does not depend on the others.
std::string drawn_text(const Schema& schema, std::size_t coordinate, std::uint16_t code, std::uint64_t seed,
                       std::int64_t row);

/// The bin of a value; those beyond the outer edges are in the outer bins.
std::uint16_t bin_of(const std::vector<double>& edges, double value);

/// A number, with `point` before its decimals.
std::optional<double> to_number(std::string_view text, char point);

}  // namespace kirchhoff
