// Whole blocks of functions that have a quick form for moderate arguments, and nearly every block has moderate arguments
// only. So look first, then run one loop or the other. The general argument reduction of sin, cos and tan costs four
// times as much as the quick one; exp and log save the care for results and arguments outside the normal range.
#pragma once
#include "exp.hpp"
#include "log.hpp"
#include "pow.hpp"
#include "round.hpp"
#include "trig.hpp"
#if defined(__AVX512F__)
#include <immintrin.h>
#endif

namespace tallow::vec {
inline namespace TL_ISA_NS {

// Whether |x[i]| <= bound for all i. The bits of |x| order as whole numbers do; NaN and infinity come last.
TL_VEC_FN bool all_within(const float* x, long n, float bound) {
  u32 largest = 0;
  for (long i = 0; i < n; ++i) {
    const u32 b = bits(x[i]) & 0x7fffffffu;
    largest = b > largest ? b : largest;
  }
  return largest <= bits(bound);
}
TL_VEC_FN bool all_within(const double* x, long n, double bound) {
  const u64 limit = bits(bound);
  u64 beyond = 0;  // a sign bit appears where the difference is negative: AVX2 has no 64-bit maximum
  for (long i = 0; i < n; ++i) beyond |= limit - (bits(x[i]) & 0x7fffffffffffffffull);
  return (beyond >> 63) == 0;
}

// Whether low <= x[i] <= high for all i, positive numbers both: their bits, too, order as whole numbers do.
TL_VEC_FN bool all_between(const float* x, long n, float low, float high) {
  u32 largest = 0;
  for (long i = 0; i < n; ++i) {
    const u32 b = bits(x[i]) - bits(low);
    largest = b > largest ? b : largest;
  }
  return largest <= bits(high) - bits(low);
}
TL_VEC_FN bool all_between(const double* x, long n, double low, double high) {
  u64 beyond = 0;
  for (long i = 0; i < n; ++i) beyond |= bits(x[i]) | (bits(x[i]) - bits(low)) | (bits(high) - bits(x[i]));
  return (beyond >> 63) == 0;
}
template <class T> TL_VEC_FN bool all_normal(const T* x, long n) {
  return all_between(x, n, limits<T>::tiny, from_bits(static_cast<unsigned_of<T>>(bits(limits<T>::inf) - 1)));
}

template <class T, class Moderate, class Quick, class General>
TL_VEC_FN void map_blocks(const T* x, T* out, long n, Moderate moderate, Quick quick, General general) {
  constexpr long block = 512;
  for (long start = 0; start < n; start += block) {
    const long count = n - start < block ? n - start : block;
    const T* in = x + start;
    T* to = out + start;
    if (moderate(in, count)) {
TL_VEC_LOOP
      for (long i = 0; i < count; ++i) to[i] = quick(in[i]);
    } else {
TL_VEC_LOOP
      for (long i = 0; i < count; ++i) to[i] = general(in[i]);
    }
  }
}
template <class T> TL_VEC_FN bool trig_moderate(const T* x, long n) { return all_within(x, n, trig_quick<T>::limit); }
template <class T> TL_VEC_FN bool exp_moderate(const T* x, long n) { return all_within(x, n, exp_quick_limit<T>); }

#define TL_VEC_BLOCK(name, moderate)                                                                                                      \
  template <class T> TL_VEC_FN void name##_block(const T* x, T* out, long n) {                                                             \
    map_blocks(                                                                                                                           \
        x, out, n, [](const T* in, long count) { return moderate(in, count); }, [](T v) { return name##_quick(v); }, [](T v) { return name(v); }); \
  }
TL_VEC_BLOCK(sin, trig_moderate)
TL_VEC_BLOCK(cos, trig_moderate)
TL_VEC_BLOCK(tan, trig_moderate)
TL_VEC_BLOCK(exp, exp_moderate)
TL_VEC_BLOCK(log, all_normal)
TL_VEC_BLOCK(log2, all_normal)
TL_VEC_BLOCK(log10, all_normal)
#undef TL_VEC_BLOCK

// The square root of floats takes the divider twice as long as Newton's method takes from the processor's estimate. The
// last step, with the exact rest x - s^2, rounds correctly (after Markstein, 1990; tried on every mantissa).
TL_VEC_FN void sqrt_block(const float* x, float* out, long n) {
  constexpr long block = 512;
  for (long start = 0; start < n; start += block) {
    const long count = n - start < block ? n - start : block;
    long i = start;
    const long end = start + count;
#if defined(__AVX512F__)
    if (all_between(x + start, count, 0x1p-96f, 0x1p96f)) {
      for (; i + 16 <= end; i += 16) {
        const __m512 a = _mm512_loadu_ps(x + i), half = _mm512_set1_ps(0.5f), r = _mm512_maskz_rsqrt14_ps(0xffff, a);
        __m512 s = _mm512_mul_ps(a, r), h = _mm512_mul_ps(half, r);
        const __m512 error = _mm512_fnmadd_ps(s, h, half);
        s = _mm512_fmadd_ps(s, error, s);
        h = _mm512_fmadd_ps(h, error, h);
        _mm512_storeu_ps(out + i, _mm512_fmadd_ps(_mm512_fnmadd_ps(s, s, a), h, s));
      }
    }
#endif
TL_VEC_LOOP
    for (; i < end; ++i) out[i] = sqrt(x[i]);
  }
}
TL_VEC_FN void sqrt_block(const double* x, double* out, long n) {
TL_VEC_LOOP
  for (long i = 0; i < n; ++i) out[i] = sqrt(x[i]);
}

// finish(fmod(a, b), a, b) of pairs, each side an array or one number.
template <bool ManyA, bool ManyB, class Finish>
TL_VEC_FN void map_fmod(const float* a, const float* b, float* out, long n, Finish finish) {
  constexpr long block = 256;
  float quick[block];
  for (long start = 0; start < n; start += block) {
    const long count = n - start < block ? n - start : block;
    const float *x = a + (ManyA ? start : 0), *y = b + (ManyB ? start : 0);
    u32 beyond = 0;
TL_VEC_LOOP
    for (long i = 0; i < count; ++i) {
      const float p = x[ManyA ? i : 0], q = y[ManyB ? i : 0], quotient = abs(p) / abs(q);
      beyond |= (quotient < fmod_quick_limit) & (abs(q) < limits<float>::inf) ? 0u : 1u;
      quick[i] = finish(fmod_quick(quotient, p, q), p, q);
    }
    if (beyond) {
      for (long i = 0; i < count; ++i) {
        const float p = x[ManyA ? i : 0], q = y[ManyB ? i : 0];
        quick[i] = finish(fmod(p, q), p, q);
      }
    }
    for (long i = 0; i < count; ++i) out[start + i] = quick[i];
  }
}
template <class Finish>
TL_VEC_FN void map_fmod(const float* a, bool many_a, const float* b, bool many_b, float* out, long n, Finish finish) {
  if (many_a && many_b) return map_fmod<true, true>(a, b, out, n, finish);
  if (many_a) return map_fmod<true, false>(a, b, out, n, finish);
  if (many_b) return map_fmod<false, true>(a, b, out, n, finish);
  for (long i = 0; i < n; ++i) out[i] = finish(fmod(*a, *b), *a, *b);
}

}  // namespace TL_ISA_NS
}  // namespace tallow::vec
