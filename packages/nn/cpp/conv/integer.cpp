// Convolution of integers: rare, so plain loops over the taps of the kernel, in the order of memory.
#include <algorithm>

#include <tallow/tallow.hpp>

#include "conv/conv.hpp"

namespace tallow_nn::conv {
namespace {

// Calls f(output offset, input offset, weight offset) for every product that one image and one output channel need.
template <class F>
void each_product(const Shape& s, int64_t out_channel, F&& f) {
  const int64_t group = out_channel / s.out_per_group();
  for (int64_t c = 0; c < s.in_per_group(); ++c)
    for (int64_t tap = 0; tap < s.kernel_size(); ++tap) {
      const int64_t k[3] = {tap / (s.kernel[1] * s.kernel[2]), tap / s.kernel[2] % s.kernel[1], tap % s.kernel[2]};
      const int64_t weight = (out_channel * s.in_per_group() + c) * s.kernel_size() + tap;
      for (int64_t o = 0; o < s.output_size(); ++o) {
        const int64_t at[3] = {o / (s.output[1] * s.output[2]), o / s.output[2] % s.output[1], o % s.output[2]};
        int64_t in = (group * s.in_per_group() + c);
        bool inside = true;
        for (int d = 0; d < 3; ++d) {
          const int64_t i = at[d] * s.stride[d] + k[d] * s.dilation[d] - s.padding[d];
          inside &= i >= 0 && i < s.input[d];
          in = in * s.input[d] + i;
        }
        if (inside) f(out_channel * s.output_size() + o, in, weight);
      }
    }
}

uint64_t product(int64_t a, int64_t b) { return static_cast<uint64_t>(a) * static_cast<uint64_t>(b); }
void add_to(int64_t& sum, uint64_t term) { sum = static_cast<int64_t>(static_cast<uint64_t>(sum) + term); }

}  // namespace

void forward(const Shape& s, const int64_t* x, const int64_t* w, const int64_t* bias, int64_t* y) {
  const int64_t in = s.in_channels * s.input_size(), out = s.output_size();
  tl::parallel_for(0, s.batch * s.out_channels, 1, [&](int64_t b, int64_t e) {
    for (int64_t i = b; i < e; ++i) {
      const int64_t n = i / s.out_channels, o = i % s.out_channels;
      const int64_t* image = x + n * in;
      int64_t* to = y + n * s.out_channels * out;
      std::fill_n(to + o * out, out, bias ? bias[o] : 0);
      each_product(s, o, [&](int64_t at, int64_t from, int64_t weight) { add_to(to[at], product(image[from], w[weight])); });
    }
  });
}

void backward_data(const Shape& s, const int64_t* dy, const int64_t* w, int64_t* dx) {
  const int64_t in = s.in_channels * s.input_size(), out = s.out_channels * s.output_size();
  tl::parallel_for(0, s.batch, 1, [&](int64_t b, int64_t e) {
    for (int64_t n = b; n < e; ++n) {
      const int64_t* image = dy + n * out;
      int64_t* to = dx + n * in;
      std::fill_n(to, in, int64_t{0});
      for (int64_t o = 0; o < s.out_channels; ++o)
        each_product(s, o, [&](int64_t at, int64_t from, int64_t weight) { add_to(to[from], product(image[at], w[weight])); });
    }
  });
}

}  // namespace tallow_nn::conv
