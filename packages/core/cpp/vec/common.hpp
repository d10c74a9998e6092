// Shared pieces of the vector mathematics: bit casts, rounding without branches, Horner's scheme.
//
// Every function of this folder is a plain, branch-free scalar function. Compiled inside a loop with -O3
// -fno-math-errno -fno-trapping-math it becomes vector code of whatever width the translation unit's -m flags allow;
// a*b+c is written as such and contracts to a fused multiply-add where there is one. The includer defines TL_ISA_NS
// (baseline, avx2, avx512, ...), so that translation units built for different machines never share a symbol.
//
// Polynomial coefficients are our own: relative minimax fits (Remez exchange in 200-bit arithmetic), rounded to the
// working precision from the lowest power up, the remaining ones refitted after each rounding.
#pragma once

#ifndef TL_ISA_NS
#ifdef TL_ISA
#define TL_ISA_NS TL_ISA
#else
#define TL_ISA_NS baseline
#endif
#endif

#if defined(__CUDACC_RTC__) || defined(__CUDACC__)
#define TL_VEC_CUDA 1
#define TL_VEC_LIBM(name) ::name
#define TL_VEC_BUILTIN(name) ::name
#define TL_VEC_LOOP
#define TL_VEC_FN __device__ static __forceinline__
#define TL_VEC_TABLE __device__ static const
#else
#include <cmath>
#define TL_VEC_CUDA 0
#define TL_VEC_LIBM(name) std::name
#define TL_VEC_BUILTIN(name) __builtin_##name
#define TL_VEC_LOOP _Pragma("GCC ivdep")
#define TL_VEC_FN static inline __attribute__((always_inline))
#define TL_VEC_TABLE static const
#endif

#if defined(__FMA__) || TL_VEC_CUDA
#define TL_VEC_HAS_FMA 1
#else
#define TL_VEC_HAS_FMA 0
#endif

namespace tallow::vec {
inline namespace TL_ISA_NS {

using i32 = int;
using u32 = unsigned int;
using i64 = long long;
using u64 = unsigned long long;

TL_VEC_FN u32 bits(float x) { return __builtin_bit_cast(u32, x); }
TL_VEC_FN u64 bits(double x) { return __builtin_bit_cast(u64, x); }
TL_VEC_FN float from_bits(u32 b) { return __builtin_bit_cast(float, b); }
TL_VEC_FN double from_bits(u64 b) { return __builtin_bit_cast(double, b); }

template <class T> struct unsigned_like;
template <> struct unsigned_like<float> {
  using type = u32;
};
template <> struct unsigned_like<double> {
  using type = u64;
};
template <class T> using unsigned_of = typename unsigned_like<T>::type;

template <class T> struct limits;
template <> struct limits<float> {
  static constexpr float inf = __builtin_bit_cast(float, 0x7f800000u);
  static constexpr float nan = __builtin_bit_cast(float, 0x7fc00000u);
  static constexpr float tiny = 0x1p-126f;         // smallest normal number
  static constexpr float round_magic = 0x1.8p23f;  // adding it leaves the nearest integer in the low bits
};
template <> struct limits<double> {
  static constexpr double inf = __builtin_bit_cast(double, 0x7ff0000000000000ull);
  static constexpr double nan = __builtin_bit_cast(double, 0x7ff8000000000000ull);
  static constexpr double tiny = 0x1p-1022;
  static constexpr double round_magic = 0x1.8p52;
};

TL_VEC_FN float abs(float x) { return TL_VEC_BUILTIN(fabsf)(x); }
TL_VEC_FN double abs(double x) { return TL_VEC_BUILTIN(fabs)(x); }
TL_VEC_FN float copysign(float x, float s) { return TL_VEC_BUILTIN(copysignf)(x, s); }
TL_VEC_FN double copysign(double x, double s) { return TL_VEC_BUILTIN(copysign)(x, s); }
TL_VEC_FN float flip_sign(float x, u32 low_bit) { return from_bits(bits(x) ^ (low_bit << 31)); }
TL_VEC_FN double flip_sign(double x, u64 low_bit) { return from_bits(bits(x) ^ (low_bit << 63)); }

// 2^k for k in the normal range.
TL_VEC_FN float pow2(i32 k) { return from_bits(static_cast<u32>(k + 127) << 23); }
TL_VEC_FN double pow2(i64 k) { return from_bits(static_cast<u64>(k + 1023) << 52); }

// c0 + c1 x + c2 x^2 + ... by Horner's scheme in x^2 over pairs: as many operations as in x, half the latency, which is
// what bounds these loops.
template <class T> TL_VEC_FN T pairs(T, T, T c0) { return c0; }
template <class T> TL_VEC_FN T pairs(T x, T, T c0, T c1) { return c0 + c1 * x; }
template <class T, class... C> TL_VEC_FN T pairs(T x, T square, T c0, T c1, C... rest) {
  return (c0 + c1 * x) + square * pairs(x, square, rest...);
}
template <class T, class... C> TL_VEC_FN T horner(T x, C... c) { return pairs(x, x * x, c...); }

// Nearest integer (ties to even) as a number and as an integer; |x| < 2^22 (float), 2^51 (double).
struct rounded_f {
  float value;
  i32 integer;
};
struct rounded_d {
  double value;
  i64 integer;
};
TL_VEC_FN rounded_f round_small(float x) {
  const float shifted = x + limits<float>::round_magic;
  return {shifted - limits<float>::round_magic, static_cast<i32>(bits(shifted) - 0x4b400000u)};
}
TL_VEC_FN rounded_d round_small(double x) {
  const double shifted = x + limits<double>::round_magic;
  return {shifted - limits<double>::round_magic, static_cast<i64>(bits(shifted) - 0x4338000000000000ull)};
}

}  // namespace TL_ISA_NS
}  // namespace tallow::vec
