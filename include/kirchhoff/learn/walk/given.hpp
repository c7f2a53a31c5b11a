#pragma once

#include <mpi.h>

#include <cstdint>
#include <span>
#include <vector>

#include "kirchhoff/learn/walk/neural_walk.hpp"
#include "kirchhoff/states/distribution.hpp"
#include "kirchhoff/states/schema.hpp"

namespace kirchhoff {

/// Rows of which some entries are given.
struct GivenRows {
  std::vector<std::uint16_t> rows;    // (count x D) kHole: not given
  std::vector<std::uint8_t> allowed;  // (C) 1: a value that an entry which is not given may have; empty: any may
};

/// Whole rows, drawn from what is left of a law when some entries are given; the same on every rank.
struct GivenDraws {
  std::vector<std::uint16_t> rows;  // (count x draws x D)
  /// (count x repeats) logarithms [nat] of independent estimates of the probability of what is given; -inf where no
  /// path led there, and then the rows are of no use.
  std::vector<double> logs;
  int repeats = 1;     // 2 where the difference of the two tells their error
  bool exact = false;  // they are no estimates
};

/// Completes rows by walks of a model from draws of `source`, on any space: sequential Monte Carlo over the paths that
/// end in what is given (path_log_likelihood). What is not given changes as the model has it; its draws are exact in
/// the limit of many paths. The draws of a row are taken from one population of paths in two halves, by their weights.
/// Random numbers are functions of (seed, row, path): the same on any number of ranks.
/// @param paths of each row. @note Collective. @throws Interrupted.
GivenDraws draw_given(MPI_Comm comm, const MoveModel& model, const WalkSupervision& conditional, const Draws& source,
                      const GivenRows& given, int draws, int paths, std::uint64_t seed);

/// The same from a law that is known (N), exactly. O(completions) a row. @note Collective. @throws Interrupted.
GivenDraws draw_given(MPI_Comm comm, const StateSpace& space, const Mass& law, const GivenRows& given, int draws,
                      std::uint64_t seed);

}  // namespace kirchhoff
