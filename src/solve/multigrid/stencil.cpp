#include "solve/multigrid/stencil.hpp"

#include <algorithm>
#include <utility>

#include "kirchhoff/base/error.hpp"
#include "kirchhoff/parallel/agree.hpp"

namespace kirchhoff {

template <class T>
NodeArray<T>::NodeArray(MPI_Comm comm, std::size_t rows, std::size_t width) {
  const auto size = rows * width;
  if (size_of(comm) == 1) {
    own_ = OwnMemory<T>(size);
    data_ = own_.data().data();
    return;
  }
  pages_ = SharedPages(comm, size * sizeof(T));
  if (size > 0 && !pages_) {
    throw AgreedError(
        "the ranks of this node cannot map each other's memory (/proc/PID/fd): use one rank, or "
        "-solve_method krylov");
  }
  const auto mine = partition(static_cast<std::int64_t>(width), size_of(comm), rank_of(comm));
  agree(comm, [&] {
    for (std::size_t row = 0; row < rows; ++row) {
      pages_.reserve((row * width + static_cast<std::size_t>(mine.begin)) * sizeof(T),
                     static_cast<std::size_t>(mine.size()) * sizeof(T));
    }
  });
  data_ = pages_.as<T>().data();
}

bool on_one_node(MPI_Comm comm) {
  MPI_Comm node = MPI_COMM_NULL;
  MPI_Comm_split_type(comm, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node);
  bool all = size_of(node) == size_of(comm);
  if (all && size_of(node) > 1) all = static_cast<bool>(SharedPages(node, 1));
  MPI_Comm_free(&node);
  return all_sum(comm, std::int64_t{all ? 0 : 1}) == 0;
}

LatticeShape::LatticeShape(int categories, int dimension_count, int layer_pairs, bool ring)
    : size(categories), dimensions(dimension_count), layers(layer_pairs), periodic(ring && categories > 2) {
  stride.assign(static_cast<std::size_t>(dimensions), 1);
  for (auto d = stride.size() - 1; d > 0; --d) stride[d - 1] = stride[d] * size;
  pad = stride[0];
  states = stride[0] * size;
  slots = 1 + 2 * dimensions;
}

std::int64_t face_place(const LatticeShape& shape, int d, std::int64_t x) {
  const auto s = shape.stride[static_cast<std::size_t>(d)];
  return x / (s * shape.size) * s + x % s;
}

template <class T>
Stencil<T>::Stencil(MPI_Comm comm, const LatticeShape& shape)
    : shape_(shape),
      weights_(field(comm, shape.layers * shape.slots)),
      seams_(comm, shape.periodic ? static_cast<std::size_t>(shape.layers * 2 * shape.dimensions) : 0, face()),
      degrees_(field(comm, shape.layers + 1)) {}

namespace {

/// Calls f(begin, end, low) for the runs of states of `range` on the two faces of coordinate d.
template <class F>
void for_faces(const LatticeShape& shape, int d, Range range, F&& f) {
  const auto s = shape.stride[static_cast<std::size_t>(d)];
  const auto block = s * shape.size;
  for (auto first = range.begin / block * block; first < range.end; first += block) {
    for (const bool low : {true, false}) {
      const auto face = low ? first : first + block - s;
      const auto begin = std::max(face, range.begin);
      const auto end = std::min(face + s, range.end);
      if (begin < end) f(begin, end, low);
    }
  }
}

}  // namespace

template <class T>
void Stencil<T>::gather(int m, Range range, const T* below, const T* above, T* out) const {
  for (int k = 0; k < shape_.slots; ++k) {
    const auto step = shape_.step(k);
    if (below != nullptr) {
      const T* w = weight(m - 1, k) + range.begin - step;
      const T* v = below + range.begin - step;
      for (std::int64_t i = 0; i < range.size(); ++i) out[i] += w[i] * v[i];
    }
    if (above != nullptr) {
      const T* w = weight(m, k) + range.begin;
      const T* v = above + range.begin + step;
      for (std::int64_t i = 0; i < range.size(); ++i) out[i] += w[i] * v[i];
    }
  }
  if (!shape_.periodic) return;
  for (int d = 0; d < shape_.dimensions; ++d) {
    const auto across = (shape_.size - 1) * shape_.stride[static_cast<std::size_t>(d)];
    for_faces(shape_, d, range, [&](std::int64_t begin, std::int64_t end, bool low) {
      const auto place = face_place(shape_, d, begin);
      const auto there = low ? across : -across;
      for (auto x = begin; x < end; ++x) {
        const auto face = place + (x - begin);
        if (above != nullptr) out[x - range.begin] += seam(m, 2 * d + (low ? 0 : 1))[face] * above[x + there];
        if (below != nullptr) out[x - range.begin] += seam(m - 1, 2 * d + (low ? 1 : 0))[face] * below[x + there];
      }
    });
  }
}

template <class T>
void Stencil<T>::complete(MPI_Comm comm, Range mine) {
  node_barrier(comm);
  const std::vector<T> ones(shape_.width(), T{1});
  const T* one = ones.data() + shape_.pad;
  for (int l = 0; l <= shape_.layers; ++l) {
    gather(l, mine, l > 0 ? one : nullptr, l < shape_.layers ? one : nullptr, degrees_.data() + at(l) + mine.begin);
  }
  node_barrier(comm);
}

template <class T>
void Stencil<T>::extend(Range range, const T* even, T* odd) const {
  for_tiles(range, kTile, [&](Range tile) {
    for (int m = 1; m <= shape_.layers; m += 2) {
      T* out = odd + at(m / 2) + tile.begin;
      std::fill_n(out, tile.size(), T{0});
      gather(m, tile, even + at(m / 2), m < shape_.layers ? even + at(m / 2 + 1) : nullptr, out);
      const T* d = degree(m) + tile.begin;
      for (std::int64_t i = 0; i < tile.size(); ++i) out[i] /= d[i];
    }
  });
}

template <class T>
void Stencil<T>::reduce(Range tile, const T* even, const T* odd, T* out) const {
  for (int l = 0; l <= shape_.layers; l += 2) {
    T* row = out + l / 2 * kTile;
    std::fill_n(row, tile.size(), T{0});
    gather(l, tile, l > 0 ? odd + at(l / 2 - 1) : nullptr, l < shape_.layers ? odd + at(l / 2) : nullptr, row);
    const T* d = degree(l) + tile.begin;
    const T* v = even + at(l / 2) + tile.begin;
    for (std::int64_t i = 0; i < tile.size(); ++i) row[i] = d[i] * v[i] - row[i];
  }
}

template class NodeArray<float>;
template class NodeArray<double>;
template class Stencil<float>;
template class Stencil<double>;

namespace {

LatticeShape shape_of(const Circuit& circuit) {
  if (circuit.coupling(0).lattice() == nullptr) throw AgreedError("the lattice's stencil was asked for another family");
  const auto& space = circuit.space();
  return {space.categories(), space.dimensions(), circuit.layers(),
          circuit.coupling(0).lattice()->boundary == Boundary::periodic};
}

/// Writes the conductances of the states of `mine`.
void fill(Stencil<double>& stencil, const Circuit& circuit, Range mine) {
  const auto& shape = stencil.shape();
  for (int l = 0; l < shape.layers; ++l) {
    const auto& coupling = circuit.coupling(l);
    if (!coupling.weights().empty() && coupling.lattice()->boundary == Boundary::reflecting) {
      for (int k = 0; k < shape.slots; ++k) {  // the same places
        const auto from = coupling.weights().begin() + k * shape.states;
        std::copy(from + mine.begin, from + mine.end, stencil.weight(l, k) + mine.begin);
      }
      continue;
    }
    for (auto state = mine.begin; state < mine.end; ++state) {
      coupling.slots_of(state, [&](std::int64_t slot, std::int64_t x, std::int64_t y, double g) {
        if (x == y) {
          stencil.weight(l, 0)[x] += g;
          return;
        }
        const auto d = static_cast<int>((slot - 1) / 2);
        const auto s = shape.stride[static_cast<std::size_t>(d)];
        if (y == x - s) {
          stencil.weight(l, 1 + 2 * d)[x] += g;
        } else if (y == x + s) {
          stencil.weight(l, 2 + 2 * d)[x] += g;
        } else {
          stencil.seam(l, 2 * d + (y > x ? 0 : 1))[face_place(shape, d, x)] += g;
        }
      });
    }
  }
}

}  // namespace

EvenLayersStencil::EvenLayersStencil(MPI_Comm comm, const Circuit& circuit)
    : comm_(comm),
      mine_(partition(circuit.states(), size_of(comm), rank_of(comm))),
      stencil_(comm, shape_of(circuit)),
      even_(stencil_.field(comm, stencil_.shape().even_layers())),
      odd_(stencil_.field(comm, stencil_.shape().odd_layers())),
      tile_(static_cast<std::size_t>(stencil_.shape().even_layers() * Stencil<double>::kTile)) {
  fill(stencil_, circuit, mine_);
  stencil_.complete(comm, mine_);
}

void EvenLayersStencil::publish_even(std::span<const double> x) {
  const auto width = mine_.size();
  for (int j = 0; j < stencil_.shape().even_layers(); ++j) {
    std::copy_n(x.data() + j * width, width, even_.data() + stencil_.at(j) + mine_.begin);
  }
  node_barrier(comm_);
}

void EvenLayersStencil::multiply(std::span<const double> x, std::span<double> y) {
  publish_even(x);
  stencil_.extend(mine_, even_.data(), odd_.data());
  node_barrier(comm_);
  for_tiles(mine_, Stencil<double>::kTile, [&](Range tile) {
    stencil_.reduce(tile, even_.data(), odd_.data(), tile_.data());
    for (int j = 0; j < stencil_.shape().even_layers(); ++j) {
      std::copy_n(tile_.data() + j * Stencil<double>::kTile, tile.size(),
                  y.data() + j * mine_.size() + tile.begin - mine_.begin);
    }
  });
}

void EvenLayersStencil::eliminate(std::span<const double> b, std::span<double> even) {
  const auto& shape = stencil_.shape();
  const auto width = mine_.size();
  node_barrier(comm_);  // others may still read the odd layers of a product
  for (int m = 1; m <= shape.layers; m += 2) {
    const double* from = b.data() + m * width;
    double* to = odd_.data() + stencil_.at(m / 2) + mine_.begin;
    const double* d = stencil_.degree(m) + mine_.begin;
    for (std::int64_t i = 0; i < width; ++i) to[i] = from[i] / d[i];
  }
  node_barrier(comm_);
  for (int l = 0; l <= shape.layers; l += 2) {
    double* out = even.data() + l / 2 * width;
    std::copy_n(b.data() + l * width, width, out);
    stencil_.gather(l, mine_, l > 0 ? odd_.data() + stencil_.at(l / 2 - 1) : nullptr,
                    l < shape.layers ? odd_.data() + stencil_.at(l / 2) : nullptr, out);
  }
  node_barrier(comm_);  // before anyone writes the odd layers again
}

void EvenLayersStencil::recover(std::span<const double> even, std::span<const double> b, std::span<double> x) {
  const auto& shape = stencil_.shape();
  const auto width = mine_.size();
  publish_even(even);
  for (int l = 0; l <= shape.layers; ++l) {
    double* out = x.data() + l * width;
    if (l % 2 == 0) {
      std::copy_n(even.data() + l / 2 * width, width, out);
      continue;
    }
    std::copy_n(b.data() + l * width, width, out);
    stencil_.gather(l, mine_, even_.data() + stencil_.at(l / 2),
                    l < shape.layers ? even_.data() + stencil_.at(l / 2 + 1) : nullptr, out);
    const double* d = stencil_.degree(l) + mine_.begin;
    for (std::int64_t i = 0; i < width; ++i) out[i] /= d[i];
  }
  node_barrier(comm_);  // before anyone writes the even layers again
}

}  // namespace kirchhoff
