#include "solve/multigrid/multigrid.hpp"

#include <algorithm>
#include <cmath>

namespace kirchhoff {
namespace {

constexpr auto kTile = Stencil<float>::kTile;
/// S is a Laplacian, so no eigenvalue of a line-Jacobi step exceeds 2. This is the best damping for [1/2, 2].
constexpr float kDamping = 0.8F;
/// Below this many states a level is one rank's: barriers would cost more than the work.
constexpr std::int64_t kStatesOfOneRank = 1024;

Range share_of(MPI_Comm comm, std::int64_t states) {
  if (states >= kStatesOfOneRank) return partition(states, size_of(comm), rank_of(comm));
  return rank_of(comm) == 0 ? Range{0, states} : Range{states, states};
}

/// Calls f(row, begin, end) for the stretches of equal leading coordinates that make up a range; begin, end are values
/// of the last coordinate.
template <class F>
void for_rows(std::int64_t size, Range range, F&& f) {
  for (auto x = range.begin; x < range.end;) {
    const auto row = x / size;
    const auto end = std::min((row + 1) * size, range.end);
    f(row, x - row * size, end - row * size);
    x = end;
  }
}

}  // namespace

LayeredMultigrid::Level::Level(MPI_Comm comm, const LatticeShape& shape)
    : stencil(comm, shape),
      team(shape.states >= kStatesOfOneRank ? comm : MPI_COMM_SELF),
      mine(share_of(comm, shape.states)),
      residual(stencil.field(comm, shape.even_layers())),
      correction(stencil.field(comm, shape.even_layers())),
      left(stencil.field(comm, shape.even_layers())),
      odd(stencil.field(comm, shape.odd_layers())),
      tile(static_cast<std::size_t>(shape.even_layers() * kTile)) {}

LayeredMultigrid::LayeredMultigrid(MPI_Comm comm, const Stencil<double>& fine)
    : comm_(comm), given_(partition(fine.shape().states, size_of(comm), rank_of(comm))) {
  levels_.emplace_back(comm, fine.shape());
  copy_fine(fine);
  while (levels_.back().stencil.shape().states > 1) {
    const auto& shape = levels_.back().stencil.shape();
    levels_.emplace_back(comm, LatticeShape((shape.size + 1) / 2, shape.dimensions, shape.layers, shape.periodic));
    auto& finer = levels_[levels_.size() - 2];
    finer.transfer = make_transfer(finer, levels_.back());
    coarsen(finer, levels_.back());
    levels_.back().stencil.complete(comm, levels_.back().mine);
  }
  for (auto& level : levels_) factor_lines(level);
}

void LayeredMultigrid::copy_fine(const Stencil<double>& fine) {
  const auto& shape = fine.shape();
  auto& level = levels_.front();
  level.length.assign(static_cast<std::size_t>(shape.size), 1.0);
  // Single precision has a narrow range, and a preconditioner may have any scale.
  double largest = 0;
  for (int l = 0; l <= shape.layers; ++l) {
    const double* d = fine.degree(l);
    for (auto x = level.mine.begin; x < level.mine.end; ++x) largest = std::max(largest, d[x]);
  }
  const double scale = 1 / all_max(comm_, largest);
  for (int l = 0; l < shape.layers; ++l) {
    for (int k = 0; k < shape.slots; ++k) {
      const double* from = fine.weight(l, k);
      float* to = level.stencil.weight(l, k);
      for (auto x = level.mine.begin; x < level.mine.end; ++x) to[x] = static_cast<float>(from[x] * scale);
    }
    if (!shape.periodic) continue;
    const auto faces = partition(shape.states / shape.size, size_of(comm_), rank_of(comm_));
    for (int side = 0; side < 2 * shape.dimensions; ++side) {
      for (auto i = faces.begin; i < faces.end; ++i) {
        level.stencil.seam(l, side)[i] = static_cast<float>(fine.seam(l, side)[i] * scale);
      }
    }
  }
  level.stencil.complete(comm_, level.mine);
}

LayeredMultigrid::Transfer LayeredMultigrid::make_transfer(const Level& fine, Level& coarse) {
  const int s = fine.stencil.shape().size;
  const int t = coarse.stencil.shape().size;
  const bool periodic = fine.stencil.shape().periodic && t > 1;
  coarse.length.assign(static_cast<std::size_t>(t), 0.0);
  std::vector<double> centre(static_cast<std::size_t>(s));
  std::vector<double> begin(static_cast<std::size_t>(t) + 1);
  double end = 0;
  for (int j = 0; j < s; ++j) {
    const auto i = static_cast<std::size_t>(j);
    centre[i] = end + fine.length[i] / 2;
    end += fine.length[i];
    coarse.length[i / 2] += fine.length[i];
    begin[i / 2 + 1] = end;
  }
  Transfer transfer;
  transfer.back.resize(static_cast<std::size_t>(t));
  for (int j = 0; j < s; ++j) {
    const auto i = static_cast<std::size_t>(j);
    const int own = j / 2;
    const auto at = static_cast<std::size_t>(own);
    const double off = centre[i] - (begin[at] + begin[at + 1]) / 2;
    int other = own + (off > 0 ? 1 : -1);
    if (periodic) {
      other = (other + t) % t;
    } else if (other < 0 || other >= t) {
      other = own;
    }
    const double between = (coarse.length[at] + coarse.length[static_cast<std::size_t>(other)]) / 2;
    const double share = other == own ? 0 : std::abs(off) / between;
    transfer.own.push_back(own);
    transfer.other.push_back(other);
    transfer.share.push_back(static_cast<float>(share));
    transfer.back[at].push_back({j, static_cast<float>(1 - share)});
    if (share > 0) transfer.back[static_cast<std::size_t>(other)].push_back({j, static_cast<float>(share)});
  }
  return transfer;
}

/// Ties the states of each block together. An edge within a block joins the block with itself on the next layer. An
/// edge between blocks becomes one between their centres, which are farther apart: its conductance falls by the ratio
/// of the distances, and the remainder goes to the block's own edge, so that what flows along the layers is kept. The
/// Galerkin product would leave the edge as it is, twice too strong, and cost three times the iterations.
void LayeredMultigrid::coarsen(const Level& fine, Level& coarse) {
  const auto& shape = fine.stencil.shape();
  const auto& target = coarse.stencil.shape();
  const int dimensions = shape.dimensions;
  const auto s = static_cast<std::size_t>(shape.size);
  // Of a step down or up from j: how much of the conductance stays an edge, and where it leads.
  std::vector<float> ratio(2 * s, 0.0F);
  for (std::size_t j = 0; j < s; ++j) {
    for (const bool up : {false, true}) {
      const auto next = up ? (j + 1) % s : (j + s - 1) % s;
      const double near = fine.length[j] + fine.length[next];
      const double far = coarse.length[j / 2] + coarse.length[next / 2];
      if (j / 2 != next / 2) ratio[2 * j + (up ? 1 : 0)] = static_cast<float>(near / far);
    }
  }
  std::vector<std::size_t> category(static_cast<std::size_t>(dimensions));
  for (auto x = coarse.mine.begin; x < coarse.mine.end; ++x) {
    std::int64_t corner = 0;
    for (int d = 0; d < dimensions; ++d) {
      const auto stride = static_cast<std::size_t>(d);
      category[stride] = static_cast<std::size_t>(x / target.stride[stride] % target.size);
      corner += static_cast<std::int64_t>(2 * category[stride]) * shape.stride[stride];
    }
    for (int member = 0; member < 1 << dimensions; ++member) {
      std::int64_t y = corner;
      bool inside = true;
      for (int d = 0; d < dimensions; ++d) {
        if ((member >> d & 1) == 0) continue;
        inside = inside && 2 * category[static_cast<std::size_t>(d)] + 1 < s;
        y += shape.stride[static_cast<std::size_t>(d)];
      }
      if (!inside) continue;
      for (int k = 0; k < shape.slots; ++k) {
        float kept = 0;
        int side = -1;  // of the coarse seam
        if (k > 0) {
          const int d = (k - 1) / 2;
          const bool up = k % 2 == 0;
          const auto j = 2 * category[static_cast<std::size_t>(d)] + static_cast<std::size_t>(member >> d & 1);
          const bool leaves = up ? j + 1 == s : j == 0;
          if (!leaves) kept = ratio[2 * j + (up ? 1 : 0)];
          if (leaves && shape.periodic) {
            const float across = ratio[2 * j + (up ? 1 : 0)];
            side = 2 * d + (up ? 1 : 0);
            const auto place = face_place(shape, d, y);
            for (int l = 0; l < shape.layers; ++l) {
              const float g = fine.stencil.seam(l, side)[place];
              if (target.periodic) {
                coarse.stencil.seam(l, side)[face_place(target, d, x)] += across * g;
              } else if (target.size > 1) {  // a ring of two: the way across is the way between
                coarse.stencil.weight(l, LatticeShape::opposite(k))[x] += across * g;
              }
              coarse.stencil.weight(l, 0)[x] += (1 - across) * g;
            }
          }
        }
        for (int l = 0; l < shape.layers; ++l) {
          const float g = fine.stencil.weight(l, k)[y];
          if (g == 0) continue;
          if (k > 0) coarse.stencil.weight(l, k)[x] += kept * g;
          coarse.stencil.weight(l, 0)[x] += (1 - kept) * g;
        }
      }
    }
  }
}

/// The tridiagonal blocks of S along the even layers of each state, factored: two even neighbours of one state are
/// joined through every odd vertex that both are joined to.
void LayeredMultigrid::factor_lines(Level& level) {
  const auto& stencil = level.stencil;
  const auto& shape = stencil.shape();
  const auto width = static_cast<std::size_t>(level.mine.size());
  const int count = shape.even_layers();
  level.pivot.resize(static_cast<std::size_t>(count) * width);
  level.factor.resize(level.pivot.size());
  std::vector<double> diagonal(width);
  std::vector<double> next(width);
  std::vector<double> before(width);  // pivots of the layer before
  std::vector<double> factor(width);
  for (int j = 0; j < count; ++j) {
    const int l = 2 * j;
    std::fill(diagonal.begin(), diagonal.end(), 0.0);
    std::fill(next.begin(), next.end(), 0.0);
    // g - g^2 / D_v, a sum of positive terms, as it must be where one edge outweighs all others.
    const auto add = [&](float g, float back, float degree, std::size_t i) {
      if (g == 0) return;
      diagonal[i] += double{g} * (double{degree} - double{g}) / double{degree};
      next[i] -= double{g} * double{back} / double{degree};
    };
    for (int k = 0; k < shape.slots; ++k) {
      const auto step = shape.step(k);
      const int back = LatticeShape::opposite(k);
      for (auto x = level.mine.begin; x < level.mine.end; ++x) {
        const auto i = static_cast<std::size_t>(x - level.mine.begin);
        const auto y = x + step;
        if (l < shape.layers) {
          const float onward = l + 2 <= shape.layers ? stencil.weight(l + 1, back)[y] : 0.0F;
          add(stencil.weight(l, k)[x], onward, stencil.degree(l + 1)[y], i);
        }
        if (l > 0) add(stencil.weight(l - 1, back)[y], 0.0F, stencil.degree(l - 1)[y], i);
      }
    }
    for (int d = 0; shape.periodic && d < shape.dimensions; ++d) {
      const auto across = (shape.size - 1) * shape.stride[static_cast<std::size_t>(d)];
      for (auto x = level.mine.begin; x < level.mine.end; ++x) {
        const auto c = x / shape.stride[static_cast<std::size_t>(d)] % shape.size;
        if (c != 0 && c != shape.size - 1) continue;
        const bool low = c == 0;
        const auto i = static_cast<std::size_t>(x - level.mine.begin);
        const auto y = low ? x + across : x - across;
        const auto place = face_place(shape, d, x);
        const int out = 2 * d + (low ? 0 : 1);
        const int in = 2 * d + (low ? 1 : 0);
        if (l < shape.layers) {
          const float onward = l + 2 <= shape.layers ? stencil.seam(l + 1, in)[place] : 0.0F;
          add(stencil.seam(l, out)[place], onward, stencil.degree(l + 1)[y], i);
        }
        if (l > 0) add(stencil.seam(l - 1, in)[place], 0.0F, stencil.degree(l - 1)[y], i);
      }
    }
    const bool last = shape.states == 1 && j + 1 == count;  // of the coarsest level, whose gauge this fixes
    for (std::size_t i = 0; i < width; ++i) {
      if (j > 0) diagonal[i] -= factor[i] * before[i] * factor[i];
      // Rounding must not turn a pivot negative where a line hangs by weak edges.
      before[i] =
          std::max(diagonal[i], 1e-7 * double{stencil.degree(l)[level.mine.begin + static_cast<std::int64_t>(i)]});
      factor[i] = next[i] / before[i];
      level.pivot[static_cast<std::size_t>(j) * width + i] = last ? 0.0F : static_cast<float>(1 / before[i]);
      level.factor[static_cast<std::size_t>(j) * width + i] = static_cast<float>(factor[i]);
    }
  }
}

/// values (even layers x kTile): right-hand sides in, solutions out.
void LayeredMultigrid::solve_lines(const Level& level, Range tile, float* values) {
  const auto width = level.mine.size();
  const auto n = tile.size();
  const int count = level.stencil.shape().even_layers();
  const float* pivot = level.pivot.data() + (tile.begin - level.mine.begin);
  const float* factor = level.factor.data() + (tile.begin - level.mine.begin);
  for (int j = 1; j < count; ++j) {
    const float* f = factor + (j - 1) * width;
    float* v = values + j * kTile;
    for (std::int64_t i = 0; i < n; ++i) v[i] -= f[i] * v[i - kTile];
  }
  for (int j = count - 1; j >= 0; --j) {
    const float* p = pivot + j * width;
    const float* f = factor + j * width;
    float* v = values + j * kTile;
    if (j == count - 1) {
      for (std::int64_t i = 0; i < n; ++i) v[i] *= p[i];
    } else {
      for (std::int64_t i = 0; i < n; ++i) v[i] = v[i] * p[i] - f[i] * v[i + kTile];
    }
  }
}

void LayeredMultigrid::restrict_left(const Level& fine, Level& coarse) {
  const auto& shape = fine.stencil.shape();
  const auto& target = coarse.stencil.shape();
  const auto& back = fine.transfer.back;
  const auto s = static_cast<std::size_t>(shape.size);
  std::vector<float> sum(s);
  const int leading = shape.dimensions - 1;
  for (int j = 0; j < shape.even_layers(); ++j) {
    const float* from = fine.left.data() + fine.stencil.at(j);
    float* to = coarse.residual.data() + coarse.stencil.at(j);
    for_rows(target.size, coarse.mine, [&](std::int64_t row, std::int64_t begin, std::int64_t end) {
      const float* line = from;
      if (leading > 0) {
        std::fill(sum.begin(), sum.end(), 0.0F);
        // All combinations of the leading coordinates' terms.
        const auto combine = [&](const auto& self, int d, std::int64_t offset, float weight) -> void {
          if (d == leading) {
            for (std::size_t i = 0; i < s; ++i) sum[i] += weight * from[offset + static_cast<std::int64_t>(i)];
            return;
          }
          const auto at = static_cast<std::size_t>(d);
          const auto c = static_cast<std::size_t>(row * target.size / target.stride[at] % target.size);
          for (const auto& term : back[c])
            self(self, d + 1, offset + term.fine * shape.stride[at], weight * term.weight);
        };
        combine(combine, 0, 0, 1.0F);
        line = sum.data();
      }
      for (auto c = begin; c < end; ++c) {
        float value = 0;
        for (const auto& term : back[static_cast<std::size_t>(c)]) value += term.weight * line[term.fine];
        to[row * target.size + c] = value;
      }
    });
  }
}

void LayeredMultigrid::prolong(Level& fine, const Level& coarse) {
  const auto& shape = fine.stencil.shape();
  const auto& target = coarse.stencil.shape();
  const auto& transfer = fine.transfer;
  const auto t = static_cast<std::size_t>(target.size);
  std::vector<float> sum(t);
  const int leading = shape.dimensions - 1;
  for (int j = 0; j < shape.even_layers(); ++j) {
    const float* from = coarse.correction.data() + coarse.stencil.at(j);
    float* to = fine.correction.data() + fine.stencil.at(j);
    for_rows(shape.size, fine.mine, [&](std::int64_t row, std::int64_t begin, std::int64_t end) {
      const float* line = from;
      if (leading > 0) {
        std::fill(sum.begin(), sum.end(), 0.0F);
        for (int member = 0; member < 1 << leading; ++member) {
          float weight = 1;
          std::int64_t offset = 0;
          for (int d = 0; d < leading; ++d) {
            const auto at = static_cast<std::size_t>(d);
            const auto c = static_cast<std::size_t>(row * shape.size / shape.stride[at] % shape.size);
            const bool other = (member >> d & 1) != 0;
            weight *= other ? transfer.share[c] : 1 - transfer.share[c];
            offset += (other ? transfer.other[c] : transfer.own[c]) * target.stride[at];
          }
          if (weight == 0) continue;
          for (std::size_t i = 0; i < t; ++i) sum[i] += weight * from[offset + static_cast<std::int64_t>(i)];
        }
        line = sum.data();
      }
      float* out = to + row * shape.size;
      for (auto c = begin; c < end; ++c) {
        const auto i = static_cast<std::size_t>(c);
        const float own = line[transfer.own[i]];
        out[c] += own + transfer.share[i] * (line[transfer.other[i]] - own);
      }
    });
  }
}

/// correction = V-cycle of residual. Barriers stand between writing a field and others' reading of it.
void LayeredMultigrid::cycle(std::size_t i) {
  auto& level = levels_[i];
  const auto& stencil = level.stencil;
  const auto& shape = stencil.shape();
  const int count = shape.even_layers();
  const bool coarsest = i + 1 == levels_.size();
  float* work = level.tile.data();
  for_tiles(level.mine, kTile, [&](Range tile) {
    for (int j = 0; j < count; ++j) {
      std::copy_n(level.residual.data() + stencil.at(j) + tile.begin, tile.size(), work + j * kTile);
    }
    solve_lines(level, tile, work);
    const float damping = coarsest ? 1.0F : kDamping;
    for (int j = 0; j < count; ++j) {
      float* z = level.correction.data() + stencil.at(j) + tile.begin;
      for (std::int64_t x = 0; x < tile.size(); ++x) z[x] = damping * work[j * kTile + x];
    }
  });
  if (coarsest) return;
  node_barrier(level.team);
  stencil.extend(level.mine, level.correction.data(), level.odd.data());
  node_barrier(level.team);
  for_tiles(level.mine, kTile, [&](Range tile) {
    stencil.reduce(tile, level.correction.data(), level.odd.data(), work);
    for (int j = 0; j < count; ++j) {
      const float* r = level.residual.data() + stencil.at(j) + tile.begin;
      float* left = level.left.data() + stencil.at(j) + tile.begin;
      for (std::int64_t x = 0; x < tile.size(); ++x) left[x] = r[x] - work[j * kTile + x];
    }
  });
  node_barrier(level.team);
  auto& coarser = levels_[i + 1];
  restrict_left(level, coarser);
  cycle(i + 1);
  node_barrier(level.team);
  prolong(level, coarser);
  node_barrier(level.team);
  stencil.extend(level.mine, level.correction.data(), level.odd.data());
  node_barrier(level.team);
  for_tiles(level.mine, kTile, [&](Range tile) {
    stencil.reduce(tile, level.correction.data(), level.odd.data(), work);
    for (int j = 0; j < count; ++j) {
      const float* r = level.residual.data() + stencil.at(j) + tile.begin;
      for (std::int64_t x = 0; x < tile.size(); ++x) work[j * kTile + x] = r[x] - work[j * kTile + x];
    }
    solve_lines(level, tile, work);
    for (int j = 0; j < count; ++j) {
      float* z = level.correction.data() + stencil.at(j) + tile.begin;
      for (std::int64_t x = 0; x < tile.size(); ++x) z[x] += kDamping * work[j * kTile + x];
    }
  });
}

void LayeredMultigrid::apply(std::span<const double> residual, std::span<double> correction) {
  auto& fine = levels_.front();
  const auto& stencil = fine.stencil;
  const auto width = given_.size();
  for (int j = 0; j < stencil.shape().even_layers(); ++j) {
    const double* from = residual.data() + j * width;
    float* to = fine.residual.data() + stencil.at(j) + given_.begin;
    for (std::int64_t i = 0; i < width; ++i) to[i] = static_cast<float>(from[i]);
  }
  node_barrier(comm_);
  cycle(0);
  node_barrier(comm_);
  for (int j = 0; j < stencil.shape().even_layers(); ++j) {
    const float* from = fine.correction.data() + stencil.at(j) + given_.begin;
    double* to = correction.data() + j * width;
    for (std::int64_t i = 0; i < width; ++i) to[i] = static_cast<double>(from[i]);
  }
}

}  // namespace kirchhoff
