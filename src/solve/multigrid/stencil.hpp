#pragma once

#include <mpi.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "kirchhoff/circuit/circuit.hpp"
#include "kirchhoff/parallel/parallel.hpp"
#include "parallel/memory.hpp"
#include "parallel/shared_pages.hpp"
#include "solve/linear/even_layers.hpp"

namespace kirchhoff {

/// Scratch memory, rows by width, that all ranks of a communicator write and read between barriers; its ranks share a
/// node. Each has the system make the pages of its share of every row: near its processor, and not one by one.
template <class T>
class NodeArray {
 public:
  /// Zeros. @note Collective. @throws AgreedError when the node cannot hold it, or its ranks cannot share it.
  NodeArray(MPI_Comm comm, std::size_t rows, std::size_t width);

  T* data() { return data_; }
  const T* data() const { return data_; }

 private:
  SharedPages pages_;
  OwnMemory<T> own_;  // of a single rank, which shares with nobody
  T* data_ = nullptr;
};

/// Whether all ranks share one node's memory and can map each other's. @note Collective.
bool on_one_node(MPI_Comm comm);

/// S^D states on L+1 layers, as every level of the multigrid has them. Fields hold `pad` zeros before and after each
/// layer's N values, so that vector code may read beyond the first and the last state.
struct LatticeShape {
  LatticeShape(int categories, int dimensions, int layer_pairs, bool ring);

  int size;        // S
  int dimensions;  // D
  int layers;      // L
  bool periodic;   // with S >= 3; the doubled edge of S = 2 is an ordinary one
  std::vector<std::int64_t> stride;
  std::int64_t states;  // N
  std::int64_t pad;
  int slots;  // 1 + 2 D, as in EdgeWeights

  std::size_t width() const { return static_cast<std::size_t>(states + 2 * pad); }
  int even_layers() const { return layers / 2 + 1; }
  int odd_layers() const { return (layers + 1) / 2; }
  /// Step of a slot.
  std::int64_t step(int slot) const {
    if (slot == 0) return 0;
    const auto s = stride[static_cast<std::size_t>((slot - 1) / 2)];
    return slot % 2 == 1 ? -s : s;
  }
  /// The slot of the way back.
  static int opposite(int slot) { return slot == 0 ? 0 : (slot % 2 == 1 ? slot + 1 : slot - 1); }
};

/// The conductances of a lattice circuit, and products with its Laplacian A = D - W.
///
/// Layers are two-coloured by the parity of l, and each colour's block of A is diagonal. So the odd layers are
/// eliminated exactly (docs/theory.md, section 5): S = D_e - W_eo D_o^-1 W_oe on the even layers. "even" and "odd"
/// fields below hold those layers alone, padded as LatticeShape says; ranks compute the states of a range.
template <class T>
class Stencil {
 public:
  /// No edges yet. @note Collective.
  Stencil(MPI_Comm comm, const LatticeShape& shape);

  const LatticeShape& shape() const { return shape_; }
  /// The N conductances [S] of slot k between layers l and l+1; those of edges across a periodic end are in `seam`.
  T* weight(int l, int k) { return weights_.data() + at(l * shape_.slots + k); }
  const T* weight(int l, int k) const { return weights_.data() + at(l * shape_.slots + k); }
  /// Conductance of the edge across the periodic end from (l, x), by the place of x on the face: slot 2d: from category
  /// 0 down to S-1, 2d+1: from S-1 up to 0.
  T* seam(int l, int side) { return seams_.data() + seam_at(l, side); }
  const T* seam(int l, int side) const { return seams_.data() + seam_at(l, side); }

  /// Computes the degrees when the conductances of all ranks are in place. @note Collective.
  void complete(MPI_Comm comm, Range mine);

  const T* degree(int l) const { return degrees_.data() + at(l); }
  /// Start of the j-th layer of a padded field.
  std::size_t at(int j) const {
    return static_cast<std::size_t>(j) * shape_.width() + static_cast<std::size_t>(shape_.pad);
  }
  /// Memory for a padded field of so many layers. @note Collective.
  NodeArray<T> field(MPI_Comm comm, int layers) const {
    return {comm, static_cast<std::size_t>(layers), shape_.width()};
  }

  /// out(x) += sum over the edges of (m, x) of conductance times the neighbour's value, for x of `range`; below and
  /// above are layers m-1 and m+1, null where there is none, out begins at range.begin.
  void gather(int m, Range range, const T* below, const T* above, T* out) const;
  /// odd = D_o^-1 W_oe even.
  void extend(Range range, const T* even, T* odd) const;
  /// out = (D_e even - W_eo odd), layer j of a tile at out + j kTile; at most kTile states.
  void reduce(Range tile, const T* even, const T* odd, T* out) const;

  static constexpr std::int64_t kTile = 512;

 private:
  std::size_t face() const { return static_cast<std::size_t>(shape_.states / shape_.size); }
  std::size_t seam_at(int l, int side) const {
    return static_cast<std::size_t>(l * 2 * shape_.dimensions + side) * face();
  }

  LatticeShape shape_;
  NodeArray<T> weights_;
  NodeArray<T> seams_;
  NodeArray<T> degrees_;
};

extern template class NodeArray<float>;
extern template class NodeArray<double>;
extern template class Stencil<float>;
extern template class Stencil<double>;

/// Calls f(tile) for the pieces of a range.
template <class F>
void for_tiles(Range range, std::int64_t tile, F&& f) {
  for (auto begin = range.begin; begin < range.end; begin += tile) {
    f(Range{begin, begin + tile < range.end ? begin + tile : range.end});
  }
}

/// The place of x on the face of coordinate d, where it counts N / S states; x itself has coordinate d = 0 or S-1.
std::int64_t face_place(const LatticeShape& shape, int d, std::int64_t x);

/// The Laplacian of a lattice circuit with its odd layers eliminated, in double precision. Local arrays hold a rank's
/// states (as `partition` deals them) layer by layer: even layers (even_layers() x width), or all layers.
class EvenLayersStencil final : public EvenLayers {
 public:
  /// @note Collective; all ranks on one node. @throws Error for another family, or when memory does not suffice.
  EvenLayersStencil(MPI_Comm comm, const Circuit& circuit);

  MPI_Comm comm() const { return comm_; }
  const Stencil<double>& stencil() const { return stencil_; }
  Range states() const { return mine_; }

  /// y = S x. @note Collective.
  void multiply(std::span<const double> x, std::span<double> y) override;
  /// even = b_e + W_eo D_o^-1 b_o from b on all layers. @note Collective.
  void eliminate(std::span<const double> b, std::span<double> even) override;
  /// x on all layers from its even ones: x_o = D_o^-1 (b_o + W_oe x_e). @note Collective.
  void recover(std::span<const double> even, std::span<const double> b, std::span<double> x) override;

 private:
  void publish_even(std::span<const double> x);

  MPI_Comm comm_;
  Range mine_;
  Stencil<double> stencil_;
  NodeArray<double> even_;
  NodeArray<double> odd_;
  std::vector<double> tile_;
};

}  // namespace kirchhoff
