#pragma once

#include <vector>

namespace kirchhoff {

/// A point between equally spaced ones and how many of them it stands for.
struct SumNode {
  double at;      // in 0 .. count - 1
  double weight;  // positive; all together: count
};

/// `nodes` points that stand for 0, 1, .., count - 1 in a sum of a smooth function over them: exact for polynomials of
/// degree 2 nodes - 1. Gauss' rule of the discrete Chebyshev (Gram) polynomials, Gautschi, Orthogonal Polynomials,
/// Oxford 2004, sections 1.5 and 3.1. The points themselves where `nodes` are no fewer. Local.
std::vector<SumNode> sum_rule(int count, int nodes);

}  // namespace kirchhoff
