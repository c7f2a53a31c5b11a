#include "pipeline/walk_rows.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <span>
#include <string_view>

#include "kirchhoff/base/error.hpp"
#include "kirchhoff/base/random.hpp"

namespace kirchhoff {
namespace {

/// Moves target_test_rows of all rows to `test`: any of them, the same whatever the seed, since files are often sorted.
void take_test_rows(const Job& job, std::vector<std::uint16_t>& all, std::vector<std::uint16_t>& test) {
  const auto d = static_cast<std::size_t>(job.space.dimensions());
  const auto count = all.size() / d;
  const auto last = static_cast<std::size_t>(job.target.test_rows);
  if (last == 0) return;
  if (last >= count) {
    throw Error(
        fmt::format("{}: {} rows, of which target_test_rows takes {}", job.target.file, count, job.target.test_rows));
  }
  const auto row = [&](std::size_t i) { return all.begin() + static_cast<std::ptrdiff_t>(i * d); };
  Random random(0, Stream::target_draw, 0);
  for (std::size_t i = count; i > count - last; --i) {
    const auto k = static_cast<std::size_t>(random.below(static_cast<std::int64_t>(i)));
    if (k + 1 != i) std::swap_ranges(row(k), row(k + 1), row(i - 1));
  }
  test.assign(row(count - last), all.end());
  all.erase(row(count - last), all.end());
}

}  // namespace

std::vector<std::uint16_t> terminal_rows(MPI_Comm comm, const Job& job, const Terminal& terminal,
                                         const std::string& file) {
  if (!job.table || file.empty()) {
    try {
      return read_rows(comm, job.space, terminal, file);
    } catch (const Error& e) {
      const std::string_view why = e.what();
      if (!why.ends_with("is not a number")) throw;
      throw Error(fmt::format("{}; without space in the case, columns of words and holes are read as they are", why));
    }
  }
  const auto at = std::find(job.table_files.begin(), job.table_files.end(), file);
  return job.table->rows.at(static_cast<std::size_t>(at - job.table_files.begin()));
}

TargetRows read_target(MPI_Comm comm, const Job& job) {
  TargetRows rows;
  const auto d = static_cast<std::size_t>(job.space.dimensions());
  rows.test = terminal_rows(comm, job, job.target, job.target.test);
  rows.held_out = terminal_rows(comm, job, job.target, job.target.valid);
  if (job.target.file.empty()) return rows;
  auto all = terminal_rows(comm, job, job.target, job.target.file);
  take_test_rows(job, all, rows.test);
  if (!rows.held_out.empty() || all.size() / d < 20) {
    rows.training = std::move(all);
    return rows;
  }
  for (std::size_t i = 0; i < all.size() / d; ++i) {  // without a file for it, every tenth row is held out
    auto& part = i % 10 == 9 ? rows.held_out : rows.training;
    part.insert(part.end(), all.begin() + static_cast<std::ptrdiff_t>(i * d),
                all.begin() + static_cast<std::ptrdiff_t>((i + 1) * d));
  }
  return rows;
}

Draws draws_of(const Job& job, const Terminal& t, const std::vector<std::uint16_t>& rows) {
  if (!rows.empty()) return Draws::from_rows(job.space, rows).smoothed(t.smoothing);
  try {
    return Draws::named(job.space, t.name).smoothed(t.smoothing);
  } catch (const Error& e) {
    throw Error(fmt::format("{}: {}", t.origin, e.what()));
  }
}

std::vector<std::uint16_t> drawn(const Draws& draws, std::int64_t count, std::uint64_t seed) {
  const auto d = static_cast<std::size_t>(draws.space().dimensions());
  std::vector<std::uint16_t> rows(static_cast<std::size_t>(count) * d);
  for (std::int64_t i = 0; i < count; ++i) {
    Random random(seed, Stream::target_draw, static_cast<std::uint64_t>(i));
    draws.draw(random, std::span(rows).subspan(static_cast<std::size_t>(i) * d, d));
  }
  return rows;
}

Mass mass_of(const Job& job, const Terminal& t, const std::vector<std::uint16_t>& rows) {
  return smoothed(rows.empty() ? named_mass(job.space, t.name) : empirical_mass(job.space, rows), t.smoothing);
}

std::int64_t distinct_rows(const std::vector<std::uint16_t>& rows, std::size_t d) {
  std::set<std::vector<std::uint16_t>> distinct;
  for (std::size_t i = 0; i < rows.size(); i += d) {
    distinct.emplace(rows.begin() + static_cast<std::ptrdiff_t>(i), rows.begin() + static_cast<std::ptrdiff_t>(i + d));
  }
  return static_cast<std::int64_t>(distinct.size());
}

std::vector<std::vector<double>> marginals_of(const StateSpace& space, const std::vector<std::uint16_t>& rows) {
  const auto d = static_cast<std::size_t>(space.dimensions());
  std::vector<std::vector<double>> shares;
  shares.reserve(d);
  for (int j = 0; j < space.dimensions(); ++j) shares.emplace_back(static_cast<std::size_t>(space.categories(j)));
  const double share = static_cast<double>(d) / static_cast<double>(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) shares[i % d][rows[i]] += share;
  return shares;
}

std::vector<std::uint16_t> first_rows(MPI_Comm comm, const MoveWalks& walks, std::int64_t count, std::size_t most,
                                      std::size_t d) {
  const auto rows = std::min(most, static_cast<std::size_t>(count));
  std::vector<double> values(rows * d, 0.0);
  for (std::size_t i = 0; i < walks.moves.size(); ++i) {
    const auto row = static_cast<std::size_t>(walks.first) + i;
    if (row >= rows) break;
    for (std::size_t j = 0; j < d; ++j) values[row * d + j] = walks.end[i * d + j];
  }
  all_sum(comm, std::span<double>(values));
  return {values.begin(), values.end()};
}

}  // namespace kirchhoff
