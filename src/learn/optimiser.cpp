#include "learn/optimiser.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <utility>

namespace kirchhoff {
namespace {

constexpr std::size_t kLine = 64;  // bytes of a cache line

/// In partial sums that do not wait for each other, which the compiler keeps in vectors.
template <class T>
double sum_of_squares(std::span<const T> values) {
  constexpr std::size_t kSums = 16;
  std::array<double, kSums> sums{};
  std::size_t i = 0;
  for (; i + kSums <= values.size(); i += kSums) {
    for (std::size_t k = 0; k < kSums; ++k)
      sums[k] += static_cast<double>(values[i + k]) * static_cast<double>(values[i + k]);
  }
  for (; i < values.size(); ++i) sums[0] += static_cast<double>(values[i]) * static_cast<double>(values[i]);
  return std::accumulate(sums.begin(), sums.end(), 0.0);
}

std::size_t whole_lines(std::size_t bytes) { return (bytes + kLine - 1) / kLine * kLine; }

/// Ranks of the fullest node.
int node_size(MPI_Comm comm) {
  MPI_Comm node = MPI_COMM_NULL;
  MPI_Comm_split_type(comm, MPI_COMM_TYPE_SHARED, rank_of(comm), MPI_INFO_NULL, &node);
  const int size = size_of(node);
  MPI_Comm_free(&node);
  return static_cast<int>(all_max(comm, size));
}

}  // namespace

template <class T>
std::int64_t Optimiser<T>::doubles(int node_ranks, std::size_t count, std::size_t figures) {
  const auto ranks = static_cast<std::size_t>(node_ranks);
  const auto bytes = (4 + ranks) * whole_lines(count * sizeof(T)) + (1 + ranks) * whole_lines(figures * sizeof(double));
  return static_cast<std::int64_t>(bytes / sizeof(double));
}

template <class T>
Optimiser<T>::Optimiser(MPI_Comm comm, std::size_t count, std::size_t figures)
    : Optimiser(count, figures, SharedArray(comm, doubles(node_size(comm), count, figures))) {}

template <class T>
Optimiser<T>::Optimiser(MPI_Comm comm, std::size_t count, std::size_t figures, int node)
    : Optimiser(count, figures, SharedArray(comm, doubles(size_of(comm), count, figures), node)) {}

template <class T>
Optimiser<T>::Optimiser(std::size_t count, std::size_t figures, SharedArray shared)
    : count_(count),
      stride_(whole_lines(count * sizeof(T)) / sizeof(T)),
      figures_count_(figures),
      shared_(std::move(shared)),
      rank_(static_cast<std::size_t>(rank_of(shared_.node()))),
      ranks_(static_cast<std::size_t>(size_of(shared_.node()))) {
  // Slices end with cache lines, so that ranks never write to the same one.
  const auto per_line = static_cast<std::int64_t>(kLine / sizeof(T));
  const auto lines =
      partition(static_cast<std::int64_t>(stride_) / per_line, static_cast<int>(ranks_), static_cast<int>(rank_));
  const auto n = static_cast<std::int64_t>(count_);
  slice_ = {std::min(lines.begin * per_line, n), std::min(lines.end * per_line, n)};
}

template <class T>
std::span<double> Optimiser<T>::figures_of(std::size_t k) {
  auto* begin = reinterpret_cast<double*>(part(4 + ranks_).data());
  return {begin + k * whole_lines(figures_count_ * sizeof(double)) / sizeof(double), figures_count_};
}
template <class T>
std::span<double> Optimiser<T>::figures() {
  return figures_of(1 + rank_);
}
template <class T>
std::span<const double> Optimiser<T>::figure_sums() {
  return figures_of(0);
}

template <class T>
void Optimiser<T>::reduce() {
  shared_.fence();
  T* sum = part(4).data();
  for (std::size_t r = 1; r < ranks_; ++r) {
    const T* other = part(4 + r).data();
    for (auto i = slice_.begin; i < slice_.end; ++i) sum[i] += other[i];
  }
  if (rank_ == 0) {
    auto sums = figures_of(0);
    std::fill(sums.begin(), sums.end(), 0.0);
    for (std::size_t r = 0; r < ranks_; ++r) {
      for (std::size_t i = 0; i < figures_count_; ++i) sums[i] += figures_of(1 + r)[i];
    }
  }
  shared_.fence();
  if (const auto leaders = shared_.leaders(); leaders != MPI_COMM_NULL && size_of(leaders) > 1) {
    all_sum(leaders, part(4));
    all_sum(leaders, figures_of(0));
  }
  shared_.fence();
}

template <class T>
void Optimiser<T>::update(const Step& step) {
  constexpr T kBeta1 = T(0.9);
  constexpr T kBeta2 = T(0.999);
  constexpr T kEpsilon = T(1e-8);
  const auto t = static_cast<double>(step.number) + 1;
  const auto m_scale = static_cast<T>(1 / (1 - std::pow(0.9, t)));
  const auto v_scale = static_cast<T>(1 / (1 - std::pow(0.999, t)));
  const auto rate = static_cast<T>(step.rate);
  const auto decay = static_cast<T>(step.rate * step.weight_decay);
  const auto forget = static_cast<T>(1 - std::min(step.average, t / (t + 10)));
  double factor = step.scale;
  if (step.largest_norm > 0) {
    // Every rank sums all of it: cheaper than another message, and the same on all.
    const double norm = std::abs(step.scale) * std::sqrt(sum_of_squares<T>(gradient_sum()));
    if (norm > step.largest_norm) factor *= step.largest_norm / norm;
  }
  const auto scale = static_cast<T>(factor);
  const T* gradient = part(4).data();
  T* parameter = parameters().data();
  T* mean = average().data();
  T* first = first_moment().data();
  T* second = second_moment().data();
#ifndef __clang__
#pragma GCC ivdep
#endif
  for (auto i = slice_.begin; i < slice_.end; ++i) {
    const T g = scale * gradient[i];
    const T m = kBeta1 * first[i] + (T(1) - kBeta1) * g;
    const T v = kBeta2 * second[i] + (T(1) - kBeta2) * g * g;
    const T p = parameter[i] - rate * m_scale * m / (std::sqrt(v_scale * v) + kEpsilon) - decay * parameter[i];
    first[i] = m;
    second[i] = v;
    parameter[i] = p;
    mean[i] += forget * (p - mean[i]);
  }
  shared_.fence();
  std::fill(this->gradient().begin(), this->gradient().end(), T(0));
  std::fill(figures().begin(), figures().end(), 0.0);
}

template class Optimiser<float>;
template class Optimiser<double>;

}  // namespace kirchhoff
