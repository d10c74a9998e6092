#include "vec/crc32.hpp"

#include <array>
#include <cstring>

#include "vec/isa.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace tallow::vec {
namespace {

constexpr uint32_t kPolynomial = 0xEDB88320;  // bits reflected

// kTable[k][b] is the remainder of byte b followed by k zero bytes.
constexpr auto kTable = [] {
  std::array<std::array<uint32_t, 256>, 8> t{};
  for (uint32_t b = 0; b < 256; ++b) {
    uint32_t r = b;
    for (int i = 0; i < 8; ++i) r = (r >> 1) ^ ((r & 1) ? kPolynomial : 0);
    t[0][b] = r;
  }
  for (int k = 1; k < 8; ++k)
    for (uint32_t b = 0; b < 256; ++b) t[k][b] = (t[k - 1][b] >> 8) ^ t[0][t[k - 1][b] & 255];
  return t;
}();

// Eight bytes at a time (F. Kounavis and F. Berry, "A Systematic Approach to Building High Performance Software-based
// CRC Generators", 2005). `state` is the checksum without its final complement.
uint32_t by_table(uint32_t state, const uint8_t* p, size_t n) {
  for (; n >= 8; p += 8, n -= 8) {
    const uint32_t low = state ^ (p[0] | p[1] << 8 | p[2] << 16 | static_cast<uint32_t>(p[3]) << 24);
    state = kTable[7][low & 255] ^ kTable[6][low >> 8 & 255] ^ kTable[5][low >> 16 & 255] ^ kTable[4][low >> 24] ^
            kTable[3][p[4]] ^ kTable[2][p[5]] ^ kTable[1][p[6]] ^ kTable[0][p[7]];
  }
  for (; n; ++p, --n) state = (state >> 8) ^ kTable[0][(state ^ *p) & 255];
  return state;
}

#if defined(__x86_64__)
#define TL_CLMUL __attribute__((target("pclmul,sse4.1")))

TL_CLMUL inline __m128i load(const uint8_t* p) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); }
// x moved ahead by the distance that the constants in k stand for.
TL_CLMUL inline __m128i fold(__m128i x, __m128i k) {
  return _mm_xor_si128(_mm_clmulepi64_si128(x, k, 0x00), _mm_clmulepi64_si128(x, k, 0x11));
}

// Four lanes of 16 bytes are folded forward by carry-less products (V. Gopal et al., "Fast CRC Computation for Generic
// Polynomials Using PCLMULQDQ Instruction", Intel 2009); the last 16 bytes and the rest go through the table.
TL_CLMUL uint32_t by_products(uint32_t state, const uint8_t* p, size_t n) {  // n >= 64
  const __m128i by64 = _mm_set_epi64x(0x01c6e41596, 0x0154442bd4);  // x^(512-32), x^(512+32) modulo the polynomial
  const __m128i by16 = _mm_set_epi64x(0x00ccaa009e, 0x01751997d0);  // x^(128-32), x^(128+32)
  __m128i lane[4];
  for (int i = 0; i < 4; ++i) lane[i] = load(p + 16 * i);
  lane[0] = _mm_xor_si128(lane[0], _mm_cvtsi32_si128(static_cast<int>(state)));
  for (p += 64, n -= 64; n >= 64; p += 64, n -= 64)
    for (int i = 0; i < 4; ++i) lane[i] = _mm_xor_si128(fold(lane[i], by64), load(p + 16 * i));
  __m128i x = lane[0];
  for (int i = 1; i < 4; ++i) x = _mm_xor_si128(fold(x, by16), lane[i]);
  for (; n >= 16; p += 16, n -= 16) x = _mm_xor_si128(fold(x, by16), load(p));
  uint8_t last[16];
  std::memcpy(last, &x, 16);
  return by_table(by_table(0, last, 16), p, n);
}

#define TL_WIDE_CLMUL __attribute__((target("vpclmulqdq,pclmul,avx512f,avx512dq,sse4.1")))
constexpr size_t kWide = 512;

TL_WIDE_CLMUL inline __m512i load64(const uint8_t* p) { return _mm512_loadu_si512(p); }
TL_WIDE_CLMUL inline __m512i fold64(__m512i x, __m512i k, __m512i next) {
  constexpr int kXor3 = 0x96;
  return _mm512_ternarylogic_epi64(_mm512_clmulepi64_epi128(x, k, 0x00), _mm512_clmulepi64_epi128(x, k, 0x11), next, kXor3);
}

// The same on sixteen lanes at once, for most of a large buffer; what is left of it goes on in four.
TL_WIDE_CLMUL uint32_t by_wide_products(uint32_t state, const uint8_t* p, size_t n) {  // n >= kWide
  const __m512i by256 = _mm512_broadcast_i32x4(_mm_set_epi64x(0x01322d1430, 0x011542778a));  // x^(2048-32), x^(2048+32)
  const __m512i by64 = _mm512_broadcast_i32x4(_mm_set_epi64x(0x01c6e41596, 0x0154442bd4));
  __m512i lane[4];
  for (int i = 0; i < 4; ++i) lane[i] = load64(p + 64 * i);
  lane[0] = _mm512_xor_si512(lane[0], _mm512_zextsi128_si512(_mm_cvtsi32_si128(static_cast<int>(state))));
  for (p += 256, n -= 256; n >= 256; p += 256, n -= 256)
    for (int i = 0; i < 4; ++i) lane[i] = fold64(lane[i], by256, load64(p + 64 * i));
  __m512i x = lane[0];
  for (int i = 1; i < 4; ++i) x = fold64(x, by64, lane[i]);
  // 64 bytes with the state in them stand for all that came before: four lanes begin with them and a state of zero.
  alignas(64) uint8_t last[64];
  _mm512_store_si512(last, x);
  return by_table(by_products(0, last, 64), p, n);
}

bool has_wide_products() {
  static const bool has = __builtin_cpu_supports("vpclmulqdq") && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq");
  return has && current_isa() == Isa::Avx512;
}
bool has_products() {
  static const bool has = __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1");
  return has;
}
#endif

}  // namespace

uint32_t crc32(uint32_t crc, const void* data, size_t n) {
  const auto* p = static_cast<const uint8_t*>(data);
#if defined(__x86_64__)
  if (n >= kWide && has_wide_products()) return ~by_wide_products(~crc, p, n);
  if (n >= 64 && has_products()) return ~by_products(~crc, p, n);
#endif
  return ~by_table(~crc, p, n);
}

}  // namespace tallow::vec
