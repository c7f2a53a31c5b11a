#pragma once

#include <mpi.h>

#include <span>
#include <vector>

#include "solve/multigrid/stencil.hpp"

namespace kirchhoff {

/// Multigrid for lattice circuits of any conductances, as a preconditioner of conjugate gradients on the even layers
/// (EvenLayersStencil). Symmetric and positive definite but for the constant; float throughout.
///
/// Currents run along layers easily and between states with difficulty. So all layers are kept, and each level ties
/// 2^D neighbouring states of every layer together: again a lattice circuit. The smoother solves each state's line of
/// even layers exactly, damped. What was tried beside it: docs/solving.md.
class LayeredMultigrid {
 public:
  /// @note Collective. @throws Error when the node's memory does not suffice.
  LayeredMultigrid(MPI_Comm comm, const Stencil<double>& fine);

  /// One V-cycle for S correction = residual; local arrays as EvenLayersStencil's even ones. @note Collective.
  void apply(std::span<const double> residual, std::span<double> correction);

  int levels() const { return static_cast<int>(levels_.size()); }

 private:
  /// Coordinate values j of the finer level and J of the coarser, in any one dimension.
  struct Transfer {
    std::vector<int> own;      // (s) the J that j is part of
    std::vector<int> other;    // (s) the next nearest J
    std::vector<float> share;  // (s) its weight in linear interpolation between centres
    struct Term {
      int fine;
      float weight;
    };
    std::vector<std::vector<Term>> back;  // (S) the transpose
  };

  struct Level {
    Level(MPI_Comm comm, const LatticeShape& shape);
    Stencil<float> stencil;
    MPI_Comm team;  // who works on it: all ranks, or rank 0 alone and the others have no states
    Range mine;
    std::vector<double> length;  // (S) of each category
    std::vector<float> pivot;    // (even layers, width) inverse pivots of the lines
    std::vector<float> factor;   // (even layers, width) off-diagonal over pivot
    NodeArray<float> residual;   // even layers, as all the following
    NodeArray<float> correction;
    NodeArray<float> left;  // residual after smoothing
    NodeArray<float> odd;   // odd layers
    std::vector<float> tile;
    Transfer transfer;  // to the next coarser level
  };

  void copy_fine(const Stencil<double>& fine);
  static Transfer make_transfer(const Level& fine, Level& coarse);
  static void coarsen(const Level& fine, Level& coarse);
  static void factor_lines(Level& level);
  static void solve_lines(const Level& level, Range tile, float* values);
  static void restrict_left(const Level& fine, Level& coarse);
  static void prolong(Level& fine, const Level& coarse);
  void cycle(std::size_t i);

  MPI_Comm comm_;
  std::vector<Level> levels_;
  Range given_;  // the states of apply's arrays
};

}  // namespace kirchhoff
