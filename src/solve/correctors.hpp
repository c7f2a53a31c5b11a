#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>

#include "kirchhoff/circuit/circuit.hpp"
#include "kirchhoff/parallel/parallel.hpp"
#include "solve/linear/krylov.hpp"
#include "solve/spectral/spectral_preconditioner.hpp"

namespace kirchhoff {

enum class Engine { spectral, parity, assembled, factorisation };
enum class Smoothing { jacobi, spectral, multigrid };  // what preconditions the parity engine

/// How a circuit is to be solved.
struct Plan {
  Engine engine = Engine::assembled;
  Smoothing with = Smoothing::jacobi;
  PCType pc = PCJACOBI;  // of the assembled engine
  std::string reason;
  std::optional<LatticeLikeness> likeness;  // where the choice needed it
};

/// Solves A x = r roughly, for one r after another: what the refinement asks for corrections.
class Corrector {
 public:
  virtual ~Corrector() = default;
  /// @param r, x a rank's states, layer by layer (Layout); the mean of r is zero. @param reduction of the residual that
  /// is wanted, for methods that can do with less work then. @return iterations. @note Collective. @throws Interrupted.
  virtual int correct(std::span<const double> r, std::span<double> x, double reduction) = 0;
  virtual std::string method() const = 0;
  virtual double seconds_setup() const { return 0; }
  /// What a correction reduces the residual to when that is wanted; 0 where nobody asks.
  virtual double reduction(double wanted) const = 0;
};

/// @note Collective.
std::unique_ptr<Corrector> make_corrector(MPI_Comm comm, const Circuit& circuit, const Plan& plan);

}  // namespace kirchhoff
