// Everything that is said of a table of samples.
#include "kirchhoff/validate/table.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "kirchhoff/base/random.hpp"
#include "kirchhoff/validate/tree.hpp"

namespace kirchhoff {
namespace {

constexpr double kUsualPseudoCount = 1;  // where no rows are held out to choose it by

/// Rows that somebody holds.
struct OwnRows {
  std::vector<std::uint16_t> values;
  std::vector<int> categories;
  TableRows view() const { return {values, categories}; }
};

/// The possible rows in an order of chance, since files are often sorted.
OwnRows shuffled(const TableRows& rows, std::uint64_t seed) {
  OwnRows own{possible_rows(rows), {rows.categories.begin(), rows.categories.end()}};
  const auto d = static_cast<std::ptrdiff_t>(rows.columns());
  const auto at = [&](std::int64_t i) { return own.values.begin() + i * d; };
  Random random(seed, Stream::target_draw, 0);
  for (auto i = static_cast<std::int64_t>(own.view().count()); i > 1; --i) {
    const auto k = random.below(i);
    if (k + 1 != i) std::swap_ranges(at(k), at(k + 1), at(i - 1));
  }
  return own;
}

OwnRows columns_of(const TableRows& rows, const std::vector<std::size_t>& columns) {
  OwnRows own;
  for (const auto c : columns) own.categories.push_back(rows.categories[c]);
  own.values.reserve(rows.count() * columns.size());
  for (std::size_t i = 0; i < rows.count(); ++i) {
    for (const auto c : columns) own.values.push_back(rows.row(i)[c]);
  }
  return own;
}

}  // namespace

std::vector<std::size_t> affordable_columns(const TableRows& rows) {
  constexpr double kMostWork = 4e9;   // increments or words: some seconds
  constexpr double kRowsOfWork = 32;  // of a pair of planes
  constexpr double kWide = 8;         // categories from which rows are counted one by one
  const auto d = rows.columns();
  const auto count = static_cast<double>(rows.count());
  const double mean = std::accumulate(rows.categories.begin(), rows.categories.end(), 0.0) / static_cast<double>(d);
  const double work = mean < kWide ? mean * mean * count / kRowsOfWork : count + mean * mean;
  const auto most =
      std::clamp<std::size_t>(static_cast<std::size_t>(std::sqrt(2 * kMostWork / work)), 2, d < 2 ? 2 : d);
  std::vector<std::size_t> columns;
  for (std::size_t k = 0; k < std::min(most, d); ++k) columns.push_back(k * d / std::min(most, d));
  return columns;
}

TableComparison compare_tables(MPI_Comm comm, const TableSides& sides, std::uint64_t seed) {
  TableComparison found;
  found.stray = stray_rows(sides.samples, sides.training);
  const auto samples = shuffled(sides.samples, seed);
  const auto training = shuffled(sides.training, seed + 1);
  const auto reference = shuffled(sides.reference, seed + 2);
  found.samples = static_cast<std::int64_t>(samples.view().count());
  found.training_rows = static_cast<std::int64_t>(training.view().count());
  found.reference_rows = static_cast<std::int64_t>(reference.view().count());
  if (found.samples == 0 || found.training_rows == 0 || found.reference_rows == 0) return found;
  found.floor_rows = std::min(found.samples, found.training_rows);
  const auto rows = static_cast<std::size_t>(found.floor_rows);

  const ColumnCounts all(reference.view());
  found.marginals = {marginal_distances(ColumnCounts(samples.view().first(rows)), all),
                     marginal_distances(ColumnCounts(training.view().first(rows)), all)};

  found.pair_columns = affordable_columns(training.view());
  const auto some = [&](const TableRows& from) { return ColumnCounts(columns_of(from, found.pair_columns).view()); };
  const auto some_of_reference = some(reference.view());
  auto pairs = compare_pairs(comm, some(samples.view().first(rows)), some_of_reference);
  found.pairs.samples = std::move(pairs.distance);
  found.association = std::move(pairs.association);
  found.association_reference = std::move(pairs.association_b);
  found.pairs.training = compare_pairs(comm, some(training.view().first(rows)), some_of_reference).distance;

  found.nearest = compare_nearest(comm, samples.view(), reference.view(), training.view());
  found.discriminator = discriminate(comm, samples.view(), reference.view());
  if (found.pair_columns.size() == training.view().columns()) {
    const auto held_out = shuffled(sides.held_out, seed);
    const auto tree = held_out.values.empty() ? ChowLiuTree::fit(comm, training.view(), kUsualPseudoCount)
                                              : ChowLiuTree::fit(comm, training.view(), held_out.view());
    found.tree_log_likelihood = tree.log_likelihood(reference.view());
    found.tree_pseudo_count = tree.pseudo_count();
  }
  return found;
}

}  // namespace kirchhoff
