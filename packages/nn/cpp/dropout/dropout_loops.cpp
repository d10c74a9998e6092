// Compiled once per instruction set.
#include "dropout/dropout_loops.hpp"

#include <algorithm>

#include <tallow/vec/philox.hpp>

namespace tallow_nn::TL_ISA {
namespace {

template <class T>
void apply(const T* x, T* y, int64_t first, int64_t n, uint64_t seed, uint64_t offset, uint32_t limit, T scale) {
  ::tallow::vec::philox_blocks<kDropoutBlocks> w;
  const uint32_t* word = w.w[0];
  for (int64_t i = 0; i < n; i += kDropoutChunk) {
    ::tallow::vec::philox(static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32), offset + static_cast<uint64_t>((first + i) / 4), w);
    const int64_t count = std::min(kDropoutChunk, n - i);
#pragma GCC ivdep
    for (int64_t j = 0; j < count; ++j) y[i + j] = x[i + j] * (word[j] >= limit ? scale : T(0));
  }
}

}  // namespace

extern const DropoutLoops dropout_loops;
const DropoutLoops dropout_loops{{apply<float>}, {apply<double>}};

}  // namespace tallow_nn::TL_ISA
