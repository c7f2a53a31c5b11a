// The Chow-Liu tree.
#include "kirchhoff/validate/tree.hpp"

#include <array>
#include <cmath>
#include <limits>
#include <optional>

#include "kirchhoff/parallel/parallel.hpp"
#include "kirchhoff/validate/pairs.hpp"

namespace kirchhoff {
namespace {

constexpr std::array kPseudoCounts = {0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0};

/// Counts with pseudo-counts, as probabilities.
class Smoothed {
 public:
  Smoothed(double rows, double pseudo_count) : total_(rows + pseudo_count), pseudo_count_(pseudo_count) {}
  double operator()(std::int64_t count, std::size_t cells) const {
    return (static_cast<double>(count) + pseudo_count_ / static_cast<double>(cells)) / total_;
  }

 private:
  double total_;
  double pseudo_count_;
};

double mutual_information(const ColumnCounts& counts, std::size_t a, std::size_t b,
                          std::span<const std::int64_t> of_pair, double pseudo_count) {
  const Smoothed share(static_cast<double>(counts.rows()), pseudo_count);
  const auto first = counts.of(a);
  const auto second = counts.of(b);
  double sum = 0;
  for (std::size_t x = 0; x < first.size(); ++x) {
    const double p = share(first[x], first.size());
    for (std::size_t y = 0; y < second.size(); ++y) {
      const double joint = share(of_pair[x * second.size() + y], of_pair.size());
      sum += joint * std::log(joint / (p * share(second[y], second.size())));
    }
  }
  return sum;
}

/// (pseudo-counts x pairs) mutual information [nat]; every pair is counted once, whatever the number of pseudo-counts.
std::vector<std::vector<double>> information(MPI_Comm comm, const ColumnCounts& counts,
                                             std::span<const double> pseudo_counts) {
  const auto d = counts.columns();
  std::vector<std::vector<double>> found(pseudo_counts.size(), std::vector<double>(d * (d - 1) / 2, 0.0));
  const auto mine = partition(static_cast<std::int64_t>(d * (d - 1) / 2), size_of(comm), rank_of(comm));
  std::vector<std::int64_t> of_pair;
  std::int64_t k = 0;
  for (std::size_t a = 0; a < d; ++a) {
    for (std::size_t b = a + 1; b < d; ++b, ++k) {
      if (k < mine.begin || k >= mine.end) continue;
      counts.of_pair(a, b, of_pair);
      for (std::size_t i = 0; i < pseudo_counts.size(); ++i) {
        found[i][static_cast<std::size_t>(k)] = mutual_information(counts, a, b, of_pair, pseudo_counts[i]);
      }
    }
  }
  for (auto& values : found) all_sum(comm, std::span<double>(values));
  return found;
}

/// The spanning tree of the greatest total (Prim), as the parent of each column: -1 for column 0.
std::vector<int> greatest_tree(std::size_t d, std::span<const double> weights) {
  std::vector<int> parents(d, -1);
  std::vector<double> best(d, -std::numeric_limits<double>::infinity());
  std::vector<bool> joined(d, false);
  std::size_t newest = 0;
  for (std::size_t step = 1; step < d; ++step) {
    joined[newest] = true;
    std::optional<std::size_t> next;
    for (std::size_t k = 0; k < d; ++k) {
      if (joined[k]) continue;
      const double weight = weights[pair_index(std::min(k, newest), std::max(k, newest), d)];
      if (weight > best[k]) {
        best[k] = weight;
        parents[k] = static_cast<int>(newest);
      }
      if (!next || best[k] > best[*next]) next = k;
    }
    newest = *next;
  }
  return parents;
}

}  // namespace

ChowLiuTree ChowLiuTree::fit(MPI_Comm comm, const TableRows& training, double pseudo_count) {
  const ColumnCounts counts(training);
  const auto weights = information(comm, counts, std::span(&pseudo_count, 1));
  return {counts, greatest_tree(counts.columns(), weights.front()), pseudo_count};
}

ChowLiuTree ChowLiuTree::fit(MPI_Comm comm, const TableRows& training, const TableRows& held_out) {
  const ColumnCounts counts(training);
  const auto weights = information(comm, counts, kPseudoCounts);
  std::optional<ChowLiuTree> best;
  double greatest = -std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < kPseudoCounts.size(); ++i) {
    ChowLiuTree tree(counts, greatest_tree(counts.columns(), weights[i]), kPseudoCounts[i]);
    const double likelihood = tree.log_likelihood(held_out);
    if (best && likelihood <= greatest) continue;
    greatest = likelihood;
    best = std::move(tree);
  }
  return *best;
}

ChowLiuTree::ChowLiuTree(const ColumnCounts& counts, std::vector<int> parents, double pseudo_count)
    : parents_(std::move(parents)), pseudo_count_(pseudo_count), logs_(counts.columns()) {
  const Smoothed share(static_cast<double>(counts.rows()), pseudo_count);
  std::vector<std::int64_t> of_pair;
  for (std::size_t d = 0; d < counts.columns(); ++d) {
    const auto own = counts.of(d);
    categories_.push_back(own.size());
    if (parents_[d] < 0) {
      for (const auto n : own) logs_[d].push_back(std::log(share(n, own.size())));
      continue;
    }
    const auto parent = static_cast<std::size_t>(parents_[d]);
    const auto above = counts.of(parent);
    counts.of_pair(parent, d, of_pair);
    for (std::size_t k = 0; k < of_pair.size(); ++k) {
      logs_[d].push_back(std::log(share(of_pair[k], of_pair.size()) / share(above[k / own.size()], above.size())));
    }
  }
}

double ChowLiuTree::log_probability(std::span<const std::uint16_t> row) const {
  double sum = 0;
  for (std::size_t d = 0; d < row.size(); ++d) {
    const std::size_t above = parents_[d] < 0 ? 0 : row[static_cast<std::size_t>(parents_[d])];
    sum += logs_[d][above * categories_[d] + row[d]];
  }
  return sum;
}

double ChowLiuTree::log_likelihood(const TableRows& rows) const {
  double sum = 0;
  for (std::size_t i = 0; i < rows.count(); ++i) sum += log_probability(rows.row(i));
  return sum / static_cast<double>(rows.count());
}

}  // namespace kirchhoff
