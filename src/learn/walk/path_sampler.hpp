#pragma once

#include <mpi.h>

#include <cstdint>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "kirchhoff/base/random.hpp"
#include "kirchhoff/learn/network/move_model.hpp"
#include "kirchhoff/learn/task/walk_supervision.hpp"
#include "kirchhoff/learn/walk/given.hpp"
#include "learn/walk/pick.hpp"
#include "learn/walk/pilots.hpp"

namespace kirchhoff::detail {

/// Where paths are to end: values that each coordinate may have there.
struct PathEnd {
  /// @param row (D) kHole: not given. @param allowed as in GivenRows.
  PathEnd(const MoveSet& moves, std::span<const std::uint16_t> row, std::span<const std::uint8_t> allowed);

  int distance(const MoveSet& moves, std::span<const std::uint16_t> state) const;

  std::span<const std::uint16_t> row;
  std::vector<int> far;                // (C) steps of a value to the nearest one that may be
  std::vector<std::uint16_t> nearest;  // (C) that one
  bool open = false;                   // some coordinate may have several values
};

/// What came of the paths of one population.
struct PathsFound {
  double log_probability = 0;       // of an unbiased estimate of the probability to end there; -inf: no path
  std::vector<std::uint16_t> ends;  // (paths x D)
  std::vector<double> weights;      // (paths) of these; their sum is one, or zero where there is no path
};

/// Sequential Monte Carlo over the paths that end in given rows, or in rows of which some entries are given.
class PathSampler {
 public:
  /// @param given must outlive it. @param paths of a population.
  PathSampler(const MoveModel& model, const WalkSupervision& conditional, const Draws& source, Pilots pilots,
              const GivenRows& given, int paths, std::uint64_t seed);

  /// Paths to row number `population / repeats`, for each of these populations. Local.
  std::vector<PathsFound> run(Range populations, int repeats);

 private:
  struct Particle {
    std::vector<std::uint16_t> state;
    std::vector<std::uint16_t> start;
    std::int32_t layer = 0;
    std::int32_t moves = 0;
    int distance = 0;  // to the row; -1: it has left
    double log_weight = 0;
    double outlook = 0;                // guess of the logarithm of what is to come
    std::vector<float> probabilities;  // (M) of its moves
    Random random{0, Stream::walk, 0};
  };
  struct Population {
    PathEnd end;
    std::vector<Particle> particles;
    double log_sum = 0;  // of the means of the weights at earlier resamplings
    int level = 0;       // largest distance when weights were looked at last
    Random random{0, Stream::walk, 0};
  };

  Population begin(std::int64_t number, int repeats) const;
  void look(std::vector<std::pair<Population*, Particle*>>& arrived);
  void judge(const PathEnd& end, Particle& particle) const;
  void move(const PathEnd& end, Particle& particle);
  void go(const PathEnd& end, Particle& particle, int move);
  std::size_t way(const PathEnd& end, int move, const Particle& particle) const;
  bool stays_right(const PathEnd& end, int move, const Particle& particle) const;
  double propose(const PathEnd& end, const Particle& particle);
  double leave_free(const PathEnd& end, const Particle& particle, double sum);
  static void resample(Population& population);
  static double log_mean(const std::vector<Particle>& particles, bool with_outlook);
  PathsFound found(const Population& population) const;

  const MoveModel& model_;
  const MoveSet& moves_;
  const WalkSupervision& conditional_;
  const Draws& source_;
  Pilots pilots_;
  const GivenRows& given_;
  std::size_t paths_;
  std::uint64_t seed_;
  std::size_t d_;
  std::size_t m_;
  std::vector<std::int32_t> layers_;
  std::vector<std::uint16_t> states_;
  std::vector<float> probabilities_;
  std::vector<float> proposal_;
  std::vector<std::uint16_t> goal_;  // (D) an end that is nearest to a particle
};

/// Paths to all given rows, in populations of `paths` / path_repeats(paths). @param use is called for the populations
/// of this rank, with their numbers. @return (count x repeats) the logarithms of all estimates. @note Collective.
/// @throws Interrupted.
std::vector<double> find_paths(MPI_Comm comm, const MoveModel& model, const WalkSupervision& conditional,
                               const Draws& source, const GivenRows& given, int paths, std::uint64_t seed,
                               const std::function<void(std::int64_t, const PathsFound&)>& use);

}  // namespace kirchhoff::detail
