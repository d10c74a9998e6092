// Exponentials: exp, exp2, expm1 and what is made of them: sigmoid, tanh, sinh, cosh.
#pragma once
#include "common.hpp"

namespace tallow::vec {
inline namespace TL_ISA_NS {

// x = k ln2 + r, |r| <= ln2/2. ln2 is split so that k * high is exact without a fused multiply-add.
struct exp_parts_f {
  float r;
  i32 k;
};
struct exp_parts_d {
  double r;
  i64 k;
};
TL_VEC_FN exp_parts_f reduce_ln2(float x) {
  const rounded_f n = round_small(x * 0x1.715476p+0f);
  return {(x - n.value * 0x1.62e4p-1f) - n.value * 0x1.7f7d1cp-20f, n.integer};
}
TL_VEC_FN exp_parts_d reduce_ln2(double x) {
  const rounded_d n = round_small(x * 0x1.71547652b82fep+0);
  return {(x - n.value * 0x1.62e42feep-1) - n.value * 0x1.a39ef35793c76p-33, n.integer};
}

// (e^r - 1 - r) / r^2 on |r| <= ln2/2; relative error of the e^r - 1 made of it: 2^-28 and 2^-60.
TL_VEC_FN float exp_tail(float r) {
  return horner(r, 0.5f, 0.166666359f, 0.0416665114f, 0.00834150985f, 0.0013930545f, 0.000150460575f);
}
TL_VEC_FN double exp_tail(double r) {
  return horner(r, 0.5, 0x1.5555555555559p-3, 0x1.5555555555558p-5, 0x1.111111110f72bp-7, 0x1.6c16c16c17853p-10,
                0x1.a01a01af870c7p-13, 0x1.a01a0195c2014p-16, 0x1.71ddf946fac0bp-19, 0x1.27e510a501ed0p-22,
                0x1.af5d6c1045333p-26, 0x1.1f0f3dfdaeda3p-29);
}
template <class T> TL_VEC_FN T exp_reduced(T r) { return T(1) + r * (T(1) + r * exp_tail(r)); }
template <class T> TL_VEC_FN T expm1_reduced(T r) { return r + r * r * exp_tail(r); }

// The whole range of e^x needs 2^k in two factors, so that results below the normal range are rounded once and those
// above it overflow. k is carried as u, whose low bits are k + 2 bias: half of it is one exponent field, the rest the
// other.
struct wide_parts_f {
  float r;
  u32 u;
};
struct wide_parts_d {
  double r;
  u64 u;
};
constexpr float wide_magic_f = 0x1.8p23f + 254.0f;
constexpr double wide_magic_d = 0x1.8p52 + 2046.0;
TL_VEC_FN wide_parts_f reduce_ln2_wide(float x) {
  const float shifted = x * 0x1.715476p+0f + wide_magic_f, n = shifted - wide_magic_f;
  return {(x - n * 0x1.62e4p-1f) - n * 0x1.7f7d1cp-20f, bits(shifted)};
}
TL_VEC_FN wide_parts_d reduce_ln2_wide(double x) {
  const double shifted = x * 0x1.71547652b82fep+0 + wide_magic_d, n = shifted - wide_magic_d;
  return {(x - n * 0x1.62e42feep-1) - n * 0x1.a39ef35793c76p-33, bits(shifted)};
}
TL_VEC_FN float scale_wide(float p, u32 u) {
  const u32 half = u >> 1;
  return p * from_bits(half << 23) * from_bits((u - half) << 23);
}
TL_VEC_FN double scale_wide(double p, u64 u) {
  const u64 half = u >> 1;
  return p * from_bits(half << 52) * from_bits((u - half) << 52);
}

template <class T> struct exp_range;  // beyond these e^x is 0 or infinity
template <> struct exp_range<float> {
  static constexpr float low = -104.0f, high = 89.0f, low2 = -151.0f, high2 = 129.0f, minus_one = -18.0f;
};
template <> struct exp_range<double> {
  static constexpr double low = -746.0, high = 710.0, low2 = -1076.0, high2 = 1025.0, minus_one = -38.0;
};
// A NaN passes through: every comparison with it is false. Both comparisons look at x itself: were the second to look
// at the outcome of the first, the compiler would thread the paths and blend three results instead of two inputs.
template <class T> TL_VEC_FN T clamp(T x, T low, T high) {
  const T raised = x < low ? low : x;
  return x > high ? high : raised;
}

template <class T> TL_VEC_FN T exp_impl(T x) {
  x = clamp(x, exp_range<T>::low, exp_range<T>::high);
  const auto parts = reduce_ln2_wide(x);
  return scale_wide(exp_reduced(parts.r), parts.u);
}
// e^x for x <= 0 not below exp_range::low.
template <class T> TL_VEC_FN T exp_negative(T x) {
  x = x < exp_range<T>::low ? exp_range<T>::low : x;
  const auto parts = reduce_ln2_wide(x);
  return scale_wide(exp_reduced(parts.r), parts.u);
}
// e^x - 1 for x where 2^k and 2^-k stay normal, wrong only in the sign of a zero.
template <class T> TL_VEC_FN T expm1_inner(T x) {
  const auto parts = reduce_ln2(x);
  const T scale = pow2(parts.k);
  return scale * expm1_reduced(parts.r) + (scale - T(1));
}

// Up to here 2^k is a normal number, and so is the result: the same bits with less work.
template <class T> constexpr T exp_quick_limit = T(0);
template <> constexpr float exp_quick_limit<float> = 87.0f;
template <> constexpr double exp_quick_limit<double> = 708.0;
template <class T> TL_VEC_FN T exp_quick(T x) {
  const auto parts = reduce_ln2(x);
  return exp_reduced(parts.r) * pow2(parts.k);
}

TL_VEC_FN float exp(float x) { return exp_impl(x); }
TL_VEC_FN double exp(double x) { return exp_impl(x); }

template <class T> TL_VEC_FN T exp2_impl(T x, T magic, T ln2_high, T ln2_low) {
  x = clamp(x, exp_range<T>::low2, exp_range<T>::high2);
  const T shifted = x + magic, f = x - (shifted - magic);
  const T r = f * ln2_high;
  return scale_wide(T(1) + (r + (r * r * exp_tail(r) + f * ln2_low)), bits(shifted));
}
TL_VEC_FN float exp2(float x) { return exp2_impl(x, wide_magic_f, 0x1.62e43p-1f, -0x1.05c61p-29f); }
TL_VEC_FN double exp2(double x) {
  return exp2_impl(x, wide_magic_d, 0x1.62e42fefa39efp-1, 0x1.abc9e3b39803fp-56);
}

template <class T> TL_VEC_FN T expm1_impl(T x) {
  const auto parts = reduce_ln2(clamp(x, exp_range<T>::minus_one, exp_range<T>::high));
  // Work at half the scale: 2^k itself overflows for results just below the largest number.
  const T scale = pow2(parts.k - 1);
  const T half = scale * expm1_reduced(parts.r) + (scale - T(0.5));
  return x == T(0) ? x : half + half;
}
TL_VEC_FN float expm1(float x) { return expm1_impl(x); }
TL_VEC_FN double expm1(double x) { return expm1_impl(x); }

// 1 / (1 + e^-x), written with e^-|x| so that neither tail loses precision or overflows.
template <class T> TL_VEC_FN T sigmoid_impl(T x) {
  const T z = exp_negative(-abs(x));
  return (x < T(0) ? z : T(1)) / (T(1) + z);
}
TL_VEC_FN float sigmoid(float x) { return sigmoid_impl(x); }
TL_VEC_FN double sigmoid(double x) { return sigmoid_impl(x); }

// tanh |x| = t / (t + 2), t = e^(2|x|) - 1
template <class T> TL_VEC_FN T tanh_impl(T x, T one_from) {
  const T a = abs(x);
  const T t = expm1_inner(T(2) * (a > one_from ? one_from : a));
  return copysign(t / (t + T(2)), x);
}
TL_VEC_FN float tanh(float x) { return tanh_impl(x, 10.0f); }
TL_VEC_FN double tanh(double x) { return tanh_impl(x, 20.0); }

}  // namespace TL_ISA_NS
}  // namespace tallow::vec
