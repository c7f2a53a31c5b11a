// What the columns of a table mean, in HDF5.
#include <fmt/format.h>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "io/hdf5/schema.hpp"
#include "io/results/provenance.hpp"
#include "kirchhoff/base/error.hpp"

namespace kirchhoff {
namespace {

constexpr auto kNominal = "nominal";
constexpr auto kOrdinal = "ordinal";

/// Takes so many of a list, column after column.
template <class T>
class Portions {
 public:
  Portions(std::vector<T> all, std::string where) : all_(std::move(all)), where_(std::move(where)) {}
  std::vector<T> next(std::int64_t count) {
    if (count < 0 || static_cast<std::size_t>(count) > all_.size() - at_) {
      throw Error(fmt::format("{}: what is said of the columns does not fit together", where_));
    }
    const auto begin = all_.begin() + static_cast<std::ptrdiff_t>(at_);
    at_ += static_cast<std::size_t>(count);
    return {begin, begin + static_cast<std::ptrdiff_t>(count)};
  }

 private:
  std::vector<T> all_;
  std::string where_;
  std::size_t at_ = 0;
};

char letter(const std::string& text, const std::string& where) {
  if (text.size() != 1) throw Error(fmt::format("{}: one character is needed, not '{}'", where, text));
  return text[0];
}

Schema read_columns(const Hdf5Reader& file) {
  Schema table;
  const auto names = file.texts(schema::kColumnNames);
  const auto kinds = file.texts(schema::kColumnKinds);
  const auto list = [&](const char* path) {
    auto values = file.integers(path);
    if (values.size() != names.size()) {
      throw Error(
          fmt::format("{}: dataset {} has {} values for {} columns", file.path(), path, values.size(), names.size()));
    }
    return values;
  };
  const auto categories = list(schema::kColumnCategories);
  const auto missing = list(schema::kColumnMissing);
  const auto numeric = list(schema::kColumnNumeric);
  const auto decimals = list(schema::kColumnDecimals);
  const auto edge_counts = list(schema::kEdgeCounts);
  const auto place_counts = list(schema::kPlaceCounts);
  Portions words(file.texts(schema::kColumnWords), file.path());
  Portions edges(file.has(schema::kEdges) ? file.values(schema::kEdges) : std::vector<double>{}, file.path());
  Portions places(file.integers(schema::kPlaces), file.path());
  for (std::size_t d = 0; d < names.size(); ++d) {
    Column column;
    column.name = names[d];
    column.kind = kinds.at(d) == kOrdinal ? Column::ordinal : Column::nominal;
    column.words = words.next(categories[d]);
    column.missing = static_cast<int>(missing[d]);
    column.edges = edges.next(edge_counts[d]);
    column.decimals = static_cast<int>(decimals[d]);
    column.numeric = numeric[d] != 0;
    column.places = places.next(place_counts[d]);
    table.columns.push_back(std::move(column));
  }
  table.file_names = file.texts(schema::kFileNames);
  table.missing_words = file.texts(schema::kMissingWords);
  table.separator = letter(file.text(schema::kSeparator, schema::kTable), file.path());
  table.point = letter(file.text(schema::kPoint, schema::kTable), file.path());
  table.header = file.integer(schema::kHeader, schema::kTable) != 0;
  return table;
}

}  // namespace

void write_schema(Hdf5Writer& file, const Schema& table) {
  std::vector<std::string> kinds;
  std::vector<std::string> words;
  std::vector<double> edges;
  std::vector<std::int64_t> categories;
  std::vector<std::int64_t> missing;
  std::vector<std::int64_t> numeric;
  std::vector<std::int64_t> decimals;
  std::vector<std::int64_t> edge_counts;
  std::vector<std::int64_t> place_counts;
  std::vector<std::int64_t> places;
  for (const auto& column : table.columns) {
    kinds.emplace_back(column.kind == Column::ordinal ? kOrdinal : kNominal);
    categories.push_back(column.categories());
    words.insert(words.end(), column.words.begin(), column.words.end());
    missing.push_back(column.missing);
    numeric.push_back(column.numeric ? 1 : 0);
    decimals.push_back(column.decimals);
    edge_counts.push_back(static_cast<std::int64_t>(column.edges.size()));
    edges.insert(edges.end(), column.edges.begin(), column.edges.end());
    place_counts.push_back(static_cast<std::int64_t>(column.places.size()));
    places.insert(places.end(), column.places.begin(), column.places.end());
  }
  file.group(schema::kTable);
  file.write_texts(schema::kColumnNames, table.names());
  file.write_texts(schema::kColumnKinds, kinds);
  file.write_texts(schema::kColumnWords, words);
  file.write_copied(schema::kColumnCategories, categories);
  file.write_copied(schema::kColumnMissing, missing);
  file.write_copied(schema::kColumnNumeric, numeric);
  file.write_copied(schema::kColumnDecimals, decimals);
  file.write_copied(schema::kEdgeCounts, edge_counts);
  if (!edges.empty()) file.write_copied(schema::kEdges, edges);
  file.write_copied(schema::kPlaceCounts, place_counts);
  file.write_copied(schema::kPlaces, places);
  file.write_texts(schema::kFileNames, table.file_names);
  file.write_texts(schema::kMissingWords, table.missing_words);
  file.attribute(schema::kSeparator, std::string(1, table.separator), schema::kTable);
  file.attribute(schema::kPoint, std::string(1, table.point), schema::kTable);
  file.attribute(schema::kHeader, std::int64_t{table.header ? 1 : 0}, schema::kTable);
}

std::optional<Schema> read_schema(const std::string& path) {
  const auto status = file_status(path, Check::all);
  if (status.state != FileState::whole) throw Error(status.reason);
  const Hdf5Reader file(path);
  if (!file.has(schema::kTable)) return std::nullopt;
  return read_columns(file);
}

}  // namespace kirchhoff
