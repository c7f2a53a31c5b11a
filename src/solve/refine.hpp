#pragma once

#include <vector>

#include "solve/method.hpp"

namespace kirchhoff {

struct Refined {
  int iterations = 0;
  int corrections = 0;
  double residual = 1;  // ||b - A phi|| / ||b|| of the potentials before they are rounded to double
  double error = 1;     // of the potentials, estimated, relative to the largest
};

/// Iterative refinement with residuals in twice the precision. The potentials are the sum of numbers on a coarse grid,
/// whose residual is computed exactly, and a small rest. Corrections go on until the residual has what is asked for and
/// they have shrunk to nothing: how fast they shrink tells how far the last potentials are off. Where resistances
/// differ so much that corrections may not see the softest modes at all, the residual has to be so small that no mode
/// could hide an error in it: potentials differ by at most ||r||_1 / 2 times the largest effective resistance.
///
/// @param field (L+1) x N: where `from_field`, potentials that are nearly right already; on return the solution, its
/// mean zero. @note Collective. @throws Interrupted.
Refined refine(MPI_Comm comm, const Circuit& circuit, Corrector& corrector, double tolerance, bool from_field,
               SharedArray& field);

/// No effective resistance between two vertices is larger [ohm]: twice the longest of the shortest paths from one
/// vertex. 0 where resistances differ by less than `contrast`, which saves the search. @note Collective.
double resistance_bound(MPI_Comm comm, const Circuit& circuit, double contrast);

}  // namespace kirchhoff
