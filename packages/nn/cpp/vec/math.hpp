// Elementary functions for loops that the compiler vectorises: plain, branch-free scalar functions in float, and the
// standard library's in double. Include only from *_loops.cpp files.
//
// Coefficients are our own relative minimax fits (Lawson's iteration on a dense grid), rounded to float.
#pragma once
#include <bit>
#include <cmath>
#include <cstdint>

#include "vec/vector.hpp"

namespace tallow_nn::TL_ISA::math {

// 2^k e^r = e^x with |r| <= ln2 / 2, for |x| < 87.
struct Reduced {
  float r, scale;
};
TL_NN_INLINE Reduced reduce(float x) {
  const float shifted = x * 1.44269504f + 12582912.0f, k = shifted - 12582912.0f;  // 1.5 * 2^23 leaves the integer in the low bits
  return {(x - k * 0.693359375f) + k * 2.12194440e-4f, std::bit_cast<float>((std::bit_cast<uint32_t>(shifted) + 127u) << 23)};
}
// (e^r - 1 - r) / r^2; relative error of e^r 2^-27. In pairs: what bounds these loops is latency.
TL_NN_INLINE float exp_tail(float r) {
  const float s = r * r;
  return (0.499999996f + r * 0.166665773f) + s * ((0.0416668534f + r * 0.00836314037f) + s * 0.0013901281f);
}
TL_NN_INLINE float exp_reduced(Reduced p) { return p.scale * ((1.0f + p.r) + p.r * p.r * exp_tail(p.r)); }
// e^x for x <= 0; below 1e-38 it is 0. NaN stays.
TL_NN_INLINE float exp_negative(float x) { return x < -87.0f ? 0.0f : exp_reduced(reduce(x < -87.0f ? -87.0f : x)); }
TL_NN_INLINE double exp_negative(double x) { return std::exp(x); }

// e^x - 1 for x <= 0.
TL_NN_INLINE float expm1_negative(float x) {
  const Reduced p = reduce(x < -30.0f ? -30.0f : x);
  return p.scale * (p.r + p.r * p.r * exp_tail(p.r)) + (p.scale - 1.0f);
}
TL_NN_INLINE double expm1_negative(double x) { return std::expm1(x); }

// log(1 + z) for 0 <= z <= 1, as 2 atanh(z / (2 + z)); relative error 2^-27.
TL_NN_INLINE float log1p_unit(float z) {
  const float w = z / (2.0f + z), s = w * w;
  return w * (2.00000001f + s * (0.666663147f + s * (0.400249101f + s * (0.279606047f + s * 0.28178326f))));
}
TL_NN_INLINE double log1p_unit(double z) { return std::log1p(z); }

TL_NN_INLINE float abs(float x) { return __builtin_fabsf(x); }
TL_NN_INLINE double abs(double x) { return __builtin_fabs(x); }

// 1 / (1 + e^-x)
template <class T> TL_NN_INLINE T sigmoid(T x) {
  const T z = exp_negative(-abs(x)), d = T(1) / (T(1) + z);
  return x < T(0) ? z * d : d;
}
// log(1 + e^x)
template <class T> TL_NN_INLINE T softplus(T x) { return (x > T(0) ? x : T(0)) + log1p_unit(exp_negative(-abs(x))); }

// The normal distribution function and its density. The lower tail is the density times a polynomial in
// 1 / (1 + 0.3 |x|), relative error 2^-24: unlike (1 + erf) / 2 it keeps its digits far below zero.
template <class T>
struct Normal {
  T cdf, density;
};
TL_NN_INLINE Normal<float> normal(float x) {
  const float a = abs(x), e = exp_negative(-0.5f * a * a), t = 1.0f / (1.0f + 0.3f * a);
  const float tail = e * (7.16925209e-06f + t * (0.119487682f + t * (0.121920402f +
                          t * (0.0946832593f + t * (0.142536207f + t * (-0.0765075538f + t * (0.228661094f + t * (-0.169166634f + t * (0.0383784031f)))))))));
  return {x < 0.0f ? tail : 1.0f - tail, e * 0.39894228f};
}
TL_NN_INLINE Normal<double> normal(double x) {
  return {0.5 * std::erfc(x * -0.70710678118654752440), 0.39894228040143267794 * std::exp(-0.5 * x * x)};
}

// x Phi(x) = max(x, 0) - |x| Phi(-|x|). log Phi(-a) is -a^2 / 2 and a smooth rest, a polynomial up to 5 and constant from
// there: one exponential and no division. Absolute error 2^-22, relative 2^-20 where x > -5.
TL_NN_INLINE float times_normal_cdf(float x) {
  // The comparisons look at different values, or the compiler would make three paths of them and blend the results.
  const float a = abs(x), q = x * x, c = q > 25.0f ? 5.0f : a, s = c * c;
  const float r = (-0.693147122f + -0.797887424f * c) + s * ((0.181713091f + -0.0364067675f * c)
                  + s * ((0.00489251071f + -5.75700845e-05f * c) + s * ((-0.000168777643f + 4.65038185e-05f * c)
                  + s * ((-6.6269175e-06f + 5.17849399e-07f * c) + s * (-1.75158603e-08f)))));
  const float log_tail = r - 0.5f * q;
  return (x > 0.0f ? x : 0.0f) - (a > 13.0f ? 13.0f : a) * exp_reduced(reduce(log_tail < -87.0f ? -87.0f : log_tail));
}
TL_NN_INLINE double times_normal_cdf(double x) { return 0.5 * x * std::erfc(x * -0.70710678118654752440); }

}  // namespace tallow_nn::TL_ISA::math
