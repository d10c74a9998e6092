// Logarithms: log, log2, log10, log1p.
#pragma once
#include "common.hpp"

namespace tallow::vec {
inline namespace TL_ISA_NS {

// x = 2^k (1 + f), 1 + f in [sqrt(1/2), sqrt(2)).
struct log_parts_f {
  float f, k;
};
struct log_parts_d {
  double f, k;
};
constexpr u32 sqrt_half_f = 0x3f3504f3u;
constexpr u64 sqrt_half_d = 0x3fe6a09e667f3bcdull;
// Bits of a positive x, moved so that the exponent field counts from sqrt(1/2).
TL_VEC_FN u32 log_bits(float x) { return bits(x) + (0x3f800000u - sqrt_half_f); }
TL_VEC_FN u64 log_bits(double x) { return bits(x) + (0x3ff0000000000000ull - sqrt_half_d); }

// Subnormal numbers are scaled up; all others get the same number added to their exponent field instead, which leaves a
// single selection and one constant to subtract.
TL_VEC_FN log_parts_f log_reduce(float x) {
  const u32 raised = log_bits(x) + (24u << 23);
  const u32 b = x < limits<float>::tiny ? log_bits(x * 0x1p24f) : raised;
  const float k = static_cast<float>(static_cast<i32>(b >> 23) - (127 + 24));
  return {from_bits((b & 0x7fffffu) + sqrt_half_f) - 1.0f, k};
}
TL_VEC_FN log_parts_d log_reduce(double x) {
  const u64 raised = log_bits(x) + (54ull << 52);
  const u64 b = x < limits<double>::tiny ? log_bits(x * 0x1p54) : raised;
  // AVX2 cannot convert 64-bit integers: put the exponent into the low bits of 2^52 and subtract.
  const double k = from_bits((b >> 52) | 0x4330000000000000ull) - (0x1p52 + 1023 + 54);
  return {from_bits((b & 0xfffffffffffffull) + sqrt_half_d) - 1.0, k};
}

// The same for normal numbers.
TL_VEC_FN log_parts_f log_reduce_normal(float x) {
  const u32 b = log_bits(x);
  return {from_bits((b & 0x7fffffu) + sqrt_half_f) - 1.0f, static_cast<float>(static_cast<i32>(b >> 23) - 127)};
}
TL_VEC_FN log_parts_d log_reduce_normal(double x) {
  const u64 b = log_bits(x);
  return {from_bits((b & 0xfffffffffffffull) + sqrt_half_d) - 1.0, from_bits((b >> 52) | 0x4330000000000000ull) - (0x1p52 + 1023)};
}

// log(1 + f) - f on the reduced range; relative error of log(1 + f) 2^-27.3 and 2^-59.
TL_VEC_FN float log_tail(float f) {
  return f * f *
         horner(f, -0.5f, 0.333333313f, -0.250008225f, 0.200012624f, -0.166233212f, 0.142008245f, -0.131595984f,
                0.127686307f, -0.0764547661f);
}
TL_VEC_FN double log_tail(double f) {
  const double s = f / (2.0 + f), z = s * s, half_square = 0.5 * f * f;
  const double rest = z * horner(z, 0x1.5555555555593p-1, 0x1.999999997f9fcp-2, 0x1.2492494229de1p-2,
                                 0x1.c71c51d84095ap-3, 0x1.74664993a17dfp-3, 0x1.39a098bc4f39ep-3,
                                 0x1.2f115c09a00a1p-3);
  return s * (half_square + rest) - half_square;
}

// The domain's edges: log 0 = -inf, log of a negative number is NaN, log inf = inf, NaN stays.
template <class T> TL_VEC_FN T log_edges(T result, T x) {
  const T outside = x == T(0) ? -limits<T>::inf : limits<T>::nan;
  result = x > T(0) ? result : outside;
  return x == limits<T>::inf ? x : result;
}

// k ln2 + log(1 + f), the small parts first; k * high is exact.
TL_VEC_FN float log_join(float f, float k) {
  return k * 0x1.62e4p-1f + (f + (log_tail(f) + k * 0x1.7f7d1cp-20f));
}
TL_VEC_FN double log_join(double f, double k) {
  return k * 0x1.62e42feep-1 + (f + (log_tail(f) + k * 0x1.a39ef35793c76p-33));
}

template <class T> TL_VEC_FN T log_impl(T x) {
  const auto parts = log_reduce(x);
  return log_edges(log_join(parts.f, parts.k), x);
}
TL_VEC_FN float log(float x) { return log_impl(x); }
TL_VEC_FN double log(double x) { return log_impl(x); }

template <class T> TL_VEC_FN T log_quick(T x) {  // of a normal, positive number
  const auto parts = log_reduce_normal(x);
  return log_join(parts.f, parts.k);
}

// scale * log x for scale = high + low = 1/ln2 or 1/ln10; log(2)*scale = k_high + k_low.
template <class T> struct log_scale {
  T high, low, k_high, k_low;
};
TL_VEC_FN log_scale<float> log2_scale(float) { return {0x1.715476p+0f, 0x1.4ae0cp-26f, 1.0f, 0.0f}; }
TL_VEC_FN log_scale<double> log2_scale(double) { return {0x1.71547652b82fep+0, 0x1.777d0ffda0d24p-56, 1.0, 0.0}; }
TL_VEC_FN log_scale<float> log10_scale(float) { return {0x1.bcb7b2p-2f, -0x1.5b235ep-27f, 0x1.344p-2f, 0x1.3509f8p-18f}; }
TL_VEC_FN log_scale<double> log10_scale(double) {
  return {0x1.bcb7b1526e50ep-2, 0x1.95355baaafad3p-57, 0x1.34413509f6p-2, 0x1.9fef311f12b36p-42};
}
template <class Parts, class T> TL_VEC_FN T log_scaled(Parts parts, log_scale<T> s) {
  const T tail = log_tail(parts.f) * s.high + (parts.f * s.low + parts.k * s.k_low);
  return parts.k * s.k_high + (parts.f * s.high + tail);
}
template <class T> TL_VEC_FN T log2(T x) { return log_edges(log_scaled(log_reduce(x), log2_scale(x)), x); }
template <class T> TL_VEC_FN T log10(T x) { return log_edges(log_scaled(log_reduce(x), log10_scale(x)), x); }
template <class T> TL_VEC_FN T log2_quick(T x) { return log_scaled(log_reduce_normal(x), log2_scale(x)); }
template <class T> TL_VEC_FN T log10_quick(T x) { return log_scaled(log_reduce_normal(x), log10_scale(x)); }

// log1p: k comes from the rounded 1 + x, f is formed from x itself: f = x 2^-k + (2^-k - 1), exact where it matters.
TL_VEC_FN float log1p(float x) {
  const float u = 1.0f + x;
  const i32 k = static_cast<i32>(log_bits(u) >> 23) - 127;
  const float scale = pow2(k > 126 ? -126 : -k);
  const float f = from_bits(bits(x) - (static_cast<u32>(k) << 23)) + (scale - 1.0f);
  const float result = log_edges(log_join(f, static_cast<float>(k)), u);
  return x == 0.0f ? x : result;
}
TL_VEC_FN double log1p(double x) {
  const double u = 1.0 + x;
  const u64 field = log_bits(u) >> 52;
  const double k = from_bits(field | 0x4330000000000000ull) - (0x1p52 + 1023);
  const double scale = from_bits((field > 2045 ? 1ull : 2046 - field) << 52);
  const double f = from_bits(bits(x) - ((field - 1023) << 52)) + (scale - 1.0);
  const double result = log_edges(log_join(f, k), u);
  return x == 0.0 ? x : result;
}

}  // namespace TL_ISA_NS
}  // namespace tallow::vec
