// Special functions in plain scalar code: lgamma, digamma, erfinv in double.
#pragma once
#include "erf.hpp"
#include "round.hpp"

namespace tallow::vec {
inline namespace TL_ISA_NS {

#if TL_VEC_CUDA
TL_VEC_FN float lgamma(float x) { return ::lgammaf(x); }
TL_VEC_FN double lgamma(double x) { return ::lgamma(x); }
#else
// The reentrant forms: lgamma itself writes the global signgam.
TL_VEC_FN float lgamma(float x) {
  int sign;
  return ::lgammaf_r(x, &sign);
}
TL_VEC_FN double lgamma(double x) {
  int sign;
  return ::lgamma_r(x, &sign);
}
#endif

// The logarithmic derivative of gamma: recurrence up to 10, then the asymptotic series (Abramowitz and Stegun 6.3.18);
// reflection (6.3.7) for negative arguments.
TL_VEC_FN double digamma(double x) {
  if (x == 0.0) return copysign(limits<double>::inf, -x);
  double result = 0.0;
  if (x < 0.0) {
    const double fraction = x - floor(x);
    if (!(fraction > 0.0)) return limits<double>::nan;  // a pole, or -infinity
    const double pi = 0x1.921fb54442d18p+1;
    result = -pi / TL_VEC_LIBM(tan)(pi * fraction);
    x = 1.0 - x;
  }
  for (; x < 10.0; x += 1.0) result -= 1.0 / x;
  if (x == limits<double>::inf) return x;
  const double z = 1.0 / (x * x);
  const double series = z * horner(z, 1.0 / 12, -1.0 / 120, 1.0 / 252, -1.0 / 240, 1.0 / 132, -691.0 / 32760,
                                   1.0 / 12);
  return result + TL_VEC_LIBM(log)(x) - 0.5 / x - series;
}
TL_VEC_FN float digamma(float x) { return static_cast<float>(digamma(static_cast<double>(x))); }

// Halley's method from the float approximation, or, beyond its range, from erfc y = e^(-y^2)/(y sqrt(pi)); the residual
// is taken where it does not cancel.
TL_VEC_FN double erfinv(double x) {
  const double a = abs(x);
  if (!(a < 1.0)) return a == 1.0 ? copysign(limits<double>::inf, x) : limits<double>::nan;
  const double w = -TL_VEC_LIBM(log)((1.0 - a) * (1.0 + a)), l = w + 0x1.62e42fefa39efp-1;
  double y = w < 15.0 ? a * erfinv_ratio(static_cast<float>(w))
                      : sqrt(l - 0.5 * TL_VEC_LIBM(log)(0x1.921fb54442d18p+1 * l));
  for (int step = 0; step < 3; ++step) {
    const double residual = a < 0.5 ? TL_VEC_LIBM(erf)(y) - a : (1.0 - a) - TL_VEC_LIBM(erfc)(y);
    const double newton = residual / (0x1.20dd750429b6dp+0 * TL_VEC_LIBM(exp)(-y * y));
    y -= newton / (1.0 + y * newton);
  }
  return copysign(y, x);
}

}  // namespace TL_ISA_NS
}  // namespace tallow::vec
