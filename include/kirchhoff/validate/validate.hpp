#pragma once

#include <mpi.h>

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "kirchhoff/circuit/circuit.hpp"
#include "kirchhoff/flow/walk.hpp"
#include "kirchhoff/validate/statistics.hpp"

namespace kirchhoff {

/// A learned field's currents against the exact ones. docs/validation.md.
struct CurrentComparison {
  static constexpr std::size_t kDecades = 8;
  /// The edges whose exact current is from `from` to below `to` [A] in size.
  struct Decade {
    double from = 0;
    double to = 0;
    std::int64_t edges = 0;
    double share = 0;           // of the sum of |I_e| over all edges
    double relative_l2 = 0;     // as below; undefined where there is no current, as is
    double sign_agreement = 0;  // this
  };

  double relative_l2 = 0;                       // ||I_n - I_e||_2 / ||I_e||_2 over all edges
  std::vector<double> relative_l2_by_layer;     // (L) the same within each layer pair
  double sign_agreement = 0;                    // share of the sum of |I_e| on edges where I_n has the same sign
  std::vector<double> sign_agreement_by_layer;  // (L)
  std::vector<Decade> by_decade;                // largest currents first; the last takes all that is smaller
  double kcl_relative_imbalance = 0;            // sum |imbalance| over interior vertices / injected current
  std::vector<double> kcl_imbalance_by_layer;   // (L-1) the same on layers 1 to L-1
  double kcl_max_imbalance = 0;                 // max |imbalance| at an interior vertex [A]
};

/// @param exact potentials [V] @param learned potentials, or currents edge by edge. On dense circuits by closed sums,
/// and by dominance counts for each decade of a layer pair, O(n log N). @note Collective.
CurrentComparison compare_currents(MPI_Comm comm, const Circuit& circuit, std::span<const double> exact,
                                   const Flow& learned);

/// How a set of walks compares with the target, and with held-out rows of it.
struct SampleComparison {
  std::int64_t count = 0;
  double mean_steps = 0;
  double mean_steps_error = 0;       // its standard error
  std::int64_t stuck = 0;            // walks that never came out
  double tv = 0;                     // histogram of the samples against q; stuck walks are lost mass
  Interval tv_interval;              // of the law that the samples come from
  double kl = 0;                     // KL(histogram || q) [nat], infinite when a sample lies where q is zero
  std::int64_t outside_support = 0;  // samples where q is zero: what makes kl and chi-square infinite
  double js = 0;
  double noise_floor_tv = 0;       // the same number of draws from q itself against q
  double noise_floor_tv_mean = 0;  // its expectation
  double noise_floor_kl = 0;       // of the same draws
  double noise_floor_js = 0;
  ChiSquare chi_square;                         // of the samples against q
  std::int64_t reference_rows = 0;              // held-out rows; 0: there are none
  std::optional<ChiSquare> chi_square_of_rows;  // of samples and held-out rows
  std::optional<Mmd> mmd;                       // against the held-out rows, or q when there are none
};

/// @param reference held-out rows as state indices. @note Collective.
SampleComparison compare_samples(MPI_Comm comm, const Circuit& circuit, const Walks& walks, std::int64_t count,
                                 std::span<const std::int64_t> reference, std::uint64_t seed);

/// Relative frequencies of the end states, stuck walks left out; sums to the share of walks
/// that came out. @note Collective.
std::vector<double> histogram(MPI_Comm comm, const Circuit& circuit, const Walks& walks, std::int64_t count);

}  // namespace kirchhoff
