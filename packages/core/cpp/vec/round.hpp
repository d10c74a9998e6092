// Rounding to whole numbers, and the remainders of division.
#pragma once
#include "common.hpp"

namespace tallow::vec {
inline namespace TL_ISA_NS {

#if defined(__SSE4_1__) || !defined(__SSE2__)
TL_VEC_FN float floor(float x) { return TL_VEC_BUILTIN(floorf)(x); }
TL_VEC_FN double floor(double x) { return TL_VEC_BUILTIN(floor)(x); }
TL_VEC_FN float ceil(float x) { return TL_VEC_BUILTIN(ceilf)(x); }
TL_VEC_FN double ceil(double x) { return TL_VEC_BUILTIN(ceil)(x); }
TL_VEC_FN float trunc(float x) { return TL_VEC_BUILTIN(truncf)(x); }
TL_VEC_FN double trunc(double x) { return TL_VEC_BUILTIN(trunc)(x); }
TL_VEC_FN float round(float x) { return TL_VEC_BUILTIN(rintf)(x); }
TL_VEC_FN double round(double x) { return TL_VEC_BUILTIN(rint)(x); }
#else
// SSE2 has no rounding instruction: add and take away the number whose last place is one.
template <class T> struct whole_from;
template <> struct whole_from<float> {
  static constexpr float value = 0x1p23f;
};
template <> struct whole_from<double> {
  static constexpr double value = 0x1p52;
};
template <class T> TL_VEC_FN T round_magnitude(T a) { return (a + whole_from<T>::value) - whole_from<T>::value; }
template <class T> TL_VEC_FN T finish_round(T rounded, T a, T x) {
  return copysign(a < whole_from<T>::value ? rounded : a, x);
}
template <class T> TL_VEC_FN T round(T x) {
  const T a = abs(x);
  return finish_round(round_magnitude(a), a, x);
}
template <class T> TL_VEC_FN T trunc(T x) {
  const T a = abs(x), r = round_magnitude(a);
  return finish_round(r > a ? r - T(1) : r, a, x);
}
template <class T> TL_VEC_FN T floor(T x) {
  const T r = round(x);
  return copysign(r > x ? r - T(1) : r, x);
}
template <class T> TL_VEC_FN T ceil(T x) {
  const T r = round(x);
  return copysign(r < x ? r + T(1) : r, x);
}
#endif

// C's fmod: the sign of the dividend. Exact, and as iterative as libm makes it.
TL_VEC_FN float fmod(float a, float b) { return TL_VEC_BUILTIN(fmodf)(a, b); }
TL_VEC_FN double fmod(double a, double b) { return TL_VEC_BUILTIN(fmod)(a, b); }

// Python's %: the sign of the divisor. m = fmod(a, b).
template <class T> TL_VEC_FN T remainder_of(T m, T b) { return (m != T(0)) & ((b < T(0)) != (m < T(0))) ? m + b : m; }
template <class T> TL_VEC_FN T remainder(T a, T b) { return remainder_of(fmod(a, b), b); }

// Python's //, from the exact remainder, so that a == b * (a // b) + a % b as nearly as can be; a // 0 is a / 0.
template <class T> TL_VEC_FN T floor_divide_of(T m, T a, T b) {
  T q = (a - m) / b;
  q = (m != T(0)) & ((b < T(0)) != (m < T(0))) ? q - T(1) : q;
  const T whole = floor(q), nearest = q - whole > T(0.5) ? whole + T(1) : whole, exact = a / b;
  const T result = q == T(0) ? copysign(T(0), exact) : nearest;
  return b == T(0) ? exact : result;
}
template <class T> TL_VEC_FN T floor_divide(T a, T b) { return floor_divide_of(fmod(a, b), a, b); }

// fmod where |a / b| < 2^24 and b is finite. The rounded quotient is never below the true one's whole part and at most
// one above it; either way what remains has no more bits than b, and is exact.
constexpr float fmod_quick_limit = 0x1p24f;
TL_VEC_FN float fmod_quick(float quotient, float a, float b) {
  const float q = trunc(quotient), x = abs(a), y = abs(b);
#if TL_VEC_HAS_FMA
  const float r = TL_VEC_BUILTIN(fmaf)(-q, y, x);
#else
  const float r = static_cast<float>(static_cast<double>(x) - static_cast<double>(q) * static_cast<double>(y));
#endif
  return copysign(r < 0.0f ? r + y : r, a);
}

// The next number after a towards b.
template <class T> TL_VEC_FN T nextafter(T a, T b) {
  using U = unsigned_of<T>;
  const U step = (a < b) == (a > T(0)) ? U(1) : ~U(0);
  const T moved = from_bits(static_cast<U>(bits(a) + step));
  const T result = a == T(0) ? copysign(from_bits(U(1)), b) : moved;
  const T other = (a != a) | (b != b) ? a + b : b;
  return (a < b) | (a > b) ? result : other;
}

}  // namespace TL_ISA_NS
}  // namespace tallow::vec
