// Blocks of float16 to float and back by the processor's own conversion, where it has one: compilers do not find it by
// themselves. Rounding is to nearest even; a NaN becomes the quiet one of its sign.
#pragma once
#include "common.hpp"

#if defined(__F16C__)
#define TL_VEC_HAS_HALF 1
#include <immintrin.h>
#else
#define TL_VEC_HAS_HALF 0
#endif

#if TL_VEC_HAS_HALF
namespace tallow::vec {
inline namespace TL_ISA_NS {

using u16 = unsigned short;

#if defined(__AVX512F__)
constexpr long half_lanes = 16;
// Masked, because compilers warn of what the others leave undefined.
TL_VEC_FN void widen_lanes(const u16* from, float* to) {
  _mm512_storeu_ps(to, _mm512_maskz_cvtph_ps(0xffff, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from))));
}
TL_VEC_FN void narrow_lanes(const float* from, u16* to) {
  const __m512 x = _mm512_loadu_ps(from);
  const __m512i sign = _mm512_and_si512(_mm512_castps_si512(x), _mm512_castps_si512(_mm512_set1_ps(-0.0f)));
  const __m512 nan = _mm512_castsi512_ps(_mm512_or_si512(sign, _mm512_set1_epi32(0x7fc00000)));
  const __m512 y = _mm512_mask_mov_ps(x, _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q), nan);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm512_maskz_cvtps_ph(0xffff, y, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}
#else
constexpr long half_lanes = 8;
TL_VEC_FN void widen_lanes(const u16* from, float* to) {
  _mm256_storeu_ps(to, _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from))));
}
TL_VEC_FN void narrow_lanes(const float* from, u16* to) {
  const __m256 x = _mm256_loadu_ps(from);
  const __m256 nan = _mm256_or_ps(_mm256_and_ps(x, _mm256_set1_ps(-0.0f)), _mm256_castsi256_ps(_mm256_set1_epi32(0x7fc00000)));
  const __m256 y = _mm256_blendv_ps(x, nan, _mm256_cmp_ps(x, x, _CMP_UNORD_Q));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm256_cvtps_ph(y, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}
#endif

// What is left over goes through a full block.
template <class From, class To, class Lanes>
TL_VEC_FN void convert_lanes(const From* from, To* to, long n, Lanes lanes) {
  long i = 0;
  for (; i + half_lanes <= n; i += half_lanes) lanes(from + i, to + i);
  if (i == n) return;
  From rest[half_lanes] = {};
  To converted[half_lanes];
  for (long k = i; k < n; ++k) rest[k - i] = from[k];
  lanes(rest, converted);
  for (long k = i; k < n; ++k) to[k] = converted[k - i];
}
TL_VEC_FN void widen_half(const u16* from, float* to, long n) {
  convert_lanes(from, to, n, [](const u16* f, float* t) { widen_lanes(f, t); });
}
TL_VEC_FN void narrow_half(const float* from, u16* to, long n) {
  convert_lanes(from, to, n, [](const float* f, u16* t) { narrow_lanes(f, t); });
}

}  // namespace TL_ISA_NS
}  // namespace tallow::vec
#endif
