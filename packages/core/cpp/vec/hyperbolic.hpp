// sinh, cosh and the inverse hyperbolic functions (tanh is in exp.hpp).
#pragma once
#include "exp.hpp"
#include "log.hpp"
#include "pow.hpp"

namespace tallow::vec {
inline namespace TL_ISA_NS {

// Beyond `end` sinh overflows; above `big` sqrt(x^2 + 1) = x; below `tiny` sinh x = x.
template <class T> struct hyperbolic_range;
template <> struct hyperbolic_range<float> {
  static constexpr float end = 89.6f, big = 0x1p14f, tiny = 0x1p-14f, ln2 = 0x1.62e43p-1f;
};
template <> struct hyperbolic_range<double> {
  static constexpr double end = 710.6, big = 0x1p28, tiny = 0x1p-28, ln2 = 0x1.62e42fefa39efp-1;
};

// With q = (e^|x| - 1)/4: sinh |x| = 2 (q + q/(4q + 1)). A quarter of the scale, because e^|x| overflows first.
template <class T> TL_VEC_FN T sinh_impl(T x) {
  const T a = abs(x);
  const auto parts = reduce_ln2(a > hyperbolic_range<T>::end ? hyperbolic_range<T>::end : a);
  const T scale = pow2(parts.k - 2);
  const T q = scale * expm1_reduced(parts.r) + (scale - T(0.25));
  const T result = copysign(T(2) * (q + q / (T(4) * q + T(1))), x);
  return a < hyperbolic_range<T>::tiny ? x : result;
}
template <class T> TL_VEC_FN T cosh_impl(T x) {
  const T a = abs(x);
  const auto parts = reduce_ln2(a > hyperbolic_range<T>::end ? hyperbolic_range<T>::end : a);
  const T e = exp_reduced(parts.r) * pow2(parts.k - 2);
  return T(2) * (e + T(0.0625) / e);
}
TL_VEC_FN float sinh(float x) { return sinh_impl(x); }
TL_VEC_FN double sinh(double x) { return sinh_impl(x); }
TL_VEC_FN float cosh(float x) { return cosh_impl(x); }
TL_VEC_FN double cosh(double x) { return cosh_impl(x); }

// asinh a = log1p(a + a^2/(1 + sqrt(1 + a^2))); for huge a it is log 2a = log1p(a - 1) + ln2.
template <class T> TL_VEC_FN T asinh_impl(T x) {
  const T a = abs(x), square = a * a;
  const bool big = a > hyperbolic_range<T>::big;
  const T inner = big ? a - T(1) : a + square / (T(1) + sqrt(T(1) + square));
  return copysign(log1p(inner) + (big ? hyperbolic_range<T>::ln2 : T(0)), x);
}
// acosh x = log1p(t + sqrt(2t + t^2)), t = x - 1
template <class T> TL_VEC_FN T acosh_impl(T x) {
  const T t = x - T(1);
  const bool big = x > hyperbolic_range<T>::big;
  const T inner = big ? t : t + sqrt(T(2) * t + t * t);
  const T result = log1p(inner) + (big ? hyperbolic_range<T>::ln2 : T(0));
  return t < T(0) ? limits<T>::nan : result;
}
// atanh a = log1p(2a/(1 - a))/2
template <class T> TL_VEC_FN T atanh_impl(T x) {
  const T a = abs(x);
  return copysign(T(0.5) * log1p((a + a) / (T(1) - a)), x);
}
TL_VEC_FN float asinh(float x) { return asinh_impl(x); }
TL_VEC_FN double asinh(double x) { return asinh_impl(x); }
TL_VEC_FN float acosh(float x) { return acosh_impl(x); }
TL_VEC_FN double acosh(double x) { return acosh_impl(x); }
TL_VEC_FN float atanh(float x) { return atanh_impl(x); }
TL_VEC_FN double atanh(double x) { return atanh_impl(x); }

}  // namespace TL_ISA_NS
}  // namespace tallow::vec
