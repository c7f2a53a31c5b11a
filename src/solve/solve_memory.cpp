// How much memory the methods take, counted from their arrays. Held against measured peaks: docs/cluster.md, "Memory".
#include "solve/solve_memory.hpp"

#include <algorithm>
#include <cmath>

#include "solve/linear/parity_table.hpp"

namespace kirchhoff {
namespace {

constexpr double kDouble = sizeof(double);
constexpr double kFloat = sizeof(float);
constexpr double kEntry = kDouble + sizeof(PetscInt);  // of a sparse matrix

/// Numbers that estimates are made of.
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
};

/// Of a lattice's edges and degrees in one precision, padded by a line of states at both ends.
double stencil_bytes(const Sizes& n, int slots, double padding, double number) {
  return number * padding * ((n.layers - 1) * slots * n.states + n.vertices);
}

/// Conjugate gradients on the even layers: five vectors of their own, right-hand side and solution, one of Jacobi.
constexpr double kKrylovVectors = 8;

MemoryNeed parity_memory(const Circuit& circuit, const Plan& plan, const Sizes& n) {
  MemoryNeed need{.each = kKrylovVectors * kDouble * n.vertices / 2 / n.ranks};
  const bool lattice = circuit.coupling(0).lattice() != nullptr && plan.with != Smoothing::jacobi;
  if (lattice) {
    const int dimensions = circuit.space().dimensions();
    const double padding = 1 + 2.0 / circuit.space().categories();
    const int slots = 1 + 2 * dimensions;
    need.once += stencil_bytes(n, slots, padding, kDouble) + kDouble * padding * n.vertices;  // and a field
    if (plan.with == Smoothing::multigrid) {
      const double coarser = 1 / (1 - std::ldexp(1.0, -dimensions));  // 2^D states tied together a level
      const double fields = 0.5 * 4;                                  // three of even layers and one of odd ones
      const double lines = 0.5 * 2;                                   // pivots and factors
      need.once += coarser * (stencil_bytes(n, slots, padding, kFloat) + fields * kFloat * padding * n.vertices);
      need.each += coarser * lines * kFloat * n.vertices / n.ranks;
    }
  } else if (ParityTable::applies(circuit)) {
    const double pair = n.edges / (n.layers - 1);
    need.each += (pair * kEntry + 2 * kDouble * n.vertices / 2) / n.ranks;
  } else {
    constexpr double kVectors = 6;  // of even or odd layers
    need.each += (n.edges * kEntry + kVectors * kDouble * n.vertices / 2) / n.ranks;
  }
  if (plan.with == Smoothing::spectral) need.once += kFloat * n.vertices / 2;
  return need;
}

/// A factor's entries, by nested dissection of a grid of as many vertices with separators of two dimensions, or of
/// whole layers where every state is joined to all.
double factor_entries(const Circuit& circuit, const Sizes& n) {
  const double separators = 3 * std::pow(n.vertices, 4.0 / 3) + n.edges;
  const double whole_layers = 1.5 * n.layers * n.states * n.states;
  return circuit.joins_all() ? whole_layers : std::min(separators, whole_layers);
}

MemoryNeed assembled_memory(const Circuit& circuit, const Plan& plan, const Sizes& n) {
  const bool direct = plan.engine == Engine::factorisation;
  constexpr double kVectors = 8;
  double bytes = kVectors * kDouble * n.vertices;
  if (!circuit.joins_all() || direct) {
    const double matrix = kEntry * (2 * n.edges + n.vertices);
    constexpr double kMultigrid = 7;  // algebraic: coarser levels, interpolation, its own copy of all
    const bool jacobi = std::string_view(plan.pc) == PCJACOBI;
    bytes += matrix * (direct ? 2 : jacobi ? 1 : 1 + kMultigrid);
  }
  if (direct) {
    constexpr double kWorkSpace = 3;  // MUMPS holds fronts beside the factor
    bytes += kWorkSpace * kDouble * factor_entries(circuit, n);
  }
  return {.each = bytes / n.ranks};
}

/// Corrections in refine(): five vectors of all layers, a field that all ranks see.
MemoryNeed refinement_memory(const Sizes& n) { return {.each = 5 * kDouble * n.vertices / n.ranks}; }

/// The file is read back, up to 64 MiB at a time.
double reading_back(const Sizes& n) { return std::min(std::ldexp(1.0, 26), kDouble * n.vertices / n.ranks); }

}  // namespace

MemoryNeed solve_memory(const Circuit& circuit, const Plan& plan, int ranks) {
  const Sizes n(circuit, ranks);
  const MemoryNeed field{.once = kDouble * n.vertices};
  if (plan.engine == Engine::spectral) {
    // Two terminals; then the check's sums over whole layers.
    const bool whole_layers = !circuit.coupling(0).kinds().empty();
    const double transform = (whole_layers ? 4 : 2) * kDouble * n.states;
    return field + MemoryNeed{.each = std::max(transform, reading_back(n))};
  }
  const auto engine =
      plan.engine == Engine::parity ? parity_memory(circuit, plan, n) : assembled_memory(circuit, plan, n);
  return field + refinement_memory(n) + engine;
}

}  // namespace kirchhoff
