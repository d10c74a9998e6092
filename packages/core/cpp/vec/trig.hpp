// sin, cos, tan for every finite argument, and the inverse functions.
#pragma once
#include "common.hpp"
#include "trig_tables.hpp"

namespace tallow::vec {
inline namespace TL_ISA_NS {

// x = (quadrant * pi/2 + r + low) modulo 2 pi, |r| <= pi/4. Infinity gives r = NaN.
struct trig_parts_f {
  float r;
  u32 quadrant;
};
struct trig_parts_d {
  double r;
  u64 quadrant;
};
struct trig_parts_dd {
  double r, low;
  u64 quadrant;
};
TL_VEC_FN trig_parts_f narrow(trig_parts_d p) {
  return {static_cast<float>(p.r), static_cast<u32>(p.quadrant)};
}

TL_VEC_FN void two_sum(double a, double b, double& sum, double& error) {
  sum = a + b;
  const double t = sum - a;
  error = (a - (sum - t)) + (b - t);
}
// a * b rounded, never fused into a sum that uses it: product_error accounts for what the rounding lost.
TL_VEC_FN double product(double a, double b) {
#if TL_VEC_CUDA
  return __dmul_rn(a, b);
#elif defined(__has_builtin) && __has_builtin(__builtin_assoc_barrier)
  return __builtin_assoc_barrier(a * b);
#else
  return a * b;
#endif
}
TL_VEC_FN double product_error(double a, double b, double product) {
#if TL_VEC_HAS_FMA
  return TL_VEC_BUILTIN(fma)(a, b, -product);
#else  // Dekker; nothing here can contract without a fused multiply-add
  const double ca = a * 0x1.0000002p27, cb = b * 0x1.0000002p27;
  const double ah = ca - (ca - a), al = a - ah, bh = cb - (cb - b), bl = b - bh;
  return ((ah * bh - product) + ah * bl + al * bh) + al * bl;
#endif
}

// "Quick" functions take |x| up to this bound only, for callers that look at a block of arguments first.
template <class T> struct trig_quick;
#if TL_VEC_HAS_FMA
// pi/2 in three parts (Cody and Waite); a fused multiply-add loses nothing in the subtractions.
template <> struct trig_quick<float> {
  static constexpr float limit = 0x1p15f;
};
template <> struct trig_quick<double> {
  static constexpr double limit = 0x1p30;
};
TL_VEC_FN trig_parts_f trig_reduce_quick(float x) {
  const float shifted = x * 0x1.45f306p-1f + limits<float>::round_magic;
  const float n = shifted - limits<float>::round_magic;
  const float r = TL_VEC_BUILTIN(fmaf)(n, 0x1.777a5cp-25f, TL_VEC_BUILTIN(fmaf)(n, -0x1.921fb6p+0f, x));
  return {TL_VEC_BUILTIN(fmaf)(n, 0x1.ee59dap-50f, r), bits(shifted)};
}
TL_VEC_FN trig_parts_d trig_reduce_quick(double x) {
  const double shifted = x * 0x1.45f306dc9c883p-1 + limits<double>::round_magic;
  const double n = shifted - limits<double>::round_magic;
  const double r = TL_VEC_BUILTIN(fma)(n, -0x1.1a62633145c07p-54, TL_VEC_BUILTIN(fma)(n, -0x1.921fb54442d18p+0, x));
  return {TL_VEC_BUILTIN(fma)(n, 0x1.f1976b7ed8fbcp-110, r), bits(shifted)};
}
TL_VEC_FN trig_parts_dd trig_reduce_quick_exact(double x) {
  const double shifted = x * 0x1.45f306dc9c883p-1 + limits<double>::round_magic;
  const double n = shifted - limits<double>::round_magic;
  const double first = TL_VEC_BUILTIN(fma)(n, -0x1.921fb54442d18p+0, x);
  const double r = TL_VEC_BUILTIN(fma)(n, -0x1.1a62633145c07p-54, first);
  const double lost = TL_VEC_BUILTIN(fma)(n, -0x1.1a62633145c07p-54, first - r);
  return {r, TL_VEC_BUILTIN(fma)(n, 0x1.f1976b7ed8fbcp-110, lost), bits(shifted)};
}
#else
// Without it the same would need shorter parts: take the general reduction for everything.
template <> struct trig_quick<float> {
  static constexpr float limit = 0x1.fffffep127f;
};
template <> struct trig_quick<double> {
  static constexpr double limit = 0x1.fffffffffffffp1023;
};
#endif

// The argument's power of two picks 2/pi * 2^e mod 4 from a table; whole turns vanish exactly, so the largest float
// costs the same as the smallest.
TL_VEC_FN trig_parts_d trig_reduce(float x) {
  const double wide = static_cast<double>(x);
  const u64 exponent = (bits(wide) >> 52) & 0x7ffu;
  const u64 i = (exponent > 1023 + 23 ? exponent : 1023 + 23) - (1023 + 23);
  const double m = from_bits(bits(wide) - (i << 52));
  const double high = m * two_over_pi_f0[i < 105 ? i : 105];
  const double shifted = high + limits<double>::round_magic;
  const double turns = (high - (shifted - limits<double>::round_magic)) + m * two_over_pi_f1[i < 105 ? i : 105];
  return {turns * 0x1.921fb54442d18p+0 + (wide - wide), bits(shifted)};  // infinity - infinity = NaN
}

TL_VEC_FN trig_parts_dd trig_reduce(double x) {
  const u64 exponent = (bits(x) >> 52) & 0x7ffu;
  const u64 i = ((exponent > 1023 + 52 ? exponent : 1023 + 52) - (1023 + 52)) >> 2;
  const double m = from_bits(bits(x) - (i << 54));  // x / 2^(4 i), still a whole number if i > 0, below 2^56
  const double t0 = two_over_pi_d[0][i], t1 = two_over_pi_d[1][i], t2 = two_over_pi_d[2][i], t3 = two_over_pi_d[3][i];
  const double p0 = product(m, t0), p1 = product(m, t1), p2 = product(m, t2);
  const double e0 = product_error(m, t0, p0), e1 = product_error(m, t1, p1), e2 = product_error(m, t2, p2);
  // Multiples of 128 quarter turns leave the largest part (below 2^57) first; what remains is exact.
  const double magic = limits<double>::round_magic;
  const double f0 = p0 - ((p0 + 0x1.8p59) - 0x1.8p59);
  double s1, r1, s2, r2, s3, r3;
  two_sum(e0, p1, s1, r1);
  two_sum(e1, p2, s2, r2);
  two_sum(f0, s1, s3, r3);
  const double shifted = s3 + magic;
  double high, low, h2, l2;
  two_sum(s3 - (shifted - magic), r3, high, low);
  two_sum(r1, s2, h2, l2);
  const double rest = h2 + (low + (l2 + (r2 + (e2 + m * t3))));
  double turns, turns_low;
  two_sum(high, rest, turns, turns_low);
  const double pi_half = 0x1.921fb54442d18p+0, r = product(turns, pi_half);
  const double r_low = product_error(turns, pi_half, r) + (turns * 0x1.1a62633145c07p-54 + turns_low * pi_half);
  return {r + (x - x), r_low, bits(shifted)};
}

TL_VEC_FN float sin_poly(float r) {
  const float z = r * r;
  return r + r * z * horner(z, -0.166666552f, 0.00833218731f, -0.000195178975f);
}
TL_VEC_FN float cos_poly(float r) {
  const float z = r * r;
  return 1.0f + z * (-0.5f + z * horner(z, 0.041666653f, -0.00138876098f, 2.44617495e-05f));
}
TL_VEC_FN double sin_tail(double r, double z) {  // sin r - r
  return r * z * horner(z, -0x1.5555555555548p-3, 0x1.111111110f730p-7, -0x1.a01a019be9215p-13,
                        0x1.71de35552b2f5p-19, -0x1.ae5e4b83d2c26p-26, 0x1.5d8b559584694p-33);
}
TL_VEC_FN double cos_tail(double z) {  // cos r - 1 + z/2
  return z * z * horner(z, 0x1.555555555554bp-5, -0x1.6c16c16c14721p-10, 0x1.a01a019b24d61p-16,
                        -0x1.27e4f6aab5e49p-22, 0x1.1ee8dff7413d5p-29, -0x1.8f19a8e207238p-37);
}
// 1 - z/2 + tail, the rounding error of the first difference carried along.
TL_VEC_FN double cos_join(double z, double tail) {
  const double half = 0.5 * z, w = 1.0 - half;
  return w + (((1.0 - w) - half) + tail);
}

TL_VEC_FN float sine(trig_parts_f p) { return sin_poly(p.r); }
TL_VEC_FN float cosine(trig_parts_f p) { return cos_poly(p.r); }
TL_VEC_FN double sine(trig_parts_d p) { return p.r + sin_tail(p.r, p.r * p.r); }
TL_VEC_FN double cosine(trig_parts_d p) { return cos_join(p.r * p.r, cos_tail(p.r * p.r)); }
TL_VEC_FN double sine(trig_parts_dd p) {
  const double z = p.r * p.r;
  return p.r + (sin_tail(p.r, z) + p.low * (1.0 - 0.5 * z));
}
TL_VEC_FN double cosine(trig_parts_dd p) {
  const double z = p.r * p.r;
  return cos_join(z, cos_tail(z) - p.low * p.r);
}

// Below this sin x = tan x = x; keeps the sign of zero and the precision of subnormal numbers.
template <class T> struct tiny_angle;
template <> struct tiny_angle<float> {
  static constexpr float value = 0x1p-14f;
};
template <> struct tiny_angle<double> {
  static constexpr double value = 0x1p-30;
};
template <class T, class P> TL_VEC_FN T sin_of(T x, P p) {
  const T result = flip_sign((p.quadrant & 1u) != 0 ? cosine(p) : sine(p), (p.quadrant >> 1) & 1u);
  return abs(x) < tiny_angle<T>::value ? x : result;
}
template <class P> TL_VEC_FN auto cos_of(P p) {
  return flip_sign((p.quadrant & 1u) != 0 ? sine(p) : cosine(p), ((p.quadrant + 1u) >> 1) & 1u);
}
template <class T, class P> TL_VEC_FN T tan_of(T x, P p) {
  const double s = sine(p), c = cosine(p);
  const bool odd = (p.quadrant & 1u) != 0;
  const double quotient = (odd ? -c : s) / (odd ? s : c);
  return abs(x) < tiny_angle<T>::value ? x : static_cast<T>(quotient);
}

TL_VEC_FN float sin(float x) { return sin_of(x, narrow(trig_reduce(x))); }
TL_VEC_FN double sin(double x) { return sin_of(x, trig_reduce(x)); }
TL_VEC_FN float cos(float x) { return cos_of(narrow(trig_reduce(x))); }
TL_VEC_FN double cos(double x) { return cos_of(trig_reduce(x)); }
TL_VEC_FN float tan(float x) { return tan_of(x, trig_reduce(x)); }
TL_VEC_FN double tan(double x) { return tan_of(x, trig_reduce(x)); }

#if TL_VEC_HAS_FMA
TL_VEC_FN float sin_quick(float x) { return sin_of(x, trig_reduce_quick(x)); }
TL_VEC_FN double sin_quick(double x) { return sin_of(x, trig_reduce_quick(x)); }
TL_VEC_FN float cos_quick(float x) { return cos_of(trig_reduce_quick(x)); }
TL_VEC_FN double cos_quick(double x) { return cos_of(trig_reduce_quick(x)); }
TL_VEC_FN double tan_quick(double x) { return tan_of(x, trig_reduce_quick_exact(x)); }
// tan amplifies the argument's error: reduce in double.
TL_VEC_FN float tan_quick(float x) {
  const double wide = static_cast<double>(x);
  const double shifted = wide * 0x1.45f306dc9c883p-1 + limits<double>::round_magic;
  const double n = shifted - limits<double>::round_magic;
  const double r = (wide - n * 0x1.921fb544p+0) - n * 0x1.0b4611a626331p-34, z = r * r;
  const double sin_r = r + r * z * horner(z, -0x1.5555554c5f737p-3, 0x1.1111085d033e7p-7, -0x1.a00f745d7703dp-13,
                                          0x1.6ccf5d98ba71dp-19);
  const double cos_r = 1.0 - 0.5 * z + z * z * horner(z, 0x1.5555554ecbeffp-5, -0x1.6c16b81b98837p-10,
                                                      0x1.a010d55227579p-16, -0x1.241ca866c0ec2p-22);
  const float s = static_cast<float>(sin_r), c = static_cast<float>(cos_r);
  const bool odd = (static_cast<u32>(bits(shifted)) & 1u) != 0;
  const float quotient = (odd ? -c : s) / (odd ? s : c);
  return abs(x) < tiny_angle<float>::value ? x : quotient;
}
#else
template <class T> TL_VEC_FN T sin_quick(T x) { return sin(x); }
template <class T> TL_VEC_FN T cos_quick(T x) { return cos(x); }
template <class T> TL_VEC_FN T tan_quick(T x) { return tan(x); }
#endif
}  // namespace TL_ISA_NS
}  // namespace tallow::vec
