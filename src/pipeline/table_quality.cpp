// What the report says of a table of samples.
#include "pipeline/table_quality.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace kirchhoff {
namespace {

constexpr std::size_t kMostRows = 20'000;        // samples that are looked at: every rank holds them
constexpr std::size_t kMostNumbers = 4'000'000;  // of theirs

/// Columns that no schema describes: x1, x2, ... of the values 0, 1, ....
std::vector<ColumnWords> numbered_columns(const std::vector<int>& categories) {
  std::vector<ColumnWords> columns;
  for (const int s : categories) {
    auto& column = columns.emplace_back(ColumnWords{fmt::format("x{}", columns.size() + 1), {}, false});
    for (int value = 0; value < s; ++value) column.words.push_back(fmt::format("{}", value));
  }
  return columns;
}

std::vector<ColumnWords> described_columns(const Schema& schema) {
  std::vector<ColumnWords> columns;
  for (const auto& column : schema.columns) {
    auto& own = columns.emplace_back(ColumnWords{column.name, column.words, column.kind == Column::ordinal});
    if (column.missing >= 0) own.words[static_cast<std::size_t>(column.missing)] = "missing";
  }
  return columns;
}

std::vector<std::vector<double>> shares_of(const TableRows& rows) {
  const ColumnCounts counts(rows);
  std::vector<std::vector<double>> shares;
  for (std::size_t d = 0; d < counts.columns(); ++d) {
    auto& own = shares.emplace_back();
    for (const auto n : counts.of(d)) own.push_back(static_cast<double>(n) / static_cast<double>(counts.rows()));
  }
  return shares;
}

}  // namespace

std::optional<TableReport> table_quality(MPI_Comm comm, const Job& job, const TargetRows& rows, const MoveWalks& walks,
                                         std::int64_t count, const Schema* schema) {
  const auto& reference = rows.test.empty() ? rows.held_out : rows.test;
  if (rows.training.empty() || reference.empty()) return std::nullopt;
  const auto& categories = job.space.sizes();
  const auto d = categories.size();
  const auto samples = first_rows(comm, walks, count, std::clamp(kMostNumbers / d, std::size_t{1}, kMostRows), d);
  const auto view = [&](const std::vector<std::uint16_t>& values) { return TableRows{values, categories}; };

  TableReport report;
  report.found =
      compare_tables(comm, {view(samples), view(reference), view(rows.training), view(rows.held_out)}, job.seed);
  report.against = rows.test.empty() ? "held-out rows" : "test rows";
  report.columns = schema != nullptr ? described_columns(*schema) : numbered_columns(categories);
  report.shares = shares_of(view(possible_rows(view(samples))));
  report.reference_shares = shares_of(view(possible_rows(view(reference))));
  return report;
}

}  // namespace kirchhoff
