#pragma once

#include <mpi.h>

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "kirchhoff/circuit.hpp"
#include "kirchhoff/flow.hpp"
#include "kirchhoff/walk.hpp"

namespace kirchhoff {

/// A learned field's currents against the exact ones. docs/validation.md.
struct CurrentComparison {
  double relative_l2 = 0;                    // ||I_n - I_e||_2 / ||I_e||_2 over all edges
  std::vector<double> relative_l2_by_layer;  // (L) the same within each layer pair
  double sign_agreement = 0;                 // share of the sum of |I_e| on edges where I_n has the same sign
  double kcl_relative_imbalance = 0;         // sum |imbalance| over interior vertices / injected current
};

/// On dense circuits by closed sums and one dominance count a layer, O(n log N). @note Collective.
CurrentComparison compare_currents(MPI_Comm comm, const Circuit& circuit, std::span<const double> exact,
                                   std::span<const double> learned);

/// 1/2 sum |g - q|. For a law that has lost mass add half of it.
double total_variation(std::span<const double> g, std::span<const double> q);
/// KL(q||g) = sum q log(q/g) [nat]; infinite when g is zero where q is not.
double kl_divergence(std::span<const double> q, std::span<const double> g);
/// Jensen-Shannon divergence [nat].
double js_divergence(std::span<const double> g, std::span<const double> q);
/// The number of states with q > 0 and g = 0: what makes KL(q||g) infinite.
std::int64_t uncovered_states(std::span<const double> q, std::span<const double> g);

/// How a set of walks, or of draws, compares with the target.
struct SampleComparison {
  std::int64_t count = 0;
  double mean_steps = 0;
  std::int64_t stuck = 0;            // walks that never came out
  double tv = 0;                     // histogram of the samples against q; stuck walks are lost mass
  double kl = 0;                     // KL(histogram || q) [nat], infinite when a sample lies where q is zero
  std::int64_t outside_support = 0;  // samples where q is zero: what makes kl infinite
  double js = 0;
  double noise_floor_tv = 0;  // the same number of draws from q itself against q
  double mmd = 0;             // unbiased MMD^2 against draws from q (or test rows), kernel exp(-0.1 Hamming)
};

/// @param reference rows to hold the samples against in the MMD, as state indices; draws from q when empty.
/// @note Collective.
SampleComparison compare_samples(MPI_Comm comm, const Circuit& circuit, const Walks& walks, std::int64_t count,
                                 std::span<const std::int64_t> reference, std::uint64_t seed);

/// Relative frequencies of the end states, stuck walks left out; sums to the share of walks
/// that came out. @note Collective.
std::vector<double> histogram(MPI_Comm comm, const Circuit& circuit, const Walks& walks, std::int64_t count);

/// `count` independent draws from a mass function: draw i depends on (seed, i) alone.
std::vector<std::int64_t> draw_states(std::span<const double> mass, std::int64_t count, std::uint64_t seed);

/// Unbiased estimate of MMD^2 (Gretton et al., JMLR 2012, lemma 6) with the kernel exp(-0.1 d), d the Hamming distance.
double mmd_squared(const StateSpace& space, std::span<const std::int64_t> a, std::span<const std::int64_t> b);

/// Mean log-probability of test rows under a law [nat].
struct LogLikelihood {
  std::optional<double> mean;  // none when a row has probability zero
  std::int64_t rows = 0;
  std::int64_t rows_of_zero_probability = 0;
};
LogLikelihood log_likelihood(std::span<const double> law, std::span<const std::int64_t> rows);

}  // namespace kirchhoff
