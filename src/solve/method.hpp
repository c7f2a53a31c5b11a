#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "kirchhoff/circuit/circuit.hpp"
#include "kirchhoff/parallel/parallel.hpp"
#include "kirchhoff/solve/solve.hpp"
#include "parallel/memory_limit.hpp"
#include "solve/linear/krylov.hpp"
#include "solve/spectral/spectral_preconditioner.hpp"

namespace kirchhoff {

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

/// What preconditions conjugate gradients on the even layers.
enum class Smoothing { jacobi, spectral, multigrid };

struct Plan;

/// A way to solve, which one or several methods use.
struct SolveEngine {
  /// @note Collective.
  std::unique_ptr<Corrector> (*corrector)(MPI_Comm comm, const Circuit& circuit, const Plan& plan);
  /// What it takes at its peak, beyond the circuit and the potentials. Local.
  MemoryNeed (*memory)(const Circuit& circuit, const Plan& plan, int ranks);
  bool factorises = false;  // nothing would be gained by iterating on
  bool transforms = false;  // the first solve is a transform into the potentials, with an error known beforehand
};

/// How a circuit is to be solved.
struct Plan {
  const SolveEngine* engine = nullptr;
  Smoothing with = Smoothing::jacobi;
  PCType pc = PCJACOBI;  // of an assembled Laplacian
  std::string reason;
  std::optional<LatticeLikeness> likeness;  // where the choice needed it
};

/// A solve method as people ask for it. A method is a row in methods(), in the file of its engine.
struct MethodRow {
  SolveMethod method;
  const char* name;
  std::vector<const char*> older_names;
  /// Why it cannot solve this circuit, or not here: "needs ..."; "" when it can. @note Collective.
  std::string (*why_not)(MPI_Comm comm, const Circuit& circuit);
  /// How it does. @note Collective.
  Plan (*plan)(MPI_Comm comm, const Circuit& circuit);
};

extern const SolveEngine kSpectralEngine;    // spectral_method.cpp
extern const SolveEngine kEvenLayersEngine;  // even_layers_method.cpp
extern const SolveEngine kAssembledEngine;   // assembled_method.cpp
extern const SolveEngine kFactorEngine;      // assembled_method.cpp

const MethodRow& spectral_method();
const MethodRow& multigrid_method();
const MethodRow& even_layers_method();
const MethodRow& krylov_method();
const MethodRow& direct_method();

/// In the order of SolveMethod, without `automatic`.
const std::vector<MethodRow>& methods();

/// Conjugate gradients on the even layers with this preconditioner.
Plan even_layers(Smoothing with);
/// Conjugate gradients on the assembled Laplacian: PETSc's own preconditioners, and what runs on many nodes.
Plan assembled(const Circuit& circuit);
/// The factorisation.
Plan factorised(const char* reason);
/// The transform of a uniform circuit.
Plan transformed();
/// Whether the states of a layer form a grid of one or two dimensions.
bool is_plane(const Circuit& circuit);

/// What `method` does for this circuit; what `automatic` chooses, and after it what it tries when that misses. docs/
/// solving.md has the rules. @note Collective. @throws Error when the method cannot.
std::vector<Plan> plans(MPI_Comm comm, const Circuit& circuit, SolveMethod method);

/// What the numbers of a circuit are in an estimate of memory.
struct Sizes {
  double states;
  double layers;  // L + 1
  double vertices;
  double edges;
  double ranks;

  Sizes(const Circuit& circuit, int rank_count)
      : states(static_cast<double>(circuit.states())),
        layers(circuit.layers() + 1.0),
        vertices(static_cast<double>(circuit.vertices())),
        edges(static_cast<double>(circuit.edges())),
        ranks(rank_count) {}
  /// Corrections in refine(): five vectors of all layers, a field that all ranks see.
  MemoryNeed refinement() const { return {.each = 5 * sizeof(double) * vertices / ranks}; }
};
inline constexpr double kMatrixEntry = sizeof(double) + sizeof(PetscInt);  // bytes, of a sparse matrix

inline constexpr double kNoOption = 0.123456789;  // no -ksp_rtol that anybody gives
/// What -ksp_rtol says goes before the reduction that is wanted.
inline double reduction_of(const LinearSolver& solver, double wanted) {
  return solver.reduction() == kNoOption ? wanted : solver.reduction();
}

}  // namespace kirchhoff
