#pragma once

#include <span>
#include <vector>

#include "solve/linear/laplacian.hpp"

namespace kirchhoff {

/// The Laplacian A = D - W of a circuit with its odd layers eliminated. Layers are two-coloured by the parity of l and
/// each colour's block of A is diagonal, so this is exact: S = D_e - W_eo D_o^-1 W_oe on half the unknowns, better
/// conditioned than A, at the price of one product with A. docs/theory.md, section 5.
///
/// Local arrays hold a rank's states, as Layout deals them, layer by layer: the even layers, or all of them.
class EvenLayers {
 public:
  virtual ~EvenLayers() = default;
  /// y = S x on the even layers. @note Collective, as all of these.
  virtual void multiply(std::span<const double> x, std::span<double> y) = 0;
  /// The diagonal of S, for Jacobi. @throws Error where nobody needs it.
  virtual void diagonal(std::span<double>) { throw Error("internal: this operator has no diagonal"); }
  /// even = b_e + W_eo D_o^-1 b_o from b on all layers.
  virtual void eliminate(std::span<const double> b, std::span<double> even) = 0;
  /// x on all layers from its even ones: x_o = D_o^-1 (b_o + W_oe x_e).
  virtual void recover(std::span<const double> even, std::span<const double> b, std::span<double> x) = 0;
};

/// Of any circuit whose edges can be listed, W_oe as a distributed sparse matrix.
class EvenLayersMatrix final : public EvenLayers {
 public:
  /// @note Collective.
  EvenLayersMatrix(MPI_Comm comm, const Circuit& circuit);

  void multiply(std::span<const double> x, std::span<double> y) override;
  void diagonal(std::span<double> out) override;
  void eliminate(std::span<const double> b, std::span<double> even) override;
  void recover(std::span<const double> even, std::span<const double> b, std::span<double> x) override;

 private:
  Layout even_layout_;
  Layout odd_layout_;
  std::size_t width_;   // states of this rank
  Matrix weights_;      // W_oe, odd rows and even columns
  Vector odd_degree_;   // D_o
  Vector even_degree_;  // D_e
  Vector diagonal_;     // of S
  Vector odd_;          // work space
  Vector even_;
  Vector even_product_;
};

/// S as a PETSc operator with the constant as its null space; `system` must outlive it. @note Collective.
Matrix even_layers_operator(const Layout& even_layout, EvenLayers& system);

}  // namespace kirchhoff
