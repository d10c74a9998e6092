// The table of pointwise activations and their derivatives.
#pragma once
#include <cstdint>

#include <tallow/loops.hpp>

namespace tallow_nn {

//   X(name, what the params are)
#define TL_NN_ACTIVATIONS(X)                                     \
  X(gelu_erf, "")                                                \
  X(gelu_tanh, "")                                               \
  X(silu, "")                                                    \
  X(mish, "")                                                    \
  X(hardswish, "")                                               \
  X(hardsigmoid, "")                                             \
  X(hardtanh, "low, high")                                       \
  X(elu, "alpha, scale, input_scale")                            \
  X(leaky_relu, "slope")                                         \
  X(softplus, "beta, threshold")                                 \
  X(softshrink, "lambda")                                        \
  X(log_sigmoid, "")

enum class Activation : int64_t {
#define TL_NN_ENUMERATOR(name, params) name,
  TL_NN_ACTIVATIONS(TL_NN_ENUMERATOR)
#undef TL_NN_ENUMERATOR
  count
};

template <class T>
struct ActivationLoop {
  void (*forward)(const T* x, T* y, int64_t n, const double* params);
  void (*backward)(const T* dy, const T* x, T* dx, int64_t n, const double* params);
};

struct ActivationLoops {
  ActivationLoop<float> f32[static_cast<int64_t>(Activation::count)];
  ActivationLoop<double> f64[static_cast<int64_t>(Activation::count)];
};
TL_LOOPS(ActivationLoops, activation_loops)

}  // namespace tallow_nn
