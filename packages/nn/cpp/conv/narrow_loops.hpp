// Convolutions of few channels, where a vector holds neighbouring columns of one channel instead of channels.
#pragma once
#include <cstdint>

#include <tallow/loops.hpp>

namespace tallow_nn::conv {

constexpr int64_t kNarrowLanes = 16;    // sums of a gradient run in this many lanes whatever the processor's vectors
constexpr int64_t kNarrowOutputs = 8;   // output channels at a time, forward
constexpr int64_t kNarrowGrads = 4;     // and in the gradient of the weights
constexpr int64_t kNarrowWidest = 7;    // columns of a kernel

// Padded images: rows are `row` apart, channels `plane`; rows may be read kNarrowLanes * 2 + kNarrowWidest elements beyond
// the last column.
struct Narrow {
  int64_t channels, kh, kw, rows, columns, row, plane;
};

struct NarrowLoops {
  // Results of `outputs` <= kNarrowOutputs channels, `out` elements apart. w: for each channel and tap, kNarrowOutputs weights.
  void (*forward)(const Narrow& g, const float* x, const float* w, const float* bias, int64_t outputs, float* y, int64_t out);
  // Adds to sums[channel][kernel row][kNarrowGrads][kernel column][kNarrowLanes] for kNarrowGrads channels of dy, which are
  // `out` apart, with rows of `columns`, rounded up to whole lanes.
  void (*weights)(const Narrow& g, const float* x, const float* dy, int64_t out, float* sums);
};
TL_LOOPS(NarrowLoops, narrow_loops)

}  // namespace tallow_nn::conv
