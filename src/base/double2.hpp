#pragma once

namespace kirchhoff {

/// An unevaluated sum of two doubles: about 32 digits. For residuals, where what is left after cancellation counts.
/// (T. J. Dekker, Numer. Math. 18 (1971) 224; D. E. Knuth, TAOCP 2, 4.2.2.) Needs a compiler that keeps to IEEE 754.
struct Double2 {
  double high = 0;
  double low = 0;

  Double2() = default;
  Double2(double value) : high(value) {}  // NOLINT(google-explicit-constructor): doubles are among them
  Double2(double h, double l) : high(h), low(l) {}

  double value() const { return high + low; }
};

/// a + b exactly.
inline Double2 two_sum(double a, double b) {
  const double sum = a + b;
  const double of_b = sum - a;
  return {sum, (a - (sum - of_b)) + (b - of_b)};
}

/// The same for |a| >= |b|.
inline Double2 fast_two_sum(double a, double b) {
  const double sum = a + b;
  return {sum, b - (sum - a)};
}

/// a b exactly, short of underflow.
inline Double2 two_product(double a, double b) {
  const double product = a * b;
  return {product, __builtin_fma(a, b, -product)};
}

inline Double2 operator+(const Double2& a, const Double2& b) {
  const Double2 high = two_sum(a.high, b.high);
  const Double2 low = two_sum(a.low, b.low);
  const Double2 sum = fast_two_sum(high.high, high.low + low.high);
  return fast_two_sum(sum.high, sum.low + low.low);
}

inline Double2 operator-(const Double2& a) { return {-a.high, -a.low}; }
inline Double2 operator-(const Double2& a, const Double2& b) { return a + -b; }

inline Double2 operator*(double a, const Double2& b) {
  const double product = a * b.high;
  return fast_two_sum(product, __builtin_fma(a, b.high, -product) + a * b.low);
}

inline Double2& operator+=(Double2& a, const Double2& b) { return a = a + b; }
inline Double2& operator-=(Double2& a, const Double2& b) { return a = a - b; }

}  // namespace kirchhoff
