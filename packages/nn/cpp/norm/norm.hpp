// The parts of the family that norm.cpp registers, and what they share.
#pragma once
#include <span>

#include "layout.hpp"

namespace tallow_nn {

void register_batch_norm();
void register_group_norm();
void register_layer_norm();

// A parameter or statistic in the compute dtype, contiguous; null stays null.
inline tl::Tensor as_parameter(const tl::Tensor& t, TlDtype compute) { return t ? cast(as_compute(t), compute) : t; }
template <class T> T* data_or_null(const tl::Tensor& t) { return t ? t.data<T>() : nullptr; }

}  // namespace tallow_nn
