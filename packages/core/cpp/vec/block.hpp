// Whole blocks of sin, cos and tan: the general argument reduction costs four times as much as the one for moderate
// arguments, and nearly every block has moderate arguments only. So look first, then run one loop or the other.
#pragma once
#include "trig.hpp"

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

template <class T, class Quick, class General>
TL_VEC_FN void map_trig(const T* x, T* out, long n, Quick quick, General general) {
  constexpr long block = 512;
  for (long start = 0; start < n; start += block) {
    const long count = n - start < block ? n - start : block;
    const T* in = x + start;
    T* to = out + start;
    if (all_within(in, count, trig_quick<T>::limit)) {
TL_VEC_LOOP
      for (long i = 0; i < count; ++i) to[i] = quick(in[i]);
    } else {
TL_VEC_LOOP
      for (long i = 0; i < count; ++i) to[i] = general(in[i]);
    }
  }
}
template <class T> TL_VEC_FN void sin_block(const T* x, T* out, long n) {
  map_trig(x, out, n, [](T v) { return sin_quick(v); }, [](T v) { return sin(v); });
}
template <class T> TL_VEC_FN void cos_block(const T* x, T* out, long n) {
  map_trig(x, out, n, [](T v) { return cos_quick(v); }, [](T v) { return cos(v); });
}
template <class T> TL_VEC_FN void tan_block(const T* x, T* out, long n) {
  map_trig(x, out, n, [](T v) { return tan_quick(v); }, [](T v) { return tan(v); });
}

}  // namespace TL_ISA_NS
}  // namespace tallow::vec
