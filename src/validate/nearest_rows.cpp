// Distances to the nearest row.
#include "kirchhoff/validate/nearest_rows.hpp"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <limits>

#include "kirchhoff/parallel/parallel.hpp"

namespace kirchhoff {
namespace {

constexpr std::size_t kColumnsOfWord = 64;

/// Rows as bits: of each column the digits of its code, each digit a plane of words over the columns. The columns in
/// which two rows differ are the bits that are set in any plane of their exclusive or.
class PackedRows {
 public:
  explicit PackedRows(const TableRows& rows)
      : words_((rows.columns() + kColumnsOfWord - 1) / kColumnsOfWord),
        digits_(digits_of(*std::max_element(rows.categories.begin(), rows.categories.end()))),
        bits_(rows.count() * stride()) {
    for (std::size_t i = 0; i < rows.count(); ++i) {
      const auto row = rows.row(i);
      for (std::size_t j = 0; j < row.size(); ++j) {
        for (std::size_t digit = 0; digit < digits_; ++digit) {
          const auto bit = static_cast<std::uint64_t>((row[j] >> digit) & 1);
          bits_[i * stride() + digit * words_ + j / kColumnsOfWord] |= bit << (j % kColumnsOfWord);
        }
      }
    }
  }

  std::size_t count() const { return bits_.size() / stride(); }

  /// Columns in which row i here and row k there differ, or `enough` once there are so many.
  int differing(std::size_t i, const PackedRows& others, std::size_t k, int enough) const {
    const auto* a = &bits_[i * stride()];
    const auto* b = &others.bits_[k * stride()];
    int sum = 0;
    for (std::size_t w = 0; w < words_ && sum < enough; ++w) {
      std::uint64_t any = 0;
      for (std::size_t digit = 0; digit < digits_; ++digit) any |= a[digit * words_ + w] ^ b[digit * words_ + w];
      sum += std::popcount(any);
    }
    return sum;
  }

 private:
  static std::size_t digits_of(int categories) {
    return static_cast<std::size_t>(
        std::max(1, static_cast<int>(std::bit_width(static_cast<unsigned>(categories - 1)))));
  }
  std::size_t stride() const { return words_ * digits_; }

  std::size_t words_;
  std::size_t digits_;
  std::vector<std::uint64_t> bits_;
};

Nearness nearness_of(const std::vector<int>& distances) {
  double sum = 0;
  for (const int d : distances) sum += d;
  const auto copies = static_cast<double>(std::count(distances.begin(), distances.end(), 0));
  const auto count = static_cast<double>(distances.size());
  return {sum / count, copies / count};
}

}  // namespace

std::vector<int> nearest_distances(MPI_Comm comm, const TableRows& rows, const TableRows& others) {
  const PackedRows a(rows);
  const PackedRows b(others);
  std::vector<double> least(rows.count(), 0.0);
  const auto mine = partition(static_cast<std::int64_t>(least.size()), size_of(comm), rank_of(comm));
  for (auto i = static_cast<std::size_t>(mine.begin); i < static_cast<std::size_t>(mine.end); ++i) {
    int nearest = static_cast<int>(rows.columns());
    for (std::size_t k = 0; k < b.count() && nearest > 0; ++k) {
      nearest = std::min(nearest, a.differing(i, b, k, nearest));
    }
    least[i] = nearest;
  }
  all_sum(comm, std::span<double>(least));
  return {least.begin(), least.end()};
}

Nearness nearness(MPI_Comm comm, const TableRows& rows, const TableRows& training) {
  return nearness_of(nearest_distances(comm, rows, training));
}

NearestRows compare_nearest(MPI_Comm comm, const TableRows& rows, const TableRows& held_out,
                            const TableRows& training) {
  const auto own = nearest_distances(comm, rows, training);
  const auto generated = nearness_of(own);
  const auto baseline = nearness(comm, held_out, training);
  const auto equally_many = std::min(held_out.count(), training.count());
  const auto to_training = nearest_distances(comm, rows, training.first(equally_many));
  const auto to_held_out = nearest_distances(comm, rows, held_out.first(equally_many));
  double closer = 0;
  for (std::size_t i = 0; i < own.size(); ++i) {
    closer += to_training[i] < to_held_out[i] ? 1 : to_training[i] == to_held_out[i] ? 0.5 : 0;
  }
  return {generated.mean_distance, baseline.mean_distance, generated.copies, baseline.copies,
          closer / static_cast<double>(own.size())};
}

}  // namespace kirchhoff
