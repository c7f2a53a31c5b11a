#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>

#include "kirchhoff/circuit.hpp"
#include "kirchhoff/parallel.hpp"
#include "solve/krylov.hpp"
#include "solve/spectral_preconditioner.hpp"

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
  /// @param r, x a rank's states, layer by layer (Layout); the mean of r is zero. @return iterations.
  /// @note Collective. @throws Interrupted.
  virtual int correct(std::span<const double> r, std::span<double> x) = 0;
  virtual std::string method() const = 0;
  virtual double seconds_setup() const { return 0; }
  /// What a correction is asked to reduce the residual to; 0 of what is not asked.
  virtual double reduction() const { return 0; }
};

/// @param reduction of the residual by one correction of an iterative method. @note Collective.
std::unique_ptr<Corrector> make_corrector(MPI_Comm comm, const Circuit& circuit, const Plan& plan, double reduction);

}  // namespace kirchhoff
