// asin, acos, atan, atan2.
#pragma once
#include "common.hpp"

namespace tallow::vec {
inline namespace TL_ISA_NS {

// atan t on [0, 1], relative error 2^-28.
TL_VEC_FN float atan_unit(float t) {
  const float z = t * t;
  return t + t * z * horner(z, -0.333332986f, 0.199985296f, -0.142640144f, 0.109508611f, -0.0839920789f,
                            0.0578788705f, -0.0310935341f, 0.0108662723f, -0.00178214512f);
}
// pi/2 - t, pi/2 in two parts.
TL_VEC_FN float from_right_angle(float t) { return 0x1.921fb6p+0f - (t + 0x1.777a5cp-25f); }

TL_VEC_FN float atan(float x) {
  const float a = abs(x);
  const bool steep = a > 1.0f;
  const float t = atan_unit(steep ? 1.0f / a : a);
  return copysign(steep ? from_right_angle(t) : t, x);
}
TL_VEC_FN float atan2(float y, float x) {
  const float ay = abs(y), ax = abs(x);
  const bool flat = ay <= ax;
  const float low = flat ? ay : ax, high = flat ? ax : ay;
  float q = low / (high == 0.0f ? 1.0f : high);
  q = (low == limits<float>::inf) & (high == limits<float>::inf) ? 1.0f : q;
  float t = atan_unit(q);
  t = flat ? t : from_right_angle(t);
  t = (bits(x) >> 31) != 0u ? 0x1.921fb6p+1f - (t + 0x1.777a5cp-24f) : t;
  return copysign(t, y);
}

// (asin s - s)/(s z) on |s| <= 0.57, z = s^2; relative error of asin 2^-28.6.
TL_VEC_FN float asin_tail(float z) {
  return horner(z, 0.166666225f, 0.0750254095f, 0.0441615507f, 0.0344974175f, 0.00523316674f, 0.0492133424f);
}
// For larger arguments: asin x = pi/2 - 2 asin sqrt((1 - x)/2). Beyond 1 the square root is NaN.
constexpr float asin_steep = 0.57f;
TL_VEC_FN float asin_angle(float a) {
  const float half_gap = 0.5f - 0.5f * a, root = TL_VEC_BUILTIN(sqrtf)(half_gap), square = a * a;
  const float z = a > asin_steep ? half_gap : square;
  const float s = a > asin_steep ? root : a;
  return s + s * z * asin_tail(z);
}
TL_VEC_FN float asin(float x) {
  const float a = abs(x), angle = asin_angle(a);
  return copysign(a > asin_steep ? from_right_angle(angle + angle) : angle, x);
}
TL_VEC_FN float acos(float x) {
  const float a = abs(x), angle = asin_angle(a), twice = angle + angle;
  const float steep = x < 0.0f ? 0x1.921fb6p+1f - (twice + 0x1.777a5cp-24f) : twice;
  const float flat = from_right_angle(copysign(angle, x));
  return a > asin_steep ? steep : flat;
}

// In double the angle whose tangent is y/x, both not negative, is the nearest of 0, pi/4 and pi/2 and a small rest:
// tan(angle - pi/4) = (y - x)/(y + x). On |u| <= sqrt 2 - 1 the odd polynomial has a relative error of 2^-59.
TL_VEC_FN double atan_ratio(double y, double x) {
  const bool flat = y <= 0.41421356237309503 * x, steep = y > 2.4142135623730951 * x;
  const double top = flat ? y : steep ? -x : y - x, bottom = flat ? x : steep ? y : y + x;
  const double u = top / bottom, z = u * u;
  const double tail = u * z * horner(z, -0x1.555555555553dp-2, 0x1.9999999995864p-3, -0x1.24924922ad1b2p-3, 0x1.c71c70e5ecb8fp-4,
                                     -0x1.745cf8d7f3c15p-4, 0x1.3b1118c6eeb4ap-4, -0x1.10ebb458e0ec6p-4, 0x1.df0f111b95674p-5,
                                     -0x1.9cd1b62229621p-5, 0x1.37d30c0f0c8b1p-5, -0x1.2564bac3f8e66p-6);
  const double high = flat ? 0.0 : steep ? 0x1.921fb54442d18p+0 : 0x1.921fb54442d18p-1;
  const double low = flat ? 0.0 : steep ? 0x1.1a62633145c07p-54 : 0x1.1a62633145c07p-55;
  return high + (u + (tail + low));
}
TL_VEC_FN double atan(double x) {
  const double a = abs(x);
  return copysign(atan_ratio(a > 0x1p60 ? 0x1p60 : a, 1.0), x);
}
TL_VEC_FN double atan2(double y, double x) {
  // Scaled so that the sum does not overflow, nor the quotient lose bits; two infinities are like two ones.
  const double ay = abs(y), ax = abs(x);
  const bool endless = (ay == limits<double>::inf) & (ax == limits<double>::inf), nothing = (ay == 0.0) & (ax == 0.0);
  const bool small = (ay < 0x1p-900) & (ax < 0x1p-900), large = (ay > 0x1p1000) | (ax > 0x1p1000);
  const double scale = small ? 0x1p100 : large ? 0.25 : 1.0;
  const double t = atan_ratio(endless ? 1.0 : ay * scale, endless | nothing ? 1.0 : ax * scale);
  const double whole = (bits(x) >> 63) != 0u ? 0x1.921fb54442d18p+1 - (t - 0x1.1a62633145c07p-53) : t;
  return copysign(whole, y);
}

// (asin s - s)/(s z) on |s| <= 1/2, z = s^2; relative error of asin 2^-59.
TL_VEC_FN double asin_tail(double z) {
  return horner(z, 0x1.5555555555577p-3, 0x1.333333332e126p-4, 0x1.6db6db7213675p-5, 0x1.f1c71a946c679p-6, 0x1.6e8bdef2a588bp-6,
                0x1.1c49eedad68a2p-6, 0x1.ca1fb629f5636p-7, 0x1.75841c6165868p-7, 0x1.61451844d2be3p-7, 0x1.e56f36fa78db0p-9,
                0x1.63c5aefa74ba2p-6, -0x1.5836634e8dc9cp-6, 0x1.0b5760bd0cd5dp-5);
}
TL_VEC_FN double asin_angle(double a) {
  const double half_gap = 0.5 - 0.5 * a, root = TL_VEC_BUILTIN(sqrt)(half_gap), square = a * a;
  const double z = a > 0.5 ? half_gap : square, s = a > 0.5 ? root : a;
  return s + s * z * asin_tail(z);
}
TL_VEC_FN double asin(double x) {
  const double a = abs(x), angle = asin_angle(a);
  return copysign(a > 0.5 ? 0x1.921fb54442d18p+0 - (angle + angle - 0x1.1a62633145c07p-54) : angle, x);
}
TL_VEC_FN double acos(double x) {
  const double a = abs(x), angle = asin_angle(a), twice = angle + angle;
  const double steep = x < 0.0 ? 0x1.921fb54442d18p+1 - (twice - 0x1.1a62633145c07p-53) : twice;
  const double flat = 0x1.921fb54442d18p+0 - (copysign(angle, x) - 0x1.1a62633145c07p-54);
  return a > 0.5 ? steep : flat;
}

}  // namespace TL_ISA_NS
}  // namespace tallow::vec
