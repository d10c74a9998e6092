// Convolution on raw memory, in one, two or three dimensions.
//
// Work is cut into pieces by shape (images, blocks of channels), each piece runs on one thread, and partial sums are
// added in the order of the pieces: the same bits for any number of threads.
#pragma once
#include <array>
#include <cstdint>

namespace tallow_nn::conv {

using Spatial = std::array<int64_t, 3>;
using Strides = std::array<int64_t, 5>;  // batch (or output channel), channel, spatial

// One- and two-dimensional problems are three-dimensional ones with leading extents of 1.
struct Shape {
  int64_t batch = 1, in_channels = 1, out_channels = 1, groups = 1;
  Spatial input{1, 1, 1}, kernel{1, 1, 1}, output{1, 1, 1};
  Spatial stride{1, 1, 1}, dilation{1, 1, 1}, padding{0, 0, 0};  // padding on the low side; `output` fixes the other one

  bool operator==(const Shape&) const = default;
  int64_t in_per_group() const { return in_channels / groups; }
  int64_t out_per_group() const { return out_channels / groups; }
  int64_t kernel_size() const { return kernel[0] * kernel[1] * kernel[2]; }
  int64_t input_size() const { return input[0] * input[1] * input[2]; }
  int64_t output_size() const { return output[0] * output[1] * output[2]; }
  // A matrix product in disguise.
  bool pointwise() const { return kernel_size() == 1 && stride == Spatial{1, 1, 1} && input == output && groups == 1; }
  double flops() const { return 2.0 * batch * out_channels * output_size() * in_per_group() * kernel_size(); }
};

// x is (N, C, spatial), w is (O, C/groups, spatial), y is (N, O, spatial): memory and the strides of each dimension.
template <class T>
struct View {
  T* data;
  Strides strides;
};
Strides contiguous_strides(int64_t outer, int64_t channels, const Spatial& spatial);
Strides channels_last_strides(int64_t outer, int64_t channels, const Spatial& spatial);

// y = conv(x, w) + bias; bias may be null.
void forward(const Shape& s, View<const float> x, View<const float> w, const float* bias, View<float> y);
// dx = the gradient of x. As a forward function this is the transposed convolution.
void backward_data(const Shape& s, View<const float> dy, View<const float> w, View<float> dx);
// dw = the gradient of w.
void backward_weights(const Shape& s, View<const float> x, View<const float> dy, View<float> dw);

// double: by matrix products; everything contiguous.
void forward(const Shape& s, const double* x, const double* w, const double* bias, double* y);
void backward_data(const Shape& s, const double* dy, const double* w, double* dx);
void backward_weights(const Shape& s, const double* x, const double* dy, double* dw);

// Integers, modulo 2^64; everything contiguous. They have no gradient; backward_data serves the transposed convolution.
void forward(const Shape& s, const int64_t* x, const int64_t* w, const int64_t* bias, int64_t* y);
void backward_data(const Shape& s, const int64_t* dy, const int64_t* w, int64_t* dx);

}  // namespace tallow_nn::conv
