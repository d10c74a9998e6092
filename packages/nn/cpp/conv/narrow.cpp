#include "conv/narrow.hpp"

#include <vector>

#include "conv/narrow_loops.hpp"
#include "conv/onednn.hpp"

namespace tallow_nn::conv {
namespace {

bool planes(const Strides& st, const Spatial& size) { return st[4] == 1 && st[3] == size[2]; }
int64_t whole_lanes(int64_t n) { return ceil_div(n, kNarrowLanes) * kNarrowLanes; }

bool suits(const Shape& s, const Strides& x, const Strides& y) {
  return flat(s) && s.groups == 1 && s.stride == Spatial{1, 1, 1} && s.dilation == Spatial{1, 1, 1} && s.kernel[2] > 1 && s.kernel[2] <= kNarrowWidest &&
         s.in_channels <= 2 && s.out_channels <= 16 && s.output[2] >= 8 && planes(x, s.input) && planes(y, s.output);
}

Narrow narrow(const Shape& s) {
  const int64_t row = whole_lanes(s.output[2]) + 2 * kNarrowLanes + kNarrowWidest;
  return {s.in_channels, s.kernel[1], s.kernel[2], s.output[1], s.output[2], row, row * (s.output[1] + s.kernel[1] - 1)};
}

// Copies an image's channels between zeros: into rows `row` long, as far as the kernel reaches.
void pad(const Shape& s, const Narrow& g, const float* image, int64_t channel, float* to) {
  std::fill_n(to, g.channels * g.plane, 0.f);
  const int64_t width = std::min(s.input[2], g.columns + g.kw - 1 - s.padding[2]);
  for (int64_t c = 0; c < g.channels; ++c)
    for (int64_t r = 0; r < g.rows + g.kh - 1; ++r)
      if (const int64_t from = r - s.padding[1]; from >= 0 && from < s.input[1] && width > 0)
        std::copy_n(image + c * channel + from * s.input[2], width, to + c * g.plane + r * g.row + s.padding[2]);
}

// Images that are worth a thread's attention.
int64_t images_per_piece(const Shape& s) { return std::max<int64_t>(1, static_cast<int64_t>(1e6 * static_cast<double>(s.batch) / s.flops())); }

}  // namespace

bool narrow_forward(const Shape& s, View<const float> x, View<const float> w, const float* bias, View<float> y) {
  if (!suits(s, x.strides, y.strides)) return false;
  const Narrow g = narrow(s);
  const int64_t blocks = ceil_div(s.out_channels, kNarrowOutputs), taps = g.channels * g.kh * g.kw;
  std::vector<float> weights(static_cast<size_t>(blocks * taps * kNarrowOutputs)), offsets(static_cast<size_t>(blocks * kNarrowOutputs));
  for (int64_t o = 0; o < s.out_channels; ++o) {
    float* to = weights.data() + o / kNarrowOutputs * taps * kNarrowOutputs + o % kNarrowOutputs;
    for (int64_t c = 0; c < g.channels; ++c)
      for (int64_t i = 0; i < g.kh; ++i)
        for (int64_t j = 0; j < g.kw; ++j, to += kNarrowOutputs) *to = w.data[o * w.strides[0] + c * w.strides[1] + i * w.strides[3] + j * w.strides[4]];
    if (bias) offsets[static_cast<size_t>(o)] = bias[o];
  }
  tl::parallel_for(0, s.batch, images_per_piece(s), [&](int64_t begin, int64_t end) {
    Buffer room(static_cast<size_t>(g.channels * g.plane) * sizeof(float));
    for (int64_t n = begin; n < end; ++n) {
      pad(s, g, x.data + n * x.strides[0], x.strides[1], room.floats());
      for (int64_t b = 0; b < blocks; ++b)
        narrow_loops().forward(g, room.floats(), weights.data() + b * taps * kNarrowOutputs, offsets.data() + b * kNarrowOutputs,
                               std::min(kNarrowOutputs, s.out_channels - b * kNarrowOutputs),
                               y.data + n * y.strides[0] + b * kNarrowOutputs * y.strides[1], y.strides[1]);
    }
  });
  return true;
}

bool narrow_backward_weights(const Shape& s, View<const float> x, View<const float> dy, View<float> dw) {
  if (!suits(s, x.strides, dy.strides)) return false;
  const Narrow g = narrow(s);
  const int64_t blocks = ceil_div(s.out_channels, kNarrowGrads), per_block = g.channels * g.kh * kNarrowGrads * g.kw * kNarrowLanes;
  const int64_t width = whole_lanes(g.columns), out = g.rows * width, size = blocks * per_block;
  const int64_t each = std::max(images_per_piece(s), ceil_div(s.batch, 16)), pieces = ceil_div(s.batch, each);
  Buffer partial(static_cast<size_t>(pieces * size) * sizeof(float));
  tl::parallel_for(0, pieces, 1, [&](int64_t first, int64_t last) {
    Buffer room(static_cast<size_t>(g.channels * g.plane) * sizeof(float)), grads(static_cast<size_t>(blocks * kNarrowGrads * out) * sizeof(float));
    std::fill_n(grads.floats(), blocks * kNarrowGrads * out, 0.f);
    for (int64_t p = first; p < last; ++p) {
      float* sums = partial.floats() + p * size;
      std::fill_n(sums, size, 0.f);
      for (int64_t n = p * each; n < std::min(s.batch, (p + 1) * each); ++n) {
        pad(s, g, x.data + n * x.strides[0], x.strides[1], room.floats());
        for (int64_t o = 0; o < s.out_channels; ++o)
          for (int64_t r = 0; r < g.rows; ++r)
            std::copy_n(dy.data + n * dy.strides[0] + o * dy.strides[1] + r * g.columns, g.columns, grads.floats() + o * out + r * width);
        for (int64_t b = 0; b < blocks; ++b) narrow_loops().weights(g, room.floats(), grads.floats() + b * kNarrowGrads * out, out, sums + b * per_block);
      }
    }
  });
  // The lanes of all pieces, in order.
  for (int64_t o = 0; o < s.out_channels; ++o)
    for (int64_t c = 0; c < g.channels; ++c)
      for (int64_t i = 0; i < g.kh; ++i)
        for (int64_t j = 0; j < g.kw; ++j) {
          const int64_t at = o / kNarrowGrads * per_block + (((c * g.kh + i) * kNarrowGrads + o % kNarrowGrads) * g.kw + j) * kNarrowLanes;
          float total = 0;
          for (int64_t p = 0; p < pieces; ++p)
            for (int64_t l = 0; l < kNarrowLanes; ++l) total += partial.floats()[p * size + at + l];
          dw.data[o * dw.strides[0] + c * dw.strides[1] + i * dw.strides[3] + j * dw.strides[4]] = total;
        }
  return true;
}

}  // namespace tallow_nn::conv
