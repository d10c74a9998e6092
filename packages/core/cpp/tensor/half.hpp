// 16-bit and 8-bit floating point: storage types that convert to float and back, rounding to nearest even.
// The conversions are branch free so that loops over them vectorize.
#pragma once
#include <bit>
#include <cstdint>

namespace tallow {

inline float half_bits_to_float(uint16_t h) {
  const uint32_t sign = static_cast<uint32_t>(h & 0x8000u) << 16;
  const uint32_t em = h & 0x7fffu;
  // Normal and infinite values shift into place and gain the exponent's new bias; denormals go through a subtraction
  // that lets the FPU normalize them.
  uint32_t normal = (em << 13) + 0x38000000u;
  normal += em >= 0x7c00u ? 0x38000000u : 0u;
  const uint32_t denormal = std::bit_cast<uint32_t>(std::bit_cast<float>((em << 13) + 0x38800000u) - 6.103515625e-05f);
  return std::bit_cast<float>(sign | (em < 0x400u ? denormal : normal));
}

inline uint16_t float_to_half_bits(float f) {
  const uint32_t x = std::bit_cast<uint32_t>(f);
  const uint32_t sign = (x >> 16) & 0x8000u;
  const uint32_t a = x & 0x7fffffffu;
  // Below 2^-14 the half is denormal: adding 0.5 aligns the mantissa and rounds it to nearest even.
  const uint32_t denormal = std::bit_cast<uint32_t>(std::bit_cast<float>(a) + 0.5f) - 0x3f000000u;
  const uint32_t normal = (a + 0xc8000fffu + ((a >> 13) & 1u)) >> 13;
  const uint32_t finite = a < 0x38800000u ? denormal : normal;
  const uint32_t special = a > 0x7f800000u ? 0x7e00u : 0x7c00u;
  return static_cast<uint16_t>(sign | (a >= 0x47800000u ? special : finite));
}

struct Half {
  uint16_t bits;
  Half() = default;
  Half(float f) : bits(float_to_half_bits(f)) {}
  operator float() const { return half_bits_to_float(bits); }
};

struct BFloat16 {
  uint16_t bits;
  BFloat16() = default;
  BFloat16(float f) {
    const uint32_t x = std::bit_cast<uint32_t>(f);
    const uint32_t rounded = (x + 0x7fffu + ((x >> 16) & 1u)) >> 16;
    bits = static_cast<uint16_t>((x & 0x7fffffffu) > 0x7f800000u ? 0x7fc0u : rounded);
  }
  operator float() const { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }
};

// OCP 8-bit formats (Micikevicius et al., "FP8 formats for deep learning", 2022). E4M3 has no infinity.
struct Float8E5M2 {
  uint8_t bits;
  Float8E5M2() = default;
  Float8E5M2(float f) {
    const uint32_t x = std::bit_cast<uint32_t>(f), a = x & 0x7fffffffu, sign = (x >> 24) & 0x80u;
    uint32_t r;
    if (a > 0x7f800000u) r = 0x7fu;
    else if (a >= 0x47800000u) r = 0x7cu;
    else if (a < 0x38800000u) r = std::bit_cast<uint32_t>(std::bit_cast<float>(a) + 128.0f) - 0x43000000u;
    else r = (a + 0xc80fffffu + ((a >> 21) & 1u)) >> 21;
    bits = static_cast<uint8_t>(sign | r);
  }
  operator float() const { return half_bits_to_float(static_cast<uint16_t>(bits << 8)); }
};

struct Float8E4M3 {
  uint8_t bits;
  Float8E4M3() = default;
  Float8E4M3(float f) {
    const uint32_t x = std::bit_cast<uint32_t>(f), a = x & 0x7fffffffu, sign = (x >> 24) & 0x80u;
    uint32_t r;
    if (a >= 0x43f00000u) r = 0x7fu;  // 480 and above, infinity, NaN: the format's only non-finite value
    else if (a < 0x3c800000u) r = std::bit_cast<uint32_t>(std::bit_cast<float>(a) + 16384.0f) - 0x46800000u;
    else r = (a + 0xc407ffffu + ((a >> 20) & 1u)) >> 20;
    bits = static_cast<uint8_t>(sign | r);
  }
  operator float() const {
    const uint32_t sign = static_cast<uint32_t>(bits & 0x80u) << 24, em = bits & 0x7fu;
    if (em == 0x7fu) return std::bit_cast<float>(sign | 0x7fc00000u);
    const float denormal = static_cast<float>(em) * 0.001953125f;  // em * 2^-9
    const float v = em < 8u ? denormal : std::bit_cast<float>((em << 20) + 0x3c000000u);
    return std::bit_cast<float>(std::bit_cast<uint32_t>(v) | sign);
  }
};

}  // namespace tallow
