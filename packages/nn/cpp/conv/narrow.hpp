// Convolutions of few channels by their definition.
#pragma once
#include "conv/conv.hpp"

namespace tallow_nn::conv {

// Each returns false where the shape or the layouts do not suit it; then nothing was done.
bool narrow_forward(const Shape& s, View<const float> x, View<const float> w, const float* bias, View<float> y);
bool narrow_backward_weights(const Shape& s, View<const float> x, View<const float> dy, View<float> dw);

}  // namespace tallow_nn::conv
