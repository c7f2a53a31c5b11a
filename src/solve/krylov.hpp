#pragma once

#include "solve/laplacian.hpp"

namespace kirchhoff {

struct LinearResult {
  int iterations = 0;
  double relative_residual = 0;  // true: ||b - A x|| / ||b||
  double seconds_setup = 0;
  double seconds_solve = 0;
  std::string method;  // "cg + jacobi"
};

/// Solves matrix x = b with the KSP that the options (over the given defaults) name, and refines until the *true*
/// residual meets the tolerance or stops falling. Leaves judging the result to the caller.
/// @param matrix the Laplacian; @param preconditioner what the preconditioner is made from, as a rule the same.
/// @param ksp_type, pc_type defaults.
/// @note Collective. @throws Error for options that nothing knows or that PETSc refuses. @throws Interrupted.
LinearResult solve_linear(MPI_Comm comm, Mat matrix, Mat preconditioner, Vec b, Vec x, KSPType ksp_type, PCType pc_type,
                          double tolerance);

}  // namespace kirchhoff
