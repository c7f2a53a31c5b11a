#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "kirchhoff/states/state_space.hpp"

namespace kirchhoff {

// Distributions on the states of a layer against each other, and against draws. Everything is local, computed in closed
// form, and the same on every rank. Divergences in nats. docs/validation.md.

/// 1/2 sum |g - q|. For a law that has lost mass add half of it.
double total_variation(std::span<const double> g, std::span<const double> q);
/// KL(q||g) = sum q log(q/g) [nat]; infinite when g is zero where q is not.
double kl_divergence(std::span<const double> q, std::span<const double> g);
/// Jensen-Shannon divergence [nat].
double js_divergence(std::span<const double> g, std::span<const double> q);
/// The number of states with q > 0 and g = 0: what makes KL(q||g) infinite.
std::int64_t uncovered_states(std::span<const double> q, std::span<const double> g);

/// `count` independent draws from a mass function: draw i depends on (seed, i) alone.
std::vector<std::int64_t> draw_states(std::span<const double> mass, std::int64_t count, std::uint64_t seed);

/// An interval that covers what is estimated in 95 of 100 repetitions.
struct Interval {
  double low = 0;
  double high = 0;
};

/// What total_variation(histogram of `count` draws from q, q) is on average: the sum of half the mean absolute
/// deviations of binomial counts (de Moivre; Diaconis & Zabell, Statistical Science 1991).
double expected_total_variation(std::span<const double> q, double count);
/// Where the total variation between q and the law of `count` draws with histogram h lies: between TV(h, q) less what
/// such a histogram is off its own law on average, and TV(h, q), either way by McDiarmid's bound; at most of [0, 1].
Interval total_variation_interval(std::span<const double> h, std::span<const double> q, double count);

/// Pearson's chi-square test. Cells are states, the rarest pooled (in ascending order) until each has an expected
/// count of 5 or more.
struct ChiSquare {
  double statistic = 0;  // infinite when something was counted where nothing is expected
  std::int64_t cells = 0;
  std::int64_t degrees = 0;  // of freedom: cells - 1
  double p_value = 1;        // probability of a statistic this large under the hypothesis; 1 with no degrees of freedom
};
/// Hypothesis: `count` draws from q fell into the states as `counts` says, and `count` - sum(counts) into none.
ChiSquare chi_square(std::span<const double> counts, std::span<const double> q, double count);
/// Hypothesis: both sets of counts are draws from one law.
ChiSquare chi_square_of_two(std::span<const double> a, std::span<const double> b);
/// Probability that a chi-square variable exceeds x.
double chi_square_tail(double x, double degrees);

/// Squared maximum mean discrepancy with the kernel k(x, y) = exp(-0.1 d), d the Hamming distance: a product over the
/// coordinates, so that it acts on a mass function in O(N D) and all draws can be used.
struct Mmd {
  double squared = 0;         // unbiased estimate (Gretton et al., JMLR 2012, lemma 6): below zero by chance
  double null_deviation = 0;  // its standard deviation when the laws are equal; its mean is zero
  double p_value = 1;         // when the laws are equal, of a value this large; by a gamma law of the same two moments
};
/// Draws against draws: counts by state, two draws each or more.
Mmd mmd(const StateSpace& space, std::span<const double> a, std::span<const double> b);
/// Draws against a known law.
Mmd mmd_to_law(const StateSpace& space, std::span<const double> counts, std::span<const double> q);
/// Of two laws; nothing is estimated.
double mmd_squared(const StateSpace& space, std::span<const double> g, std::span<const double> q);

/// Log-probability of test rows under a law [nat].
struct LogLikelihood {
  std::optional<double> mean;  // none when a row has probability zero
  std::int64_t rows = 0;
  std::int64_t rows_of_zero_probability = 0;
  std::optional<double> mean_of_others;  // over the rows of positive probability
  std::optional<Interval> interval;      // of `mean`, over other rows of the same kind: 1.96 standard errors
};
LogLikelihood log_likelihood(std::span<const double> law, std::span<const std::int64_t> rows);

/// The share e in [0, 1] for which (1-e) law + e/N gives the rows their greatest likelihood. The law may have lost
/// mass, which is not made up for.
double best_smoothing(std::span<const double> law, std::span<const std::int64_t> rows);

}  // namespace kirchhoff
