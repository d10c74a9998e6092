// Random bits: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011), the number of a block of
// four words being the counter and the seed the key.
#pragma once
#include "common.hpp"

namespace tallow::vec {
inline namespace TL_ISA_NS {

// The four words of N blocks, word by word.
template <int N> struct philox_blocks {
  alignas(64) u32 w[4][N];
};

// Blocks first, first + 1, ..., one per vector lane.
template <int N> TL_VEC_FN void philox(u32 key0, u32 key1, u64 first, philox_blocks<N>& out) {
TL_VEC_LOOP
  for (int i = 0; i < N; ++i) {
    const u64 n = first + static_cast<u64>(i);
    u32 c0 = static_cast<u32>(n), c1 = static_cast<u32>(n >> 32), c2 = 0, c3 = 0, k0 = key0, k1 = key1;
#pragma GCC unroll 10
    for (int round = 0; round < 10; ++round) {
      const u64 p0 = u64{0xD2511F53u} * c0, p1 = u64{0xCD9E8D57u} * c2;
      const u32 h0 = static_cast<u32>(p0 >> 32), h1 = static_cast<u32>(p1 >> 32);
      c0 = h1 ^ c1 ^ k0;
      c1 = static_cast<u32>(p1);
      c2 = h0 ^ c3 ^ k1;
      c3 = static_cast<u32>(p0);
      k0 += 0x9E3779B9u;
      k1 += 0xBB67AE85u;
    }
    out.w[0][i] = c0, out.w[1][i] = c1, out.w[2][i] = c2, out.w[3][i] = c3;
  }
}

}  // namespace TL_ISA_NS
}  // namespace tallow::vec
