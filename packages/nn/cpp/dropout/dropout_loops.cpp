// Compiled once per instruction set. The generator is Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as
// 1, 2, 3", 2011), with the seed as key and the number of the block as counter, one block per lane.
#include "dropout/dropout_loops.hpp"

#include <algorithm>

namespace tallow_nn::TL_ISA {
namespace {

struct Words {
  alignas(64) uint32_t w[4][kDropoutBlocks];
};

void words(uint64_t seed, uint64_t first, Words& out) {
#pragma GCC ivdep
  for (int64_t i = 0; i < kDropoutBlocks; ++i) {
    const uint64_t n = first + static_cast<uint64_t>(i);
    uint32_t c0 = static_cast<uint32_t>(n), c1 = static_cast<uint32_t>(n >> 32), c2 = 0, c3 = 0;
    uint32_t k0 = static_cast<uint32_t>(seed), k1 = static_cast<uint32_t>(seed >> 32);
#pragma GCC unroll 10
    for (int round = 0; round < 10; ++round) {
      const uint64_t p0 = uint64_t{0xD2511F53u} * c0, p1 = uint64_t{0xCD9E8D57u} * c2;
      const uint32_t h0 = static_cast<uint32_t>(p0 >> 32), h1 = static_cast<uint32_t>(p1 >> 32);
      c0 = h1 ^ c1 ^ k0;
      c1 = static_cast<uint32_t>(p1);
      c2 = h0 ^ c3 ^ k1;
      c3 = static_cast<uint32_t>(p0);
      k0 += 0x9E3779B9u;
      k1 += 0xBB67AE85u;
    }
    out.w[0][i] = c0, out.w[1][i] = c1, out.w[2][i] = c2, out.w[3][i] = c3;
  }
}

template <class T>
void apply(const T* x, T* y, int64_t first, int64_t n, uint64_t seed, uint64_t offset, uint32_t limit, T scale) {
  Words w;
  const uint32_t* word = w.w[0];
  for (int64_t i = 0; i < n; i += kDropoutChunk) {
    words(seed, offset + static_cast<uint64_t>((first + i) / 4), w);
    const int64_t count = std::min(kDropoutChunk, n - i);
#pragma GCC ivdep
    for (int64_t j = 0; j < count; ++j) y[i + j] = x[i + j] * (word[j] >= limit ? scale : T(0));
  }
}

}  // namespace

extern const DropoutLoops dropout_loops;
const DropoutLoops dropout_loops{{apply<float>}, {apply<double>}};

}  // namespace tallow_nn::TL_ISA
