// The losses of element.cpp, for those that begin with them.
#pragma once
#include "loss/loss.hpp"

namespace tallow_nn::loss {

// Whether both are of one floating dtype and one shape, in memory that loops can read. Other inputs take core's ops.
bool in_one_pass(const tl::Tensor& x, const tl::Tensor& t);

void register_element();

}  // namespace tallow_nn::loss
