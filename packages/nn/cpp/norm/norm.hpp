// The parts of the family that norm.cpp registers, and what they share.
#pragma once
#include <span>

#include "layout.hpp"

namespace tallow_nn {

void register_batch_norm();
void register_group_norm();
void register_layer_norm();

// What the ops behind the public ones are called with: a wrong number of elements would be read past its end.
inline void require_elements(const char* op, const char* name, const tl::Tensor& t, int64_t wanted) {
  if (t) require(t.numel() == wanted, op, ": ", name, " should contain ", wanted, " elements not ", t.numel());
}
inline void require_same_sizes(const char* op, const tl::Tensor& dy, const tl::Tensor& x) {
  require(std::ranges::equal(dy.sizes(), x.sizes()), op, ": a gradient of shape ", tl::to_string(dy.sizes()), " for an input of shape ",
          tl::to_string(x.sizes()));
}

// A parameter or statistic in the compute dtype, contiguous; null stays null.
inline tl::Tensor as_parameter(const tl::Tensor& t, TlDtype compute) { return t ? cast(as_compute(t), compute) : t; }
template <class T> T* data_or_null(const tl::Tensor& t) { return t ? t.data<T>() : nullptr; }

}  // namespace tallow_nn
