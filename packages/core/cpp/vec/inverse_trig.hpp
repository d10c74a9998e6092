// asin, acos, atan, atan2. The double forms are libm's.
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

TL_VEC_FN double atan(double x) { return TL_VEC_LIBM(atan)(x); }
TL_VEC_FN double atan2(double y, double x) { return TL_VEC_LIBM(atan2)(y, x); }
TL_VEC_FN double asin(double x) { return TL_VEC_LIBM(asin)(x); }
TL_VEC_FN double acos(double x) { return TL_VEC_LIBM(acos)(x); }

}  // namespace TL_ISA_NS
}  // namespace tallow::vec
