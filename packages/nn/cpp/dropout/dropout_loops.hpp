// The inner loop of dropout.
#pragma once
#include <cstdint>

#include <tallow/loops.hpp>

namespace tallow_nn {

// How many Philox blocks are made at a time; pieces start at multiples of what they serve, kDropoutChunk elements.
constexpr int64_t kDropoutBlocks = 128, kDropoutChunk = 4 * kDropoutBlocks;

template <class T>
struct DropoutLoop {
  // y = x * scale where the element's word is at least `limit`, else x * 0; `first` is the index of x[0], a multiple of
  // kDropoutChunk.
  void (*apply)(const T* x, T* y, int64_t first, int64_t n, uint64_t seed, uint64_t offset, uint32_t limit, T scale);
};
struct DropoutLoops {
  DropoutLoop<float> f32;
  DropoutLoop<double> f64;
};
TL_LOOPS(DropoutLoops, dropout_loops)

}  // namespace tallow_nn
