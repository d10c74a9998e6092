// Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011): a counter-based generator,
// so the number for an element depends on seed, offset and index alone, not on threads or devices.
#pragma once
#include <cstdint>

namespace tallow {

struct Philox {
  uint32_t key0, key1;
  uint64_t offset;  // of 128-bit blocks

  Philox(uint64_t seed, uint64_t block_offset)
      : key0(static_cast<uint32_t>(seed)), key1(static_cast<uint32_t>(seed >> 32)), offset(block_offset) {}

  // The four words of block `index`.
  inline void block(uint64_t index, uint32_t out[4]) const {
    const uint64_t n = offset + index;
    uint32_t c0 = static_cast<uint32_t>(n), c1 = static_cast<uint32_t>(n >> 32), c2 = 0, c3 = 0, k0 = key0, k1 = key1;
    for (int i = 0; i < 10; ++i) {
      const uint64_t p0 = uint64_t{0xD2511F53u} * c0, p1 = uint64_t{0xCD9E8D57u} * c2;
      c0 = static_cast<uint32_t>(p1 >> 32) ^ c1 ^ k0;
      c1 = static_cast<uint32_t>(p1);
      c2 = static_cast<uint32_t>(p0 >> 32) ^ c3 ^ k1;
      c3 = static_cast<uint32_t>(p0);
      k0 += 0x9E3779B9u;
      k1 += 0xBB67AE85u;
    }
    out[0] = c0, out[1] = c1, out[2] = c2, out[3] = c3;
  }
};

// [0, 1) with all bits of the mantissa.
inline float to_unit_float(uint32_t x) { return static_cast<float>(x >> 8) * 0x1p-24f; }
inline double to_unit_double(uint32_t hi, uint32_t lo) {
  return static_cast<double>(((static_cast<uint64_t>(hi) << 32) | lo) >> 11) * 0x1p-53;
}

}  // namespace tallow
