// sin, cos, tan for every finite argument, and the inverse functions.
#pragma once
#include "common.hpp"
#include "trig_tables.hpp"

namespace tallow::vec {
inline namespace TL_ISA_NS {

// x = (quadrant + r * 2/pi) * pi/2 modulo 2 pi, |r| <= pi/4. Infinity gives r = NaN.
struct trig_parts_d {
  double r;
  u64 quadrant;
};

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

TL_VEC_FN void two_sum(double a, double b, double& sum, double& error) {
  sum = a + b;
  const double t = sum - a;
  error = (a - (sum - t)) + (b - t);
}
TL_VEC_FN double product_error(double a, double b, double product) {
#if TL_VEC_HAS_FMA
  return __builtin_fma(a, b, -product);
#else  // Dekker; nothing here can contract without a fused multiply-add
  const double ca = a * 0x1.0000002p27, cb = b * 0x1.0000002p27;
  const double ah = ca - (ca - a), al = a - ah, bh = cb - (cb - b), bl = b - bh;
  return ((ah * bh - product) + ah * bl + al * bh) + al * bl;
#endif
}

TL_VEC_FN trig_parts_d trig_reduce(double x) {
  const u64 exponent = (bits(x) >> 52) & 0x7ffu;
  const u64 biased = exponent > 1023 + 21 ? exponent : 1023 + 21;
  const u64 i = (biased - (1023 + 21)) >> 4;
  const double m = from_bits(bits(x) - (i << 56));  // 2^(16 i) taken out; below 2^37
  const double t0 = two_over_pi_d0[i], t1 = two_over_pi_d1[i], t2 = two_over_pi_d2[i];
  const double p0 = m * t0, p1 = m * t1;
  const double e0 = product_error(m, t0, p0), e1 = product_error(m, t1, p1);
  const double shifted = p0 + limits<double>::round_magic;
  const double f0 = p0 - (shifted - limits<double>::round_magic);
  double s1, r1, high, r2;
  two_sum(e0, p1, s1, r1);
  two_sum(f0, s1, high, r2);
  const double low = r2 + (r1 + (e1 + m * t2));
  return {(high + low) * 0x1.921fb54442d18p+0 + (x - x), bits(shifted)};
}

TL_VEC_FN float sin_poly(float r) {
  const float z = r * r;
  return r + r * z * horner(z, -0.166666552f, 0.00833218731f, -0.000195178975f);
}
TL_VEC_FN float cos_poly(float r) {
  const float z = r * r;
  return 1.0f + z * (-0.5f + z * horner(z, 0.041666653f, -0.00138876098f, 2.44617495e-05f));
}
TL_VEC_FN double sin_poly(double r) {
  const double z = r * r;
  return r + r * z * horner(z, -0x1.5555555555548p-3, 0x1.111111110f730p-7, -0x1.a01a019be9215p-13,
                            0x1.71de35552b2f5p-19, -0x1.ae5e4b83d2c26p-26, 0x1.5d8b559584694p-33);
}
TL_VEC_FN double cos_poly(double r) {
  const double z = r * r, half = 0.5 * z, w = 1.0 - half;
  return w + (((1.0 - w) - half) + z * z * horner(z, 0x1.555555555554bp-5, -0x1.6c16c16c14721p-10,
                                                  0x1.a01a019b24d61p-16, -0x1.27e4f6aab5e49p-22,
                                                  0x1.1ee8dff7413d5p-29, -0x1.8f19a8e207238p-37));
}

// sin of r plus q quarter turns.
TL_VEC_FN float sin_quadrant(float r, u32 q) {
  return flip_sign((q & 1u) != 0 ? cos_poly(r) : sin_poly(r), (q >> 1) & 1u);
}
TL_VEC_FN double sin_quadrant(double r, u64 q) {
  return flip_sign((q & 1u) != 0 ? cos_poly(r) : sin_poly(r), (q >> 1) & 1u);
}
TL_VEC_FN float sin(float x) {
  const trig_parts_d parts = trig_reduce(x);
  const float result = sin_quadrant(static_cast<float>(parts.r), static_cast<u32>(parts.quadrant));
  return x == 0.0f ? x : result;
}
TL_VEC_FN double sin(double x) {
  const trig_parts_d parts = trig_reduce(x);
  const double result = sin_quadrant(parts.r, parts.quadrant);
  return x == 0.0 ? x : result;
}
TL_VEC_FN float cos(float x) {
  const trig_parts_d parts = trig_reduce(x);
  return sin_quadrant(static_cast<float>(parts.r), static_cast<u32>(parts.quadrant) + 1u);
}
TL_VEC_FN double cos(double x) {
  const trig_parts_d parts = trig_reduce(x);
  return sin_quadrant(parts.r, parts.quadrant + 1u);
}

template <class T> TL_VEC_FN T tan_impl(T x) {
  const trig_parts_d parts = trig_reduce(x);
  const double s = sin_poly(parts.r), c = cos_poly(parts.r);
  const bool odd = (parts.quadrant & 1u) != 0;
  const double quotient = (odd ? -c : s) / (odd ? s : c);
  return x == T(0) ? x : static_cast<T>(quotient);
}
TL_VEC_FN float tan(float x) { return tan_impl(x); }
TL_VEC_FN double tan(double x) { return tan_impl(x); }

}  // namespace TL_ISA_NS
}  // namespace tallow::vec
