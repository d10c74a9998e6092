// Convolutions as matrix products: 1x1 kernels directly, everything in double through unfolded columns.
#pragma once
#include "conv/conv.hpp"

namespace tallow_nn::conv {

// For a pointwise shape. Each returns false where the layouts do not make it one matrix product per image (or in all).
bool matmul_forward(const Shape& s, View<const float> x, View<const float> w, const float* bias, View<float> y);
bool matmul_backward_data(const Shape& s, View<const float> dy, View<const float> w, View<float> dx);
bool matmul_backward_weights(const Shape& s, View<const float> x, View<const float> dy, View<float> dw);

}  // namespace tallow_nn::conv
