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

// Python's %: the sign of the divisor.
template <class T> TL_VEC_FN T remainder(T a, T b) {
  const T m = fmod(a, b);
  return (m != T(0)) & ((b < T(0)) != (m < T(0))) ? m + b : m;
}
// Python's //, from the exact remainder, so that a == b * (a // b) + a % b as nearly as can be; a // 0 is a / 0.
template <class T> TL_VEC_FN T floor_divide(T a, T b) {
  if (b == T(0)) return a / b;
  const T m = fmod(a, b);
  T q = (a - m) / b;
  if ((m != T(0)) & ((b < T(0)) != (m < T(0)))) q -= T(1);
  if (q == T(0)) return copysign(T(0), a / b);
  const T whole = floor(q);
  return q - whole > T(0.5) ? whole + T(1) : whole;
}

}  // namespace TL_ISA_NS
}  // namespace tallow::vec
