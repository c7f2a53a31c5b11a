#include "solve/spectral/modes.hpp"

#include <fftw3.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <new>
#include <numbers>
#include <utility>

#include "kirchhoff/base/error.hpp"

namespace kirchhoff {
namespace {

constexpr std::int64_t kLanes = 16;  // lines transformed together: neighbours in memory, eight complex numbers a row

/// FFTW in one of its precisions.
template <class T>
struct Fftw;
template <>
struct Fftw<double> {
  using Plan = fftw_plan;
  using Complex = fftw_complex;
  static void* allocate(std::size_t bytes) { return fftw_malloc(bytes); }
  static void release(void* memory) { fftw_free(memory); }
  static Plan plan(int n, int count, Complex* data, int sign) {
    return fftw_plan_many_dft(1, &n, count, data, nullptr, count, 1, data, nullptr, count, 1, sign, FFTW_ESTIMATE);
  }
  static void execute(Plan plan) { fftw_execute(plan); }
  static void destroy(Plan plan) { fftw_destroy_plan(plan); }
};
template <>
struct Fftw<float> {
  using Plan = fftwf_plan;
  using Complex = fftwf_complex;
  static void* allocate(std::size_t bytes) { return fftwf_malloc(bytes); }
  static void release(void* memory) { fftwf_free(memory); }
  static Plan plan(int n, int count, Complex* data, int sign) {
    return fftwf_plan_many_dft(1, &n, count, data, nullptr, count, 1, data, nullptr, count, 1, sign, FFTW_ESTIMATE);
  }
  static void execute(Plan plan) { fftwf_execute(plan); }
  static void destroy(Plan plan) { fftwf_destroy_plan(plan); }
};

/// Real trigonometric transforms of kLanes lines at once by one complex FFT: two neighbouring lines a, b are the real
/// and the imaginary part of a + ib, and their spectra come apart by symmetry. FFTW's own real-to-real transforms do a
/// line at a time and take twice as long.
///
/// With Z = FFT(a + ib), row k of the result is C_k (Z_k + Z_{S-k}) + S_k (-i) (Z_k - Z_{S-k}): for cosines of the
/// lines in Makhoul's order (even rows, then odd ones backwards; IEEE TASSP 28, 1980), and for Hartley's cas as they
/// are.
template <class T>
class TrigonometricLines {
 public:
  TrigonometricLines(std::int64_t size, Boundary boundary)
      : size_(size),
        cosines_(boundary == Boundary::reflecting),
        row_(static_cast<std::size_t>(size)),
        forward_(static_cast<std::size_t>(size)),
        inverse_(static_cast<std::size_t>(size)) {
    const auto bytes = static_cast<std::size_t>(size * kLanes) * sizeof(T);
    time_ = static_cast<T*>(Fftw<T>::allocate(bytes));
    mode_ = static_cast<T*>(Fftw<T>::allocate(bytes));
    if (time_ == nullptr || mode_ == nullptr) throw std::bad_alloc();
    auto* complex = reinterpret_cast<typename Fftw<T>::Complex*>(time_);
    to_modes_ = Fftw<T>::plan(static_cast<int>(size), kLanes / 2, complex, FFTW_FORWARD);
    to_states_ = Fftw<T>::plan(static_cast<int>(size), kLanes / 2, complex, FFTW_BACKWARD);
    if (to_modes_ == nullptr || to_states_ == nullptr) throw Error("FFTW has no plan for this size");
    const auto s = static_cast<double>(size);
    for (std::int64_t k = 0; k < size; ++k) {
      const auto i = static_cast<std::size_t>(k);
      if (!cosines_) {
        row_[i] = k;
        forward_[i] = {static_cast<T>(0.5 / std::sqrt(s)), static_cast<T>(-0.5 / std::sqrt(s))};
        continue;
      }
      row_[i] = 2 * k < size ? 2 * k : 2 * (size - 1 - k) + 1;
      const double angle = std::numbers::pi * static_cast<double>(k) / (2 * s);
      const double norm = std::sqrt((k == 0 ? 1.0 : 2.0) / s);
      forward_[i] = {static_cast<T>(0.5 * norm * std::cos(angle)), static_cast<T>(0.5 * norm * std::sin(angle))};
      inverse_[i] = {static_cast<T>(std::cos(angle) / std::sqrt(2 * s)),
                     static_cast<T>(std::sin(angle) / std::sqrt(2 * s))};
    }
  }
  TrigonometricLines(const TrigonometricLines&) = delete;
  TrigonometricLines& operator=(const TrigonometricLines&) = delete;
  ~TrigonometricLines() {
    Fftw<T>::destroy(to_modes_);
    Fftw<T>::destroy(to_states_);
    Fftw<T>::release(time_);
    Fftw<T>::release(mode_);
  }

  /// `at` finds the first element of each of `count` <= kLanes lines; elements of a line are `stride` apart.
  void forward(T* const* at, std::int64_t count, std::int64_t stride) {
    load(at, count, stride, time_, true);
    Fftw<T>::execute(to_modes_);
    for (std::int64_t k = 0; k < size_; ++k) {
      const T* z = time_ + k * kLanes;
      const T* mirror = time_ + (k == 0 ? 0 : size_ - k) * kLanes;
      const auto [c, s] = forward_[static_cast<std::size_t>(k)];
      T* out = mode_ + k * kLanes;
      for (std::int64_t j = 0; j < kLanes; j += 2) {
        out[j] = c * (z[j] + mirror[j]) + s * (z[j + 1] - mirror[j + 1]);
        out[j + 1] = c * (z[j + 1] + mirror[j + 1]) - s * (z[j] - mirror[j]);
      }
    }
    store(at, count, stride, mode_, false);
  }

  void inverse(T* const* at, std::int64_t count, std::int64_t stride) {
    if (!cosines_) return forward(at, count, stride);  // cas is its own inverse
    load(at, count, stride, mode_, false);
    const T first = static_cast<T>(1 / std::sqrt(static_cast<double>(size_)));
    for (std::int64_t j = 0; j < kLanes; ++j) time_[j] = first * mode_[j];
    for (std::int64_t k = 1; k < size_; ++k) {
      const T* x = mode_ + k * kLanes;
      const T* mirror = mode_ + (size_ - k) * kLanes;
      const auto [c, s] = inverse_[static_cast<std::size_t>(k)];
      T* z = time_ + k * kLanes;
      for (std::int64_t j = 0; j < kLanes; j += 2) {  // (c + is) (x - i mirror)
        const T re = x[j] + mirror[j + 1];
        const T im = x[j + 1] - mirror[j];
        z[j] = c * re - s * im;
        z[j + 1] = s * re + c * im;
      }
    }
    Fftw<T>::execute(to_states_);
    store(at, count, stride, time_, true);
  }

 private:
  struct Rotation {
    T c = 0;
    T s = 0;
  };

  static bool adjacent(T* const* at, std::int64_t count) {
    return count == kLanes && at[kLanes - 1] == at[0] + (kLanes - 1);
  }

  void load(T* const* at, std::int64_t count, std::int64_t stride, T* buffer, bool reorder) const {
    const bool together = adjacent(at, count);
    for (std::int64_t k = 0; k < size_; ++k) {
      const auto from = (reorder ? row_[static_cast<std::size_t>(k)] : k) * stride;
      T* row = buffer + k * kLanes;
      if (together) {
        std::copy_n(at[0] + from, kLanes, row);
      } else {
        for (std::int64_t j = 0; j < count; ++j) row[j] = at[j][from];
        std::fill(row + count, row + kLanes, T(0));
      }
    }
  }

  void store(T* const* at, std::int64_t count, std::int64_t stride, const T* buffer, bool reorder) const {
    const bool together = adjacent(at, count);
    for (std::int64_t k = 0; k < size_; ++k) {
      const auto to = (reorder ? row_[static_cast<std::size_t>(k)] : k) * stride;
      const T* row = buffer + k * kLanes;
      if (together) {
        std::copy_n(row, kLanes, at[0] + to);
      } else {
        for (std::int64_t j = 0; j < count; ++j) at[j][to] = row[j];
      }
    }
  }

  std::int64_t size_;
  bool cosines_;
  std::vector<std::int64_t> row_;  // the element that stands in each row of time_
  std::vector<Rotation> forward_;
  std::vector<Rotation> inverse_;
  T* time_ = nullptr;  // (S x kLanes)
  T* mode_ = nullptr;  // (S x kLanes)
  typename Fftw<T>::Plan to_modes_ = nullptr;
  typename Fftw<T>::Plan to_states_ = nullptr;
};

/// The reflection that swaps the normalised constant u and the first unit vector, 2 v v^T / v.v - I with v = u + e_0;
/// its own inverse. (H x)_0 = u.x and (H x)_j = x_0 / sqrt(S) + rest / (S + sqrt(S)) - x_j, rest = x_1 + x_2 + ...:
/// O(S) a line.
template <class T>
class ReflectedLines {
 public:
  explicit ReflectedLines(std::int64_t size) : size_(size) {
    const double root = std::sqrt(static_cast<double>(size));
    root_ = static_cast<T>(1 / root);
    share_ = static_cast<T>(1 / (root * (root + 1)));
  }

  /// Lines `first` .. `first` + count - 1 of those that are `stride` elements apart and start side by side.
  void apply(T* at, std::int64_t count, std::int64_t stride) const {
    if (size_ == 1) return;
    constexpr std::int64_t kTogether = 64;
    std::array<T, kTogether> sum;
    for (std::int64_t begin = 0; begin < count; begin += kTogether) {
      const auto width = std::min(kTogether, count - begin);
      T* block = at + begin;
      if (width == 1) {
        one(block, stride);
        continue;
      }
      std::copy_n(block, width, sum.begin());
      for (std::int64_t j = 1; j < size_; ++j) {
        const T* row = block + j * stride;
        for (std::int64_t i = 0; i < width; ++i) sum[static_cast<std::size_t>(i)] += row[i];
      }
      for (std::int64_t i = 0; i < width; ++i) {
        auto& s = sum[static_cast<std::size_t>(i)];
        const T constant = s * root_;
        s = share_ * (s - block[i]) + root_ * block[i];
        block[i] = constant;
      }
      for (std::int64_t j = 1; j < size_; ++j) {
        T* row = block + j * stride;
        for (std::int64_t i = 0; i < width; ++i) row[i] = sum[static_cast<std::size_t>(i)] - row[i];
      }
    }
  }

 private:
  void one(T* line, std::int64_t stride) const {
    // Lines may be long (a dense layer is one line): summed in pieces, whose sums are added up, errors grow with the
    // root.
    double rest = 0;
    for (std::int64_t begin = 1; begin < size_; begin += kPiece) {
      double piece = 0;
      for (auto j = begin; j < std::min(begin + kPiece, size_); ++j) piece += static_cast<double>(line[j * stride]);
      rest += piece;
    }
    const T constant = static_cast<T>((rest + line[0]) * static_cast<double>(root_));
    const T shift = static_cast<T>(rest) * share_ + root_ * line[0];
    line[0] = constant;
    for (std::int64_t j = 1; j < size_; ++j) line[j * stride] = shift - line[j * stride];
  }

  static constexpr std::int64_t kPiece = 256;
  std::int64_t size_;
  T root_ = 1;
  T share_ = 0;
};

}  // namespace

template <class T>
struct ModeTransform<T>::State {
  Modes modes;
  std::int64_t states = 0;
  std::unique_ptr<TrigonometricLines<T>> trigonometric;
  std::vector<ReflectedLines<T>> reflected;  // an axis each

  std::int64_t stride(int d) const {
    std::int64_t stride = 1;
    for (auto k = modes.axes.size(); --k > static_cast<std::size_t>(d);) stride *= modes.axes[k];
    return stride;
  }

  void apply(T* field, int d, Range lines, bool forward) {
    const auto step = stride(d);
    const auto size = modes.axes[static_cast<std::size_t>(d)];
    const auto first = [&](std::int64_t line) { return line / step * size * step + line % step; };
    if (!trigonometric) {
      for (auto line = lines.begin; line < lines.end;) {  // runs of lines that start side by side
        const auto count = std::min(lines.end - line, step - line % step);
        reflected[static_cast<std::size_t>(d)].apply(field + first(line), count, step);
        line += count;
      }
      return;
    }
    std::array<T*, kLanes> at;
    for (auto line = lines.begin; line < lines.end; line += kLanes) {
      const auto count = std::min(kLanes, lines.end - line);
      for (std::int64_t j = 0; j < count; ++j) at[static_cast<std::size_t>(j)] = field + first(line + j);
      if (forward) {
        trigonometric->forward(at.data(), count, step);
      } else {
        trigonometric->inverse(at.data(), count, step);
      }
    }
  }
};

template <class T>
ModeTransform<T>::ModeTransform(const Coupling& coupling) : state_(std::make_unique<State>()) {
  auto& s = *state_;
  const auto modes = coupling.modes_of_family();
  if (!modes) throw Error("internal: a coupling of family " + to_string(coupling.family()) + " has no modes");
  s.modes = *modes;
  s.states = coupling.space().size();
  if (s.modes.basis == Modes::Basis::reflection) {
    for (const auto size : s.modes.axes) s.reflected.emplace_back(size);
  } else {
    s.trigonometric = std::make_unique<TrigonometricLines<T>>(
        s.modes.axes[0], s.modes.basis == Modes::Basis::cosine ? Boundary::reflecting : Boundary::periodic);
  }
}

template <class T>
ModeTransform<T>::ModeTransform(ModeTransform&&) noexcept = default;
template <class T>
ModeTransform<T>& ModeTransform<T>::operator=(ModeTransform&&) noexcept = default;
template <class T>
ModeTransform<T>::~ModeTransform() = default;

template <class T>
int ModeTransform<T>::dimensions() const {
  return static_cast<int>(state_->modes.axes.size());
}

template <class T>
std::int64_t ModeTransform<T>::lines(int d, std::int64_t layers) const {
  return layers * (state_->states / state_->modes.axes[static_cast<std::size_t>(d)]);
}

template <class T>
void ModeTransform<T>::forward(T* field, int d, Range lines) {
  state_->apply(field, d, lines, true);
}

template <class T>
void ModeTransform<T>::inverse(T* field, int d, Range lines) {
  state_->apply(field, d, lines, false);
}

template <class T>
void ModeTransform<T>::of_modes(Range modes, std::span<const double> of_axes, std::span<double> out) const {
  const auto& s = state_->modes;
  const auto& axes = s.axes;
  std::vector<std::int64_t> digit(axes.size());  // counts on like an odometer
  for (auto [d, rest] = std::pair(digit.size(), modes.begin); d-- > 0; rest /= axes[d]) digit[d] = rest % axes[d];
  double before = 0;     // of all axes but the last
  std::size_t mask = 0;  // of those along which the mode is not constant
  const auto add_up = [&] {
    before = 0;
    mask = 0;
    for (std::size_t d = 0; d + 1 < digit.size(); ++d) {
      if (!s.of_index.empty()) before += s.of_index[static_cast<std::size_t>(digit[d])];
      if (digit[d] != 0) mask |= std::size_t{1} << d;
    }
  };
  const auto last = std::size_t{1} << (digit.size() - 1);
  add_up();
  for (auto& value : out.first(static_cast<std::size_t>(modes.size()))) {
    value = s.of_index.empty() ? of_axes[mask | (digit.back() != 0 ? last : 0)]
                               : before + s.of_index[static_cast<std::size_t>(digit.back())];
    if (++digit.back() < axes.back()) continue;
    for (auto d = digit.size(); d-- > 0 && digit[d] == axes[d];) {
      digit[d] = 0;
      if (d > 0) ++digit[d - 1];
    }
    add_up();
  }
}

template <class T>
void ModeTransform<T>::laplacian_eigenvalue(Range modes, std::span<double> e) const {
  of_modes(modes, state_->modes.of_axes, e);
}

template <class T>
void ModeTransform<T>::flipped(Range modes, std::span<const double> e, std::span<double> out) const {
  if (!state_->modes.flipped_of_axes.empty()) return of_modes(modes, state_->modes.flipped_of_axes, out);
  for (std::size_t i = 0; i < e.size(); ++i) out[i] = 2 * row_changes() - e[i];
}

template <class T>
double ModeTransform<T>::row_changes() const {
  return state_->modes.row_changes;
}

template class ModeTransform<double>;
template class ModeTransform<float>;

}  // namespace kirchhoff
