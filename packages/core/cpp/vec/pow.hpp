// Roots and powers.
#pragma once
#include "common.hpp"
#include "round.hpp"

namespace tallow::vec {
inline namespace TL_ISA_NS {

TL_VEC_FN float sqrt(float x) { return TL_VEC_BUILTIN(sqrtf)(x); }
TL_VEC_FN double sqrt(double x) { return TL_VEC_BUILTIN(sqrt)(x); }
TL_VEC_FN float rsqrt(float x) { return 1.0f / sqrt(x); }
TL_VEC_FN double rsqrt(double x) { return 1.0 / sqrt(x); }

// |x|^y = 2^(y log2|x|) in double: the product needs 24 + 8 good bits, the logarithm has 45. Signs as in C99 F.9.4.4.
TL_VEC_FN float pow(float x, float y) {
  const float a = abs(x);
  const double m = static_cast<double>(a);  // a normal number, denormals included
  const u64 b = bits(m) + (0x3ff0000000000000ull - 0x3fe6a09e667f3bcdull);
  const double k = from_bits((b >> 52) | 0x4330000000000000ull) - (0x1p52 + 1023);
  const double f = from_bits((b & 0xfffffffffffffull) + 0x3fe6a09e667f3bcdull) - 1.0;
  const double s = f / (2.0 + f), z = s * s;
  const double l = k + s * horner(z, 0x1.71547652b8250p+1, 0x1.ec709dc53e792p-1, 0x1.2776c290ae86cp-1,
                                  0x1.a61a30f6a5118p-2, 0x1.4794f73d7340fp-2, 0x1.21b683b532a45p-2);

  const double yd = static_cast<double>(y);
  double t = yd * l;
  t = t < -160.0 ? -160.0 : t;
  t = t > 130.0 ? 130.0 : t;
  const rounded_d n = round_small(t);
  const double g = t - n.value;
  const double p = horner(g, 1.0, 0x1.62e4300bc8856p-1, 0x1.ebfbe045e6b1dp-3, 0x1.c6b054e3b673dp-5,
                          0x1.3b2a1b56a9c58p-7, 0x1.5dc06e047cb3fp-10, 0x1.4440355256e30p-13, 0x1.c048ab49390e0p-17);
  float result = static_cast<float>(p * pow2(n.integer));

  // |x| = 0 or infinity, told in float: a mixed comparison would keep the loop from becoming vector code.
  const float inverse = a == 0.0f ? limits<float>::inf : 0.0f;
  const float edge = y < 0.0f ? inverse : a;
  result = a == 0.0f ? edge : result;
  result = a == limits<float>::inf ? edge : result;

  const float ay = abs(y), half = 0.5f * ay;  // beyond 2^24 every float is even
  const bool is_integer = round(ay) == ay;
  const bool is_odd = is_integer & (round(half) != half);
  const u32 negative = bits(x) >> 31;
  result = flip_sign(result, is_odd ? negative : 0u);
  result = (x < 0.0f) & (a < limits<float>::inf) & !is_integer ? limits<float>::nan : result;
  result = (x != x) | (y != y) ? limits<float>::nan : result;
  result = (a == 1.0f) & (ay == limits<float>::inf) ? 1.0f : result;
  return (y == 0.0f) | (x == 1.0f) ? 1.0f : result;
}

TL_VEC_FN double pow(double x, double y) { return TL_VEC_LIBM(pow)(x, y); }

}  // namespace TL_ISA_NS
}  // namespace tallow::vec
