// Loops over pieces of gradients, compiled per instruction set.
#pragma once
#include <tallow/loops.hpp>

namespace tallow_nn {

struct MultiTensorLoops {
  double (*squares_float)(const float* x, int64_t n);  // the sum of the squares
  double (*squares_double)(const double* x, int64_t n);
  void (*scale_float)(float* x, float factor, int64_t n);
  void (*scale_double)(double* x, double factor, int64_t n);
};
TL_LOOPS(MultiTensorLoops, multi_tensor_loops)

}  // namespace tallow_nn
