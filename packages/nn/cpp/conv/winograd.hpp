// 3x3 convolutions of stride one with fewer multiplications (Winograd's minimal filtering).
#pragma once
#include "conv/conv.hpp"

namespace tallow_nn::conv {

// Each returns false where the shape or the layouts do not suit it; then nothing was done.
bool winograd_forward(const Shape& s, View<const float> x, View<const float> w, const float* bias, View<float> y);
bool winograd_backward_data(const Shape& s, View<const float> dy, View<const float> w, View<float> dx);
bool winograd_backward_weights(const Shape& s, View<const float> x, View<const float> dy, View<float> dw);

}  // namespace tallow_nn::conv
