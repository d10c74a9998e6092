// What the expressions of the pointwise tables call, for every compute type.
#pragma once
#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>
#include <numeric>

#include "dispatch/error.hpp"
#include "ops/pointwise/loops.hpp"
#include "vec/math.hpp"

#define TL_INLINE static inline __attribute__((always_inline))

namespace tallow::TL_ISA_NS::fn {

namespace v = tallow::vec;
template <class T> constexpr bool is_int_v = std::is_same_v<T, int64_t>;
template <class T> constexpr bool is_float_v = std::is_floating_point_v<T>;

// NaN in either operand gives NaN, as torch's maximum, minimum and clamp do.
template <class T> TL_INLINE T max(T a, T b) {
  if constexpr (is_float_v<T>) return a != a ? a : (a > b ? a : b);
  else return a > b ? a : b;
}
template <class T> TL_INLINE T min(T a, T b) {
  if constexpr (is_float_v<T>) return a != a ? a : (a < b ? a : b);
  else return a < b ? a : b;
}
// ... and fmax, fmin give the other operand.
template <class T> TL_INLINE T fmax(T a, T b) {
  if constexpr (is_float_v<T>) return a != a ? b : (b != b ? a : (a > b ? a : b));
  else return a > b ? a : b;
}
template <class T> TL_INLINE T fmin(T a, T b) {
  if constexpr (is_float_v<T>) return a != a ? b : (b != b ? a : (a < b ? a : b));
  else return a < b ? a : b;
}

// Integer arithmetic wraps; the two cases that would trap are answered here.
[[noreturn, gnu::noinline, gnu::cold]] static void zero_division() { fail(TL_RUNTIME_ERROR, "ZeroDivisionError"); }

TL_INLINE int64_t negative(int64_t a) { return static_cast<int64_t>(0 - static_cast<uint64_t>(a)); }
template <class T> TL_INLINE T negative(T a) { return -a; }

TL_INLINE int64_t div_trunc(int64_t a, int64_t b) {
  if (b == 0) zero_division();
  return b == -1 ? negative(a) : a / b;
}
template <class T> TL_INLINE T div_trunc(T a, T b) { return v::trunc(a / b); }

TL_INLINE int64_t floor_divide(int64_t a, int64_t b) {
  const int64_t q = div_trunc(a, b);
  return q - ((b != -1) && (a % b != 0) && ((a < 0) != (b < 0)));
}
template <class T> TL_INLINE T floor_divide(T a, T b) { return v::floor_divide(a, b); }

TL_INLINE int64_t fmod(int64_t a, int64_t b) {
  if (b == 0) zero_division();
  return b == -1 ? 0 : a % b;
}
template <class T> TL_INLINE T fmod(T a, T b) { return v::fmod(a, b); }

TL_INLINE int64_t remainder(int64_t a, int64_t b) {
  const int64_t r = fmod(a, b);
  return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}
template <class T> TL_INLINE T remainder(T a, T b) { return v::remainder(a, b); }

static inline int64_t gcd(int64_t a, int64_t b) {
  while (b != 0) {
    const int64_t r = b == -1 ? 0 : a % b;
    a = b, b = r;
  }
  return a < 0 ? negative(a) : a;
}
static inline int64_t lcm(int64_t a, int64_t b) {
  const int64_t g = gcd(a, b);
  if (g == 0) return 0;
  const auto l = static_cast<int64_t>(static_cast<uint64_t>(a / g) * static_cast<uint64_t>(b));
  return l < 0 ? negative(l) : l;
}
TL_INLINE int64_t shift_left(int64_t a, int64_t b) { return b < 0 || b > 63 ? 0 : static_cast<int64_t>(static_cast<uint64_t>(a) << b); }
TL_INLINE int64_t shift_right(int64_t a, int64_t b) { return a >> (b < 0 || b > 63 ? 63 : b); }

template <class T> TL_INLINE auto abs(T a) {
  if constexpr (is_complex_v<T>) return std::abs(a);
  else if constexpr (is_int_v<T>) return a < 0 ? negative(a) : a;
  else return v::abs(a);
}
template <class T> TL_INLINE T sgn(T a) {
  if constexpr (is_complex_v<T>) {
    const auto m = std::abs(a);
    return m == 0 ? T(0) : a / m;
  } else {
    return T((T(0) < a) - (a < T(0)));
  }
}
template <class T> TL_INLINE T conj(T a) {
  if constexpr (is_complex_v<T>) return std::conj(a);
  else return a;
}
template <class T> TL_INLINE auto angle(T a) {
  if constexpr (is_complex_v<T>) return std::arg(a);
  else return a != a ? a : (a < T(0) ? T(3.14159265358979323846) : T(0));
}
template <class T> TL_INLINE T copysign(T a, T b) { return v::copysign(a, b); }
TL_INLINE float hypot(float a, float b) {  // squares of floats neither overflow nor vanish in double
  const double x = a, y = b;
  const float root = static_cast<float>(v::sqrt(x * x + y * y));
  constexpr float inf = std::numeric_limits<float>::infinity();
  return (v::abs(a) == inf) | (v::abs(b) == inf) ? inf : root;
}
TL_INLINE double hypot(double a, double b) { return std::hypot(a, b); }
template <class T> TL_INLINE T lerp(T a, T b, T w) {
  // From the nearer end, so that both ends are exact.
  if constexpr (is_complex_v<T>) return std::abs(w) < typename T::value_type(0.5) ? a + w * (b - a) : b - (b - a) * (T(1) - w);
  else return v::abs(w) < T(0.5) ? a + w * (b - a) : b - (b - a) * (T(1) - w);
}

template <class T> TL_INLINE bool isinf(T a) {
  if constexpr (is_complex_v<T>) return std::isinf(a.real()) || std::isinf(a.imag());
  else if constexpr (is_int_v<T>) return false;
  else return v::abs(a) == std::numeric_limits<T>::infinity();
}
template <class T> TL_INLINE bool isfinite(T a) {
  if constexpr (is_complex_v<T>) return std::isfinite(a.real()) && std::isfinite(a.imag());
  else if constexpr (is_int_v<T>) return true;
  else return v::abs(a) <= std::numeric_limits<T>::max();
}
template <class T> TL_INLINE bool isreal(T a) {
  if constexpr (is_complex_v<T>) return a.imag() == 0;
  else return true;
}
template <class T> TL_INLINE bool signbit(T a) {
  if constexpr (is_int_v<T>) return a < 0;
  else return std::signbit(a);
}
template <class T> TL_INLINE T nan_to_num(T a, T nan, T high, T low) {
  if constexpr (is_complex_v<T>) {
    using R = typename T::value_type;
    auto part = [&](R x) { return x != x ? nan.real() : std::isinf(x) ? (x > 0 ? high.real() : low.real()) : x; };
    return T(part(a.real()), part(a.imag()));
  } else if constexpr (is_int_v<T>) {
    return a;
  } else {
    constexpr T inf = std::numeric_limits<T>::infinity();
    return a != a ? nan : (a == inf ? high : (a == -inf ? low : a));
  }
}

// Real arguments go to the vector mathematics, complex ones to the standard library.
#define TL_FN1(name)                                              \
  template <class T> TL_INLINE T name(T x) {                      \
    if constexpr (is_complex_v<T>) return std::name(x);           \
    else return v::name(x);                                       \
  }
TL_FN1(exp) TL_FN1(log) TL_FN1(log10) TL_FN1(sqrt)
TL_FN1(sin) TL_FN1(cos) TL_FN1(tan) TL_FN1(asin) TL_FN1(acos) TL_FN1(atan)
TL_FN1(sinh) TL_FN1(cosh) TL_FN1(tanh) TL_FN1(asinh) TL_FN1(acosh) TL_FN1(atanh)
#undef TL_FN1
#define TL_FN1(name) \
  template <class T> TL_INLINE T name(T x) { return v::name(x); }
TL_FN1(erf) TL_FN1(erfc) TL_FN1(erfinv) TL_FN1(lgamma) TL_FN1(digamma)
#undef TL_FN1
#define TL_FN1(name)                                    \
  template <class T> TL_INLINE T name(T x) {            \
    if constexpr (is_int_v<T>) return x;                \
    else return v::name(x);                             \
  }
TL_FN1(floor) TL_FN1(ceil) TL_FN1(trunc) TL_FN1(round)
#undef TL_FN1

template <class T> TL_INLINE T exp2(T x) {
  if constexpr (is_complex_v<T>) return std::exp(x * typename T::value_type(0.693147180559945309417));
  else return v::exp2(x);
}
template <class T> TL_INLINE T log2(T x) {
  if constexpr (is_complex_v<T>) return std::log(x) * typename T::value_type(1.44269504088896340736);
  else return v::log2(x);
}
// Kahan's forms keep the small part: exp(z)-1 and log(1+z) without cancellation.
template <class T> TL_INLINE T expm1(T x) {
  if constexpr (is_complex_v<T>) {
    using R = typename T::value_type;
    const R e = std::expm1(x.real()), s = std::sin(x.imag() / 2);
    return T(e * std::cos(x.imag()) - 2 * s * s, (e + 1) * std::sin(x.imag()));
  } else {
    return v::expm1(x);
  }
}
template <class T> TL_INLINE T log1p(T x) {
  if constexpr (is_complex_v<T>) {
    using R = typename T::value_type;
    const R re = x.real(), im = x.imag();
    const R real = std::abs(re) < R(0.5) && std::abs(im) < R(0.5) ? R(0.5) * std::log1p(re * (2 + re) + im * im) : std::log(std::hypot(1 + re, im));
    return T(real, std::atan2(im, 1 + re));
  } else {
    return v::log1p(x);
  }
}
template <class T> TL_INLINE T sigmoid(T x) {
  if constexpr (is_complex_v<T>) return T(1) / (T(1) + std::exp(-x));
  else return v::sigmoid(x);
}
template <class T> TL_INLINE T sinc(T x) {
  if (x == T(0)) return T(1);
  const T y = x * T(3.14159265358979323846);
  return sin(y) / y;
}
template <class T> TL_INLINE T atan2(T a, T b) { return v::atan2(a, b); }

static inline int64_t pow(int64_t a, int64_t b) {
  if (b < 0) return a == 1 ? 1 : a == -1 ? (b & 1 ? -1 : 1) : 0;
  uint64_t r = 1, x = static_cast<uint64_t>(a);
  for (; b; b >>= 1, x *= x)
    if (b & 1) r *= x;
  return static_cast<int64_t>(r);
}
template <class T> TL_INLINE T pow(T a, T b) {
  if constexpr (is_complex_v<T>) {
    if (b == T(2)) return a * a;
    return a == T(0) ? (b == T(0) ? T(1) : T(0)) : std::pow(a, b);
  } else {
    return v::pow(a, b);
  }
}
// One exponent for all: some are a few multiplications or a root.
template <class T> void pow_number(const T* a, T b, T* out, int64_t n) {
#define TL_POWER(EXPONENT, FORM)                             \
  if (b == T(EXPONENT)) {                                    \
    _Pragma("GCC ivdep") for (int64_t i = 0; i < n; ++i) {                        \
      const T x = a[i];                                      \
      out[i] = FORM;                                         \
    }                                                        \
    return;                                                  \
  }
  TL_POWER(2, x * x)
  TL_POWER(3, x * x * x)
  TL_POWER(1, x)
  TL_POWER(0.5, sqrt(x))
  TL_POWER(-0.5, T(1) / sqrt(x))
  TL_POWER(-1, T(1) / x)
  TL_POWER(-2, T(1) / (x * x))
#undef TL_POWER
  // Read from memory: the tests on a known exponent would become branches, and the loop would not be vector code.
  T exponents[256];
  std::fill_n(exponents, 256, b);
  for (; n > 0; n -= 256, a += 256, out += 256)
#pragma GCC ivdep
    for (int64_t i = 0, m = n < 256 ? n : 256; i < m; ++i) out[i] = pow(a[i], exponents[i]);
}
template <class T> TL_INLINE T logaddexp(T a, T b) {
  if constexpr (is_complex_v<T>) {
    const T m = a.real() > b.real() ? a : b, o = a.real() > b.real() ? b : a;
    if (a == b && std::isinf(a.real())) return a;
    return m + std::log(T(1) + std::exp(o - m));
  } else {
    const T m = max(a, b);
    const T d = -v::abs(a - b);
    return a == b && isinf(a) ? a : m + v::log1p(v::exp(d));
  }
}
template <class T> TL_INLINE T logaddexp2(T a, T b) {
  const T m = max(a, b);
  const T d = -v::abs(a - b);
  return a == b && isinf(a) ? a : m + v::log1p(v::exp2(d)) * T(1.44269504088896340736);
}
template <class T> TL_INLINE T xlogy(T a, T b) { return b != b ? b : (a == T(0) ? T(0) : a * v::log(b)); }

}  // namespace tallow::TL_ISA_NS::fn
